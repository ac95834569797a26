"""This machine: one process for each device."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.engines._engine import Job, refuse_others
from confounds.errors import UsageError
from confounds.probe import Run, run_study

if TYPE_CHECKING:
    from confounds.probe import Listener


class Local:
    """Processes on this machine."""

    name = "local"

    def run(self, job: Job, listener: Listener) -> Run:
        """See `Engine.run`; `workers` repeats a single device."""
        refuse_others(self.name, job, ())
        if job.address is not None:
            msg = f"engine 'local' has no address; '{job.address}' is for --engine ray"
            raise UsageError(msg)
        device = job.settings.device
        if job.workers is not None:
            if "," in device or device == "auto":
                msg = "--workers repeats one device; name it, as in --device cpu --workers 4"
                raise UsageError(msg)
            device = ",".join([device] * job.workers)
        return run_study(job.study, job.out, replace(job.settings, device=device), listener)


ENGINE = Local()
