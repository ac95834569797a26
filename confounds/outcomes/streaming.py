"""Averages over items for tables larger than memory.

The file is read once by duckdb, grouped by run: what is held is one row a run, whatever the
number of items (measured against pyarrow in `benchmarks/streaming.py`).
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from tempfile import gettempdir
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import FormatError, OutcomesError
from confounds.measures import DECLARED
from confounds.outcomes._csv_lines import (
    UNCLOSED,
    bounded_lines,
    cells_told,
    header_of,
    ragged_line,
)
from confounds.outcomes._json_lines import row_of, wrong_row
from confounds.outcomes._wording import counted, interval, way_out
from confounds.outcomes.checks import note_unused, unused_columns
from confounds.outcomes.schema import (
    BY_NAME,
    N_HINT,
    NAMES,
    REPLICATE_KEYS,
    REQUIRED,
)
from confounds.outcomes.storage import check_readable, check_suffix, from_arrow, kept_metadata
from confounds.outcomes.table import Outcomes
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pandas as pd

    from confounds.measures import Measure

# One thread: sums of fractions in a fixed order, so that the same file gives the same bytes.
_SETTINGS = {
    "threads": "1",
    "memory_limit": "2GB",
    "temp_directory": gettempdir(),
    "enable_progress_bar": "false",
}
_ON_LINE = re.compile(r"CSV Error on Line: (\d+)")
_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_MANY_ROWS = 3_000_000
_MANY_BYTES = 500_000_000
_LOOKED_AT = 1000
_AVERAGED = ("chance", "majority", "ceiling")


def is_large(path: Path) -> bool:
    """Is the table too large to be held as rows: over 3 million (2 GB), or 500 MB of text?"""
    if path.suffix != ".parquet":
        return path.stat().st_size > _MANY_BYTES
    try:
        return bool(pq.read_metadata(path).num_rows > _MANY_ROWS)
    except (pa.ArrowException, OSError):
        return False


def stream(path: str | Path, *, measures: Mapping[str, Measure] | None = None) -> Outcomes:
    """The outcomes of a table of any size, with items averaged within each run.

    Equal to `Outcomes.read(path).aggregate()` up to rounding and the order of rows, except
    that items which repeat exactly are not looked for: that would need all of them in memory.

    Args:
        path: a `.parquet`, `.csv` or `.jsonl` file with the columns of the table.
        measures: declarations of metrics unknown to the package and not kept by `write`.

    Raises:
        FormatError: the file cannot be read.
        OutcomesError: its content breaks the schema; the message names the task and model.
    """
    path = Path(path)
    check_suffix(path)
    check_readable(path)
    kept, notes = kept_metadata(path)
    known = {**kept, **(measures or {})}
    try:
        runs, unused = _runs(path)
        _check(runs)
        for name in runs["metric"].unique():
            measure = known.get(name) or DECLARED.get(name)
            if measure is not None:
                _check_range(runs[runs["metric"] == name], measure)
        every = (*notes, *unused, *_note(runs))
        return Outcomes(_frame(runs, path), measures=known, notes=every)
    except OutcomesError as error:
        msg = f"{path}: {error}"
        raise OutcomesError(msg) from error


def _runs(path: Path) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """One row a run, with what is needed to check and average it."""
    import duckdb  # noqa: PLC0415  only tables larger than memory need it

    try:
        with duckdb.connect() as connection:
            for name, value in _SETTINGS.items():
                connection.execute(f"set {name} = '{value}'")
            relation = _relation(connection, path)
            kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
            columns = [name for name in kinds if name in NAMES]
            there = _json_names(path) if path.suffix == ".jsonl" else list(kinds)
            missing = [name for name in REQUIRED if name not in there]
            if missing:
                hint = f" {N_HINT}" if missing[0] == "n" else ""
                msg = f"column '{missing[0]}' is missing; required: {', '.join(REQUIRED)}{hint}"
                raise OutcomesError(msg)
            runs = from_arrow(_grouped(relation, columns, kinds).to_arrow_table())
            _check_numbers(relation, runs)
    except duckdb.Error as error:
        raise FormatError(_unreadable(path, str(error))) from error
    return runs, note_unused(unused_columns(there, runs))


def _unreadable(path: Path, reason: str) -> str:
    """What is wrong, in this package's words where the reason has a line."""
    if path.suffix == ".jsonl":
        # duckdb counts lines from its blocks, and does not say what is allowed.
        with _opened(path) as file:
            wrong = wrong_row(bounded_lines(file))
        if wrong is not None:
            return f"{path}:{wrong[0]}: {wrong[1]}"
    line, width = _ON_LINE.search(reason), _WIDTH.search(reason)
    if line is None:
        return f"{path}: cannot be read ({reason.splitlines()[0]})"
    place = f"{path}:{line[1]}"
    if width is not None:
        # duckdb counts rows, where blanks and breaks in cells make an editor count more.
        with _opened(path) as file:
            found = ragged_line(bounded_lines(file))
        told = cells_told(int(width[2]), int(width[1]))
        return f"{place}: {told}" if found is None else f"{path}:{found[0]}: {found[1]}"
    if "unterminated quote" in reason:
        return f"{place}: {UNCLOSED}"
    return f"{place}: {'not UTF-8' if 'unicode' in reason else 'not readable as CSV'}"


