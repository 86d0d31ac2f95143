"""Plays the whole validation and writes what came of it: `make validate`, or

    python -m spacetraders_lab.study.validate [--scale 1.0] [--jobs N] [--results FILE] [--out docs/validation.md]

Interrupted, it goes on where it stopped when it is given the same results file and the same program.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from spacetraders_lab.analysis.analyse import measure_impact
from spacetraders_lab.analysis.dataset import dataset_of
from spacetraders_lab.analysis.metaorders import combine_quotes, metaorders_of
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.study.engine import play_missing
from spacetraders_lab.study.replicate import Allocator, Study, replicate
from spacetraders_lab.study.results import Results, open_results
from spacetraders_lab.study.score import Score
from spacetraders_lab.study.simulation import play_one, simulate, study_key
from spacetraders_lab.study.summary import measured, performance
from spacetraders_lab.study.traces import Trace, needed_for_the_same, needed_on_average, traces
from spacetraders_lab.study.validation import ADAPTIVE_TRANSACTIONS, VISITS, Plan, Verdict, judge, plans
from spacetraders_lab.study.validation_page import page
from spacetraders_lab.study.whole_stack import SURVEY, WholeRun, run_whole_stack
from spacetraders_lab.study.worlds import BASE

WHOLE_RUNS = 20
COMPARED = 20  # replications in which designs are compared by the transactions that they need
MOST_TRANSACTIONS = 2_400


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, judge, write; returns 0 when every goal that could be judged was reached, else 1."""
    options = _options(arguments)
    logging.disable(logging.CRITICAL)  # hundreds of runs would say what they do
    with open_results(options.results) as results:
        found = {plan.name: _play(plan, options, results) for plan in plans()}
        compared = _compare(options, results)
        whole = _whole_stack(options, results)
        fast = _play(Plan("the same by the fast path", Study(BASE, SURVEY), WHOLE_RUNS), options, results)
    verdicts = [*judge(found), *_by_transactions(compared), *_whole(whole, fast), _reproducible(), _quick()]
    text = page(found, sorted(verdicts, key=lambda verdict: int(verdict.code[1:])), options.scale)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(verdict.passed is False for verdict in verdicts) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Validate estimators and designs against known truths.")
    parser.add_argument("--scale", type=float, default=1.0, help="this share of the replications")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--results", type=Path, default=None, help="keep results here, and go on with them")
    parser.add_argument("--out", type=Path, default=Path("docs/validation.md"), help="the page that is written")
    return parser.parse_args(arguments)


def _seeds(replications: int, options: argparse.Namespace, first: int = 1) -> range:
    return range(first, first + max(2, round(replications * options.scale)))


def _play(plan: Plan, options: argparse.Namespace, results: Results) -> list[Score]:
    with _Progress(plan.name) as step:
        seeds = _seeds(plan.replications, options, plan.first_seed)
        return simulate(plan.study, seeds, results, jobs=options.jobs, on_result=step)


def _compare(options: argparse.Namespace, results: Results) -> dict[str, list[Trace]]:
    """Traces of the grid, of random pairs and of the adaptive design over the same seeds."""
    seeds = _seeds(COMPARED, options)
    studies = {
        "grid": (Study(BASE, Design()), None),
        "random": (Study(BASE, VISITS, MOST_TRANSACTIONS, allocator=Allocator.RANDOM), 60),
        "adaptive": (Study(BASE, VISITS, MOST_TRANSACTIONS), 60),
    }
    found = {}
    for name, (study, every) in studies.items():
        with _Progress(f"trace of {name}") as step:
            found[name] = traces(study, seeds, results, step=every, jobs=options.jobs, on_result=step)
    return found


def _whole_stack(options: argparse.Namespace, results: Results) -> list[WholeRun]:
    seeds = _seeds(WHOLE_RUNS, options)
    key = f"whole stack {study_key(Study(BASE, SURVEY))}"
    with _Progress("whole stack") as step:
        found = play_missing(key, partial(_whole_run, BASE.name), seeds, results, jobs=options.jobs, on_result=step)
    return [msgspec.json.decode(one, type=WholeRun) for one in found]


def _whole_run(world: str, seed: int) -> bytes:
    logging.disable(logging.CRITICAL)
    assert world == BASE.name
    return msgspec.json.encode(run_whole_stack(BASE, seed))


