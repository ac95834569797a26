"""How far a run is: on standard error, tokens per second and the time left."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(Protocol):
    """Hears how far a run is."""

    def start(self, total: int) -> None:
        """Cells of this run, as characters to read."""
        ...

    def tokens(self, count: int) -> None:
        """So many tokens more have passed through a model."""
        ...

    def cell(self, name: str, characters: int) -> None:
        """A cell is done."""
        ...


class Silent:
    """Hears nothing."""

    def start(self, total: int) -> None:
        """Hears nothing."""

    def tokens(self, count: int) -> None:
        """Hears nothing."""

    def cell(self, name: str, characters: int) -> None:
        """Hears nothing."""


class Bar:
    """Shows on a progress bar what it hears.

    Args:
        progress: the bar, shown by whoever made it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("probe", total=None, rate="")
        self._tokens = 0
        self._since = time.monotonic()

    def start(self, total: int) -> None:
        """Cells of this run, as characters to read."""
        self._progress.update(self._task, total=total)

    def tokens(self, count: int) -> None:
        """So many tokens more have passed through a model."""
        self._tokens += count
        rate = self._tokens / max(time.monotonic() - self._since, 1e-9)
        self._progress.update(self._task, rate=f"{rate:,.0f} tokens/s")

    def cell(self, name: str, characters: int) -> None:
        """A cell is done."""
        self._progress.update(self._task, advance=characters, description=name)


@contextmanager
def shown_bar() -> Iterator[Bar]:
    """A bar on standard error, left as it is when the block ends."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bar(progress)
