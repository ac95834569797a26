"""What is known of models and tasks besides the results: sizes, tokens, tuning; chance, items.

Two tables ship with the package (`models.csv`, `tasks.csv`); a user's own are believed first.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.errors import FormatError, MapError
from confounds.ingest._items import fill_items, settle_items
from confounds.ingest._matching import check_ranges, unmatched_models, unmatched_tasks
from confounds.ingest._naming import by_name_finding, model_key
from confounds.ingest._reading import first_places
from confounds.measures import DECLARED, Measure
from confounds.outcomes._csv_lines import cells_told, header_of, lines_of
from confounds.outcomes.storage import read_text
from confounds.results import Finding
from confounds.text import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_HERE = Path(__file__).parent
_MODEL_COLUMNS = ("family", "parameters", "tokens", "compute", "tuning")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model; None is unknown.

    Attributes:
        model: its name.
        aliases: other names of it.
        family: models of one recipe that differ in size.
        parameters: all of them, embeddings included.
        tokens: seen in training, in all.
        compute: FLOP of training.
        tokens_per_step: tokens seen in one training step, for checkpoints.
        tuning: `base`, `instruct`, `chat`, `code`, ...
        source: where this is stated.
        place: file and line of the table that says so.
    """

    model: str
    aliases: tuple[str, ...] = ()
    family: str | None = None
    parameters: float | None = None
    tokens: float | None = None
    compute: float | None = None
    tokens_per_step: float | None = None
    tuning: str | None = None
    source: str | None = None
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is known of one task, or of one metric on it."""

    task: str
    aliases: tuple[str, ...] = ()
    metric: str | None = None
    chance: float | None = None
    majority: float | None = None
    n: float | None = None
    source: str | None = None
    place: str = field(default="", compare=False)


def published_model(name: str) -> ModelFacts | None:
    """What the package knows of a model, by hub id, name or alias; None where nothing.

    Of whatever organisation: see `by_name_alone`.
    """
    return _published_models().get(model_key(name))


def published_task(name: str) -> TaskFacts | None:
    """What the package knows of a task, by name or alias; None where nothing."""
    return _published_tasks().get(name)


@dataclass(frozen=True, slots=True)
class Facts:
    """The user's tables of models and tasks."""

    models: Mapping[str, ModelFacts]
    tasks: tuple[TaskFacts, ...]

    @classmethod
    def read(cls, models: str | Path | None, tasks: str | Path | None) -> Facts:
        """Read the user's tables.

        Raises:
            MapError: a table is wrong; the message names file, line, column and value.
        """
        own = read_models(Path(models)) if models is not None else ()
        aliases = {name: facts for facts in own for name in facts.aliases}
        return cls(
            {**aliases, **{facts.model: facts for facts in own}},
            read_tasks(Path(tasks)) if tasks is not None else (),
        )

    def fill_models(
        self, frame: pd.DataFrame, *, published: bool
    ) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
        """Family, size, tokens and tuning of each model, by its name; notes on what is guessed."""
        if not len(frame):
            return frame, ()
        frame = _with_columns(frame, _MODEL_COLUMNS)
        frame = _fill(frame, self.models.get, override=True)
        notes: tuple[Finding, ...] = ()
        if published:
            given = frame
            frame = _fill(frame, published_model, override=False)
            notes = _guessed_models(given, frame)
        frame, untrained = _untrained(frame)
        return frame, notes + untrained

    def unmatched(self, frame: pd.DataFrame) -> tuple[Finding, ...]:
        """Rows of the user's tables that are of nothing in the results."""
        if not len(frame):
            return ()
        models = unmatched_models(frame, dict.fromkeys(self.models.values()))
        return models + unmatched_tasks(frame, self.tasks)

    def fill_tasks(
        self, frame: pd.DataFrame, measures: Mapping[str, Measure]
    ) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
        """Chance, majority and items of each task, where the files do not say.

        Raises:
            MapError: chance in the tasks table is outside the range of the metric.
        """
        if not len(frame):
            return frame, ()
        known = {**DECLARED, **measures}
        check_ranges(frame, self.tasks, known, _guessed(known, published=False))
        frame = _with_columns(frame, ("chance", "chance_source", "majority", "n"))
        frame = _fill_tasks(frame, self.tasks, known, published=False)
        unknown = frame["n"].isna()
        frame = fill_items(frame, known)
        names = (str(name) for name in frame["task"].unique())
        found = tuple(facts for name in names if (facts := published_task(name)) is not None)
        return settle_items(_fill_tasks(frame, found, known, published=True), unknown)


