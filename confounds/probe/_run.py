"""Run a study on this machine: cell by cell, resumable at any moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from confounds.probe._plan import plan_study
from confounds.probe._progress import Listener, Silent
from confounds.probe._runs import Run, RunSettings
from confounds.probe._store import Store
from confounds.probe._worker import Worker
from confounds.probe._workers import devices, run_workers


def run_study(
    path: str | Path,
    out: str | Path,
    settings: RunSettings | None = None,
    listener: Listener | None = None,
) -> Run:
    """Put a study to its models; a second call resumes where the first one stopped.

    Args:
        path: study file.
        out: folder to write into; `read_outcomes(out)` is the table of outcomes.
        settings: device, shard, batch size.
        listener: hears how far the run is.

    Raises:
        StudyError: the study is wrong; nothing was run.
        ProbeError: some models could not be asked (the others were, and are written), or the
            disk is full.
    """
    settings = settings or RunSettings()
    plan = plan_study(path)
    computing = any(backend.uses_device for backend in plan.backends.values())
    names = devices(settings.device) if computing else ("none",)
    if len(names) > 1:
        each = [replace(settings, device=one) for one in names]
        return run_workers(path, Path(out), each, listener or Silent())
    worker = Worker(plan, Store(Path(out)), replace(settings, device=names[0]))
    return worker.work(listener or Silent())
