"""From a study file to its cells: everything is checked here, before a model is loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from confounds import plugins
from confounds.errors import MissingExtraError, StudyError, UsageError
from confounds.probe._cells import LAYOUT, Cell, Sheet
from confounds.probe._demonstrations import TaskItems, draw, split_task
from confounds.probe._exchangeability import contamination_questions
from confounds.probe._memorization import memorization_questions
from confounds.probe._overlap import exposure_by_overlap
from confounds.probe._questions import Backend, Question, StopRule
from confounds.probe._templates import check_format, check_text, write_answers, write_context
from confounds.study import Condition, Item, ModelSpec, PromptFormat, Study

if TYPE_CHECKING:
    from pathlib import Path

    from confounds.metrics._metric import Metric

# What decides how a probe's numbers are read, not what they are.
_READING = {"exposure", "threshold"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study will do.

    Attributes:
        study: as read.
        metrics: name -> metric.
        sheets: one for each task, condition and seed, and for each probe.
        cells: every sheet put to every model, grouped by model.
        backends: name -> backend.
    """

    study: Study
    metrics: dict[str, Metric]
    sheets: tuple[Sheet, ...]
    cells: tuple[Cell, ...]
    backends: dict[str, Backend]

    @property
    def folder(self) -> Path:
        """Where relative paths of the study start."""
        return self.study.path.parent


def plan_study(path: str | Path) -> Plan:
    """Read and check a study, and lay out its cells.

    Raises:
        StudyError: anything in it is wrong; nothing was run.
    """
    study = Study.read(path)
    metrics = {name: _load("metrics", name, "metrics") for name in study.metrics}
    backends = {one.backend: _load("probe", one.backend, "models.backend") for one in study.models}
    tasks = {spec.name: _exposed(study, split_task(study, spec)) for spec in study.tasks}
    _check_texts(study, tasks)
    sheets = _sheets(study, tasks, metrics)
    _check_metrics(study, metrics, sheets)
    for model in study.models:
        _check_server(study, model, backends[model.backend])
        backends[model.backend].check(model, study.path.parent)
        if study.store == "logits" and not getattr(backends[model.backend], "keeps_logits", False):
            msg = (
                f"{study.path}: key 'store' is 'logits'; backend '{model.backend}' of model "
                f"'{model.label}' has none to store; allowed: scores, tokens"
            )
            raise StudyError(msg)
    cells = tuple(
        Cell(model, sheet, _specification(study, model, sheet, backends[model.backend]))
        for model in study.models
        for sheet in sheets
    )
    return Plan(study, metrics, sheets, cells, backends)


def needs_generation(metrics: dict[str, Metric], condition: Condition) -> bool:
    """Text is generated for chains of thought and for metrics over generated text only."""
    chain = condition.reasoning == "chain"
    return chain or any("generation" in metric.needs for metric in metrics.values())


def applies(metric: Metric, sheet: Sheet) -> bool:
    """Can this metric score this sheet's responses?"""
    if sheet.condition is None or sheet.form is None:
        return False
    if sheet.condition.reasoning == "chain":
        return not metric.needs & {"target", "choices"}
    if "choices" in metric.needs:
        return sheet.form.style != "open" and any(item.choices for item in sheet.items)
    return True


def _sheets(
    study: Study, tasks: dict[str, TaskItems], metrics: dict[str, Metric]
) -> tuple[Sheet, ...]:
    found = []
    for task in tasks.values():
        for condition in study.conditions_crossed():
            form = study.format(condition.prompt)
            check_format(condition.prompt, form, task.spec.name, (*task.asked, *task.pool))
            # Without demonstrations nothing depends on the seed: more would repeat one run.
            seeds = study.seeds if condition.shots else study.seeds[:1]
            found += [_sheet(study, tasks, task, condition, seed) for seed in seeds]
        found += _probes(study, task)
    generated = [_with_generation(study, sheet, metrics) for sheet in found]
    return tuple(generated)


def _sheet(
    study: Study,
    tasks: dict[str, TaskItems],
    task: TaskItems,
    condition: Condition,
    seed: int,
) -> Sheet:
    form = study.format(condition.prompt)
    other = tasks.get(task.spec.other or "")
    if condition.demonstrations == "other_task" and other is not None:
        check_format(condition.prompt, form, other.spec.name, other.pool)
    shown = draw(task, other, condition, seed)
    chain = condition.reasoning == "chain"
    questions = tuple(
        Question(
            write_context(form, item, shown, chain=chain),
            () if chain else write_answers(form, item)[0],
        )
        for item in task.asked
    )
    return Sheet(
        "condition",
        task.spec.name,
        seed,
        task.asked,
        questions,
        form,
        condition,
        _baselines(form, task.asked),
    )


