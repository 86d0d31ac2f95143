"""Holds what the lab remembers of a run that has ended against what the game did, and says what of it is broken."""

from collections import Counter
from collections.abc import Iterator

from spacetraders_lab.core.experiment import ExperimentRun, QueueStatus
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.study.books import Books

_KINDS = {Operation.BUY: "PURCHASE", Operation.SELL: "SELL"}


def violations(books: Books, run: ExperimentRun) -> list[str]:
    """Everything that no run may leave behind, in words; nothing when all is well."""
    return [
        *stuck(books, run),
        *ledger_gaps(books, run),
        *cells(books, run),
        *planned(books, run),
        *left_open(books, run),
    ]


def ledger_gaps(books: Books, *runs: ExperimentRun) -> Iterator[str]:
    """Trades without a row, and rows without a trade."""
    rows = Counter(
        (r.ship_symbol, _KINDS[r.operation], r.good_symbol, r.units, r.total_credits)
        for run in runs
        for r in books.records(run)
    )
    trades = Counter((e.ship_symbol, e.kind, e.good, e.units, e.total) for e in books.ledger("PURCHASE", "SELL"))
    yield from (f"{count} trade(s) without a row: {trade}" for trade, count in (trades - rows).items())
    yield from (f"{count} row(s) without a trade: {row}" for row, count in (rows - trades).items())


def stuck(books: Books, run: ExperimentRun) -> Iterator[str]:
    """Pairs that have not ended, or failed for no reason."""
    counts = books.counts(run)
    for status in (QueueStatus.PENDING, QueueStatus.CLAIMED):
        if counts.get(status):
            yield f"{counts[status]} pairs are stuck {status}"
    yield from (f"{pair} failed without a reason" for pair, reason in books.errors(run).items() if not reason)


def planned(books: Books, run: ExperimentRun) -> Iterator[str]:
    """Every planned trade has a row that was executed or a row that was skipped, exactly."""
    found = books.read(lambda c: attrition(c, run.run_id))
    if found.pending:
        yield f"{found.planned} trades were planned, {found.executed} executed, skipped: {found.skipped}"


def cells(books: Books, run: ExperimentRun) -> Iterator[str]:
    """Every completed pair of a literal grid has each of its cells bought once and sold wholly, in its last take."""
    if not run.design.is_literal:
        return
    pairs = books.rows(
        "SELECT pair_id, take FROM experiment_work_queue WHERE run_id = :run AND status = 'COMPLETED'", run=run.run_id
    )
    records = books.records(run)
    for pair in pairs:
        bought: Counter[tuple[float, int]] = Counter()
        units: Counter[tuple[float, int]] = Counter()
        for r in records:
            if (r.pair_id, r.take) == (pair["pair_id"], pair["take"]) and r.batch_size_fraction is not None:
                sign = 1 if r.operation is Operation.BUY else -1
                bought[r.batch_size_fraction, r.iteration] += sign == 1
                units[r.batch_size_fraction, r.iteration] += sign * r.units
        if bought != Counter(run.design.cells):
            yield f"{pair['pair_id']} is completed with the cells {dict(bought)}"
        if any(units.values()):
            yield f"{pair['pair_id']} is completed with unsold cells {dict(units)}"


def left_open(books: Books, run: ExperimentRun) -> Iterator[str]:
    """An intent without an end, cargo in a hold, money that is counted wrongly."""
    if books.rows("SELECT 1 FROM experiment_intents WHERE state = 'OPEN'"):
        yield "an intent is unresolved"
    for ship in books.fleet:
        aboard = {good: units for good, units in books.universe.ships[ship].hold.items() if units}
        if aboard:
            yield f"{ship} is stranded with {aboard}"
    counted, summed = books.read(lambda c: (Budget(c, run.run_id).outlay(), Budget(c, run.run_id).net_spent()))
    if counted != summed:
        yield f"the running sum of the outlay is {counted}, summed anew it is {summed}"
