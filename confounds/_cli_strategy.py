"""What `confounds audit --strategy` says: where a strategy begins to help, task by task."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from confounds import _cli_output as output
from confounds import text
from confounds.errors import UsageError

if TYPE_CHECKING:
    from confounds._cli_options import AuditOptions
    from confounds.claim import Claim
    from confounds.outcomes import Outcomes
    from confounds.pipeline import Settings
    from confounds.strategies import StrategyFinding

COLUMNS = ("task", "strategy", "gain", "p_adjusted", "begins", "p_stated", "source", "models")


def check(options: AuditOptions) -> None:
    """Refuse options that mean nothing together.

    Raises:
        UsageError: --stated without --strategy, or --report with it.
    """
    if options.strategy is None and options.stated is not None:
        msg = "--stated is the scale at which a --strategy is said to begin; name one"
        raise UsageError(msg)
    if options.strategy is not None and options.report is not None:
        msg = "--report shows audits of claims; --strategy has none (leave one of them out)"
        raise UsageError(msg)
    if options.stated is not None and not options.stated > 0:
        msg = f"option --stated is {options.stated:g}; it must be a scale above 0"
        raise UsageError(msg)


def answer(
    options: AuditOptions, outcomes: Outcomes, claims: tuple[Claim, ...], settings: Settings
) -> int:
    """Find where the strategy begins to help, and say so."""
    from confounds.strategies import find_strategies

    with output.working(options, "comparing"):
        found = find_strategies(
            outcomes,
            options.strategy or "",
            claims=claims,
            stated=options.stated,
            settings=settings,
        )
    output.answer(
        options,
        lambda: output.to_document(findings=[asdict(item) for item in found]),
        lambda: _prose(found),
    )
    return 0


def _prose(found: tuple[StrategyFinding, ...]) -> str:
    shown = [item for item in found if item.gain is not None]
    table = text.Table(COLUMNS, tuple(_row(item) for item in shown)).text()
    lines = [table, *_skipped(found)]
    if len(shown) == 1:
        lines += ["", shown[0].reason]
    scale = shown[0].claim.scale
    note = (
        "p adjusted: of the gain, over the tasks (Holm)\n"
        f"gain: score points among the larger half of the models; begins: {scale} at which the "
        f"gain reaches {shown[0].claim.margin:g}, 95 % interval (< or > the models: open end)"
    )
    lines += ["", note]
    stated = [item.stated.estimate for item in shown if item.stated]
    if stated:
        lines.append(
            f"p stated: of the gain reaching it at {text.scale(stated[0], scale)} ({scale})"
        )
    return "\n".join(lines)


def _row(item: StrategyFinding) -> dict[str, Any]:
    chosen = item.strategy
    return {
        "task": item.claim.task,
        "strategy": chosen.words if chosen else None,
        "gain": text.estimate(item.gain),
        "p_adjusted": item.p_adjusted,
        "begins": _begins(item),
        "p_stated": item.stated.p_value if item.stated else None,
        "source": item.source,
        "models": item.models,
    }


def _begins(item: StrategyFinding) -> str:
    crossing = item.crossing
    if crossing is None:
        return "—"
    axis = item.claim.scale
    low = text.scale(crossing.ci_lower, axis) if crossing.ci_lower else "<"
    high = text.scale(crossing.ci_upper, axis) if crossing.ci_upper else ">"
    middle = text.scale(crossing.estimate, axis) if crossing.estimate else "—"
    return f"{middle} [{low}, {high}]"


def _skipped(found: tuple[StrategyFinding, ...]) -> list[str]:
    reasons = [item.reason for item in found if item.gain is None]
    return [
        f"note: {text.plural(reasons.count(reason), 'task')} left out: {reason}"
        for reason in dict.fromkeys(reasons)
    ]