def read_models(path: Path) -> tuple[ModelFacts, ...]:
    """Read a table of models.

    Raises:
        MapError: a column is unknown, missing or there twice, a number is not one, or two lines
            are of one model, by its name or an alias.
    """
    return tuple(ModelFacts(**row) for row in _rows(path, ModelFacts, "model"))


def read_tasks(path: Path) -> tuple[TaskFacts, ...]:
    """Read a table of tasks.

    Raises:
        MapError: a column is unknown, missing or there twice, a number is not one, or two lines
            are of one task and metric.
    """
    return tuple(TaskFacts(**row) for row in _rows(path, TaskFacts, "task"))


@cache
def _published_models() -> dict[str, ModelFacts]:
    found = {}
    for facts in read_models(_HERE / "models.csv"):
        for name in (facts.model, *facts.aliases):
            found[model_key(name)] = facts
    return found


@cache
def _published_tasks() -> dict[str, TaskFacts]:
    found = {}
    for facts in read_tasks(_HERE / "tasks.csv"):
        for name in (facts.task, *facts.aliases):
            found[name] = facts
    return found


def _rows(path: Path, kind: type[ModelFacts | TaskFacts], key: str) -> list[dict[str, Any]]:
    names = {item.name: "float" in str(item.type) for item in fields(kind) if item.name != "place"}
    try:
        text = read_text(path)
        header_of(lines_of(text), path)
    except FormatError as error:
        raise MapError(str(error)) from error
    try:
        rows = _parsed(path, text, names, key)
    except csv.Error as error:
        msg = f"{path}: not readable as CSV ({error})"
        raise MapError(msg) from error
    _check_once(rows, key)
    return rows


def _check_once(rows: Iterable[Mapping[str, Any]], key: str) -> None:
    """Of two lines about one thing, the last would be believed unseen."""
    seen: dict[tuple[str, str | None], str] = {}
    for row in rows:
        place, metric = row["place"], row.get("metric")
        for name in (row[key], *row.get("aliases", ())):
            first = seen.setdefault((name, metric), place)
            if first != place:
                of = "" if metric is None else f" (metric '{metric}')"
                line = first.rpartition(":")[2]
                msg = f"{place}: {key} '{name}'{of} is in line {line} already; name each once"
                raise MapError(msg)


def _parsed(path: Path, text: str, names: Mapping[str, bool], key: str) -> list[dict[str, Any]]:
    """The rows of a table; `names` has its columns, and whether each holds numbers."""
    reader = csv.DictReader(io.StringIO(text))
    header = reader.fieldnames or []
    if key not in header:
        msg = f"{path}: column '{key}' is missing; allowed: {', '.join(names)}"
        raise MapError(msg)
    unknown = [name for name in header if name not in names]
    if unknown:
        close = nearest(unknown[0], names)
        msg = f"{path}: unknown column '{unknown[0]}'; allowed: {', '.join(names)}{close}"
        raise MapError(msg)
    rows = []
    for row in reader:
        place = f"{path}:{reader.line_num}"
        cells = sum(row[name] is not None for name in header) + len(row.get(None, ()))
        if cells != len(header):
            msg = f"{place}: {cells_told(cells, len(header))}"
            raise MapError(msg)
        if not row[key]:
            msg = f"{place}: '{key}' is empty; every line needs one"
            raise MapError(msg)
        known = {
            name: _value(place, name, text, number=names.get(name, False))
            for name, text in row.items()
            if text not in (None, "")
        }
        rows.append({**known, "place": place})
    return rows


def _value(place: str, name: str, text: str, *, number: bool) -> Any:
    if name == "aliases":
        return tuple(text.split())
    if not number:
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    bounded = name in ("chance", "majority")
    if not math.isfinite(value) or value < 0 or (value == 0 and not bounded):
        allowed = "a number of at least 0" if bounded else "a number above 0"
        msg = f"{place}: {name} is {text!r}; it must be {allowed}, or empty where unknown"
        raise MapError(msg)
    if name == "n" and value != round(value):
        msg = f"{place}: n is {text!r}; it must be a whole number, or empty where unknown"
        raise MapError(msg)
    return value


