"""Where a row stands, for people: its line in the file as an editor counts, else what names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from confounds.outcomes.storage import Content

PLACE = "place in the file"
"""Column of a frame that was read from a file with a `source` of its own; not of the table."""
_LINE = re.compile(r":\d+$")


class Places:
    """Where the rows of a frame stand.

    Args:
        frame: with `source` or `PLACE`, where the rows come from a file.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._told = [frame[name].to_numpy() for name in (PLACE, "source") if name in frame.columns]
        self._names = {
            name: frame[name].to_numpy() for name in ("task", "model") if name in frame.columns
        }

    def of(self, row: int) -> str:
        """File and line of a row; else the file; else its number in the frame, from 0."""
        return self._source(row) or f"row {row}"

    def full(self, row: int) -> str:
        """The same, with task and model where there is a file but no line of it."""
        place = self.of(row)
        if self._source(row) is None or _LINE.search(place):
            return place
        return ", ".join([place, *(f"{name} '{told[row]}'" for name, told in self._names.items())])

    def _source(self, row: int) -> str | None:
        known = (_known(told, row) for told in self._told)
        return next((one for one in known if one is not None), None)


def with_places(content: Content, path: Path) -> pd.DataFrame:
    """The rows of a file with `PLACE`, where it has lines; a `source` of their own they keep."""
    if not content.lines:
        return content.frame
    told = [f"{path.name}:{line}" for line in content.lines]
    return content.frame.assign(**{PLACE: pd.Series(told, dtype=object)})


def place_in(path: Path, frame: pd.DataFrame, row: int) -> str:
    """Where a row of a file stands, from where the file was named.

    Args:
        path: of the file.
        frame: read from it.
        row: of the frame, from 0.
    """
    place = Places(frame).of(row)
    return str(path.parent / place) if place.startswith(path.name) else f"{path}: {place}"


def _known(told: NDArray[Any], row: int) -> str | None:
    value = told[row]
    return None if pd.isna(value) else str(value)
