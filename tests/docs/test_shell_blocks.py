"""The shell blocks of the README and the tutorial work, in their order, and print what the pages show."""

from pathlib import Path

import pytest

from tests.docs.shell_blocks import PAGES, ROOT, Block, blocks, matched, shell

# Why a block is not run here, and how many there may be: what is not run can go wrong unseen.
SKIPPED = {
    ROOT / "README.md": ["played by tests/cli/test_demo.py", "installs from the network", "the real game"],
    ROOT / "docs" / "tutorial.md": [],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_left_out_for_known_reasons_only(page: Path) -> None:
    reasons = [block.skip for block in blocks(page) if block.skip]
    assert [reason.partition(",")[0].partition(";")[0] for reason in reasons] == SKIPPED[page]
    assert page.read_text().count("```sh\n") == len(blocks(page))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_work_and_print_what_is_shown(tmp_path: Path, page: Path) -> None:
    run = [block for block in blocks(page) if not block.skip]
    assert run
    with shell(tmp_path) as opened:
        for block in run:
            printed = opened.run(block)
            matched(block.shown or "", printed)


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    with shell(tmp_path) as opened, pytest.raises(AssertionError, match="failed"):
        opened.run(Block(ROOT / "README.md", "spacetraders experiment status --run-id none\ntrue\n", None, None))


@pytest.mark.parametrize("shown", ["Progress: 3/3 trades", "State: FAILED", "State: COMPLETED\nProgress: 1/1 pairs"])
def test_output_that_differs_is_seen(shown: str) -> None:
    printed = "Progress: 12/12 pairs\nState: COMPLETED\n"
    assert matched("Progress: 3/3 pairs\n...\n", printed) == ["Progress: 12/12 pairs", "..."]
    with pytest.raises(AssertionError):
        matched(shown, printed)
