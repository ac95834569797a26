"""What one more column of the table would buy: the rivals that it would let be tested.

Where the claim's own curve cannot be tested, no rival can: then scales of models that have none are
wanted first, or more models or sizes. Elsewhere, a rival that declares the columns it reads
(`columns`), and cannot test a task for want of them, is counted for that task. A column that is
known at one level only wants rows at another level; facts of models that are known need nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from confounds import plugins
from confounds.inference.fits import Fits, Settings
from confounds.pipeline import default_claim
from confounds.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.outcomes import Outcomes

Lack = Literal["column", "level", "models"]

EVERY = "every rival"
OF_MODELS = ("family", "tuning", "tokens", "compute", "checkpoint")
"""Columns that are facts of a model: no run of the same models adds a level to them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that the table lacks, and what it would buy.

    Attributes:
        columns: any one of them would do.
        lack: `column` where they are empty, `level` where one is known at one level only,
            `models` where there are too few models, or sizes of them.
        rival: the rival that could then be tested, or `every rival`.
        needs: what that rival needs, in words.
        tasks: the tasks in which it could.
    """

    columns: tuple[str, ...]
    lack: Lack
    rival: str
    needs: str
    tasks: tuple[str, ...]


def columns_wanted(
    outcomes: Outcomes, reasons: Mapping[str, Mapping[str, str | None]]
) -> tuple[Wanted, ...]:
    """What to add to the table, the most useful first.

    Args:
        outcomes: the table.
        reasons: task -> rival -> why it cannot be tested there (`pipeline.testable`).
    """
    found: dict[tuple[str, Lack], list[str]] = {}
    first: dict[tuple[tuple[str, ...], Lack, str], list[str]] = {}
    rivals = plugins.load_all("rivals")
    for task, by_rival in reasons.items():
        fits = Fits(default_claim(outcomes, task), outcomes, Settings())
        if fits.raw_observation.why_not() is not None:
            lacking = _lacked_by_all(fits)
            if lacking is not None:
                first.setdefault(lacking, []).append(task)
            continue
        for name, reason in by_rival.items():
            columns = getattr(rivals[name], "columns", ()) if reason is not None else ()
            lack = _lack(columns, fits) if columns else None
            if lack is not None:
                found.setdefault((name, lack), []).append(task)
    wanted = [
        Wanted(columns, lack, EVERY, needs, tuple(tasks))
        for (columns, lack, needs), tasks in first.items()
    ]
    wanted += [
        Wanted(rivals[name].columns, lack, name, rivals[name].needs, tuple(tasks))
        for (name, lack), tasks in found.items()
    ]
    return tuple(sorted(wanted, key=lambda item: (-len(item.tasks), item.rival)))


def _lacked_by_all(fits: Fits) -> tuple[tuple[str, ...], Lack, str] | None:
    """What the claim's own curve lacks, and with it every rival; None where scores are the lack."""
    seen = fits.raw_observation
    if seen.unplaced:
        scale, count = fits.claim.scale, plural(len(seen.unplaced), "model")
        return (scale,), "column", f"{seen.why_not()}; {count} without {scale}"
    if seen.sample is None or np.ptp(seen.sample.score) == 0:
        return None
    return ("model",), "models", str(seen.why_not())


def _lack(columns: tuple[str, ...], fits: Fits) -> Lack | None:
    """What the task lacks of some columns, or None where it has what can be had."""
    if columns == ("metric",):
        return "level"
    levels = {name: _levels(name, fits) for name in columns}
    if not any(levels.values()):
        return "column"
    known = [name for name, count in levels.items() if count]
    single = [name for name in known if levels[name] == 1 and name not in OF_MODELS]
    return "level" if single and len(single) == len(known) else None


def _levels(column: str, fits: Fits) -> int:
    """Distinct levels of a column; a family that is the model itself is no level."""
    claim = fits.claim
    frame = fits.outcomes.select(task=claim.task, metric=claim.metric).frame
    if column == "family" and frame["family"].equals(frame["model"]):
        return 0
    return int(frame[column].nunique())