def _by_transactions(found: dict[str, list[Trace]]) -> list[Verdict]:
    same = needed_for_the_same(found["grid"], found["adaptive"])
    verdicts = [
        Verdict(
            "V7",
            "transactions until as many cells are known as the grid knows at its end",
            "at least 10 times fewer",
            f"{same[0]:,.0f} grid, {same[1]:,.0f} adaptive: {same[0] / same[1]:.1f} times" if same else "never reached",
            same is not None and same[0] >= 10 * same[1],
        )
    ]
    needed = {name: needed_on_average(found[name], 0.8) for name in ("adaptive", "random")}
    adaptive, random = needed["adaptive"], needed["random"]
    said = {name: "never" if count is None else f"{count:,}" for name, count in needed.items()}
    ratio = adaptive / random if adaptive is not None and random is not None else None
    is_better = adaptive is not None and (ratio is None or ratio <= 0.85)
    most = f"{MOST_TRANSACTIONS:,}"
    verdicts.append(
        Verdict(
            "V8",
            f"transactions until 80 % of the cells are known on average, adaptive over random (of {most})",
            "at most 0.85",
            f"adaptive {said['adaptive']}, random {said['random']}" + (f": {ratio:.2f}" if ratio else ""),
            is_better if adaptive is not None or random is not None else None,
        )
    )
    return verdicts


def _whole(whole: Sequence[WholeRun], fast: Sequence[Score]) -> list[Verdict]:
    """V12 and V14 from the whole stack, and whether the fast path tells the same of the same design and worlds."""
    rows = sum(run.score.transactions for run in whole)
    shared, unaccounted = sum(run.shared for run in whole), sum(abs(run.unaccounted) for run in whole)
    there, here = performance([run.score for run in whole], measured), performance(fast, measured)
    assert there is not None and here is not None
    apart = abs(there.coverage.value - here.coverage.value)
    there_as_well = f"in these {len(whole)} runs"
    spread = (there.coverage.error**2 + here.coverage.error**2) ** 0.5
    return [
        Verdict(
            "V1",
            f"in {len(whole)} runs of the whole program they hold the truth as often as in the fast simulation",
            "within two standard errors",
            f"{100 * there.coverage.value:.1f} % against {100 * here.coverage.value:.1f} % (± {100 * spread:.1f}); "
            f"bias {100 * there.bias:+z.1f} % against {100 * here.bias:+z.1f} %",
            apart <= 2 * spread,
        ),
        Verdict(
            "V12",
            f"trades of a listing between two readings of another ship, {there_as_well}",
            "exactly 0",
            f"{shared} of {rows:,}",
            shared == 0,
        ),
        Verdict(
            "V14",
            f"planned = executed + skipped, {there_as_well}",
            "exact",
            f"{unaccounted} unaccounted for",
            unaccounted == 0,
        ),
    ]


def _reproducible() -> Verdict:
    """V11: a replication played here and in a process of its own."""
    study = Study(BASE, VISITS, 120)
    with open_results(None) as results:
        here = [play_one(study, seed) for seed in (1, 2)]
        there = play_missing("again", partial(play_one, study), (1, 2), results, jobs=2)
    return Verdict(
        "V11",
        "the same seed gives the same plan, rows and estimates in two processes",
        "identical bytes",
        "identical" if here == there else "different",
        here == there,
    )


def _quick() -> Verdict:
    """V13: the estimator by cell on 1,500 transactions, the fastest of three."""
    rows = replicate(Study(BASE, VISITS, ADAPTIVE_TRANSACTIONS, allocator=Allocator.RANDOM), 1).rows
    data = dataset_of(rows)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        measure_impact(data, combine_quotes(metaorders_of(data)), 0.0)
        seconds.append(time.process_time() - begun)
    return Verdict(
        "V13",
        f"CPU time of a fit of {len(rows):,} transactions",
        "below 2 s",
        "well below" if min(seconds) < 0.5 else f"{min(seconds):.1f} s",
        min(seconds) < 2,
    )


class _Progress:
    """Says on standard error how far a study is."""

    def __init__(self, name: str) -> None:
        self._name, self._done, self._begun = name, 0, time.monotonic()

    def __enter__(self) -> Callable[[int], None]:
        return self._step

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._begun
        print(f"\r{self._name}: {self._done} played in {seconds:.0f} s        ", file=sys.stderr, flush=True)

    def _step(self, _: int) -> None:
        self._done += 1
        print(f"\r{self._name}: {self._done}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