def _relation(connection: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    name = str(path)
    if path.suffix == ".parquet":
        return connection.read_parquet(name, hive_partitioning=False)
    if path.suffix == ".csv":
        # Nothing is detected: lines that differ from the first would decide, and those be skipped.
        columns = dict.fromkeys(_header(path), "VARCHAR")
        return connection.read_csv(
            name, header=True, sep=",", quotechar='"', escapechar='"', auto_detect=False,
            columns=columns,
        )  # fmt: skip
    # Nor here: what the first rows lack would be left out, and fractions after whole numbers be
    # rounded.
    columns = dict.fromkeys(NAMES, "VARCHAR")
    return connection.read_json(name, format="newline_delimited", columns=columns)


def _json_names(path: Path) -> list[str]:
    """The keys of the first rows of a JSON Lines file; required ones are in every row.

    Raises:
        FormatError: a line of them is no row.
    """
    with _opened(path) as file:
        first = list(itertools.islice(bounded_lines(file), _LOOKED_AT))
    wrong = wrong_row(first)
    if wrong is not None:
        msg = f"{path}:{wrong[0]}: {wrong[1]}"
        raise FormatError(msg)
    return list(dict.fromkeys(name for line in first if line.strip() for name in row_of(line)))


def _header(path: Path) -> list[str]:
    with _opened(path) as file:
        return header_of(bounded_lines(file), path)


def _opened(path: Path) -> IO[str]:
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _grouped(
    relation: duckdb.DuckDBPyRelation, columns: list[str], kinds: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    numbers = [name for name in columns if BY_NAME[name].kind != "text"]
    typed = [f'{_blank(name)} as "{name}"' for name in columns if name not in numbers]
    typed += [_number(name, kinds[name]) for name in numbers]
    written = [name for name in numbers if not _is_number(kinds[name])]
    wrong = [f"when {_unparsed(name)} then '{name}'" for name in written]
    typed.append(f"case {' '.join(wrong)} end as wrong" if wrong else "null as wrong")
    keys = [f'"{name}"' for name in REPLICATE_KEYS if name in columns]
    averages = [f"avg({name}) as {name}" for name in ("score", *_AVERAGED) if name in columns]
    kept = [f"max({name}) as {name}" for name in ("chance_source", "variance") if name in columns]
    counts = [
        "min(score) as lowest",
        "max(score) as highest",
        "var_samp(score) as spread",
        "count(*) as rows",
        "count(score) as scored",
        f"count({'item' if 'item' in columns else 'null'}) as items",
        "count(n) as counted",
        "min(n) as fewest",
        "max(n) as most",
        "min(wrong) as wrong",
    ]
    grouped = relation.project(", ".join(typed)).aggregate(
        ", ".join([*keys, *averages, *kept, *counts]), ", ".join(keys)
    )
    return grouped.order(", ".join(keys))


def _number(name: str, kind: str) -> str:
    number = f'cast("{name}" as double)' if _is_number(kind) else _parsed(name)
    return f'case when isnan({number}) then null else {number} end as "{name}"'


def _blank(name: str) -> str:
    """The value as text, null where it is empty."""
    return f"nullif(cast(\"{name}\" as varchar), '')"


def _parsed(name: str) -> str:
    return f"try_cast({_blank(name)} as double)"


def _unparsed(name: str) -> str:
    return f"{_blank(name)} is not null and {_parsed(name)} is null"


def _is_number(kind: str) -> bool:
    return "INT" in kind or kind.startswith(("DOUBLE", "FLOAT", "DECIMAL"))


def _check_numbers(relation: duckdb.DuckDBPyRelation, runs: pd.DataFrame) -> None:
    """Text that is no number became null; say which it was."""
    for name in runs["wrong"].dropna().unique()[:1]:
        wrong = relation.filter(_unparsed(name)).project(_blank(name))
        value = wrong.limit(1).fetchall()[0][0]
        msg = f"column '{name}' holds {value!r}; it must be a number"
        raise OutcomesError(msg)


def _check(runs: pd.DataFrame) -> None:
    """A run is items with n = 1, or one average; its scores and n are known."""
    several = (runs["items"] == 0) & (runs["rows"] > 1)
    same = (runs["lowest"] == runs["highest"]) & (runs["fewest"] == runs["most"])
    names = ("task", "metric", "model")
    checks = (
        *((runs[name].isna(), f"column '{name}' is empty; it must be a text") for name in names),
        (runs["scored"] < runs["rows"], "column 'score' is empty or NaN; every row needs a number"),
        (
            runs["counted"] < runs["rows"],
            f"column 'n' is empty or NaN; every row needs a number {N_HINT}",
        ),
        (
            (runs["items"] > 0) & (runs["items"] < runs["rows"]),
            "an average of a run stands beside its items; keep one of them",
        ),
        (
            (runs["items"] > 0) & ((runs["fewest"] != 1) | (runs["most"] != 1)),
            "a row with an item has n = 1",
        ),
        (several & ~same, "rows repeat an earlier row with another score or n; keep one"),
    )
    for wrong, message in checks:
        if wrong.any():
            row = runs[wrong].iloc[0]
            msg = f"{message} ({_place(row)})"
            raise OutcomesError(msg)


def _check_range(runs: pd.DataFrame, measure: Measure) -> None:
    outside = runs[(runs["lowest"] < measure.lower) | (runs["highest"] > measure.upper)]
    if len(outside):
        row = outside.iloc[0]
        value = row["lowest"] if row["lowest"] < measure.lower else row["highest"]
        msg = (
            f"scores are outside {interval(measure)} in {counted(len(outside), 'run')}; the first "
            f"is {value:g} in column 'score' ({_place(row)}). {way_out(float(value), measure)}"
        )
        raise OutcomesError(msg)


def _place(row: pd.Series[Any]) -> str:
    return f"task '{row['task']}', metric '{row['metric']}', model '{row['model']}'"


def _frame(runs: pd.DataFrame, path: Path) -> pd.DataFrame:
    by_item = runs["items"] > 0
    frame = runs[[name for name in runs.columns if name in NAMES]].assign(source=path.name)
    frame["n"] = runs["items"].where(by_item, runs["most"])
    variance = runs["variance"] if "variance" in runs.columns else np.nan
    frame["variance"] = runs["spread"].where(by_item, variance)
    return frame


def _note(runs: pd.DataFrame) -> tuple[Finding, ...]:
    items = int(runs["items"].sum())
    notes: tuple[Finding, ...] = ()
    if items:
        message = (
            "Items were averaged while the file was read, and exact repeats of items were not "
            "looked for"
        )
        notes += (Finding("streamed", message, items, (), "note"),)
    repeats = int((runs["rows"] - 1)[runs["items"] == 0].sum())
    if repeats:
        message = "Rows repeat an earlier row exactly and are left out"
        notes += (Finding("duplicate_rows", message, repeats),)
    return notes
