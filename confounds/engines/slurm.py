"""A SLURM cluster, through submitit: an array of jobs, each a shard of the study.

The folder of results and the models are on a file system that all machines see.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from confounds.engines._engine import Job, option_number
from confounds.engines._shards import (
    NAME,
    Here,
    Part,
    Shard,
    There,
    read_records,
    write_record,
)
from confounds.engines._squeue import SilentError
from confounds.errors import MissingExtraError, UsageError
from confounds.probe import Run, plan_study
from confounds.probe._cells import share
from confounds.probe._session import Session
from confounds.probe._store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from confounds.probe import Listener
    from confounds.probe._cells import Cell

_POLL = 15.0
_MINUTES = 60
_OURS = ("cluster", "poll")
# The names of sbatch, for those of submitit.
_NAMES = {"time": "timeout_min", "gpus": "gpus_per_node", "cpus": "cpus_per_task", "mem": "mem_gb"}
_TEXTS = ("partition", "account", "qos", "constraint", "comment", "nodelist", "exclude")


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
        now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        executor = _executor(job, job.out / "jobs" / now)
        queue = Here() if job.options.get("cluster") == "local" else There()
        session = Session(plan_study(job.study), Store(job.out), job.settings, self.name)
        missing = session.begin(listener)
        parts = _under_way(session, missing, queue)
        taken = {cell.digest for part in parts for cell in part.cells}
        new = _parts(session, [one for one in missing if one.digest not in taken], job.workers)
        if new:
            _submit(executor, new, job, session.store)
        parts += new
        try:
            _watch(parts, session.store, listener, queue, poll)
        except SilentError:
            raise
        except BaseException:
            for part in parts:
                part.job.cancel(check=False)
            raise
        return _close(session, parts)


def _executor(job: Job, folder: Path) -> Any:
    try:
        import submitit  # noqa: PLC0415 - an extra, loaded where it is asked for
    except ImportError as error:
        raise MissingExtraError(error.name or "submitit", "slurm") from error
    cluster = job.options.get("cluster", "slurm")
    if cluster not in ("slurm", "local"):
        msg = f"engine 'slurm': option 'cluster' is '{cluster}'; allowed: slurm, local"
        raise UsageError(msg)
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        executor.update_parameters(name=NAME, **_parameters(job))
    except (NameError, TypeError, ValueError, AssertionError) as error:
        msg = f"engine 'slurm': {str(error).splitlines()[0]}"
        raise UsageError(msg) from error
    except RuntimeError as error:  # no sbatch here
        msg = f"engine 'slurm': {error}; run where jobs are submitted, or with cluster=local"
        raise UsageError(msg) from error
    return executor


def _parameters(job: Job) -> dict[str, Any]:
    """Options as submitit takes them: whole numbers as such, those of SLURM alone marked."""
    found: dict[str, Any] = {"timeout_min": _MINUTES}
    for key, value in job.options.items():
        if key not in _OURS:
            name = f"slurm_{key}" if key in _TEXTS else _NAMES.get(key, key)
            found[name] = int(value) if value.isdigit() else value
    # Whatever a cluster's default is: what a machine is lost with is asked on another.
    found["slurm_additional_parameters"] = {"requeue": True}
    if "cpus_per_task" in found:
        # Since SLURM 22.05 a step has one processor unless it is told again.
        found["slurm_srun_args"] = [f"--cpus-per-task={found['cpus_per_task']}"]
    return found


def _under_way(session: Session, missing: Sequence[Cell], queue: Here | There) -> list[Part]:
    """Jobs of an earlier run into this folder that still wait or run, as after a lost terminal."""
    import submitit  # noqa: PLC0415 - an extra, and there

    running, open_cells, found = queue.running(), {one.digest: one for one in missing}, []
    for job, folder, shard in read_records(session.store.folder / "jobs") if running else ():
        if job in running:
            cells = [open_cells.get(one.digest) for one in share(session.plan.cells, *shard)]
            own = [cell for cell in cells if cell is not None]
            found.append(Part(shard, own, submitit.SlurmJob(folder=folder, job_id=job)))
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
    """Put the jobs into the queue.

    Raises:
        UsageError: sbatch does not take them.
    """
    for cell in (cell for part in parts for cell in part.cells):
        store.remove(f"failures/{cell.digest}.json")  # what an earlier run said of it
    study, out = os.fspath(job.study.resolve()), os.fspath(job.out.resolve())
    try:
        # submitit prints what sbatch says of an error, and raises it too.
        with contextlib.redirect_stderr(io.StringIO()), executor.batch():
            for part in parts:
                settings = replace(job.settings, shard=part.shard)
                part.job = executor.submit(Shard(), study, out, settings)
    except (RuntimeError, OSError) as error:
        said = "; ".join(str(error).splitlines())
        msg = f"engine 'slurm': jobs could not be submitted ({said})"
        raise UsageError(msg) from error
    write_record(executor.folder, parts)


def _watch(
    parts: Sequence[Part], store: Store, listener: Listener, queue: Here | There, poll: float
) -> None:
    """Wait for the jobs to end, and tell of cells as they come."""
    open_cells = [cell for part in parts for cell in part.cells]
    while True:
        ended = queue.ended(parts)
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
        message = _outcome(session, part)
        left = [cell for cell in part.cells if not session.store.holds(cell)]
        session.run.done += len(part.cells) - len(left)
        reasons = [session.store.reason(cell) for cell in left]
        for cell, reason in zip(left, reasons, strict=True):
            if reason is not None:
                session.failed(cell, reason)
        if None in reasons:
            ended.append(message or f"{part.name} ended, {len(left)} cells are open")
    return session.end(ended)


def _outcome(session: Session, part: Part) -> str | None:
    """Count the tokens of a job; why it ended early if it did."""
    try:
        tokens, message = part.came_to()
    except RuntimeError:  # what submitit raises of a job that broke, too
        left = sum(not session.store.holds(cell) for cell in part.cells)
        log = part.job.paths.stderr
        return f"{part.name} died ({part.state}), {left} cells are open; its log is '{log}'"
    session.run.tokens += tokens
    return message


ENGINE = Slurm()
