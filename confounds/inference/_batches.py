"""Many data sets of the same models, worked on a part at a time.

A part is small enough that what is worked on stays in the processor's cache. What comes of a data
set does not depend on those beside it.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Batch = TypeVar("Batch")
CELLS = 30_000
"""Numbers in one array of a part: 240 kB."""


def parts(rows: int, columns: int) -> list[slice]:
    """Consecutive parts of `rows` data sets of `columns` models."""
    size = max(1, CELLS // max(columns, 1))
    return [slice(first, first + size) for first in range(0, rows, size)]


def taken(batch: Batch, rows: slice | NDArray[np.int64]) -> Batch:
    """Some rows of a dataclass of arrays with the data sets along the leading axis."""
    return type(batch)(*(item[rows] for item in _arrays(batch)))


def put(batch: Batch, rows: NDArray[np.int64], other: Batch) -> None:
    """Overwrite some rows with all of another's."""
    for mine, new in zip(_arrays(batch), _arrays(other), strict=True):
        mine[rows] = new


def joined(batches: Sequence[Batch]) -> Batch:
    """The parts of a dataclass of arrays, one after the other."""
    if len(batches) == 1:
        return batches[0]
    columns = zip(*(_arrays(item) for item in batches), strict=True)
    return type(batches[0])(*(np.concatenate(column) for column in columns))


def _arrays(batch: Any) -> list[NDArray[Any]]:
    kind: Any = type(batch)
    return [getattr(batch, name) for name in _names(kind)]


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))
