"""Logs of OpenAI evals: JSON Lines, one a run.

Schema: openai/evals, `evals/record.py` (`Event`, `LocalRecorder`: a first line `spec`, one line an
event, a last line `final_report`), `evals/base.py` (`RunSpec`). Events of type `match` are right or
wrong answers; those of type `metrics` are scores by name. What a guesser scores is not told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.errors import FormatError
from confounds.ingest._json import lines, listing, mapping, number, opening, text, whole
from confounds.ingest._reading import Reading, first_places
from confounds.ingest._rows import demonstrations, frame_of, frame_of_columns, known
from confounds.measures import DECLARED
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_OPENING = re.compile(rb'\{\s*"spec"\s*:\s*\{')
_FIRST_BYTES = 64
_NAMES = {"f1_score": "f1"}
_SAME_MEAN = 1e-9


@dataclass(slots=True)
class _Log:
    """What the lines of one log say, as they are read; the lists have one entry a score."""

    spec: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, sample: str, metric: str, score: float, line: int) -> None:
        self.samples.append(sample)
        self.metrics.append(metric)
        self.scores.append(score)
        self.lines.append(line)


class OpenaiEvals:
    """Reads one log."""

    name = "openai_evals"
    summary = "OpenAI evals: logs of runs, JSON Lines that open with the run's spec"

    def recognises(self, path: Path) -> bool:
        """JSON Lines whose first line is the specification of a run."""
        return path.suffix == ".jsonl" and _OPENING.match(opening(path, _FIRST_BYTES)) is not None

    def read(self, path: Path) -> Reading:
        """One row per sample and metric; the final report where no sample has a score.

        Raises:
            FormatError: a line cannot be read, or the run does not name its model or task.
        """
        log = _read(path)
        same = _conditions(log.spec, path)
        frame = _items(log, same, path) if log.scores else _averages(log, same, path)
        metrics = frame["metric"].unique() if len(frame) else ()
        return Reading(frame, {}, _notes(log, path), frozenset(metrics) - set(DECLARED))


FORMAT = OpenaiEvals()


def _read(path: Path) -> _Log:
    log = _Log()
    for line, row in lines(path):
        if "spec" in row:
            if log.spec:
                msg = (
                    f"{path}:{line}: another run begins here, with a 'spec' of its own; write one "
                    f"run a file"
                )
                raise FormatError(msg)
            log.spec = mapping(row["spec"])
        elif "final_report" in row:
            log.report = mapping(row["final_report"])
        else:
            _event(log, row, line, path)
    return log


def _event(log: _Log, row: Mapping[str, Any], line: int, path: Path) -> None:
    kind = row.get("type")
    if kind == "error":
        log.errors.append(f"{path}:{line}")
    if kind not in ("match", "metrics"):
        return
    data, sample = mapping(row.get("data")), row.get("sample_id")
    if not isinstance(sample, str | int):
        msg = f"{path}:{line}: an event of type {kind} has no 'sample_id'"
        raise FormatError(msg)
    if kind == "match":
        correct = data.get("correct")
        if not isinstance(correct, bool):
            msg = f"{path}:{line}: 'correct' is {correct!r}; it must be true or false"
            raise FormatError(msg)
        log.add(str(sample), "match", float(correct), line)
        return
    for name, value in data.items():
        score = number(value)
        if score is not None:
            log.add(str(sample), _NAMES.get(name, name), score, line)


def _conditions(spec: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Columns that are the same on every row; the model is the first completion function."""
    model = _model(spec)
    task = text(spec.get("eval_name"))
    if model is None or task is None:
        what = "its model (spec.completion_fns)" if model is None else "its task (spec.eval_name)"
        msg = f"{path}:1: the run does not name {what}"
        raise FormatError(msg)
    config = mapping(spec.get("run_config"))
    arguments = mapping(mapping(config.get("eval_spec")).get("args"))
    shots = whole(arguments.get("num_few_shot"))
    return known(
        task=task,
        model=model,
        seed=whole(config.get("seed")),
        shots=shots,
        demonstrations=demonstrations(shots),
        adaptation="prompted",
        run=text(spec.get("run_id")) or path.stem,
    )


def _model(spec: Mapping[str, Any]) -> str | None:
    """In runs before completion functions came, `model_name` or `model_names`."""
    older = listing(mapping(spec.get("model_names")).get("completions"))
    candidates = [*listing(spec.get("completion_fns")), *older, spec.get("model_name")]
    return next((found for one in candidates if (found := text(one)) is not None), None)


def _items(log: _Log, same: Mapping[str, Any], path: Path) -> pd.DataFrame:
    """Matches are the accuracy; where an accuracy is logged beside them, it says the same."""
    metric = np.array(log.metrics, dtype=object)
    matched = metric == "match"
    kept = np.ones(len(metric), dtype=bool) if not matched.any() else metric != "accuracy"
    name = path.name
    columns = {
        "metric": np.where(matched, "accuracy", metric),
        "score": np.array(log.scores),
        "n": np.ones(len(metric)),
        "item": np.array(log.samples, dtype=object),
        "seed": _seeds(log, same.get("seed")),
        "source": np.array([f"{name}:{line}" for line in log.lines], dtype=object),
    }
    return frame_of_columns({name: values[kept] for name, values in columns.items()}, same)


def _seeds(log: _Log, run: int | None) -> NDArray[np.float64]:
    """Scores of one sample and metric are counted; where there is one, the seed of the run."""
    pairs = pd.DataFrame({"sample": log.samples, "metric": log.metrics}, dtype=object)
    repeated = pairs.duplicated(keep=False).to_numpy()
    seeds = np.full(len(pairs), np.nan if run is None else float(run))
    if repeated.any():
        seeds[repeated] = pairs[repeated].groupby(["sample", "metric"]).cumcount()
    return seeds


def _averages(log: _Log, same: Mapping[str, Any], path: Path) -> pd.DataFrame:
    """Of the final report, which does not say how many samples are behind it."""
    rows = [
        {**same, "metric": _NAMES.get(name, name), "score": score, "n": None, "source": path.name}
        for name, value in log.report.items()
        if (score := number(value)) is not None
    ]
    return frame_of(rows)


def _notes(log: _Log, path: Path) -> tuple[Finding, ...]:
    notes: tuple[Finding, ...] = ()
    if log.errors:
        message = "Samples ended in an error; they have no score and are left out"
        notes += (Finding("failed_samples", message, len(log.errors), first_places(log.errors)),)
    if log.scores and not log.report:
        message = "Runs were not finished; the items that they scored are read"
        notes += (Finding("unfinished_runs", message, 1, (path.name,)),)
    both = zip(log.metrics, log.scores, strict=True)
    matches = [score for metric, score in both if metric == "match"]
    told = number(log.report.get("accuracy"))
    if matches and told is not None and abs(float(np.mean(matches)) - told) > _SAME_MEAN:
        message = "Accuracies that logs state are not the mean of their samples, which are read"
        notes += (Finding("not_a_mean_of_items", message, 1, (f"{path.name}: {told:g}",)),)
    return notes
