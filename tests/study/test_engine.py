"""Replications anywhere: the seed alone decides what comes out, and nothing that is done is done again."""

import os
import socket
import sqlite3
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design
from spacetraders_lab.study.engine import check_scheduler, play_missing
from spacetraders_lab.study.replicate import Study, replicate
from spacetraders_lab.study.results import Results, open_results
from spacetraders_lab.study.worlds import BASE

STUDY = Study(BASE, Design((1.0,), 2), transactions=30)
SEEDS = range(1, 7)


def rows(study: Study, seed: int) -> bytes:
    """The rows, and on a line of its own the process that played them."""
    return msgspec.json.encode(replicate(study, seed).rows) + b"\n%d" % os.getpid()


def split(found: list[bytes]) -> tuple[list[bytes], set[int]]:
    both = [one.split(b"\n") for one in found]
    return [rows for rows, _ in both], {int(pid) for _, pid in both}


def whose(seed: int) -> bytes:
    return b"%d %d" % (seed, os.getpid())


def unlucky(seed: int) -> bytes:
    if seed == 4:
        raise KeyboardInterrupt
    return whose(seed)


@pytest.fixture
def results(tmp_path: Path):
    with open_results(tmp_path / "study.db") as opened:
        yield opened


def test_a_pool_makes_the_same_rows_as_one_process_in_others(results: Results):
    alone, here = split(play_missing("alone", partial(rows, STUDY), SEEDS, results))
    pool, there = split(play_missing("pool", partial(rows, STUDY), SEEDS, results, jobs=2))
    assert pool == alone
    assert len(set(alone)) == len(SEEDS)
    assert here == {os.getpid()} and os.getpid() not in there


def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path: Path):
    path = tmp_path / "study.db"
    with open_results(path) as results, pytest.raises(KeyboardInterrupt):
        play_missing("s", unlucky, SEEDS, results)
    done: list[int] = []
    with open_results(path) as results:
        assert results.missing("s", SEEDS) == [4, 5, 6]
        found = play_missing("s", whose, SEEDS, results, on_result=done.append)
    assert done == [4, 5, 6]
    assert [int(result.split()[0]) for result in found] == list(SEEDS)


def test_a_result_is_kept_once_for_its_study_and_seed(results: Results):
    results.add("s", 1, b"first")
    results.add("s", 1, b"second")
    results.add("t", 1, b"another study")
    assert results.of("s", [1, 2]) == [b"first"]
    assert results.missing("s", [1, 2]) == [2]


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("This is no database. " * 100)
    before = path.read_bytes()
    with pytest.raises(UserError, match="--results"), open_results(path):
        pass
    assert path.read_bytes() == before
    with pytest.raises(UserError, match="--results"), open_results(tmp_path / "no" / "such" / "folder.db"):
        pass


def test_a_file_that_another_process_writes_to_is_waited_for(tmp_path: Path):
    path = tmp_path / "study.db"
    with open_results(path) as one, open_results(path) as other:
        one.add("s", 1, b"one")
        other.add("s", 2, b"other")
        assert one.of("s", [1, 2]) == [b"one", b"other"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_dask_cluster_of_two_workers_makes_the_same_rows(results: Results):
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        found = play_missing("dask", partial(rows, STUDY), SEEDS, results, dask=cluster.scheduler_address)
    dask, there = split(found)
    assert dask == split([rows(STUDY, seed) for seed in SEEDS])[0]
    assert os.getpid() not in there


def test_a_scheduler_that_answers_is_found_and_a_worker_is_none():
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with distributed.LocalCluster(
        n_workers=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        check_scheduler(cluster.scheduler_address)
        (worker,) = cluster.workers.values()
        with pytest.raises(UserError, match="there is a Worker"):
            check_scheduler(worker.worker_address)


@pytest.mark.parametrize("address", ["nonsense", "", "tcp://", "http://127.0.0.1:8786", "tcp://127.0.0.1:x"])
def test_what_is_no_address_is_refused_without_waiting(address: str, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    monkeypatch.setattr("spacetraders_lab.study.engine.SCHEDULER_SECONDS", 60.0)
    with pytest.raises(UserError, match=f"--dask {address!r}: (?!no answer).*as in tcp://host:8786") as refused:
        check_scheduler(address)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("listens", [True, False])
def test_who_does_not_answer_is_named_soon(listens: bool, monkeypatch: pytest.MonkeyPatch):
    """A client would wait for ever for one that takes the call and says nothing."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    monkeypatch.setattr("spacetraders_lab.study.engine.SCHEDULER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        with pytest.raises(UserError, match=rf"--dask 'tcp://127\.0\.0\.1:{port}': no answer within 0\.3 seconds"):
            check_scheduler(f"tcp://127.0.0.1:{port}")


def test_without_the_extra_the_user_learns_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'spacetraders-lab\[dask\]'"):
        check_scheduler("tcp://127.0.0.1:8786")
