"""What a format says, and what it hands over: rows as found, before they are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from confounds.measures import Measure

STD_ERROR = "std_error"
_PLACES = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of one file.

    Attributes:
        frame: columns of the table, as many as the file gives; also `std_error` (standard
            error of `score`), from which unknown `n` and `variance` are worked out.
        measures: declarations of metrics that the package does not know.
        notes: what was done to the data, or seen in it.
        optional_metrics: metrics that are left out, and noted, when nobody declares them.
        complete: False when sizes and training tokens may be looked up by model name.
        rescored: rows that were computed from stored log-probabilities.
        loads: model -> how its weights differ from those that its name stands for ("" where they
            do not); empty where the file does not tell how models were loaded.
    """

    frame: pd.DataFrame
    measures: Mapping[str, Measure] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()
    optional_metrics: frozenset[str] = frozenset()
    complete: bool = False
    rescored: int = 0
    loads: Mapping[str, str] = field(default_factory=dict)


class Format(Protocol):
    """A format of results files; one module of `confounds.ingest` exports one as `FORMAT`.

    A format whose files may keep log-probabilities that are costly to read is a dataclass with
    the field `rescore`, False in `FORMAT`: True asks for the metrics that follow from them. One
    whose files are rescored in another way says in which, in `rescored_by`.

    Attributes:
        name: as in `--format`.
        summary: one line for people.
    """

    name: str
    summary: str

    def recognises(self, path: Path) -> bool:
        """Is this file of this format? Looks at its name and its first bytes only."""
        ...

    def read(self, path: Path) -> Reading:
        """Read one file.

        Raises:
            FormatError: the file cannot be read.
        """
        ...


def merge_notes(notes: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per kind and message: counts add up, the first few places are kept."""
    merged: dict[tuple[str, str], Finding] = {}
    for note in notes:
        key = (note.kind, note.message)
        seen = merged.get(key)
        if seen is None:
            merged[key] = note
            continue
        where = tuple(dict.fromkeys((*seen.where, *note.where)))[:_PLACES]
        merged[key] = Finding(note.kind, note.message, seen.count + note.count, where, note.level)
    return tuple(merged.values())


def first_places(values: Iterable[object]) -> tuple[str, ...]:
    """The first few distinct values, for a finding's `where`."""
    return tuple(dict.fromkeys(str(value) for value in values))[:_PLACES]


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames on top of each other; a column that one lacks is null there."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame()
    return pd.concat(filled, ignore_index=True, sort=False)
