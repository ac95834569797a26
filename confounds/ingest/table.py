"""Any CSV, JSONL or Parquet table.

One with the columns of the table of outcomes, or one whose columns a `map.toml` names.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import MapError
from confounds.ingest._map import ScoreColumn, TableMap
from confounds.ingest._range import check_range
from confounds.ingest._reading import Reading, first_places, stack
from confounds.outcomes._csv_lines import bounded_lines
from confounds.outcomes._places import PLACE, place_in, with_places
from confounds.outcomes.schema import NAMES, REQUIRED
from confounds.outcomes.sidecar import ENDING
from confounds.outcomes.storage import SUFFIXES, Content, check_readable, read_frame
from confounds.outcomes.streaming import is_large, stream
from confounds.results import Finding

if TYPE_CHECKING:
    from pathlib import Path

_ENOUGH = 3


class Table:
    """Reads any table; `mapping` says which of its columns is what."""

    name = "table"
    summary = "any CSV, JSONL or Parquet table, with --map where its columns have other names"
    companions = (f"*.csv{ENDING}", f"*.jsonl{ENDING}")

    def __init__(self, mapping: TableMap | None = None) -> None:
        self.mapping = mapping or TableMap()

    def recognises(self, path: Path) -> bool:
        """A table with most of the required columns; any table where a map names columns."""
        if path.suffix not in SUFFIXES:
            return False
        if self.mapping.names_columns:
            return True
        return len(set(REQUIRED) & set(_header(path))) >= _ENOUGH

    def read(self, path: Path) -> Reading:
        """The rows as scores; missing scores are dropped and noted.

        Raises:
            FormatError: the file cannot be read.
            MapError: the map names a column that the table lacks.
        """
        check_readable(path)
        if is_large(path) and not self.mapping.names_columns:
            outcomes = stream(path, measures=self.mapping.metrics)
            return Reading(outcomes.frame, outcomes.measures, outcomes.notes)
        content = read_frame(path)
        source = _with_source(content, path)
        if not self.mapping.names_columns:
            return Reading(source, content.measures, content.notes)
        source, notes = _without_codes(source, self.mapping)
        frame, dropped = _mapped(source, self.mapping, path)
        return Reading(frame, self.mapping.metrics, (*notes, *dropped))


FORMAT = Table()


def _header(path: Path) -> tuple[str, ...]:
    if path.suffix == ".parquet":
        try:
            return tuple(pq.read_schema(path).names)
        except (pa.ArrowException, OSError):
            return ()
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            if path.suffix == ".csv":
                return tuple(next(csv.reader(bounded_lines(file)), ()))
            row = json.loads(next(bounded_lines(file), ""))
        except (csv.Error, ValueError, RecursionError):
            return ()
    return tuple(row) if isinstance(row, dict) else ()


def _with_source(content: Content, path: Path) -> pd.DataFrame:
    """The rows with file and line as their source, or beside one that they have."""
    placed = with_places(content, path)
    own = "source" in placed.columns
    return placed if own else placed.rename(columns={PLACE: "source"})


def _without_codes(
    frame: pd.DataFrame, mapping: TableMap
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    codes = {_text(code) for code in mapping.missing}
    if not codes:
        return frame, ()
    cleaned = {}
    counts: dict[str, int] = {}
    for name in frame.columns:
        coded = frame[name].map(_text).isin(codes)
        if coded.any():
            counts[str(name)] = int(coded.sum())
            cleaned[name] = frame[name].astype(object).mask(coded, None)
    if not counts:
        return frame, ()
    where = tuple(f"{name}: {count}" for name, count in counts.items())
    message = f"Values are a code for missing ({', '.join(sorted(codes))})"
    total = sum(counts.values())
    return frame.assign(**cleaned), (Finding("missing_code", message, total, where[:5]),)


def _text(value: Any) -> str:
    """A value as text, the same for 7, 7.0 and "7"."""
    try:
        return f"{float(value):.15g}"
    except (TypeError, ValueError):
        return str(value)


def _mapped(
    source: pd.DataFrame, mapping: TableMap, path: Path
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    base: dict[str, Any] = {
        name: source[name] for name in ("source", PLACE) if name in source.columns
    }
    for name, column in mapping.columns.items():
        base[name] = _column(source, column, f"[columns] {name}", mapping, path)
    for name, value in mapping.constants.items():
        base[name] = _constant(value, len(source))
    for name, translation in mapping.values.items():  # noqa: PD011  not a frame
        if name not in base:
            msg = f"{mapping.path}: [values.{name}] needs '{name}' under [columns]"
            raise MapError(msg)
        base[name] = _translated(base[name], translation)
    if mapping.scores:
        parts = [_scored(source, base, one, mapping, path) for one in mapping.scores]
        frame = stack(parts)
    else:
        own = {name: source[name] for name in source.columns if name in NAMES and name not in base}
        frame = pd.DataFrame({**base, **own}, index=source.index)
        if "score" in frame.columns:
            scores = ScoreColumn(mapping.columns.get("score", "score"), "")
            check_range(frame, frame["score"], scores, mapping, path)
    _check_given(frame, source, mapping, path)
    known = "score" in frame.columns and bool(mapping.scores or mapping.missing)
    return _dropped(frame) if known else (frame, ())


def _check_given(frame: pd.DataFrame, source: pd.DataFrame, mapping: TableMap, path: Path) -> None:
    missing = [name for name in REQUIRED if name != "n" and name not in frame.columns]
    if missing and len(source):
        msg = (
            f"{mapping.path}: nothing gives '{missing[0]}'; name its column under [columns], or "
            f"its value under [constants]; {path.name} has: {_names(source)}"
        )
        raise MapError(msg)


def _names(source: pd.DataFrame) -> str:
    return ", ".join(str(name) for name in source.columns if name not in ("source", PLACE))


def _column(
    source: pd.DataFrame, column: str, where: str, mapping: TableMap, path: Path
) -> pd.Series[Any]:
    if column not in source.columns:
        there = f"{path.name} has no column '{column}'; it has: {_names(source)}"
        msg = f"{mapping.path}: {where}: {there}"
        raise MapError(msg)
    return source[column]


def _constant(value: Any, rows: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.full(rows, value, dtype=object if isinstance(value, str) else np.float64)


def _translated(column: Any, values: Any) -> pd.Series[Any]:
    known = {_text(key): value for key, value in values.items()}
    series = pd.Series(column, dtype=object)
    return series.map(lambda value: known.get(_text(value), value)).astype(object)


def _scored(
    source: pd.DataFrame, base: dict[str, Any], one: ScoreColumn, mapping: TableMap, path: Path
) -> pd.DataFrame:
    score = _column(source, one.column, "[[scores]] column", mapping, path)
    raw = score.astype(object).replace({"": None})
    numbers = pd.to_numeric(raw, errors="coerce")
    wrong = (numbers.isna() & raw.notna()).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = (
            f"{place_in(path, source, row)}: {one.column} is {raw.iloc[row]!r}; it must be a "
            f"number (or listed under 'missing' in the map)"
        )
        raise MapError(msg)
    constants = {name: _constant(value, len(source)) for name, value in one.constants.items()}
    columns = {**base, "metric": one.metric, "score": numbers * one.multiply, **constants}
    frame = pd.DataFrame(columns, index=source.index)
    check_range(frame, raw, one, mapping, path)
    return frame


def _dropped(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    missing = frame["score"].isna()
    if not missing.any():
        return frame, ()
    tasks = frame["task"][missing] if "task" in frame.columns else pd.Series(dtype=object)
    message = "Scores are missing and are left out"
    finding = Finding("missing_scores", message, int(missing.sum()), first_places(tasks), "note")
    return frame[~missing], (finding,)
