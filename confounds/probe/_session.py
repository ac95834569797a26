"""One run into one folder: which cells are missing, and what becomes of them."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from confounds.errors import ProbeError, UsageError
from confounds.probe import _cells, _limits, _manifest
from confounds.probe._runs import Failure, Run
from confounds.probe._stored import earlier_answers
from confounds.probe._table import cell_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.probe._cells import Cell
    from confounds.probe._plan import Plan
    from confounds.probe._progress import Listener
    from confounds.probe._runs import RunSettings
    from confounds.probe._store import Store


class Session:
    """What every engine does with a run, wherever its cells are asked.

    Args:
        plan: the study's plan.
        store: the folder to write into.
        settings: device, shard, batch size.
        engine: where cells are asked, for the record.
    """

    def __init__(
        self, plan: Plan, store: Store, settings: RunSettings, engine: str = "local"
    ) -> None:
        self.plan = plan
        self.store = store
        self.settings = settings
        self.engine = engine
        self.run = Run(store.folder)
        self.facts: dict[str, Any] = {}
        self._started = time.monotonic()

    def begin(self, listener: Listener) -> list[Cell]:
        """Write the manifest; the cells of the shard that are not there yet.

        Raises:
            UsageError: there is no such shard.
        """
        cells = self._chosen()
        self._write_manifest()
        missing = [cell for cell in cells if not self.store.holds(cell)]
        self.run.found = len(cells) - len(missing)
        listener.start(sum(cell.sheet.characters for cell in missing))
        return missing

    def rescored(self, cell: Cell, listener: Listener) -> bool:
        """Score a cell from stored answers, where the study was edited in its metrics alone."""
        answers = earlier_answers(cell, self.store.folder)
        if answers is None:
            return False
        self.store.write(cell, cell_table(self.plan, cell, cell.sheet.questions, answers))
        self.run.rescored += 1
        self.done(cell, listener)
        return True

    def done(self, cell: Cell, listener: Listener) -> None:
        """A cell was asked, and its file is there."""
        self.store.remove(f"failures/{cell.digest}.json")
        self.run.done += 1
        listener.cell(f"{cell.model.label} {cell.sheet.task}", cell.sheet.characters)

    def failed(self, cell: Cell, reason: str) -> None:
        """A cell could not be asked."""
        failure = Failure(cell.model.label, cell.place, reason)
        self.run.failures.append(failure)
        self.store.write_json(
            f"failures/{cell.digest}.json",
            {"model": failure.model, "cell": failure.cell, "reason": reason},
        )

    def end(self, ended: Sequence[str] = ()) -> Run:
        """Write manifest and record.

        Args:
            ended: what ended before it was done, and why.

        Raises:
            ProbeError: some cells could not be asked, or something ended early.
        """
        self._write_manifest()
        self.run.notes = [*self._edited(), *_limits.notes(self.plan, self.store.folder)]
        self._write_record(time.monotonic() - self._started)
        check_failures(self.run, ended)
        return self.run

    def _edited(self) -> list[str]:
        """What is said of a folder that has cells of another version of the study."""
        planned = {cell.place for cell in self.plan.cells}
        places = {path.rpartition("/")[0] for path in planned}
        files = (path for place in places for path in (self.store.folder / place).glob("*.parquet"))
        names = {path.relative_to(self.store.folder).as_posix() for path in files}
        unused = len(names - planned)
        if not unused or not self.run.done:
            return []
        version = "of an earlier version of this study"
        return [f"{unused} cells of the folder are {version}, kept and not read"]

    def _chosen(self) -> tuple[Cell, ...]:
        if self.settings.shard is None:
            return self.plan.cells
        index, count = self.settings.shard
        if not 1 <= index <= count:
            msg = f"shard {index}/{count} does not exist; write i/N with i from 1 to N"
            raise UsageError(msg)
        return _cells.share(self.plan.cells, index, count)

    def _write_manifest(self) -> None:
        self.store.write_json(_manifest.NAME, _manifest.manifest(self.plan, self._counted()))

    def _counted(self) -> dict[str, float | None]:
        """Parameters as counted by this runner or another, by model."""
        found: dict[str, float | None] = {}
        for model in self.plan.study.models:
            path = self.store.folder / _limits.place_of(model.label)
            if path.is_file():
                found[model.label] = _limits.counted(path)
        return found

    def _write_record(self, seconds: float) -> None:
        """What ran where; not part of the results."""
        now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        self.store.write_json(
            f"runs/{now}-{socket.gethostname()}-{os.getpid()}.json",
            {
                "versions": _manifest.environment(),
                "models": self.facts,
                "settings": {
                    "engine": self.engine,
                    "device": self.settings.device,
                    "shard": self.settings.shard,
                    "batch_tokens": self.settings.batch_tokens,
                },
                "seconds": round(seconds, 3),
                "cells_done": self.run.done,
                "cells_found": self.run.found,
                "cells_rescored": self.run.rescored,
                "tokens": self.run.tokens,
                "tokens_per_second": round(self.run.tokens / max(seconds, 1e-9), 1),
                "notes": self.run.notes,
                "failures": [
                    {"model": one.model, "reason": one.reason} for one in self.run.failures
                ],
            },
        )


def check_failures(run: Run, ended: Sequence[str] = ()) -> None:
    """End a run that could not ask every cell.

    Args:
        run: what was done.
        ended: what ended before it was done, and why.

    Raises:
        ProbeError: there are failures, named by model and reason, or something ended early.
    """
    told = []
    if run.failures:
        reasons = {one.model: one.reason for one in reversed(run.failures)}
        listed = "; ".join(f"'{model}': {reason}" for model, reason in reasons.items())
        told.append(
            f"{len(run.failures)} cells could not be asked ({listed}); {run.done} were, and "
            f"{run.found} were there. Reasons are in '{run.folder / 'failures'}'"
        )
    if ended:
        told.append(f"{'; '.join(dict.fromkeys(ended))}. Run the same command again to resume")
    if told:
        raise ProbeError(". ".join(told))
