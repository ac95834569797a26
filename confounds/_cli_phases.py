"""The command `confounds phases`: when the models of a table learn, along their checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from confounds import _cli_output as output
from confounds import text
from confounds._cli_claims import read_table
from confounds._cli_options import Options, command

if TYPE_CHECKING:
    from confounds.inference.change_points import ModelPhases
    from confounds.phases import TaskPhases
    from confounds.results import Estimate

COLUMNS = (
    *("task", "learnt", "certain", "grokked", "memorised", "not_learnt"),
    *("rise", "train", "heldout", "lag"),
)
OF_MODELS = ("model", "phase", "train", "heldout", "rise", "p_value", "p_adjusted")
OF_TRAIN = ("grokked", "memorised", "train", "lag")
"""Columns that nothing can fill where no item is known to have been trained on."""
NOTES = (
    "learnt: models whose rise is significant and above the smallest effect",
    "certain: those left once every model and task is counted (Benjamini-Hochberg)",
    "rise: score points, the median over models",
    "train, heldout: training step at which the rise is half done, 95 % interval",
)


@dataclass(frozen=True, kw_only=True)
class PhasesOptions(Options):
    """`confounds phases`."""

    outcomes: Annotated[Path, typer.Argument(metavar="OUTCOMES", help="A table with checkpoints.")]
    task: Annotated[list[str], typer.Option(help="This task only; may be repeated.")] = field(
        default_factory=list
    )
    metric: Annotated[str | None, typer.Option(help="This metric.")] = None
    shots: Annotated[
        int | None, typer.Option(help="Demonstrations in the prompt; the most when not given.")
    ] = None


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @command(app, "phases")
    def phases(options: PhasesOptions) -> int:
        """Say when in training each task is learnt: memorised, then generalised?"""
        return _answer(options)


def _answer(options: PhasesOptions) -> int:
    from confounds.phases import find_phases
    from confounds.pipeline import Settings, default_claim

    outcomes = read_table(options, options.outcomes)
    claims = [
        default_claim(outcomes, task, metric=options.metric)
        for task in options.task or outcomes.tasks
    ]
    if options.shots is not None:
        claims = [claim.with_condition(shots=options.shots) for claim in claims]
    settings = Settings() if options.seed is None else Settings(seed=options.seed)
    with output.working(options, "following"):
        found = find_phases(outcomes, claims=claims, settings=settings)
    output.answer(
        options,
        lambda: output.to_document(phases=[asdict(item) for item in found]),
        lambda: _prose(found),
    )
    return 0


def _prose(found: tuple[TaskPhases, ...]) -> str:
    shown = [item for item in found if item.reason is None]
    if len(found) == 1:
        table = text.Table(OF_MODELS, tuple(_model_row(item) for item in shown[0].models)).text()
        lines = [table, "", *(f"{item.term}: {_steps(item)}" for item in shown[0].pooled)]
    else:
        lines = [text.Table(_columns(shown), tuple(_task_row(item) for item in shown)).text()]
    left = len(found) - len(shown)
    if left:
        lines.append(f"note: {text.plural(left, 'task')} without enough checkpoints")
    lines += ["", *NOTES]
    return "\n".join(lines)


def _columns(shown: list[TaskPhases]) -> tuple[str, ...]:
    trained = any(model.train is not None for task in shown for model in task.models)
    return tuple(name for name in COLUMNS if trained or name not in OF_TRAIN)


def _task_row(item: TaskPhases) -> dict[str, Any]:
    counts = item.counts()
    pooled = {estimate.term: estimate for estimate in item.pooled}
    lag = pooled.get("lag")
    return {
        "task": item.claim.task,
        "learnt": counts.get("generalised", 0) + counts.get("grokked", 0),
        "certain": item.certain(),
        "grokked": counts.get("grokked", 0),
        "memorised": counts.get("memorised", 0),
        "not_learnt": counts.get("not learnt", 0),
        "rise": text.number(_middle_rise(item.models), 2),
        "train": _steps(pooled.get("train_change_point")),
        "heldout": _steps(pooled.get("heldout_change_point")),
        "lag": text.estimate(lag) if lag else None,
    }


def _middle_rise(models: tuple[ModelPhases, ...]) -> float:
    """The median over models of the held-out rise, in score points."""
    return median(model.heldout.rise.estimate or 0.0 for model in models)


def _model_row(item: ModelPhases) -> dict[str, Any]:
    return {
        "model": item.model,
        "phase": item.phase,
        "train": _steps(item.train.point) if item.train and item.train.learnt else None,
        "heldout": _steps(item.heldout.point) if item.heldout.learnt else None,
        "rise": text.number(item.heldout.rise.estimate, 2),
        "p_value": item.heldout.rise.p_value,
        "p_adjusted": item.p_adjusted,
    }


def _steps(item: Estimate | None) -> str | None:
    if item is None:
        return None
    if item.term == "lag":
        return text.estimate(item)
    low, high = (
        sign if value is None else f"{value:.3g}"
        for sign, value in (("<", item.ci_lower), (">", item.ci_upper))
    )
    return f"{item.estimate:.3g} [{low}, {high}]"
