"""Rows as a reader finds them, as columns of the table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.ingest._reading import STD_ERROR
from confounds.outcomes.schema import COLUMNS, numpy_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_NUMBERS = {STD_ERROR, *(column.name for column in COLUMNS if column.kind != "text")}
_STEP = re.compile(r"(?:^|[-_])step[-_]?(\d+)(?![\dk])", re.IGNORECASE)


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as numpy columns; a name that a row lacks is null there."""
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        return pd.DataFrame()
    columns = {
        name: np.array(
            [row.get(name) for row in rows], dtype=np.float64 if name in _NUMBERS else object
        )
        for name in names
    }
    return numpy_frame(columns)


def frame_of_columns(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]], same: Mapping[str, Any]
) -> pd.DataFrame:
    """Columns (rows,) each as numpy columns, beside what is the same on every row.

    A name that is in both is taken from `columns`.
    """
    rows = len(next(iter(columns.values())))
    repeated = {name: [value] * rows for name, value in same.items() if name not in columns}
    return numpy_frame(
        {
            name: np.array(values, dtype=np.float64 if name in _NUMBERS else object)
            for name, values in (*repeated.items(), *columns.items())
        }
    )


def known(**values: Any) -> dict[str, Any]:
    """The columns whose value is known."""
    return {name: value for name, value in values.items() if value is not None}


def demonstrations(shots: int | None) -> str | None:
    """`gold` where there are demonstrations, `none` where there are none, None if unknown."""
    if shots is None:
        return None
    return "gold" if shots else "none"


def local_name(name: str) -> str:
    """A hub id as it is; the last part of a path on somebody's disk."""
    local = name.startswith(("/", "./", "../", "~")) or "\\" in name
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if local else name


def step_of(revision: Any) -> int | None:
    """The training step that a revision such as `step1000` names."""
    found = _STEP.search(revision) if isinstance(revision, str) else None
    return int(found.group(1)) if found else None
