"""Score files of BIG-bench: `scores_MODEL.json`, one a task and model.

Layout of a file (`model`, `task`, and a list `scores` of `score_dict`, `preferred_score`,
`subtask_description`, `number_of_shots`, `low_score`, `high_score`): google/BIG-bench,
`bigbench/benchmark_tasks/*/results`, as read by INK-USC/predicting-big-bench at 628de3b,
`data_prep/big_bench.py`. The low score, which a task's authors set for its preferred metric, is
chance, the high score the ceiling. Scores of 0 to 100 stay so: their metrics have that range. The
files do not say how many items were asked: a tasks table must.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._json import (
    listing,
    load_mapping,
    mapping,
    number,
    opening,
    require,
    text,
    whole,
)
from confounds.ingest._reading import Reading, first_places
from confounds.ingest._rows import demonstrations, frame_of, known
from confounds.measures import DECLARED, Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_FIRST_BYTES = 1 << 16
_AGGREGATE = "normalized_aggregate_score"
_NAMES = {
    "multiple_choice_grade": "choice_accuracy",
    "exact_str_match": "exact_match",
    "correct_prob_mass": "choice_probability",
    "log_likelihood": "target_log_prob",
}
_MEASURES = {
    name: Measure(name, "linear", 0.0, 100.0, chance="none", summary=f"{name}, in percent")
    for name in ("bleu", "rouge1", "rouge2", "rougeL", "rougeLsum")
} | {
    name: Measure(name, "discontinuous", chance="zero", summary=name.replace("_", " "))
    for name in ("case_insensitive_str_match", "numeric_match_with_0_1_relative_error")
}


class BigBench:
    """Reads one score file."""

    name = "big_bench"
    summary = "BIG-bench: scores_*.json (--tasks tells the number of items)"

    def recognises(self, path: Path) -> bool:
        """A JSON file named `scores_*` with tables of scores."""
        named = path.suffix == ".json" and path.name.startswith("scores_")
        return named and b'"score_dict"' in opening(path, _FIRST_BYTES)

    def read(self, path: Path) -> Reading:
        """One row per subtask, number of shots and metric.

        Raises:
            FormatError: the file cannot be read, or lacks what makes a score file.
        """
        document = load_mapping(path, "scores", "model")
        entries = [
            require(one, f"{path}: scores[{place}]", "score_dict")
            for place, one in enumerate(listing(document["scores"]))
        ]
        task, model = _task(document, path), _model(mapping(document["model"]), path)
        single = [one for one in entries if one.get("preferred_score") != _AGGREGATE]
        split = len({text(one.get("subtask_description")) for one in single}) > 1
        rows: list[dict[str, Any]] = []
        for place, one in enumerate(entries):
            if one.get("preferred_score") != _AGGREGATE:
                source = f"{path.name}: scores[{place}]"
                named = _subtask(task, one) if split else task
                rows += _rows(one, {**model, "task": named, "source": source})
        names = {row["metric"] for row in rows}
        measures = {name: _MEASURES[name] for name in names & set(_MEASURES)}
        unknown = frozenset(names - set(DECLARED) - set(measures))
        return Reading(frame_of(rows), measures, _notes(path, entries, single), unknown)


FORMAT = BigBench()


def _task(document: Mapping[str, Any], path: Path) -> str:
    """As the file says, else the folder that its `results` folder lies in."""
    told = text(mapping(document.get("task")).get("task_name"))
    folder = path.resolve().parent
    name = told or (folder.parent.name if folder.name == "results" else None)
    if name is None:
        msg = f"{path}: the file does not name its task (task.task_name)"
        raise FormatError(msg)
    return name


def _model(model: Mapping[str, Any], path: Path) -> dict[str, Any]:
    family, name = text(model.get("model_family")), text(model.get("model_name"))
    if name is None:
        msg = f"{path}: the file does not name its model (model.model_name)"
        raise FormatError(msg)
    size = number(model.get("total_params"))
    return known(
        model=f"{family} {name}" if family else name,
        family=family,
        parameters=size if size is not None and size > 0 else None,
        adaptation="prompted",
    )


def _subtask(task: str, entry: Mapping[str, Any]) -> str:
    told = text(entry.get("subtask_description")) or "unnamed"
    return told if told.startswith(task) else f"{task}:{told}"


def _rows(entry: Mapping[str, Any], same: Mapping[str, Any]) -> list[dict[str, Any]]:
    shots = whole(entry.get("number_of_shots"))
    condition = known(shots=shots, demonstrations=demonstrations(shots))
    low, high = number(entry.get("low_score")), number(entry.get("high_score"))
    rows = []
    for metric, value in mapping(entry["score_dict"]).items():
        score = number(value)
        if score is None or metric == _AGGREGATE:
            continue
        row = {**same, **condition, "metric": _NAMES.get(metric, metric), "score": score}
        if low is not None and metric == entry.get("preferred_score"):
            row |= {"chance": low, "chance_source": "declared"}
        if high is not None and metric == entry.get("preferred_score") and _within(high, row):
            row["ceiling"] = high
        rows.append(row)
    return rows


def _within(high: float, row: Mapping[str, Any]) -> bool:
    """Does the high score lie within the metric's range, above what a guesser scores?"""
    measure = DECLARED.get(row["metric"]) or _MEASURES.get(row["metric"])
    low = row.get("chance", -math.inf)
    return measure is None or (low < high <= measure.upper and high > measure.lower)


def _notes(
    path: Path, entries: Sequence[Mapping[str, Any]], single: Sequence[Mapping[str, Any]]
) -> tuple[Finding, ...]:
    notes: tuple[Finding, ...] = ()
    groups = len(entries) - len(single)
    if groups:
        message = "Averages over groups of tasks are left out, their tasks are read"
        notes += (Finding("group_averages", message, groups, (path.name,), "note"),)
    outside = [
        f"{path.name}: {one['high_score']}"
        for one in single
        if (high := number(one.get("high_score"))) is not None
        and not _within(high, _preferred(one))
    ]
    if outside:
        message = "High scores are beyond the range of their metric and are not taken as ceilings"
        notes += (Finding("declared_ceiling", message, len(outside), first_places(outside)),)
    return notes


def _preferred(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The metric that an entry's low and high scores are for, with the low one."""
    metric = str(entry.get("preferred_score"))
    return {"metric": _NAMES.get(metric, metric), **known(chance=number(entry.get("low_score")))}
