"""Jobs spread over processes of this machine, each of which gets what all jobs need once."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Job = TypeVar("Job")
Known = TypeVar("Known")
Result = TypeVar("Result")

_TOLD: list[tuple[Callable[[Any, Any], Any], Any]] = []
"""In a worker process, what it does and what it knows; empty in the process that started it."""


def spread(
    work: Callable[[Known, Job], Result],
    known: Known,
    jobs: Iterable[Job],
    *,
    workers: int,
    chunk: int = 1,
) -> list[Result]:
    """The results of all jobs, in their order.

    Processes are started anew, none is a fork of this one, whose threads (of BLAS, of Arrow) would
    be lost in it with the locks they hold. So a script that asks for several runs under
    `if __name__ == "__main__":`.

    Args:
        work: a function of a module, of what is known and one job.
        known: sent to each process once, however many jobs it does.
        jobs: each is sent to the process that does it.
        workers: processes; with one or none the jobs are done here, one after the other.
        chunk: jobs that are sent together.

    Raises:
        Exception: the first that `work` raises.
    """
    if workers <= 1:
        return [work(known, job) for job in jobs]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _tell, (work, known)) as pool:
        return list(pool.map(_do, jobs, chunksize=chunk))


def _tell(work: Callable[[Any, Any], Any], known: object) -> None:
    _TOLD[:] = [(work, known)]


def _do(job: Job) -> Any:
    ((work, known),) = _TOLD
    return work(known, job)
