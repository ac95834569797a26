"""The columns of a table of outcomes, and the check that a frame keeps to them.

One row is one score. Unknown is null, never a code such as -100. Inside frames, text is
`object` with None for null, numbers are float64 with NaN for null (whole-number columns that
may be null too: numpy has no nullable integer), and `n` is int64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from confounds.errors import OutcomesError
from confounds.measures import Measure
from confounds.outcomes._places import Places
from confounds.outcomes._wording import counted, interval, way_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ColumnKind = Literal["text", "number", "whole"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes:
        name: as in the frame.
        kind: `text`, `number` or `whole` (a whole number).
        summary: its meaning, in one line.
        unit: unit of a number, or "".
        required: True when it may not be null.
        lower: smallest value allowed; None where any is.
        exclusive: True when `lower` itself is not allowed.
        levels: the only texts allowed; empty where any is.
    """

    name: str
    kind: ColumnKind
    summary: str
    unit: str = ""
    required: bool = False
    lower: float | None = None
    exclusive: bool = False
    levels: tuple[str, ...] = ()


COLUMNS: tuple[Column, ...] = (
    Column("task", "text", "what was asked", required=True),
    Column("metric", "text", "how the answers were scored", required=True),
    Column("model", "text", "the trained model, the sampling unit", required=True),
    Column("score", "number", "the score, within the metric's range", required=True),
    Column("n", "whole", "items behind the score", "items", required=True, lower=1),
    Column("item", "text", "the item; null where the row is an average over items"),
    Column("chance", "number", "expected score of a guesser"),
    Column("chance_source", "text", "where chance comes from: uniform (1/k), declared, majority"),
    Column("majority", "number", "score of the best constant answer"),
    Column("family", "text", "models of one recipe that differ in size"),
    Column("parameters", "number", "size", "parameters", lower=0, exclusive=True),
    Column("tokens", "number", "training tokens seen", "tokens", lower=0, exclusive=True),
    Column("compute", "number", "training compute", "FLOP", lower=0, exclusive=True),
    Column("checkpoint", "whole", "training step", "steps", lower=0),
    Column("seed", "whole", "random seed of the run"),
    Column("tuning", "text", "base, instruct, chat, code, ..."),
    Column("adaptation", "text", "how fitted to the task", levels=("prompted", "finetuned")),
    Column("shots", "whole", "demonstrations in the prompt", "demonstrations", lower=0),
    Column(
        "demonstrations", "text", "their answers", levels=("none", "gold", "shuffled", "other_task")
    ),
    Column("reasoning", "text", "answer at once or step by step", levels=("direct", "chain")),
    Column("prompt", "text", "name of the prompt format"),
    Column(
        "exposure",
        "text",
        "whether the items were in training",
        levels=("memorized", "unseen", "perturbed"),
    ),
    Column("dose", "number", "times the items were seen in training", "times", lower=0),
    Column("distribution", "text", "in or out of the training distribution", levels=("in", "out")),
    Column("source", "text", "provenance: file and line"),
    Column("run", "text", "name of the evaluation run"),
    Column("variance", "number", "sample variance of the item scores behind an average", lower=0),
    Column("ceiling", "number", "highest expected score that any model could reach"),
)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.required)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}

N_HINT = "(n can be set in [[scores]] or [constants] of map.toml, or in tasks.csv)"
_LONGEST_SHOWN = 80
MOST_WHOLE = 2**53
"""Above it, not every whole number is a float64."""
_SHOWN_IN_CHARTS = ("task", "metric", "model", "family", "tuning", "prompt")
_LONGEST_NAME = 10_000
_USED_EARLY = (
    *("task", "metric", "model", "score", "n", "chance", "majority", "ceiling"),
    *("parameters", "tokens", "compute", "checkpoint", "variance"),
)

CELL_KEYS: tuple[str, ...] = (
    "task",
    "metric",
    "model",
    "family",
    "parameters",
    "tokens",
    "compute",
    "checkpoint",
    "tuning",
    "adaptation",
    "shots",
    "demonstrations",
    "reasoning",
    "prompt",
    "exposure",
    "dose",
    "distribution",
)
REPLICATE_KEYS: tuple[str, ...] = (*CELL_KEYS, "seed", "run")
ROW_KEYS: tuple[str, ...] = (*REPLICATE_KEYS, "item")


