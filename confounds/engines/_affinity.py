"""Which cell a worker is given next: one of the model that it has open, as long as there are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confounds.probe._cells import Cell

TRIES = 3
"""How many workers a cell may take with it: one that exhausts memory would take them all."""


class Queue:
    """Cells that wait, by model.

    Args:
        cells: in the order in which each model's are to be asked.
    """

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._waiting: dict[str, list[Cell]] = {}
        self._lost: Counter[str] = Counter()
        for cell in cells:
            self._waiting.setdefault(cell.model.label, []).append(cell)

    def __len__(self) -> int:
        """How many cells wait."""
        return sum(map(len, self._waiting.values()))

    def take(self, model: str | None, open_elsewhere: Mapping[str, int]) -> Cell | None:
        """The next cell for a worker, or None where none waits.

        Args:
            model: the one that the worker has open.
            open_elsewhere: model -> how many other workers have it open. A worker whose model
                has no cells left goes where most is left for each that is there.
        """
        if model not in self._waiting:
            left = {
                label: sum(cell.sheet.characters for cell in cells)
                / (1 + open_elsewhere.get(label, 0))
                for label, cells in self._waiting.items()
            }
            model = max(left, key=lambda label: left[label], default=None)
        if model is None:
            return None
        cells = self._waiting[model]
        cell = cells.pop(0)
        if not cells:
            del self._waiting[model]
        return cell

    def put_back(self, cell: Cell) -> bool:
        """A worker was lost with this cell; False where `TRIES` were: it waits no longer."""
        self._lost[cell.digest] += 1
        if self._lost[cell.digest] >= TRIES:
            return False
        self._waiting.setdefault(cell.model.label, []).insert(0, cell)
        return True
