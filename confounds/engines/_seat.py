"""A worker on another machine: asks one cell at a time, and sends its files home as bytes."""

from __future__ import annotations

import platform
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds.errors import ConfoundsError
from confounds.probe._desk import Desk, NotAskedError
from confounds.probe._store import Store

if TYPE_CHECKING:
    from confounds.probe import Plan, RunSettings


@dataclass(slots=True)
class Asked:
    """What became of a cell.

    Attributes:
        files: path in the folder -> content; the cell's own is the last.
        tokens: that passed through the model.
        reason: why the model could not answer, None where it did.
        error: why nothing more can be asked here, such as a full disk.
        facts: about the models that were opened.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    tokens: int = 0
    reason: str | None = None
    error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Seat:
    """Keeps its model open between cells.

    Args:
        plan: the study's plan; model folders are looked up where this runs.
        settings: device and batch size.
    """

    def __init__(self, plan: Plan, settings: RunSettings) -> None:
        self.plan = plan
        self.desk = Desk(plan, settings)

    def ready(self) -> str:
        """The machine that this runs on."""
        return platform.node()

    def ask(self, number: int) -> Asked:
        """Ask the cell of this number in the plan."""
        cell, asked = self.plan.cells[number], Asked()

        def count(tokens: int) -> None:
            asked.tokens += tokens

        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            try:
                self.desk.ask(cell, store, count)
            except NotAskedError as error:
                asked.reason = str(error)
            except ConfoundsError as error:
                asked.error = f"{error} (on {platform.node()})"
            paths = [path for path in Path(folder).rglob("*") if path.is_file()]
            paths.sort(key=lambda path: path == store.path(cell))
            asked.files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        asked.facts = dict(self.desk.facts)
        return asked
