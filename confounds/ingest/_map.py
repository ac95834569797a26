"""`map.toml`: how the columns of someone's table become those of a table of outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confounds.errors import MapError
from confounds.files import read_toml
from confounds.measures import Measure
from confounds.outcomes.schema import NAMES
from confounds.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TOP = ("missing", "columns", "constants", "values", "scores", "metrics")
_METRIC = ("kind", "range", "higher_is_better", "chance", "summary")
_SCALARS = (str, int, float)


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """One column of a wide table that holds scores.

    Attributes:
        column: in the source.
        metric: what it is.
        multiply: factor that brings it to the metric's range (0.01 for percent).
        constants: table column -> value on the rows made of it.
    """

    column: str
    metric: str
    multiply: float = 1.0
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableMap:
    """A parsed `map.toml`.

    Attributes:
        missing: values that mean "missing", in any column.
        columns: table column -> source column.
        constants: table column -> value on every row.
        values: table column -> source value (as text) -> value.
        scores: the score columns of a wide table; empty for a long one.
        metrics: declarations of metrics.
        path: where it was read, for messages.
    """

    missing: tuple[Any, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scores: tuple[ScoreColumn, ...] = ()
    metrics: Mapping[str, Measure] = field(default_factory=dict)
    path: Path | None = None

    @property
    def names_columns(self) -> bool:
        """True when it says how to read a table, and does not only declare metrics."""
        return bool(self.columns or self.constants or self.values or self.scores or self.missing)


def read_map(path: Path) -> TableMap:
    """Read a map.

    Raises:
        MapError: it cannot be read, or a key or value in it is wrong.
    """
    document = read_toml(path, MapError)
    _check_keys(path, "", document, _TOP)
    missing = document.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(one, _SCALARS) for one in missing):
        msg = f"{path}: missing is {missing!r}; it must be a list of values"
        raise MapError(msg)
    columns = _table(path, document, "columns")
    for name, source in columns.items():
        if not isinstance(source, str):
            msg = f"{path}: [columns] {name} is {source!r}; it must be the name of a column"
            raise MapError(msg)
    values = _table(path, document, "values")
    for name, mapping in values.items():
        if not isinstance(mapping, dict):
            msg = f"{path}: [values.{name}] must be a table: source value = value"
            raise MapError(msg)
    return TableMap(
        missing=tuple(missing),
        columns=columns,
        constants=_constants(path, "[constants]", _table(path, document, "constants")),
        values=values,
        scores=_scores(path, document.get("scores", [])),
        metrics=_metrics(path, document.get("metrics", {})),
        path=path,
    )


def _check_keys(path: Path, where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            close = nearest(key, allowed)
            msg = f"{path}: {where}unknown key '{key}'; allowed: {', '.join(allowed)}{close}"
            raise MapError(msg)


def _table(path: Path, document: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        msg = f"{path}: {key} is {table!r}; write it as a table, [{key}]"
        raise MapError(msg)
    _check_keys(path, f"[{key}] ", table, NAMES)
    return table


def _constants(path: Path, where: str, table: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, _SCALARS):
            msg = f"{path}: {where} {name} is {value!r}; it must be a text or a number"
            raise MapError(msg)
    return dict(table)


def _scores(path: Path, tables: Any) -> tuple[ScoreColumn, ...]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        msg = f"{path}: scores must be [[scores]] tables, one for each column of scores"
        raise MapError(msg)
    return tuple(_score(path, number, table) for number, table in enumerate(tables, 1))


def _score(path: Path, number: int, table: Mapping[str, Any]) -> ScoreColumn:
    where = f"[[scores]] {number}: "
    _check_keys(path, where, table, ("column", "multiply", *NAMES))
    for key in ("column", "metric"):
        if not isinstance(table.get(key), str):
            msg = f"{path}: {where}'{key}' is {table.get(key)!r}; it must be a text"
            raise MapError(msg)
    factor = table.get("multiply", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
        msg = f"{path}: {where}multiply is {factor!r}; it must be a number above 0"
        raise MapError(msg)
    rest = {k: v for k, v in table.items() if k not in ("column", "metric", "multiply")}
    return ScoreColumn(
        table["column"], table["metric"], float(factor), _constants(path, where, rest)
    )


def _metrics(path: Path, tables: Any) -> dict[str, Measure]:
    if not isinstance(tables, dict):
        msg = f"{path}: metrics must be [metrics.NAME] tables"
        raise MapError(msg)
    return {name: _metric(path, name, table) for name, table in tables.items()}


def _metric(path: Path, name: str, table: Any) -> Measure:
    where = f"[metrics.{name}] "
    if not isinstance(table, dict):
        msg = f"{path}: {where}must be a table"
        raise MapError(msg)
    _check_keys(path, where, table, _METRIC)
    kind = table.get("kind")
    if kind not in ("linear", "discontinuous"):
        msg = f"{path}: {where}kind is {kind!r}; allowed: linear, discontinuous"
        raise MapError(msg)
    limits = table.get("range", [0.0, 1.0])
    numbers = isinstance(limits, list) and all(
        isinstance(one, int | float) and not math.isnan(one) for one in limits
    )
    if not numbers or len(limits) != 2 or not limits[0] < limits[1]:
        msg = f"{path}: {where}range is {limits!r}; it must be [lowest, highest] (inf is allowed)"
        raise MapError(msg)
    better = table.get("higher_is_better", True)
    if not isinstance(better, bool):
        msg = f"{path}: {where}higher_is_better is {better!r}; allowed: true, false"
        raise MapError(msg)
    lower, upper = float(limits[0]), float(limits[1])
    usual = "uniform" if (lower, upper) == (0.0, 1.0) else "none"
    chance = table.get("chance", usual)
    if chance not in ("uniform", "zero", "none"):
        msg = f"{path}: {where}chance is {chance!r}; allowed: uniform, zero, none"
        raise MapError(msg)
    summary = str(table.get("summary", ""))
    return Measure(name, kind, lower, upper, better, chance, summary)
