"""Do the user's tables of models and tasks fit the scores that they are about?"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from confounds.errors import MapError
from confounds.ingest._reading import first_places
from confounds.outcomes._wording import interval
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from confounds.ingest._facts import ModelFacts, TaskFacts
    from confounds.measures import Measure


def unmatched_models(frame: pd.DataFrame, models: Iterable[ModelFacts]) -> tuple[Finding, ...]:
    """Rows of the models table whose model has no score: its name may be written otherwise."""
    there = set(frame["model"].dropna().unique())
    places = [
        f"{PurePath(one.place).name} ({one.model})"
        for one in models
        if there.isdisjoint((one.model, *one.aliases))
    ]
    if not places:
        return ()
    message = (
        "Rows of the models table are of no model with scores; its name must be the one in the "
        "results"
    )
    return (Finding("unmatched_models", message, len(places), first_places(places)),)


def unmatched_tasks(frame: pd.DataFrame, tasks: Iterable[TaskFacts]) -> tuple[Finding, ...]:
    """Rows of the tasks table whose task, or metric on it, has no score."""
    scored = _scored(frame)
    places = [
        f"{PurePath(one.place).name} ({', '.join(filter(None, (one.task, one.metric)))})"
        for one in tasks
        if not _metrics(one, scored)
    ]
    if not places:
        return ()
    message = (
        "Rows of the tasks table are of no task or metric with scores; their names must be those "
        "in the results"
    )
    return (Finding("unmatched_tasks", message, len(places), first_places(places)),)


def check_ranges(
    frame: pd.DataFrame,
    tasks: Iterable[TaskFacts],
    measures: Mapping[str, Measure],
    guessed: set[str],
) -> None:
    """Is chance in the tasks table within the range of each metric that it is for?

    Args:
        frame: the scores.
        tasks: the user's.
        measures: of all metrics that are declared.
        guessed: metrics that a row without a metric is for.

    Raises:
        MapError: it is not, whether or not the results say what chance is; the message names
            file and line.
    """
    scored = _scored(frame)
    for facts in tasks:
        metrics = _metrics(facts, scored) & set(measures)
        for name in sorted(metrics if facts.metric is not None else metrics & guessed):
            measure = measures[name]
            for column in ("chance", "majority"):
                value = getattr(facts, column)
                if value is not None and not measure.lower <= value <= measure.upper:
                    msg = (
                        f"{facts.place}: {column} is {value:g} (task '{facts.task}'); for metric "
                        f"'{name}' it must be within {interval(measure)}"
                    )
                    raise MapError(msg)


def _scored(frame: pd.DataFrame) -> dict[str, set[str]]:
    """Task -> metrics that it has scores of."""
    scored: dict[str, set[str]] = {}
    pairs = frame[["task", "metric"]].drop_duplicates()
    for task, metric in zip(pairs["task"], pairs["metric"], strict=True):
        scored.setdefault(task, set()).add(metric)
    return scored


def _metrics(facts: TaskFacts, scored: Mapping[str, set[str]]) -> set[str]:
    """The metrics with scores that a row of the tasks table is about."""
    found: set[str] = set().union(*(scored.get(name, ()) for name in (facts.task, *facts.aliases)))
    return found if facts.metric is None else found & {facts.metric}
