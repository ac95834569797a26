"""One worker process for each device; the cells' locks keep them apart."""

from __future__ import annotations

import multiprocessing
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds.errors import ConfoundsError
from confounds.probe._plan import plan_study
from confounds.probe._runs import Failure, Run
from confounds.probe._session import check_failures
from confounds.probe._store import Store
from confounds.probe._worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.probe._progress import Listener
    from confounds.probe._runs import RunSettings


def devices(name: str) -> tuple[str, ...]:
    """The devices that a setting names: several joined by commas; `auto` is every CUDA one."""
    if name == "auto":
        try:
            import torch  # noqa: PLC0415 - replaying stored answers needs none
        except ImportError:
            return ("auto",)
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) or ("auto",)
    return tuple(part.strip() for part in name.split(",") if part.strip()) or ("auto",)


def run_workers(
    path: str | Path, out: Path, settings: Sequence[RunSettings], listener: Listener
) -> Run:
    """Run a study in one process for each of the settings.

    Processes are started afresh: a CUDA context does not survive a fork. A worker that dies
    leaves its locks, and the others do what it did not.

    Raises:
        ProbeError: a worker ended with an error, or some cells could not be asked.
    """
    context = multiprocessing.get_context("spawn")
    processes, pipes = [], []
    for number, one in enumerate(settings):
        ours, theirs = context.Pipe(duplex=False)
        turn = number, len(settings)
        process = context.Process(target=_work, args=(theirs, str(path), str(out), one, turn))
        process.start()
        theirs.close()
        processes.append(process)
        pipes.append(ours)
    try:
        results = _hear(pipes, listener)
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for process in processes:
            process.join()
    died = [
        f"the worker on '{one.device}' ended before it was done (exit code {process.exitcode})"
        for number, (one, process) in enumerate(zip(settings, processes, strict=True))
        if number not in results
    ]
    return _total(out, list(results.values()), died)


def _hear(pipes: Sequence[Any], listener: Listener) -> dict[int, tuple[Run, str | None]]:
    """Pass on what workers say until all have ended; worker -> what it came to, if it did."""
    results: dict[int, tuple[Run, str | None]] = {}
    waiting, started = dict(zip(pipes, range(len(pipes)), strict=True)), False
    while waiting:
        pipe: Any
        for pipe in connection.wait(list(waiting)):
            try:
                name, arguments = pipe.recv()
            except (EOFError, OSError):  # at its end, or in the midst of a message
                del waiting[pipe]
                continue
            if name == "result":
                results[waiting[pipe]] = arguments
            elif name != "start" or not started:  # each worker counts the same missing cells
                started = started or name == "start"
                getattr(listener, name)(*arguments)
    return results


def _total(out: Path, results: Sequence[tuple[Run, str | None]], died: Sequence[str]) -> Run:
    """What all did together: a cell that one asked was found, or failed, by the others too."""
    total, cells = Run(out), 0
    failures: dict[str, Failure] = {}
    for run, _ in results:
        total.done += run.done
        total.tokens += run.tokens
        total.rescored += run.rescored
        failures |= {one.cell: one for one in run.failures}
        cells = max(cells, run.found + run.done + len(run.failures))
        total.notes = list(dict.fromkeys([*total.notes, *run.notes]))
    total.failures = [one for one in failures.values() if not (out / one.cell).is_file()]
    total.found = max(0, cells - total.done - len(total.failures))
    check_failures(total, [*died, *(message for _, message in results if message is not None)])
    return total


class _Speaker:
    """A listener that passes on what it hears."""

    def __init__(self, pipe: connection.Connection) -> None:
        self.pipe = pipe

    def start(self, total: int) -> None:
        self.pipe.send(("start", (total,)))

    def tokens(self, count: int) -> None:
        self.pipe.send(("tokens", (count,)))

    def cell(self, name: str, characters: int) -> None:
        self.pipe.send(("cell", (name, characters)))


def _work(
    pipe: connection.Connection, path: str, out: str, settings: RunSettings, turn: tuple[int, int]
) -> None:
    message: str | None = None
    worker = Worker(plan_study(path), Store(Path(out)), settings, turn)
    try:
        worker.work(_Speaker(pipe))
    except ConfoundsError as error:
        message = None if worker.run.failures else str(error)
    except KeyboardInterrupt:  # the parent was interrupted too, and says so
        return
    pipe.send(("result", (worker.run, message)))
    pipe.close()
