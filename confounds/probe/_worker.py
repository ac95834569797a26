"""One process on one device: cells in the order of their models, locked against other runners."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from confounds.probe._desk import Desk, NotAskedError
from confounds.probe._session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.probe._cells import Cell
    from confounds.probe._plan import Plan
    from confounds.probe._progress import Listener
    from confounds.probe._runs import Run, RunSettings
    from confounds.probe._store import Store


class Worker:
    """One process on one device; one failing model stops no other.

    Args:
        plan: the study's plan.
        store: the folder to write into.
        settings: device, shard, batch size.
        turn: `(i, N)`: the i-th of N workers side by side, counted from 0; each begins with
            another model, so that few are loaded twice.
    """

    def __init__(
        self, plan: Plan, store: Store, settings: RunSettings, turn: tuple[int, int] = (0, 1)
    ) -> None:
        self.store = store
        self.turn = turn
        self.session = Session(plan, store, settings)
        self.desk = Desk(plan, settings)
        self.session.facts = self.desk.facts

    @property
    def run(self) -> Run:
        """What was done so far."""
        return self.session.run

    def work(self, listener: Listener) -> Run:
        """Do every cell of the shard that is not there yet.

        Raises:
            ProbeError: some cells could not be asked.
        """
        missing = self.session.begin(listener)
        try:
            # The second round waits for cells that another runner held in the first.
            for wait in (False, True):
                order = self._by_model(missing)
                missing = [cell for cell in order if not self._cell(cell, listener, wait=wait)]
        finally:
            self.desk.close()
        return self.session.end()

    def _by_model(self, cells: Sequence[Cell]) -> list[Cell]:
        """Cells by model, from this worker's own turn on."""
        groups = itertools.groupby(cells, key=lambda cell: cell.model.label)
        found = [list(group) for _, group in groups]
        index, count = self.turn
        first = len(found) * index // count
        return [cell for group in (*found[first:], *found[:first]) for cell in group]

    def _cell(self, cell: Cell, listener: Listener, *, wait: bool) -> bool:
        """Do a cell; False where another runner holds it."""

        def count(tokens: int) -> None:
            self.run.tokens += tokens
            listener.tokens(tokens)

        with self.store.lock(cell, wait=wait) as mine:
            if not mine:
                return False
            if self.store.holds(cell):
                self.run.found += 1
                return True
            if self.session.rescored(cell, listener):
                return True
            try:
                self.desk.ask(cell, self.store, count)
            except NotAskedError as error:
                self.session.failed(cell, str(error))
            else:
                self.session.done(cell, listener)
        return True
