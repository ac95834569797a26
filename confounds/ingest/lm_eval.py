"""Results of the LM Evaluation Harness: 0.3 files, and 0.4 files with their samples.

Where the samples are logged, every item is a row, and accuracy and length-normalised accuracy
are computed again from the log-probabilities; an average is kept only where items cannot
reproduce it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.ingest._json import opening
from confounds.ingest._lm_eval_metrics import KNOWN, measures_for, metric_name
from confounds.ingest._lm_eval_run import Run, TaskRun, read_run
from confounds.ingest._lm_eval_samples import (
    Sample,
    majority_share,
    read_samples,
    string_scores,
)
from confounds.ingest._reading import STD_ERROR, Reading, first_places, stack
from confounds.ingest._rescoring import LINEAR, scores_of_many
from confounds.ingest._rows import demonstrations, frame_of, known
from confounds.measures import DECLARED
from confounds.outcomes.schema import numpy_frame
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

_OPENING = re.compile(rb'\{\s*"results"\s*:')
_FIRST_BYTES = 64
_SAME_MEAN = 1e-9


class LmEval:
    """Reads result files of lm-eval, and the samples beside them."""

    name = "lm_eval"
    summary = "LM Evaluation Harness: 0.3 result files; 0.4 results_*.json with samples_*.jsonl"
    companions = (
        "samples_*.jsonl",
        "samples_*.json",
        "*pretrained__*.jsonl",
        "*_write_out_info.json",
    )

    def recognises(self, path: Path) -> bool:
        """A JSON file that opens with the table `results`."""
        return path.suffix == ".json" and _OPENING.match(opening(path, _FIRST_BYTES)) is not None

    def read(self, path: Path) -> Reading:
        """One row per item where its samples are logged, else one per average.

        Raises:
            FormatError: the file, or one with its samples, cannot be read.
        """
        run = read_run(path)
        rows, frames, notes = [], [], _not_finite(run)
        for task in run.tasks:
            items, found = _items(run, task)
            rows += _averages(run, task, items)
            frames += [] if items is None else [items]
            notes += found
        if run.groups:
            message = "Averages over groups of tasks are left out, their tasks are read"
            notes.append(
                Finding(
                    "group_averages", message, len(run.groups), first_places(run.groups), "note"
                )
            )
        frame = stack([frame_of(rows), *frames])
        names = set(frame["metric"]) if len(frame) else set()
        unknown = frozenset(name for name in names if name.partition(":")[0] not in KNOWN)
        linear = sum(int(one["metric"].isin(LINEAR).sum()) for one in frames)
        loads = {run.model: run.load}
        measures = measures_for(names)
        return Reading(frame, measures, tuple(notes), unknown, rescored=linear, loads=loads)


FORMAT = LmEval()


def _averages(run: Run, task: TaskRun, items: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The averages that no items stand behind, as rows."""
    there = set() if items is None else set(items["metric"])
    fixed = task.config.get("doc_to_choice")
    chance = 1 / len(fixed) if isinstance(fixed, list) and task.choices and fixed else None
    same = {"source": run.path.name, **_conditions(run, task)}
    rows = []
    for score in task.scores:
        name = metric_name(task, score.metric, score.filter)
        if name in there or not np.isfinite(score.value):
            continue
        row = {"metric": name, "score": score.value, "n": task.n, STD_ERROR: score.std_error}
        if chance is not None and name.startswith("choice_"):
            row |= {"chance": chance, "chance_source": "uniform"}
        rows.append({**row, **same})
    return rows


def _not_finite(run: Run) -> list[Finding]:
    lost = [task.name for task in run.tasks for one in task.scores if not np.isfinite(one.value)]
    if not lost:
        return []
    message = "Averages are not finite numbers and are left out"
    return [Finding("not_finite", message, len(lost), first_places(lost))]


def _conditions(run: Run, task: TaskRun) -> dict[str, Any]:
    """Columns that are the same on every row of a task; unknown ones are left out."""
    return known(
        task=task.name,
        model=run.model,
        parameters=run.parameters,
        checkpoint=run.checkpoint,
        seed=run.seed,
        shots=task.shots,
        demonstrations=demonstrations(task.shots),
        prompt=run.prompt,
        adaptation="prompted",
        run=run.date or run.path.stem,
    )


