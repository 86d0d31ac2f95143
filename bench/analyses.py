"""What the analysis and the export of a run cost, from a thousand rows to a million."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, cpu_seconds
from bench.long_run import long_run
from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.dataset import dataset_from_columns
from spacetraders_lab.analysis.observations import observations_from_columns
from spacetraders_lab.store.export import as_columns, load_runs, select_run, write
from spacetraders_lab.study.rig import Rig

SIZES = (1_000, 10_000, 100_000)
LARGEST = 1_000_000


def measure(full: bool = False) -> list[Figure]:
    """Reading, analysing and exporting runs of growing length; with `full` to a million rows."""
    figures: list[Figure] = []
    first: dict[str, float] = {}
    for size in (*SIZES, LARGEST) if full else SIZES:
        with long_run(size) as (rig, run_id, rows):
            for what, seconds in _costs(rig, run_id).items():
                each = 1e6 * seconds / rows
                first.setdefault(what, each)
                beside = f"{first[what]:.0f} µs a row of the shortest run"
                measured = f"{seconds:.2f} s CPU, {each:.1f} µs a row"
                figures.append(Figure(f"{what} {rows:,} rows", measured, beside, f"{each / first[what]:.2f}×"))
    return figures


def _costs(rig: Rig, run_id: str) -> dict[str, float]:
    """CPU seconds of each step that a report takes."""
    reading, trades = cpu_seconds(lambda: as_columns(load_runs(rig.database, [run_id])))
    seen = as_columns(load_runs(rig.database, [run_id], "observations"))
    analysing, _ = cpu_seconds(lambda: analyse(dataset_from_columns(trades), observations_from_columns(seen)))
    with TemporaryDirectory() as folder:
        export = select_run(rig.database, run_id, "transactions")
        exporting, _ = cpu_seconds(lambda: write(export, "parquet", Path(folder) / "run.parquet"))
    return {"reading": reading, "analysing": analysing, "exporting (Parquet)": exporting}
