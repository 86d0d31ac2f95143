"""Plays replications wherever there is room: in this process, in a pool of processes, or on a Dask cluster.

Whoever computes a replication, its seed alone decides what comes out. Every result is kept as soon as it is there.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.study.results import Results

SCHEDULER_SECONDS = 3.0  # to answer

Task = Callable[[int], bytes]
"""Computes one replication from its seed. A task is sent to other processes, so it must be picklable."""


def play_missing(
    study: str,
    task: Task,
    seeds: Sequence[int],
    results: Results,
    *,
    jobs: int = 1,
    dask: str | None = None,
    on_result: Callable[[int], None] = lambda seed: None,
) -> list[bytes]:
    """Compute and keep what is missing of the seeds; returns the results of all, in the order of the seeds.

    `jobs` processes on this machine, or the workers of the cluster whose scheduler is at `dask` (`check_scheduler`).
    """
    missing = results.missing(study, seeds)
    if dask is not None:
        found = _on_a_cluster(task, missing, dask)
    elif jobs > 1 and len(missing) > 1:
        found = _in_a_pool(task, missing, jobs)
    else:
        found = ((seed, task(seed)) for seed in missing)
    for seed, result in found:
        results.add(study, seed, result)
        on_result(seed)
    return results.of(study, seeds)


def _in_a_pool(task: Task, seeds: Sequence[int], jobs: int) -> Iterator[tuple[int, bytes]]:
    # fresh processes: a fork would copy locks of numpy's threads as they happen to be
    context = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(min(jobs, len(seeds)), mp_context=context) as pool:
        futures = {pool.submit(task, seed): seed for seed in seeds}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread each: together they use all cores anyway."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def check_scheduler(address: str) -> None:
    """Raise UserError unless a Dask scheduler answers at the address: a client would try for minutes, or for ever."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UserError("--dask needs the extra: pip install 'spacetraders-lab[dask]'") from None
    try:
        found = asyncio.run(_who_is_at(address))
    except TimeoutError:
        why = f"no answer within {SCHEDULER_SECONDS:g} seconds"
    except Exception as error:  # noqa: BLE001  # each kind of address fails in its own way, and anything may answer
        why = str(error).partition("\n")[0]
    else:
        why = f"there is a {found}"
        if found == "Scheduler":
            return
    raise UserError(
        f"--dask {address!r}: {why}; give the address that `dask scheduler` shows, as in tcp://host:8786, or leave"
        " --dask out to play on this machine"
    )


async def _who_is_at(address: str) -> str:
    """What kind of Dask server answers at the address."""
    from distributed.core import rpc
    from distributed.security import Security

    arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    async with (
        asyncio.timeout(SCHEDULER_SECONDS),
        rpc(address, timeout=SCHEDULER_SECONDS, connection_args=arguments) as server,  # type: ignore[no-untyped-call]
    ):
        return str((await server.identity())["type"])


def _on_a_cluster(task: Task, seeds: Sequence[int], address: str) -> Iterator[tuple[int, bytes]]:
    from distributed import Client
    from distributed import as_completed as completed

    with Client(address, set_as_default=False) as client, client.as_current():  # type: ignore[no-untyped-call]
        # results are not remembered by the cluster: an equal task of another version would be taken for this one
        futures = {client.submit(task, seed, pure=False): seed for seed in seeds}
        for future, result in completed(futures, with_results=True):  # type: ignore[no-untyped-call]
            yield futures[future], result
