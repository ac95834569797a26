"""What cannot be had from a model that is behind a server, and how that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds.files import read_json
from confounds.probe import _exchangeability
from confounds.probe._plan import applies

if TYPE_CHECKING:
    from pathlib import Path

    from confounds.probe._cells import Sheet
    from confounds.probe._plan import Plan
    from confounds.probe._questions import Asker

_OF_SCORES = frozenset({"target", "choices"})
_OF_MOMENTS = frozenset({"min_k_plus"})


def place_of(label: str) -> str:
    """Where in the folder of a run it is written down what a model gave."""
    return f"models/{label}.json"


def facts_of(asker: Asker) -> dict[str, object]:
    """What is written there; nothing for a model of which nothing is to be said."""
    scores, limits = getattr(asker, "scores", True), getattr(asker, "limits", None)
    found: dict[str, object] = {}
    if asker.parameters is not None:
        found["parameters"] = asker.parameters
    if limits is not None:
        found |= {"scores": scores, "limits": limits}
    return found


def wanted(plan: Plan, sheet: Sheet) -> tuple[str, ...]:
    """The metrics that a sheet is asked for."""
    if sheet.kind == "condition":
        return tuple(name for name, metric in plan.metrics.items() if applies(metric, sheet))
    if sheet.kind == "contamination":
        return tuple(_exchangeability.MEASURES)
    probe = plan.study.memorization
    return () if probe is None else probe.measures


def unavailable(plan: Plan, sheet: Sheet, *, scores: bool) -> tuple[str, ...]:
    """Those of them that a server cannot give.

    Args:
        plan: the study's plan.
        sheet: of it.
        scores: whether texts can be scored there; what needs the whole distribution never can.
    """
    names = wanted(plan, sheet)
    if scores:
        return tuple(name for name in names if name in _OF_MOMENTS)
    if sheet.kind != "condition":
        return names
    return tuple(name for name in names if plan.metrics[name].needs & _OF_SCORES)


def notes(plan: Plan, folder: Path) -> list[str]:
    """One sentence for each model of which not all can be had that the study asks for."""
    found = []
    for model in plan.study.models:
        path = folder / place_of(model.label)
        known = read_json(path) if path.is_file() else {}
        if "limits" not in known:
            continue
        lost = [unavailable(plan, sheet, scores=known["scores"]) for sheet in plan.sheets]
        names = sorted({name for some in lost for name in some})
        how = "" if known["scores"] else " is asked for text only, and answers are read from it"
        if names or how:
            listed = f"; not available: {', '.join(names)}" if names else ""
            found.append(f"'{model.label}'{how}{listed} ({known['limits']})")
    return found


def counted(path: Path) -> float | None:
    """The size of a model as its file tells it; None where it was unknown, or no file is there."""
    value = read_json(path).get("parameters") if path.is_file() else None
    return None if value is None else float(value)