def _items(run: Run, task: TaskRun) -> tuple[pd.DataFrame | None, list[Finding]]:
    """One row per item and metric, for the metrics whose average the items reproduce."""
    path = run.samples_path(task)
    if path is None:
        return None, []
    samples = read_samples(path, task)
    frames, notes = [], []
    filters = dict.fromkeys(
        (*(one.filter for one in samples), *(one.filter for one in task.scores))
    )
    for number, name in enumerate(filters):
        chosen = [one for one in samples if one.filter == name]
        logged = _logged(task, chosen, name)
        computed = _computed(task, chosen) if number == 0 else {}
        scores, found = _reconciled(task, logged, computed)
        compared = _averaged(task, name) & scores.keys()
        wrong = _not_reproduced(task, name, scores)
        missing = _missing(run, task, path, chosen, same=bool(compared) and not wrong)
        if missing and (wrong or not compared):
            notes += [*found, *missing]
            continue
        notes += [*found, *wrong, *missing]
        kept = {key: value for key, value in scores.items() if key not in _names(wrong)}
        frames.append(_frame(run, task, path.name, chosen, kept))
    items = stack(frames)
    return (items if len(items) else None), notes


def _missing(
    run: Run, task: TaskRun, path: Path, samples: Sequence[Sample], *, same: bool
) -> list[Finding]:
    """Whether the file has fewer items than the results count, under one filter.

    Metrics of the items that are left would stand beside averages of others, unless each average
    is the mean of those items: versions that count all items ran some (`--samples`).
    """
    there = len({one.item for one in samples})
    if task.n is None or there >= task.n:
        return []
    told = (
        "the averages are the means of those that are there, which are read"
        if same
        else "averages are read, and no metric of the items that are there"
    )
    message = f"Samples are of fewer items than the results count; {told}"
    where = f"{path.name}: {run.model}, {task.name}: {there} of {task.n}"
    return [Finding("missing_samples", message, task.n - there, (where,))]


def _averaged(task: TaskRun, filter_name: str) -> set[str]:
    """The metrics that have an average under one filter."""
    return {
        metric_name(task, one.metric, one.filter)
        for one in task.scores
        if one.filter == filter_name
    }


Scores = dict[str, dict[int, float]]


def _logged(task: TaskRun, samples: Sequence[Sample], filter_name: str) -> Scores:
    """Metric -> position of the sample -> the score that the harness logged."""
    names: dict[str, str] = {}
    scores: Scores = {}
    for position, sample in enumerate(samples):
        for metric, value in sample.logged.items():
            if metric not in names:
                names[metric] = metric_name(task, metric, filter_name)
            scores.setdefault(names[metric], {})[position] = value
    return scores


def _computed(task: TaskRun, samples: Sequence[Sample]) -> Scores:
    """Metric -> position of the sample -> the score that follows from its log-probabilities."""
    if task.choices:
        return _of_choices(samples)
    scores: Scores = {}
    if task.config.get("output_type") == "loglikelihood":
        strings = [(at, one) for at, one in enumerate(samples) if len(one.log_prob) == 1]
        for position, sample in strings:
            for metric, value in string_scores(sample).items():
                scores.setdefault(metric, {})[position] = value
    return scores


def _of_choices(samples: Sequence[Sample]) -> Scores:
    """The same for answers by choice, all items of as many choices at once."""
    by_count: dict[int, list[int]] = {}
    for position, sample in enumerate(samples):
        if sample.gold and len(sample.log_prob) > 1:
            by_count.setdefault(len(sample.log_prob), []).append(position)
    scores: Scores = {}
    for count, places in by_count.items():
        right = np.zeros((len(places), count), dtype=bool)
        lengths = np.zeros((len(places), count))
        for row, place in enumerate(places):
            right[row, list(samples[place].gold)] = True
            if samples[place].choices:
                lengths[row] = [len(text) for text in samples[place].choices]
        log_prob = np.array([samples[place].log_prob for place in places])
        for metric, values in scores_of_many(log_prob, right, lengths).items():
            finite = np.flatnonzero(np.isfinite(values))
            known = (places[row] for row in finite)
            scores.setdefault(metric, {}).update(zip(known, values[finite].tolist(), strict=True))
    ordered = {metric: dict(sorted(found.items())) for metric, found in scores.items()}
    return {metric: found for metric, found in ordered.items() if found}


