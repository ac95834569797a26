"""What a study would cost, cell by cell, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confounds.probe._plan import plan_study
from confounds.text import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One cell and its cost."""

    model: str
    task: str
    kind: str
    condition: str
    seed: int
    items: int
    tokens: int
    seconds: float | None


def estimate(path: str | Path) -> list[Line]:
    """Cost of every cell of a study.

    Raises:
        StudyError: the study is wrong.
    """
    plan = plan_study(path)
    questions = [sheet.questions for sheet in plan.sheets]
    found = []
    for model in plan.study.models:
        cost = plan.backends[model.backend].estimate(model, plan.folder, questions)
        for sheet, tokens, seconds in zip(plan.sheets, cost.tokens, cost.seconds, strict=True):
            columns = {} if sheet.condition is None else sheet.condition.columns
            found.append(
                Line(
                    model=model.label,
                    task=sheet.task,
                    kind=sheet.kind,
                    condition=" ".join(str(value) for value in columns.values()),
                    seed=sheet.seed,
                    items=len(sheet.items) or len(sheet.questions),
                    tokens=tokens,
                    seconds=None if seconds is None else round(seconds, 3),
                )
            )
    return found


def describe(lines: Sequence[Line]) -> str:
    """The cells as a table, with totals."""
    names = ("model", "task", "asked", "seed", "items", "tokens", "seconds")
    rows = tuple(
        {
            **{name: getattr(line, name) for name in names if name != "asked"},
            "tokens": f"{line.tokens:,}",
            "seconds": "?" if line.seconds is None else f"{line.seconds:.1f}",
            "asked": line.condition or line.kind,
        }
        for line in lines
    )
    tokens, seconds = sum(line.tokens for line in lines), total_seconds(lines)
    unknown = sum(line.seconds is None for line in lines)
    total = f"{len(lines)} cells, {tokens:,} tokens, about {seconds:.0f} s of computing"
    if unknown:
        total += f", and what the servers take for {unknown} cells"
    total += "; loading libraries and models comes on top"
    return f"{Table(names, rows).text()}\n\n{total}"


def total_seconds(lines: Sequence[Line]) -> float:
    """Seconds of the cells whose cost is known."""
    return sum(line.seconds for line in lines if line.seconds is not None)
