"""Details of lighteval and of the first Open LLM Leaderboard, read without the package.

Schema: huggingface/lighteval, `src/lighteval/logging/info_loggers.py` (`DetailsLogger.Detail`):
columns `doc`, `model_response`, `metric` at v0.11.0 and later; `metrics`, `choices`, `gold_index`,
`num_asked_few_shots` at v0.9.2, written as text at v0.6.0. Names of files and folders:
`logging/evaluation_tracker.py` (`save_details`, `save_results`, `recreate_metadata_card`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from confounds.ingest._lighteval_details import NAMED, Details, read_details
from confounds.ingest._reading import Reading, first_places, stack
from confounds.ingest._rescoring import Kept, Rescored, rescored
from confounds.ingest._rows import demonstrations, frame_of, frame_of_columns, known, model_of
from confounds.measures import DECLARED, Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from confounds.ingest._lighteval_items import Answer, Items

_NAMES = {
    "acc": "choice_accuracy",
    "loglikelihood_acc": "choice_accuracy",
    "mc1": "choice_accuracy",
    "truthfulqa_mc1": "choice_accuracy",
    "acc_norm": "choice_accuracy_normalized",
    "loglikelihood_acc_norm": "choice_accuracy_normalized",
    "mc2": "choice_probability",
    "truthfulqa_mc2": "choice_probability",
    "em": "exact_match",
    "qem": "quasi_exact_match",
    "pem": "prefix_exact_match",
    "pqem": "quasi_prefix_exact_match",
}
_MEASURES = {
    name: Measure(name, "discontinuous", chance="zero", summary=f"{name.replace('_', ' ')}")
    for name in ("quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match")
} | {
    "extractive_match": Measure(
        "extractive_match", "discontinuous", chance="zero", summary="answer found in the text"
    )
}
_PASS = re.compile(r"pass@(?:k:k=)?1(?!\d).*")


@dataclass(frozen=True, slots=True)
class Lighteval:
    """Reads one Parquet file of details: one task and one model."""

    rescore: bool = False

    name: ClassVar[str] = "lighteval"
    summary: ClassVar[str] = "lighteval, and the first Open LLM Leaderboard: details_*.parquet"
    companions: ClassVar[tuple[str, ...]] = ("results_*.json", "results_*.parquet")

    def recognises(self, path: Path) -> bool:
        """A Parquet file named `details_TASK_DATE`."""
        return NAMED.fullmatch(path.name) is not None

    def read(self, path: Path) -> Reading:
        """One row per item and metric.

        Raises:
            FormatError: the file cannot be read, or nothing tells its model.
        """
        details = read_details(path, log_probs=self.rescore)
        frame, metrics = _frame(details, path)
        more = Rescored([], ())
        if self.rescore:
            more = rescored(_answered(details, path), metrics)
        measures = {name: _MEASURES[name] for name in metrics & set(_MEASURES)}
        unknown = frozenset(metrics - set(DECLARED) - set(measures))
        notes = (*_notes(details, path), *more.notes)
        frame = stack([frame, frame_of(more.rows)])
        return Reading(frame, measures, notes, unknown, rescored=len(more.rows))


FORMAT = Lighteval()


def _same(details: Details) -> dict[str, Any]:
    """What is the same on every row."""
    model = model_of(details.model)
    return known(
        task=details.task,
        model=model.name,
        checkpoint=model.checkpoint,
        shots=details.shots,
        demonstrations=demonstrations(details.shots),
        prompt=details.suite,
        adaptation="prompted",
        run=details.date,
        n=1,
    )


def _places(details: Details, path: Path) -> NDArray[np.object_]:
    """(items,) where each stands."""
    name = path.name
    places = [f"{name}: row {row}" for row in range(len(details.items.names))]
    return np.array(places, dtype=object)


def _frame(details: Details, path: Path) -> tuple[pd.DataFrame, set[str]]:
    """A row per item and metric, item by item, and the metrics."""
    items = details.items
    scored = [_scored(items, name, values) for name, values in items.scores.items()]
    if not scored:
        return pd.DataFrame(), set()
    row, metric, score, chance = (np.concatenate(parts) for parts in zip(*scored, strict=True))
    order = np.argsort(row, kind="stable")
    row, chance = row[order], chance[order]
    source = np.full(len(row), None, dtype=object)
    source[~np.isnan(chance)] = "uniform"
    columns = {
        "metric": metric[order],
        "score": score[order],
        "item": items.names[row],
        "chance": chance,
        "chance_source": source,
        "source": _places(details, path)[row],
    }
    return frame_of_columns(columns, _same(details)), set(metric)


def _scored(items: Items, logged: str, values: NDArray[np.float64]) -> tuple[NDArray[Any], ...]:
    """Row, metric, score and chance of the items that have a number under one metric."""
    row = np.flatnonzero(~np.isnan(values))
    choices = items.choices[row]
    name = _name(logged)
    metric = np.full(len(row), name, dtype=object)
    chance = np.full(len(row), np.nan)
    if name == "choice_accuracy":
        metric[choices < 2] = "accuracy"
    if name.startswith("choice_"):
        guessed = choices > 1
        chance[guessed] = items.right[row][guessed] / choices[guessed]
    return row, metric, values[row], chance


def _answered(details: Details, path: Path) -> list[tuple[dict[str, Any], Kept | None]]:
    """What is the same on every row of an item, and what is kept of its choices."""
    items, same, places = details.items, _same(details), _places(details, path)
    logged = {_name(metric): values for metric, values in items.scores.items()}
    found = []
    for row, answer in enumerate(items.answers):
        own = {**same, "item": items.names[row], "source": places[row]}
        scores = {name: float(values[row]) for name, values in logged.items()}
        found.append((own, _kept(answer, scores)))
    return found


def _kept(answer: Answer, logged: Mapping[str, float]) -> Kept | None:
    """What is kept of the choices, where an accuracy is logged that they must give.

    Normalised accuracy divides by the characters of a choice without the space before it
    (`LogProbCharNorm`).
    """
    choices = len(answer.texts)
    if len(answer.log_prob) != choices or choices < 2 or not answer.gold:
        return None
    log_prob = np.array(answer.log_prob)
    lengths = np.array([len(one) - one.startswith(" ") for one in answer.texts])
    for name, divisor in (("choice_accuracy", np.ones(1)), ("choice_accuracy_normalized", lengths)):
        score = logged.get(name, np.nan)
        if not np.isnan(score) and (divisor > 0).all():
            accuracy = float(int(np.argmax(log_prob / divisor)) in answer.gold)
            return Kept(log_prob, answer.gold, accuracy, score)
    return None


def _name(metric: str) -> str:
    """As it is called here; a choice of one is an accuracy like any other."""
    return "pass_at_1" if _PASS.fullmatch(metric) else _NAMES.get(metric, metric)


def _notes(details: Details, path: Path) -> tuple[Finding, ...]:
    lost, unread = details.items.lost, details.items.unread
    notes: tuple[Finding, ...] = ()
    if lost:
        message = "Prompts had room for fewer demonstrations than asked"
        notes += (Finding("fewer_shots", message, lost, (path.name,)),)
    if unread:
        message = "Scores of single items are no numbers (they serve a corpus); left out"
        notes += (Finding("unscored_samples", message, len(unread), first_places(unread)),)
    return notes
