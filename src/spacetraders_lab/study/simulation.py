"""A study as a whole: its replications played, scored and kept, here or elsewhere, now or when it goes on."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec

import spacetraders_lab
from spacetraders_lab.study.engine import play_missing
from spacetraders_lab.study.replicate import Study, replicate
from spacetraders_lab.study.results import Results
from spacetraders_lab.study.score import Score, score


def simulate(
    study: Study,
    seeds: Sequence[int],
    results: Results,
    *,
    jobs: int = 1,
    dask: str | None = None,
    on_result: Callable[[int], None] = lambda seed: None,
) -> list[Score]:
    """The scores of these replications, in the order of the seeds; what `results` has is not computed again."""
    task = partial(play_one, study)
    found = play_missing(study_key(study), task, seeds, results, jobs=jobs, dask=dask, on_result=on_result)
    return [msgspec.json.decode(one, type=Score) for one in found]


def play_one(study: Study, seed: int) -> bytes:
    """One replication, played and scored."""
    return msgspec.json.encode(score(replicate(study, seed), study.world.settings_of(seed)))


def study_key(study: Study) -> str:
    """What results are kept under: the study and the program that plays it, for another program may play otherwise."""
    return hashlib.sha256(f"{_program()} {study!r}".encode()).hexdigest()


@cache
def _program() -> str:
    """A hash of the whole source of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(spacetraders_lab.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
