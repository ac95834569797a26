"""Logs of Inspect: `.eval` archives and JSON files, read without the package.

Schema: UKGovernmentBEIS/inspect_ai, `src/inspect_ai/log/_log.py` (`EvalLog`, `EvalSample`,
`EvalSampleSummary`), `log/_recorders/eval.py` (members of the archive) and `scorer/_metric.py`
(`value_to_float`), version 0.3.285. Scores come from `summaries.json` where it says all that is
needed. An epoch repeats the same items: it is a seed, and adds no items.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from confounds.ingest._identity import loaded_as
from confounds.ingest._inspect_log import Log, LoggedSample, read_log
from confounds.ingest._inspect_scores import (
    NO_ANSWER,
    Metric,
    flat,
    metrics_of,
    score_of,
)
from confounds.ingest._json import listing, mapping, number, opening, text, whole
from confounds.ingest._reading import STD_ERROR, Reading, first_places
from confounds.ingest._rescoring import Rescored, rescored
from confounds.ingest._rows import Model, demonstrations, frame_of, known, model_of
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OPENING = re.compile(rb'\{\s*"version"\s*:\s*\d+\s*,\s*"status"\s*:\s*"\w+"\s*,\s*"eval"\s*:')
_FIRST_BYTES = 256
_SERVERS = ("hf/", "vllm/", "sglang/", "hf-inference-providers/", "transformer_lens/", "nnterp/")
_SHOTS = ("fewshot", "num_fewshot", "n_fewshot", "few_shot", "shots")
_AVERAGES = {"accuracy": "accuracy", "mean": None}
_SAME_MEAN = 1e-9


@dataclass(frozen=True, slots=True)
class InspectAi:
    """Reads one log, which is one run of one task."""

    rescore: bool = False

    name: ClassVar[str] = "inspect_ai"
    summary: ClassVar[str] = "Inspect AI: logs, as .eval archives or JSON"
    companions: ClassVar[tuple[str, ...]] = ("*.eval.bak", "logs.json", "eval-set.json")

    def recognises(self, path: Path) -> bool:
        """An archive named `.eval`, or JSON that opens as a log does."""
        if path.suffix == ".eval":
            return opening(path, 4) == b"PK\x03\x04"
        return path.suffix == ".json" and _OPENING.match(opening(path, _FIRST_BYTES)) is not None

    def read(self, path: Path) -> Reading:
        """One row per sample, epoch and score; averages where no samples were logged.

        Raises:
            FormatError: the log cannot be read.
        """
        log = read_log(path, log_probs=self.rescore)
        if not log.samples:
            return _averages(log)
        seen: dict[str, list[Any]] = {}
        for sample in log.samples:
            for label, value in flat(sample.values):
                seen.setdefault(label, []).append(value)
        metrics = metrics_of(seen)
        own = _own(log)
        rows = _rows(log, own, metrics)
        more = Rescored([], ())
        if self.rescore:
            there = {row["metric"] for row in rows}
            more = rescored([(same, one.kept) for same, one in own], there)
        measures = {one.name: one.measure for one in metrics.values() if one.measure is not None}
        unknown = frozenset(one.name for one in metrics.values() if not one.declared)
        notes = (*_states(log), *_missing(log), *_left_out(log), *_differing(log, metrics, rows))
        frame = frame_of([*rows, *more.rows])
        notes = (*notes, *more.notes)
        count = len(more.rows)
        return Reading(frame, measures, notes, unknown, rescored=count, loads=_loads(log))


FORMAT = InspectAi()


def _own(log: Log) -> list[tuple[dict[str, Any], LoggedSample]]:
    """What is the same on every row of a sample, and the sample."""
    same = _conditions(log)
    repeated = any(sample.epoch > 1 for sample in log.samples)
    found = []
    for sample in log.samples:
        own = {**same, "item": sample.item, "source": sample.place, "n": 1}
        found.append(({**own, "seed": sample.epoch} if repeated else own, sample))
    return found


def _rows(
    log: Log, samples: list[tuple[dict[str, Any], LoggedSample]], metrics: Mapping[str, Metric]
) -> list[dict[str, Any]]:
    majority = log.majority()
    rows = []
    for own, sample in samples:
        for label, value in flat(sample.values):
            score = score_of(value)
            if score is None:
                continue
            metric = metrics[label]
            row = {**own, "metric": metric.name, "score": score}
            if metric.graded:
                row |= _chance(sample) | known(majority=majority)
            rows.append(row)
    return rows


def _chance(sample: LoggedSample) -> dict[str, Any]:
    if sample.choices < 2 or sample.target is None:
        return {}
    return {"chance": 1 / sample.choices, "chance_source": "uniform"}


def _conditions(log: Log) -> dict[str, Any]:
    spec = log.spec
    arguments = {**mapping(spec.get("task_args")), **mapping(spec.get("task_args_passed"))}
    given = [arguments[name] for name in _SHOTS if name in arguments]
    shots = next((found for one in given if (found := _shots(one)) is not None), None)
    model = _named(spec)
    return known(
        task=spec["task"],
        model=model.name,
        checkpoint=model.checkpoint,
        seed=whole(mapping(spec.get("model_generate_config")).get("seed")),
        shots=shots,
        demonstrations=demonstrations(shots),
        reasoning=_reasoning(log),
        adaptation="prompted",
        run=text(spec.get("eval_id")) or text(spec.get("run_id")) or log.path.stem,
    )


def _shots(value: Any) -> int | None:
    """Demonstrations that an argument of a task asks for; `True` does not say how many."""
    return 0 if value is False else whole(value)


def _named(spec: Mapping[str, Any]) -> Model:
    return model_of(_model(spec), mapping(spec.get("model_args")).get("revision"))


def _loads(log: Log) -> dict[str, str]:
    arguments, model = mapping(log.spec.get("model_args")), _named(log.spec)
    revision = arguments.get("revision") if model.checkpoint is None else None
    return {model.name: loaded_as(arguments, revision)}


def _model(spec: Mapping[str, Any]) -> str:
    """The model without the server that ran it: `hf/EleutherAI/pythia-70m` is a hub id."""
    name = str(spec["model"])
    path = mapping(spec.get("model_args")).get("model_path")
    if isinstance(path, str) and path:
        return path
    return next((name.removeprefix(one) for one in _SERVERS if name.startswith(one)), name)


def _reasoning(log: Log) -> str | None:
    """`chain` where a step of the plan asks for it, `direct` where one says that it does not."""
    said = None
    for step in map(mapping, listing(mapping(log.header.get("plan")).get("steps"))):
        if str(step.get("solver")).rsplit("/", 1)[-1] == "chain_of_thought":
            return "chain"
        cot = mapping(step.get("params")).get("cot")
        if isinstance(cot, bool):
            said = "chain" if cot or said == "chain" else "direct"
    return said


def _averages(log: Log) -> Reading:
    """The averages of a log without samples, each with the items that stand behind it."""
    results = mapping(log.header.get("results"))
    scores = [mapping(one) for one in listing(results.get("scores"))]
    accurate = [one for one in scores if "accuracy" in mapping(one.get("metrics"))]
    items = _items(log, results)
    rows, unknown = [], set()
    for score in scores:
        metrics = mapping(score.get("metrics"))
        name = next((one for one in _AVERAGES if one in metrics), None)
        value = number(mapping(metrics.get(name)).get("value")) if name else None
        if name is None or value is None:
            continue
        label = str(score.get("name"))
        called = {"exact": "exact_match"}.get(label, _AVERAGES[name] or label)
        if called == "accuracy" and len(accurate) > 1:
            called = f"accuracy:{label}"
        unknown.add(called)
        error = number(mapping(metrics.get("stderr")).get("value"))
        row = {"metric": called, "score": value, "n": items, STD_ERROR: error}
        rows.append({**_conditions(log), **row, "source": log.path.name})
    return Reading(frame_of(rows), {}, _states(log), frozenset(unknown), loads=_loads(log))


def _items(log: Log, results: Mapping[str, Any]) -> float | None:
    """Distinct items: an epoch more adds none."""
    completed = number(results.get("completed_samples"))
    epochs = number(mapping(log.spec.get("config")).get("epochs")) or 1.0
    return completed / epochs if completed and (completed / epochs).is_integer() else None


def _states(log: Log) -> tuple[Finding, ...]:
    status = log.header.get("status", "started")
    notes: tuple[Finding, ...] = ()
    if status != "success":
        message = "Runs were not finished; the items that they scored are read"
        notes += (Finding("unfinished_runs", message, 1, (f"{log.path.name}: {status}",)),)
    if log.header.get("invalidated") is True:
        message = "Runs are marked as invalid by whoever made them"
        notes += (Finding("invalidated_runs", message, 1, (log.path.name,)),)
    return notes


def _missing(log: Log) -> tuple[Finding, ...]:
    """Whether the log has fewer samples, in all epochs, than its results count."""
    completed = whole(mapping(log.header.get("results")).get("completed_samples"))
    there = sum(bool(one.values) or not one.failed for one in log.samples)
    if completed is None or there >= completed:
        return ()
    message = "Samples are fewer than the results of the log count; those that are there are read"
    told = f"{_conditions(log)['model']}, {log.spec['task']}: {there} of {completed}"
    where = (f"{log.path.name}: {told}",)
    return (Finding("missing_samples", message, completed - there, where),)


def _left_out(log: Log) -> tuple[Finding, ...]:
    """What is not a score, and what is scored 0 for want of an answer, with counts."""
    failed = [one.place for one in log.samples if one.failed and not one.values]
    unread, silent = [], []
    for sample in log.samples:
        for label, value in flat(sample.values):
            if score_of(value) is None:
                unread.append(f"{sample.place} {label}")
            elif value == NO_ANSWER:
                silent.append(f"{sample.place} {label}")
    kinds = (
        ("failed_samples", "Samples ended in an error without a score and are left out", failed),
        ("unscored_samples", "Scores are no numbers (not scored, or a text); left out", unread),
        ("no_answer", "Samples without an answer (N) count as wrong, as in Inspect", silent),
    )
    return tuple(
        Finding(kind, message, len(places), first_places(places))
        for kind, message, places in kinds
        if places
    )


def _differing(
    log: Log, metrics: Mapping[str, Metric], rows: list[dict[str, Any]]
) -> tuple[Finding, ...]:
    """Accuracies in the log's results that the samples do not give."""
    wrong = []
    for score in map(mapping, listing(mapping(log.header.get("results")).get("scores"))):
        label = str(score.get("name"))
        told = number(mapping(mapping(score.get("metrics")).get("accuracy")).get("value"))
        if told is None or label not in metrics or score.get("reducer") not in (None, "mean"):
            continue
        items: dict[str, list[float]] = {}
        for row in rows:
            if row["metric"] == metrics[label].name:
                items.setdefault(row["item"], []).append(row["score"])
        means = [sum(few) / len(few) for few in items.values()]
        if means and abs(sum(means) / len(means) - told) > _SAME_MEAN:
            wrong.append(f"{log.path.name}: {label} is {told:g}")
    if not wrong:
        return ()
    message = "Accuracies that logs state are not the mean of their samples, which are read"
    return (Finding("not_a_mean_of_items", message, len(wrong), first_places(wrong)),)
