# Everything a newcomer types. Needs Python 3.11 or newer and make; everything else is fetched by name.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The suite starts hundreds of processes; without bytecode each of them would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev

.PHONY: help setup check test demo docs validate soak bench bench-full lock clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) ## Create .venv with everything for running, checking and testing

demo: $(RUN_STAMP) ## Run a small liquidity experiment against a local game server (no token, no network)
	@$(BIN)/spacetraders demo

check: $(DEV_STAMP) ## Format, lint, types, and the rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: $(DEV_STAMP) ## Run every test
	$(BIN)/python -m pytest -n 3 --dist worksteal

validate: $(DEV_STAMP) ## Hold estimators and designs against known truths (an hour); JOBS= and SCALE= choose how much
	$(BIN)/python -m spacetraders_lab.study.validate --results .validation.db --jobs $(or $(JOBS),2) --scale $(or $(SCALE),1)

docs: $(DEV_STAMP) ## Remake the pages of the reference from the program
	$(BIN)/python -m tools.reference

soak: $(DEV_STAMP) ## Play ten thousand lives of a run full of faults (hours); FIRST= and LAST= choose the seeds
	$(BIN)/python -m tests.guarantees.simulation $(or $(FIRST),0) $(or $(LAST),9999)
	$(BIN)/python -m tests.guarantees.lives $(or $(FIRST),0) $(or $(LAST),9999)

bench: $(DEV_STAMP) ## Measure speed (half an hour) and write docs/performance.md; TOPICS= chooses
	$(BIN)/python -m bench $(TOPICS)

bench-full: $(DEV_STAMP) ## The same to 500,000 transactions and a million rows (an hour and more)
	$(BIN)/python -m bench --full $(TOPICS)

lock: .tools/bin/uv ## Remake the lock files from pyproject.toml
	.tools/bin/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -q pyproject.toml -o requirements.lock
	.tools/bin/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -q --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

clean: ## Remove the environments and what the demo left
	rm -rf $(VENV) .tools lab-demo dist

$(RUN_STAMP): requirements.lock pyproject.toml
	@sh tools/install.sh "$(PYTHON)" "$(VENV)" requirements.lock
	@touch $@

$(DEV_STAMP): requirements-dev.lock pyproject.toml
	@sh tools/install.sh "$(PYTHON)" "$(VENV)" requirements-dev.lock
	@touch $@ $(RUN_STAMP)

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv
