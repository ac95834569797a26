"""A run of a study: what it leaves in its folder, and something done in the midst of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from confounds.probe._progress import Silent


class After(Silent):
    """Does something once, after so many cells."""

    def __init__(self, cells: int, act: Callable[[], object]) -> None:
        self.left = cells
        self.act = act

    def cell(self, name: str, characters: int) -> None:
        del name, characters
        self.left -= 1
        if self.left == 0:
            self.act()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is part of the results."""
    cells = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    return {**cells, "manifest": (folder / "manifest.json").read_bytes()}


def cells_done(folder: Path) -> int:
    """How many cells all runs into the folder say that they asked."""
    records = (folder / "runs").iterdir()
    return sum(json.loads(path.read_text())["cells_done"] for path in records)
