"""One cell of a probed folder: its columns, checked, and what is kept beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from confounds.errors import FormatError
from confounds.ingest._archive import first_line
from confounds.ingest._parquet import read_columns
from confounds.measures import Measure

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SCORE = "score:"
ITEM_FACTS = ("item", "exposure", "dose", "distribution")
WANTED = (*ITEM_FACTS, "choices", "truncated")
_NUMBERS = ("dose", "choices")
_REDO = "run `confounds probe` again to redo it"


def read_cell(path: Path) -> pa.Table:
    """What of a cell the table of outcomes needs; its tokens stay on disk.

    Raises:
        FormatError: it cannot be read, or a column does not hold what it should.
    """
    try:
        table = read_columns(path, _chosen)
    except (OSError, pa.ArrowException) as error:
        msg = f"{path}: cannot be read ({first_line(error)}); {_REDO}"
        raise FormatError(msg) from error
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        allowed = _allowed(name, kind)
        if allowed is not None or table.column_names.count(name) > 1:
            what = f"is of type {kind}; it must hold {allowed}" if allowed else "is there twice"
            msg = f"{path}: column '{name}' {what}; {_REDO}"
            raise FormatError(msg)
    return table


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column as numpy values; numbers have NaN for null."""
    values: NDArray[Any] = table[name].to_numpy(zero_copy_only=False)
    return values


def scores(table: pa.Table, name: str) -> NDArray[Any]:
    """The scores of one metric, (rows,), NaN where there is none."""
    return column(table, SCORE + name).astype(float)


def metrics(table: pa.Table) -> list[str]:
    """The metrics that a cell has scores of."""
    return [one.removeprefix(SCORE) for one in table.column_names if one.startswith(SCORE)]


def measures(table: pa.Table, path: Path) -> dict[str, Measure]:
    """The declarations of the cell's metrics, each of which must have one.

    Raises:
        FormatError: one has none, or they cannot be read.
    """
    declared = kept(table, "measures")
    try:
        found = {
            name: Measure(
                name, **{**one, "lower": float(one["lower"]), "upper": float(one["upper"])}
            )
            for name, one in declared.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        msg = f"{path}: its declarations of metrics cannot be read ({error!r})"
        raise FormatError(msg) from error
    missing = sorted(set(metrics(table)) - set(found))
    # How exchangeable items are is one number for all of them.
    if missing or ("item" not in table.column_names and len(table) > 1):
        what = f"metric '{missing[0]}' is declared nowhere" if missing else "it names no items"
        msg = f"{path}: {what}; {_REDO}"
        raise FormatError(msg)
    return found


def kept(table: pa.Table, name: str) -> dict[str, Any]:
    """What a cell keeps beside its columns; nothing where that cannot be read."""
    raw = (table.schema.metadata or {}).get(f"confounds.{name}".encode(), b"{}")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _chosen(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(SCORE) or name in WANTED]


def _allowed(name: str, kind: pa.DataType) -> str | None:
    """What a column must hold, where it holds something else."""
    if pa.types.is_null(kind):
        return None
    if name.startswith(SCORE) or name in _NUMBERS:
        number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        return None if number else "numbers"
    if name == "truncated":
        return None if pa.types.is_boolean(kind) else "true or false"
    text = pa.types.is_string(kind) or (name == "item" and pa.types.is_integer(kind))
    return None if text or name not in WANTED else "texts"