def _with_generation(study: Study, sheet: Sheet, metrics: dict[str, Metric]) -> Sheet:
    if sheet.condition is None or not needs_generation(metrics, sheet.condition):
        return sheet
    rules = study.generation
    direct = sheet.condition.reasoning == "direct"
    rule = (
        StopRule(rules.max_tokens, rules.stop)
        if direct
        else StopRule(rules.chain_max_tokens, rules.chain_stop)
    )
    return replace(
        sheet, questions=tuple(replace(question, generate=rule) for question in sheet.questions)
    )


def _probes(study: Study, task: TaskItems) -> list[Sheet]:
    name, seed = task.spec.name, study.seeds[0]
    found = []
    if study.memorization is not None:
        questions = memorization_questions(study.memorization, task.asked)
        found.append(Sheet("memorization", name, seed, task.asked, questions))
    if study.contamination is not None:
        questions = contamination_questions(study.contamination, task.asked, name)
        found.append(Sheet("contamination", name, seed, (), questions))
    return found


def _baselines(form: PromptFormat, items: tuple[Item, ...]) -> dict[str, float]:
    """Score of the best constant answer, for the metrics in which one can be given.

    A constant answer is one text where all items offer the same choices, one position where
    the format is by letter.
    """
    expected = Counter(write_answers(form, item)[0][write_answers(form, item)[1]] for item in items)
    top = max(expected.values()) / len(items)
    found = {"exact_match": top}
    same = len({frozenset(item.choices) for item in items}) == 1
    if items[0].choices and form.style != "open" and (same or form.style == "letter"):
        found |= {"choice_accuracy": top, "choice_accuracy_normalized": top}
    return found


def _exposed(study: Study, task: TaskItems) -> TaskItems:
    """Items with exposure and dose from the corpus, where they do not say it themselves."""
    if study.overlap is None:
        return task
    found = exposure_by_overlap(task.asked, study.overlap, study.resolve(study.overlap.corpus))
    asked = tuple(
        item
        if item.exposure is not None
        else replace(item, exposure=found[item.id][0], dose=found[item.id][1])
        for item in task.asked
    )
    return replace(task, asked=asked)


def _load(folder: str, name: str, key: str) -> Any:
    try:
        return plugins.load(folder, name)
    except UsageError as error:
        msg = f"key '{key}': {error}"
        raise StudyError(msg) from error
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "probe") from error


def _check_server(study: Study, model: ModelSpec, backend: Backend) -> None:
    if model.server is not None and not _writes(backend):
        msg = (
            f"{study.path}: model '{model.label}' has a key 'server', and its backend "
            f"'{model.backend}' asks none; set backend = \"openai\""
        )
        raise StudyError(msg)


def _check_texts(study: Study, tasks: dict[str, TaskItems]) -> None:
    for key in ("memorization", "contamination"):
        part = getattr(study, key)
        for task in tasks.values() if part is not None else ():
            check_text(f"{key}.text", part.text, task.spec.name, task.asked)


def _check_metrics(study: Study, metrics: dict[str, Metric], sheets: tuple[Sheet, ...]) -> None:
    conditions = [sheet for sheet in sheets if sheet.condition is not None]
    for name, metric in metrics.items():
        if not any(applies(metric, sheet) for sheet in conditions):
            msg = (
                f"{study.path}: metric '{name}' applies to no task and condition of the study; "
                f"it needs {' and '.join(sorted(metric.needs))}"
            )
            raise StudyError(msg)
    for sheet in conditions:
        if not any(applies(metric, sheet) for metric in metrics.values()):
            msg = (
                f"{study.path}: no metric applies to task '{sheet.task}' under "
                f"{sheet.condition}; add one such as exact_match, or exclude the condition"
            )
            raise StudyError(msg)


def _writes(backend: Backend) -> bool:
    return bool(getattr(backend, "may_only_write", False))


def _specification(
    study: Study, model: ModelSpec, sheet: Sheet, backend: Backend
) -> dict[str, object]:
    probe = getattr(study, sheet.kind, None)
    rules = study.generation
    # Where a server cannot score, these decide what it writes instead.
    writing = {"generation": [rules.max_tokens, *rules.stop]} if _writes(backend) else {}
    return {
        **writing,
        "layout": LAYOUT,
        "model": {
            "name": model.label,
            "backend": model.backend,
            "content": backend.fingerprint(model, study.path.parent),
            "revision": model.revision,
            "dtype": model.dtype,
        },
        "sheet": sheet.content(),
        "metrics": list(study.metrics) if sheet.kind == "condition" else None,
        "probe": None if probe is None else probe.model_dump(mode="json", exclude=_READING),
        "store": study.store,
    }