def conform(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every column of the table, in order, each with its own dtype.

    Raises:
        OutcomesError: there are no rows, a required column is missing or holds a null, or a
            value is not of its column's kind, range or levels.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        hint = f" {N_HINT}" if missing[0] == "n" else ""
        msg = f"column '{missing[0]}' is missing; required: {', '.join(REQUIRED)}{hint}"
        raise OutcomesError(msg)
    if not len(frame):
        msg = "the table has no rows; at least one score is needed"
        raise OutcomesError(msg)
    rows = len(frame)
    columns: dict[str, NDArray[Any]] = {}
    for column in COLUMNS:
        if column.name not in frame.columns:
            columns[column.name] = _nulls(column, rows)
            continue
        try:
            columns[column.name] = _conform_column(column, frame[column.name])
        except _ValueWrongError as error:
            raise OutcomesError(error.at(Places(frame).full(error.row))) from None
    return numpy_frame(columns)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns that are looked up or computed with as texts and numbers.

    Raises:
        OutcomesError: a value is not of its column's kind.
    """
    columns = {}
    for name in _USED_EARLY:
        if name not in frame.columns or pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        column, values = BY_NAME[name], frame[name]
        convert = _texts if column.kind == "text" else _numbers
        try:
            columns[name] = convert(column, values)
        except _ValueWrongError as error:
            raise OutcomesError(error.at(Places(frame).full(error.row))) from None
    return frame.assign(**columns)


def check_scores(
    frame: pd.DataFrame, measures: Mapping[str, Measure], places: Places | None = None
) -> None:
    """Check scores, `chance`, `majority` and `ceiling` against the range that each metric declares.

    Args:
        frame: the rows.
        measures: metric -> its declaration.
        places: of the rows, where the frame does not say.

    Raises:
        OutcomesError: a value lies outside; the message says how many and where the first is.
    """
    for name, measure in measures.items():
        rows = (frame["metric"] == name).to_numpy()
        for column in ("score", "chance", "majority", "ceiling"):
            values = frame[column].to_numpy()
            with np.errstate(invalid="ignore"):
                outside = rows & ~np.isnan(values)
                outside &= (values < measure.lower) | (values > measure.upper)
            if outside.any():
                row = int(np.argmax(outside))
                where = f"{(places or Places(frame)).of(row)}, task '{frame['task'].iloc[row]}'"
                value = float(values[row])
                raise OutcomesError(_outside(outside, column, value, where, measure))


def numpy_frame(columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """A frame whose text stays `object`: pandas 3 would make Arrow-backed `str` of it."""
    rows = len(next(iter(columns.values()), ()))
    index = pd.RangeIndex(rows)
    series = {
        name: pd.Series(
            values, index=index, dtype=object if values.dtype == object else None, copy=False
        )
        for name, values in columns.items()
    }
    return pd.DataFrame(series, index=index, copy=False)


def nulls_as_none(values: pd.Series[Any]) -> NDArray[Any]:
    """Text values as an object array with None for null."""
    out = values.astype(object).to_numpy(dtype=object, copy=True)
    out[pd.isna(out)] = None
    return out


class _ValueWrongError(Exception):
    """A value that breaks its column; `PLACE` in the message is filled in by the caller."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row

    def at(self, where: str) -> str:
        return str(self).replace("PLACE", where, 1)


def _nulls(column: Column, rows: int) -> NDArray[Any]:
    if column.kind == "text":
        return np.full(rows, None, dtype=object)
    return np.full(rows, np.nan)


def _conform_column(column: Column, values: pd.Series[Any]) -> NDArray[Any]:
    if column.kind == "text":
        return _text(column, values)
    numbers = _numbers(column, values)
    _check_numbers(column, numbers)
    return numbers.astype(np.int64) if column.name == "n" else numbers


def _texts(column: Column, values: pd.Series[Any]) -> NDArray[Any]:
    out = nulls_as_none(values)
    kind = pd.api.types.infer_dtype(out, skipna=True)
    if kind not in ("string", "empty"):
        for row, value in enumerate(out):
            out[row] = _as_text(column, row, value)
    out[out == ""] = None
    return out


def _text(column: Column, values: pd.Series[Any]) -> NDArray[Any]:
    out = _texts(column, values)
    null = pd.isna(out)
    if column.required and null.any():
        row = int(np.argmax(null))
        msg = f"column '{column.name}' in PLACE is empty; every row needs a text there"
        raise _ValueWrongError(row, msg)
    if column.name in _SHOWN_IN_CHARTS:
        _check_names(column, out, out[~null])
    if column.levels:
        for level in pd.unique(out[~null]):
            if level not in column.levels:
                row = int(np.argmax(out == level))
                msg = (
                    f"column '{column.name}' in PLACE is {_shown(level)}; "
                    f"allowed: {', '.join(column.levels)}, or empty where unknown"
                )
                raise _ValueWrongError(row, msg)
    return out


def _check_names(column: Column, values: NDArray[Any], known: NDArray[Any]) -> None:
    """A NUL ends the text for the library that draws charts, and the process with it."""
    for value in pd.unique(known):
        wrong = f"is {_shown(value)}; a text holds no NUL" if "\0" in value else None
        if len(value) > _LONGEST_NAME:
            wrong = f"has {len(value)} characters; a name has at most {_LONGEST_NAME}"
        if wrong is not None:
            msg = f"column '{column.name}' in PLACE {wrong}"
            raise _ValueWrongError(int(np.argmax(values == value)), msg)


def _as_text(column: Column, row: int, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    msg = f"column '{column.name}' in PLACE is {_shown(value)}; it must be a text"
    raise _ValueWrongError(row, msg)


def _numbers(column: Column, values: pd.Series[Any]) -> NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return np.array(values.to_numpy(dtype=np.float64, na_value=np.nan))
    raw = nulls_as_none(values)
    raw[raw == ""] = None
    try:
        numbers = np.asarray(pd.to_numeric(pd.Series(raw), errors="coerce"), dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        numbers = np.array([_as_number(value) for value in raw], dtype=np.float64)
    wrong = np.isnan(numbers) & ~pd.isna(raw)
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = (
            f"column '{column.name}' in PLACE is {_shown(raw[row])}; it must be a number"
            f"{'' if column.required else ', or empty where unknown'}"
        )
        raise _ValueWrongError(row, msg)
    return numbers


def _as_number(value: Any) -> float:
    """A number, also where it is written as text; NaN for anything else, and beyond floats."""
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def _shown(value: Any) -> str:
    """A value for a message, cut short and on one line."""
    told = repr(value)
    return told if len(told) <= _LONGEST_SHOWN else f"{told[:_LONGEST_SHOWN]}..."


def _check_numbers(column: Column, values: NDArray[np.float64]) -> None:
    null = np.isnan(values)
    if column.required and null.any():
        row = int(np.argmax(null))
        hint = f" {N_HINT}" if column.name == "n" else ""
        msg = (
            f"column '{column.name}' in PLACE is empty or NaN; every row needs a number there{hint}"
        )
        raise _ValueWrongError(row, msg)
    wrong = np.isinf(values)
    allowed = "a whole number" if column.kind == "whole" else "a finite number"
    if column.kind == "whole":
        wrong |= ~null & (values != np.round(values))
        with np.errstate(invalid="ignore"):
            large = np.abs(values) > MOST_WHOLE
        if large.any():
            allowed += f" of at most {MOST_WHOLE}"
            wrong |= large
    if column.lower is not None:
        joined = "" if " of " not in allowed else "and "
        allowed += f" {joined}{'above' if column.exclusive else 'of at least'} {column.lower:g}"
        wrong |= values <= column.lower if column.exclusive else values < column.lower
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = f"column '{column.name}' in PLACE is {values[row]:g}; it must be {allowed}"
        raise _ValueWrongError(row, msg)


def _outside(
    outside: NDArray[np.bool_], column: str, value: float, where: str, measure: Measure
) -> str:
    noun = {"chance": "chance level", "majority": "majority score"}.get(column, column)
    count = int(outside.sum())
    return (
        f"{counted(count, noun)} {'is' if count == 1 else 'are'} outside {interval(measure)}; "
        f"the first is {value:g} in column '{column}' ({where}). {way_out(value, measure)}"
    )
