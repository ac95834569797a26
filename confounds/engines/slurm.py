"""A SLURM cluster, through submitit: an array of jobs, each a shard of the study.

The folder of results and the models are on a file system that all machines see.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from confounds.engines._engine import Job, option_number
from confounds.errors import ConfoundsError, MissingExtraError, UsageError
from confounds.probe import Run, RunSettings, plan_study, run_study
from confounds.probe._cells import share
from confounds.probe._session import Session
from confounds.probe._store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.probe import Listener
    from confounds.probe._cells import Cell

_POLL = 5.0
_OURS = ("cluster", "poll")
# The names of sbatch, for those of submitit.
_NAMES = {"time": "timeout_min", "gpus": "gpus_per_node", "cpus": "cpus_per_task", "mem": "mem_gb"}
_TEXTS = ("partition", "account", "qos", "constraint", "comment", "nodelist", "exclude")


@dataclass(slots=True)
class Part:
    """A shard, its job, and the cells that it is to ask."""

    shard: tuple[int, int]
    cells: list[Cell]
    job: Any = None

    @property
    def name(self) -> str:
        """As it is told of."""
        return f"shard {self.shard[0]}/{self.shard[1]} (job {self.job.job_id})"


class Slurm:
    """Jobs of SLURM; option `cluster=local` runs them on this machine instead."""

    name = "slurm"

    def run(self, job: Job, listener: Listener) -> Run:
        """See `Engine.run`; options are those of sbatch: `partition`, `time`, `gpus`, ..."""
        if job.address is not None:
            msg = f"engine 'slurm' has no address; '{job.address}' is for --engine ray"
            raise UsageError(msg)
        if job.settings.shard is not None:
            msg = "engine 'slurm' makes its own shards; say how many with --workers"
            raise UsageError(msg)
        poll = option_number(self.name, job, "poll", _POLL)
        executor = _executor(job)
        session = Session(plan_study(job.study), Store(job.out), job.settings, self.name)
        missing = session.begin(listener)
        parts = _parts(session, missing, job.workers)
        if parts:
            _submit(executor, parts, job, session.store)
            try:
                _watch(parts, session.store, listener, poll)
            except BaseException:
                for part in parts:
                    part.job.cancel()
                raise
        return _close(session, parts)


def run_shard(study: str, out: str, settings: RunSettings) -> tuple[int, str | None]:
    """What a job does: tokens that passed through models, and why it ended early if it did."""
    try:
        return run_study(study, out, settings).tokens, None
    except ConfoundsError as error:
        return 0, str(error)


def _executor(job: Job) -> Any:
    try:
        import submitit  # noqa: PLC0415 - an extra, loaded where it is asked for
    except ImportError as error:
        raise MissingExtraError(error.name or "submitit", "slurm") from error
    cluster = job.options.get("cluster", "slurm")
    if cluster not in ("slurm", "local"):
        msg = f"engine 'slurm': option 'cluster' is '{cluster}'; allowed: slurm, local"
        raise UsageError(msg)
    try:
        executor = submitit.AutoExecutor(folder=job.out / "jobs", cluster=cluster)
        executor.update_parameters(name="confounds", **_parameters(job))
    except (NameError, TypeError, ValueError, AssertionError) as error:
        msg = f"engine 'slurm': {str(error).splitlines()[0]}"
        raise UsageError(msg) from error
    except RuntimeError as error:  # no sbatch here
        msg = f"engine 'slurm': {error}; run where jobs are submitted, or with cluster=local"
        raise UsageError(msg) from error
    return executor


def _parameters(job: Job) -> dict[str, Any]:
    """Options as submitit takes them: whole numbers as such, those of SLURM alone marked."""
    found: dict[str, Any] = {}
    for key, value in job.options.items():
        if key not in _OURS:
            name = f"slurm_{key}" if key in _TEXTS else _NAMES.get(key, key)
            found[name] = int(value) if value.isdigit() else value
    return found


def _parts(session: Session, missing: Sequence[Cell], workers: int | None) -> list[Part]:
    """Shards that still have cells to ask; by default as many as models that are asked."""
    count = workers or len({cell.model.label for cell in missing})
    names = {cell.digest for cell in missing}
    found = []
    for index in range(1, count + 1):
        cells = [one for one in share(session.plan.cells, index, count) if one.digest in names]
        if cells:
            found.append(Part((index, count), cells))
    return found


def _submit(executor: Any, parts: Sequence[Part], job: Job, store: Store) -> None:
    for cell in (cell for part in parts for cell in part.cells):
        store.remove(f"failures/{cell.digest}.json")  # what an earlier run said of it
    study, out = os.fspath(job.study.resolve()), os.fspath(job.out.resolve())
    with executor.batch():
        for part in parts:
            settings = replace(job.settings, shard=part.shard)
            part.job = executor.submit(run_shard, study, out, settings)


def _watch(parts: Sequence[Part], store: Store, listener: Listener, poll: float) -> None:
    """Wait for the jobs to end, and tell of cells as they come."""
    open_cells = [cell for part in parts for cell in part.cells]
    while True:
        ended = all(part.job.done() for part in parts)
        for cell in [one for one in open_cells if store.path(one).is_file()]:
            open_cells.remove(cell)
            listener.cell(f"{cell.model.label} {cell.sheet.task}", cell.sheet.characters)
        if ended:
            return
        time.sleep(poll)


def _close(session: Session, parts: Sequence[Part]) -> Run:
    """What became of every cell.

    Raises:
        ProbeError: jobs died, or some cells could not be asked.
    """
    ended = []
    for part in parts:
        left = [cell for cell in part.cells if not session.store.holds(cell)]
        session.run.done += len(part.cells) - len(left)
        reasons = [session.store.reason(cell) for cell in left]
        for cell, reason in zip(left, reasons, strict=True):
            if reason is not None:
                session.failed(cell, reason)
        try:
            tokens, message = part.job.result()
            session.run.tokens += tokens
        except RuntimeError:  # what submitit raises of a job that did not end by itself
            state = str(part.job.state).lower()
            log = part.job.paths.stderr
            message = f"{part.name} died ({state}), {len(left)} cells are open; its log is '{log}'"
        if message is not None and None in reasons:
            ended.append(message)
    return session.end(ended)


ENGINE = Slurm()
