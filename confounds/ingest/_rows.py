"""Rows as a reader finds them, as columns of the table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from confounds.ingest._naming import is_path
from confounds.ingest._reading import STD_ERROR
from confounds.outcomes.schema import COLUMNS, numpy_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_NUMBERS = {STD_ERROR, *(column.name for column in COLUMNS if column.kind != "text")}
_STEP = re.compile(r"(?:^|[-_])step[-_]?(\d+)(?![\dk])", re.IGNORECASE)
_SAVE = re.compile(
    r"(?:final|last|latest|best|main|hf|model|merged|weights|"
    r"(?:global[-_]?)?(?:checkpoint|ckpt|step)(?:s|[-_]?(?P<step>\d+))?)"
    r"(?:[-_](?:hf|model|checkpoint|ckpt|merged|weights))*",
    re.IGNORECASE,
)
"""A folder that says which save of a model it holds, and not of which model."""
_CACHED = re.compile(r"models--([^/\\]+)[/\\]snapshots[/\\]")


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


class Model(NamedTuple):
    """A model as the table names it, and the training step, where one is told."""

    name: str
    checkpoint: int | None


def model_of(name: str, revision: Any = None) -> Model:
    """A hub id as it is; of a path on somebody's disk, the last part that names a model.

    Folders such as `final` or `checkpoint-5000` name none: two runs that were saved in folders of
    one such name are two models, and saves of one run are its checkpoints.

    >>> model_of("/scratch/ours-3b/checkpoint-5000"), model_of("EleutherAI/pythia-70m", "step1000")
    (Model(name='ours-3b', checkpoint=5000), Model(name='EleutherAI/pythia-70m', checkpoint=1000))
    """
    told = _STEP.search(revision) if isinstance(revision, str) else None
    step = int(told.group(1)) if told else None
    cached = _CACHED.search(name)
    if cached is not None:
        return Model(cached.group(1).replace("--", "/"), step)
    if not is_path(name):
        return Model(name, step)
    parts = [part for part in re.split(r"[/\\]", name) if part.strip(".~")] or [name]
    for part in reversed(parts):
        save = _SAVE.fullmatch(part)
        if save is None:
            return Model(part, step)
        if step is None and save["step"]:
            step = int(save["step"])
    return Model(parts[-1], step)