def _reconciled(task: TaskRun, logged: Scores, computed: Scores) -> tuple[Scores, list[Finding]]:
    """Logged scores and computed ones; the logged alone where the two disagree.

    A disagreement means that the right choice or the texts were not understood, so that no
    computed score can be believed.
    """
    notes = []
    for metric in sorted(computed.keys() & logged.keys()):
        theirs, ours = logged[metric], computed[metric]
        differ = sum(ours[one] != theirs[one] for one in ours.keys() & theirs.keys())
        if differ:
            message = f"Items whose logged {metric} does not follow from their log-probabilities"
            notes.append(Finding("recomputed_differs", message, differ, (task.name,)))
    return (logged if notes else {**computed, **logged}), notes


def _not_reproduced(task: TaskRun, filter_name: str, scores: Scores) -> list[Finding]:
    """Averages that are not the mean of their items: they are kept as averages instead."""
    wrong = []
    for score in task.scores:
        name = metric_name(task, score.metric, filter_name)
        if score.filter != filter_name or name not in scores:
            continue
        mean = float(np.mean(list(scores[name].values())))
        if not np.isclose(mean, score.value, rtol=_SAME_MEAN, atol=_SAME_MEAN):
            message = f"Averages of {name} are not the mean of their items and are kept as averages"
            wrong.append(Finding("not_a_mean_of_items", message, 1, (task.name, name), "note"))
    return wrong


def _names(wrong: Sequence[Finding]) -> set[str]:
    return {finding.where[-1] for finding in wrong}


def _frame(
    run: Run, task: TaskRun, source: str, samples: Sequence[Sample], scores: Scores
) -> pd.DataFrame:
    majority = majority_share(samples)
    items = np.array([one.item for one in samples], dtype=object)
    places = np.array([f"{source}:{one.line}" for one in samples], dtype=object)
    choices = np.array([len(one.log_prob) for one in samples])
    guess = np.array([max(len(one.gold), 1) for one in samples]) / np.maximum(choices, 1)
    guess[choices < 2] = np.nan
    parts = []
    for metric, values in scores.items():
        chosen, repeat, score = _repeated(task, metric, samples, values)
        chance = guess[chosen] if _guessed(metric) else np.full(len(chosen), np.nan)
        part = {
            "item": items[chosen],
            "score": score,
            "chance": chance,
            "source": places[chosen],
            "metric": np.full(len(chosen), metric, dtype=object),
            "n": np.ones(len(chosen)),
            "chance_source": np.where(np.isnan(chance), "", "uniform").astype(object),
        }
        if majority is not None and metric.startswith("choice_accuracy"):
            part["majority"] = np.full(len(chosen), majority)
        frame = numpy_frame(part).assign(**_conditions(run, task))
        parts.append(frame if repeat is None else frame.assign(seed=repeat))
    return stack(parts)


def _repeated(
    task: TaskRun, metric: str, samples: Sequence[Sample], values: Mapping[int, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None, NDArray[np.float64]]:
    """Positions of the samples, repeats (None where there are none), and scores.

    Repeats of a request stand apart where they were logged and their mean is the item's score:
    a repeat is a seed, and adds no items.
    """
    positions = np.fromiter(values, dtype=np.int64, count=len(values))
    scores = np.fromiter(values.values(), dtype=np.float64, count=len(values))
    if not any(samples[position].repeats for position in values):
        return positions, None, scores
    every = [_repeats(task, metric, samples[position]) for position in values]
    if not all(every):
        return positions, None, scores
    means = np.array([np.mean(few) for few in every])
    if not np.allclose(means, scores, rtol=_SAME_MEAN, atol=_SAME_MEAN):
        return positions, None, scores
    counts = [len(few) for few in every]
    numbers = np.concatenate([np.arange(count, dtype=np.float64) for count in counts])
    return np.repeat(positions, counts), numbers, np.concatenate(every)


def _repeats(task: TaskRun, metric: str, sample: Sample) -> tuple[float, ...]:
    """The scores of one metric in every repeat; empty where they were not logged."""
    named = ((metric_name(task, name, sample.filter), few) for name, few in sample.repeats.items())
    return next((few for name, few in named if name == metric), ())


def _guessed(metric: str) -> bool:
    """Whether a guesser scores on it: one of k choices, of which some are right."""
    measure = DECLARED.get(metric)
    return metric.startswith("choice_") or (measure is not None and measure.chance == "uniform")