def _with_columns(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    absent = [name for name in names if name not in frame.columns]
    text = ("family", "tuning", "chance_source")
    nulls = {
        name: pd.Series(None, index=frame.index, dtype=object if name in text else float)
        for name in absent
    }
    return frame.assign(**nulls)


def _fill(
    frame: pd.DataFrame, look_up: Callable[[str], ModelFacts | None], *, override: bool
) -> pd.DataFrame:
    place, names = pd.factorize(frame["model"])
    known = [look_up(name) for name in names]
    found = {name: facts for name, facts in zip(names, known, strict=True) if facts is not None}
    if not found:
        return frame
    filled = {}
    for column in _MODEL_COLUMNS:
        values = [None if facts is None else getattr(facts, column) for facts in known]
        each = pd.Series([*values, None], dtype=frame[column].dtype)
        given = each.take(place).set_axis(frame.index)
        if column == "tokens":
            given = _tokens(frame, given, found)
        first, second = (given, frame[column]) if override else (frame[column], given)
        filled[column] = first.where(first.notna(), second)
    return frame.assign(**filled)


def _tokens(
    frame: pd.DataFrame, total: pd.Series[Any], found: Mapping[str, ModelFacts]
) -> pd.Series[Any]:
    """Tokens seen at a checkpoint are its step times the tokens of a step; else unknown."""
    if "checkpoint" not in frame.columns:
        return total
    step = pd.to_numeric(frame["checkpoint"])
    per_step = frame["model"].map({name: one.tokens_per_step for name, one in found.items()})
    return total.where(step.isna(), step * per_step.astype(float))


def _guessed_models(given: pd.DataFrame, filled: pd.DataFrame) -> tuple[Finding, ...]:
    """Which models were filled from a published one that has no more than their name."""
    columns = list(_MODEL_COLUMNS)
    new = (given[columns].isna() & filled[columns].notna()).any(axis=1)
    known = {str(name): published_model(name) for name in filled.loc[new, "model"].unique()}
    return by_name_finding({name: one for name, one in known.items() if one is not None})


def _untrained(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    untrained = (frame["tokens"] == 0).to_numpy()
    if not untrained.any():
        return frame, ()
    frame = frame.assign(tokens=frame["tokens"].mask(untrained, np.nan))
    models = first_places(frame.loc[untrained, "model"])
    message = "Models are scored before training too (step 0); those rows have no tokens"
    count = frame.loc[untrained, "model"].nunique()
    return frame, (Finding("untrained_checkpoint", message, int(count), models, "note"),)


def _fill_tasks(
    frame: pd.DataFrame,
    tasks: Iterable[TaskFacts],
    measures: Mapping[str, Measure],
    *,
    published: bool,
) -> pd.DataFrame:
    """Chance and majority of the metrics that a guesser can score on, and items, where null."""
    guessed = _guessed(measures, published=published)
    filled: dict[str, pd.Series[Any]] = {}
    unknown = frame["chance"].isna()
    for column in ("chance", "majority", "n"):
        value = frame[column].astype(float)
        for rows, given in _given(frame, tasks, column, guessed):
            value = value.where(value.notna() | ~rows, given)
        filled[column] = value
    source = frame["chance_source"].astype(object)
    zero = filled["chance"] == 0
    named = np.where(zero, "zero", "uniform") if published else "declared"
    filled["chance_source"] = source.mask(unknown & filled["chance"].notna(), named)
    return frame.assign(**filled)


def _guessed(measures: Mapping[str, Measure], *, published: bool) -> set[str]:
    """The metrics that chance of a task, without a metric named, is for."""
    return {
        name
        for name, one in measures.items()
        if one.chance == "uniform"
        or (one.chance == "zero" and one.kind == "discontinuous" and not published)
    }


def _given(
    frame: pd.DataFrame, tasks: Iterable[TaskFacts], column: str, guessed: set[str]
) -> Iterator[tuple[pd.Series[bool], pd.Series[float]]]:
    """Rows and values that the task facts say of one column: by metric first, then by task."""
    by_metric: dict[str, dict[str, float]] = {}
    by_task: dict[str, float] = {}
    for facts in tasks:
        value = getattr(facts, column)
        if value is None:
            continue
        table = by_task if facts.metric is None else by_metric.setdefault(facts.metric, {})
        table.update(dict.fromkeys((facts.task, *facts.aliases), value))
    for metric, table in by_metric.items():
        yield frame["metric"] == metric, frame["task"].map(table).astype(float)
    if by_task:
        scored = frame["metric"].isin(guessed) if column != "n" else frame["task"].notna()
        yield scored, frame["task"].map(by_task).astype(float)
