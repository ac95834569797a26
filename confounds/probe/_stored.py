"""Answers that a cell's file holds: read again for another metric, without a model."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import InputError
from confounds.files import REMEDY
from confounds.probe._questions import Answer
from confounds.study import TokenScores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from confounds.probe._cells import Cell

_COLUMNS = (
    "question", "truncated", "generated", "generated_ids", "lengths",
    "ids", "log_probs", "means", "deviations", "ranks",
)  # fmt: skip
_TOKEN_COLUMNS = {
    "ids": np.int32,
    "log_probs": np.float32,
    "means": np.float32,
    "deviations": np.float32,
    "ranks": np.int32,
}
_UNKNOWN = -1
"""The id of a token that a server did not name."""


def read_answers(path: Path) -> dict[str, Answer]:
    """The answers of one cell's file, by the digest of their question.

    Raises:
        InputError: the file was damaged since it was written.
    """
    with _whole(path):
        rows = pq.read_table(path, columns=list(_COLUMNS), partitioning=None).to_pylist()
    return {row["question"]: _answer(row) for row in rows}


def read_specification(path: Path) -> dict[str, Any]:
    """What one cell's file says was asked of whom; nothing where it does not say.

    Raises:
        InputError: the file was damaged since it was written.
    """
    with _whole(path):
        metadata = pq.read_schema(path).metadata or {}
    found: dict[str, Any] = json.loads(metadata.get(b"confounds.specification", b"{}"))
    return found


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: not the cell that was written here ({error}); {REMEDY}"
        raise InputError(msg) from error


def earlier_answers(cell: Cell, folder: Path) -> list[Answer] | None:
    """The answers of a cell that differs in its metrics alone, or None where there is none.

    Args:
        cell: asks the same of the same model.
        folder: of the run.
    """
    if cell.sheet.condition is None or cell.sheet.condition.chat:
        return None
    if cell.specification["store"] != "tokens":
        return None
    wanted = _without_metrics(cell.specification)
    digests = [question.digest for question in cell.sheet.questions]
    for path in sorted((folder / cell.place).parent.glob("*.parquet")):
        try:
            if _without_metrics(read_specification(path)) != wanted:
                continue
            found = read_answers(path)
        except (InputError, ValueError):  # a damaged file has no answers
            continue
        if all(digest in found for digest in digests):
            return [found[digest] for digest in digests]
    return None


def _without_metrics(specification: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in specification.items() if key != "metrics"}


def _answer(row: dict[str, Any]) -> Answer:
    bounds = np.cumsum([0, *row["lengths"]]).tolist()
    columns: dict[str, Any] = {
        name: np.asarray([_UNKNOWN if one is None else one for one in row[name]], dtype=kind)
        for name, kind in _TOKEN_COLUMNS.items()
    }
    return Answer(
        scored=tuple(
            TokenScores(**{name: values[start:stop] for name, values in columns.items()})
            for start, stop in itertools.pairwise(bounds)
        ),
        generated=row["generated"],
        generated_ids=tuple(row["generated_ids"]),
        truncated=row["truncated"],
    )
