"""Runs of HELM: one folder a run, its scores item by item, read without the package.

Schema: stanford-crfm/helm at 63754d0, `src/helm/benchmark/run_spec.py` (`RunSpec`),
`adaptation/adapter_spec.py` (`AdapterSpec`), `metrics/metric.py` (`PerInstanceStats`),
`metrics/statistic.py` (`Stat`), `presentation/run_display.py` (`DisplayPrediction`). The names of
metrics: `metrics/evaluate_reference_metrics.py`. A draw of demonstrations
(`train_trial_index`) is a seed. Perturbed copies of items are left out, and splits other than
`test` where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from confounds.errors import FormatError
from confounds.ingest._helm_logprobs import read_log_probs
from confounds.ingest._helm_run import (
    Run,
    Scored,
    choices,
    fewer_shots,
    plain_items,
    read_averages,
    read_run,
    read_scored,
)
from confounds.ingest._json import opening, whole
from confounds.ingest._reading import Reading
from confounds.ingest._rescoring import Rescored, not_rescored, rescored
from confounds.ingest._rows import frame_of
from confounds.measures import Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIRST_BYTES = 1 << 16
_NAMES = {
    "f1_score": "f1",
    "code_eval_acc": "pass_at_1",
    "math_equiv_chain_of_thought": "math_equiv",
}
_MATCHES = (
    "quasi_exact_match",
    "prefix_exact_match",
    "quasi_prefix_exact_match",
    "final_number_exact_match",
    "exact_set_match",
    "math_equiv",
)
_OVERLAPS = ("iou_set_match", "f1_set_match", "rouge_1", "rouge_2", "rouge_l", "bleu_1", "bleu_4")
_MEASURES = {
    name: Measure(name, "discontinuous", chance="zero", summary=f"{name.replace('_', ' ')} of HELM")
    for name in _MATCHES
} | {
    name: Measure(name, "linear", chance="zero", summary=f"{name.replace('_', ' ')} of HELM")
    for name in _OVERLAPS
}
_KNOWN = {"exact_match", *_NAMES.values(), *_MEASURES}
_CHOSEN = ("exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match")


@dataclass(frozen=True, slots=True)
class Helm:
    """Reads one run; its `run_spec.json` is what is recognised."""

    rescore: bool = False

    name: ClassVar[str] = "helm"
    summary: ClassVar[str] = "HELM: run folders (run_spec.json, per_instance_stats.json, ...)"
    companions: ClassVar[tuple[str, ...]] = (
        "per_instance_stats.json",
        "display_predictions.json",
        "display_requests.json",
        "instances.json",
        "scenario.json",
        "scenario_state.json",
        "stats.json",
    )

    def recognises(self, path: Path) -> bool:
        """A `run_spec.json` that says how the model was asked."""
        return path.name == "run_spec.json" and b'"adapter_spec"' in opening(path, _FIRST_BYTES)

    def read(self, path: Path) -> Reading:
        """One row per item, draw of demonstrations and metric; averages where no items are.

        Raises:
            FormatError: a file of the run cannot be read, or none with scores is there.
        """
        run = read_run(path)
        scored = read_scored(run)
        if not scored:
            return _averages(run)
        kept = plain_items(scored)
        counts = choices(run)
        own = [(_own(run, one), one) for one in kept]
        rows = [row for same, one in own for row in _rows(run, one, same, counts.get(one.item))]
        names = {row["metric"] for row in rows}
        more = _rescored(run, own, names) if self.rescore else Rescored([], ())
        measures = {name: _MEASURES[name] for name in names & set(_MEASURES)}
        notes = (*_notes(run, scored, kept), *more.notes)
        return Reading(frame_of([*rows, *more.rows]), measures, notes, rescored=len(more.rows))


FORMAT = Helm()


def _own(run: Run, one: Scored) -> dict[str, Any]:
    """What is the same on every row of an item in one draw of demonstrations."""
    own = {**run.conditions, "item": one.item, "source": one.place, "n": 1}
    return {**own, "seed": one.trial} if run.trials > 1 else own


def _rescored(run: Run, own: list[tuple[dict[str, Any], Scored]], there: set[str]) -> Rescored:
    if not run.chooses:
        reason = f"nothing is chosen in a run whose adapter_spec.method is '{run.method}'"
        return Rescored([], (not_rescored(reason, run.path.name),))
    matched = {
        (one.item, one.trial): one.values["exact_match"]
        for _, one in own
        if "exact_match" in one.values
    }
    found = read_log_probs(run.path.parent, run.method, matched)
    return rescored([(same, found.get((one.item, one.trial))) for same, one in own], there)


def _rows(
    run: Run, one: Scored, own: Mapping[str, Any], choices_there: int | None
) -> list[dict[str, Any]]:
    if choices_there is None:
        choices_there = whole(one.values.get("num_references"))
    rows = []
    for name, value in _scores(run, one.values).items():
        row = {**own, "metric": name, "score": value}
        if name in _chosen(run) and choices_there is not None and choices_there > 1:
            row |= {"chance": 1 / choices_there, "chance_source": "uniform"}
        rows.append(row)
    return rows


def _scores(run: Run, values: Mapping[str, float]) -> dict[str, float]:
    """The statistics that are scores, by the names that they have here."""
    found = {}
    for name, value in values.items():
        called = _NAMES.get(name, name)
        if called in _KNOWN:
            found[_exact(run) if called == "exact_match" else called] = value
    return found


def _exact(run: Run) -> str:
    """What an exact match is: of the choice taken, of the letter written, or of the answer."""
    if run.chooses:
        return "choice_accuracy" if run.ranks else "accuracy"
    return "exact_match"


def _chosen(run: Run) -> set[str]:
    return {_exact(run), *_CHOSEN} if run.chooses else set()


def _averages(run: Run) -> Reading:
    means, items = read_averages(run)
    scores = _scores(run, means)
    if not scores:
        msg = (
            f"{run.path}: no scores beside it; per_instance_stats.json, "
            f"display_predictions.json or stats.json must be in its folder"
        )
        raise FormatError(msg)
    rows = [
        {**run.conditions, "metric": name, "score": value, "n": items, "source": "stats.json"}
        for name, value in scores.items()
    ]
    measures = {name: _MEASURES[name] for name in set(scores) & set(_MEASURES)}
    return Reading(frame_of(rows), measures)


def _notes(run: Run, scored: tuple[Scored, ...], kept: tuple[Scored, ...]) -> tuple[Finding, ...]:
    perturbed = sum(one.perturbed for one in scored)
    other = len(scored) - perturbed - len(kept)
    fewer = fewer_shots(run, kept)
    statistics = {name for one in kept for name in one.values}
    unread = sorted(name for name in statistics if _NAMES.get(name, name) not in _KNOWN)
    where = (str(run.conditions["run"]),)
    found = (
        ("perturbed_items", "Perturbed copies of items are left out", perturbed, where, "note"),
        ("other_splits", "Items of other splits than test are left out", other, where, "note"),
        ("fewer_shots", "Prompts had room for fewer demonstrations than asked", fewer, where,
         "warning"),
        ("unread_statistics", "Statistics of HELM are no scores of an answer and are not read",
         len(unread), tuple(unread[:5]), "note"),
    )  # fmt: skip
    return tuple(
        Finding(kind, message, count, places, level)  # type: ignore[arg-type]
        for kind, message, count, places, level in found
        if count
    )
