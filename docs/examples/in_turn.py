"""An engine that asks a study part by part, one after another, so that each frees its memory.

`--engine-option parts=4` makes four parts. A part is a shard: the same cells and the same bytes as
under any other engine, so a run that was stopped may go on under another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.engines._engine import refuse_others
from confounds.errors import UsageError
from confounds.probe import Run, run_study

if TYPE_CHECKING:
    from confounds.engines import Job
    from confounds.probe import Listener


class InTurn:
    """Shards on this machine, one at a time."""

    name = "in_turn"

    def run(self, job: Job, listener: Listener) -> Run:
        """See `confounds.engines.Engine`.

        Raises:
            UsageError: `parts` is no whole number above 0, or an option is unknown.
        """
        refuse_others(self.name, job, ("parts",))
        parts = job.options.get("parts", "2")
        if not parts.isdecimal() or int(parts) < 1:
            msg = f"engine 'in_turn': option 'parts' is '{parts}'; a whole number above 0 is needed"
            raise UsageError(msg)
        total = Run(job.out)
        for part in range(1, int(parts) + 1):
            settings = replace(job.settings, shard=(part, int(parts)))
            run = run_study(job.study, job.out, settings, listener)
            total.done += run.done
            total.found += run.found
            total.rescored += run.rescored
            total.tokens += run.tokens
            total.notes += run.notes
        return total


ENGINE = InTurn()
