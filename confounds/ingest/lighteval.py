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

from confounds.ingest._json import number
from confounds.ingest._lighteval_details import NAMED, Details, Item, read_details
from confounds.ingest._reading import Reading, first_places
from confounds.ingest._rescoring import Kept, Rescored, rescored
from confounds.ingest._rows import demonstrations, frame_of, known
from confounds.measures import DECLARED, Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
        own = [
            (_own(details, item, f"{path.name}: row {place}"), item)
            for place, item in enumerate(details.items)
        ]
        rows = [row for same, item in own for row in _rows(same, item)]
        more = Rescored([], ())
        if self.rescore:
            more = rescored([(same, _kept(item)) for same, item in own], rows)
        names = {row["metric"] for row in rows}
        measures = {name: _MEASURES[name] for name in names & set(_MEASURES)}
        unknown = frozenset(names - set(DECLARED) - set(measures))
        notes = (*_notes(details, path), *more.notes)
        frame = frame_of([*rows, *more.rows])
        return Reading(frame, measures, notes, unknown, rescored=len(more.rows))


FORMAT = Lighteval()


def _own(details: Details, item: Item, source: str) -> dict[str, Any]:
    """What is the same on every row of an item."""
    return known(
        task=details.task,
        model=details.model,
        shots=details.shots,
        demonstrations=demonstrations(details.shots),
        prompt=details.suite,
        adaptation="prompted",
        run=details.date,
        n=1,
        item=item.name,
        source=source,
    )


def _rows(same: Mapping[str, Any], item: Item) -> list[dict[str, Any]]:
    rows = []
    for metric, value in item.scores.items():
        score = number(value)
        if score is None:
            continue
        name = _name(metric, item)
        row = {**same, "metric": name, "score": score}
        if name.startswith("choice_") and item.choices > 1:
            row |= {"chance": item.right / item.choices, "chance_source": "uniform"}
        rows.append(row)
    return rows


def _kept(item: Item) -> Kept | None:
    """What is kept of the choices, where an accuracy is logged that they must give.

    Normalised accuracy divides by the characters of a choice without the space before it
    (`LogProbCharNorm`).
    """
    if len(item.log_prob) != item.choices or item.choices < 2 or not item.gold:
        return None
    log_prob = np.array(item.log_prob)
    lengths = np.array([len(one) - one.startswith(" ") for one in item.texts])
    logged = {_name(metric, item): number(value) for metric, value in item.scores.items()}
    for name, divisor in (("choice_accuracy", np.ones(1)), ("choice_accuracy_normalized", lengths)):
        score = logged.get(name)
        if score is not None and (divisor > 0).all():
            accuracy = float(int(np.argmax(log_prob / divisor)) in item.gold)
            return Kept(log_prob, item.gold, accuracy, score)
    return None


def _name(metric: str, item: Item) -> str:
    if _PASS.fullmatch(metric):
        return "pass_at_1"
    name = _NAMES.get(metric, metric)
    return "accuracy" if name == "choice_accuracy" and item.choices < 2 else name


def _notes(details: Details, path: Path) -> tuple[Finding, ...]:
    lost = sum(bool(item.lost) for item in details.items)
    unread = [
        metric
        for item in details.items
        for metric, value in item.scores.items()
        if value is not None and number(value) is None
    ]
    notes: tuple[Finding, ...] = ()
    if lost:
        message = "Prompts had room for fewer demonstrations than asked"
        notes += (Finding("fewer_shots", message, lost, (path.name,)),)
    if unread:
        message = "Scores of single items are no numbers (they serve a corpus); left out"
        notes += (Finding("unscored_samples", message, len(unread), first_places(unread)),)
    return notes
