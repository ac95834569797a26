"""What is missing where a departure is not shown, and about how many models would decide?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confounds.inference._plan import CHECK_LEVEL, PRIMARY_LEVEL

if TYPE_CHECKING:
    from confounds.results import Estimate, ThresholdFit

MOST = 500
POWER = 1.4
"""Half-widths that the estimate must lie from a limit to cross it with power .8: 2.8 / 1.96."""
NARROWEST = 0.2
"""Of the smallest effect: no interval is asked to be narrower than this on either side."""
FALLS = (
    "the scores fall with scale, where emergence is a rise: p is that of an upward step beside a "
    "falling curve"
)
NOT_MORE = "more models of the same kind would not tell"


@dataclass(frozen=True, slots=True)
class Lack:
    """What keeps a departure from being shown.

    Attributes:
        reason: what, in words, with the number of models where there is one.
        models: about how many would tell; None where that is not known, above `MOST` where
            more than that would be needed.
        helps: whether more models of the same kind would tell.
    """

    reason: str
    models: int | None = None
    helps: bool = True


def models_needed(effect: Estimate, models: int, smallest: float) -> int | None:
    """About how many models would bring the decision, at the present spread?

    The interval shrinks with the square root of the number of models. It must become narrow
    enough to exclude 0 at the present estimate, or to lie below the smallest effect of
    interest, whichever is nearer. A rough guide: psi and the layout are taken as they are. Over
    simulated tables of 8 to 40 models that are not significant, its median is .8 to 2.5 times the
    number that simulation gives (`inference/power.py`), and half of the tables lie within a factor
    of two to three of that median (`benchmarks/power.py`, cells `table`): what a single table says
    of its own effect is no better known, and the test of a threshold finds one with fewer models
    than an interval about it needs.

    Returns:
        More than there are; None where more than `MOST` would be needed, where the interval is
        unknown, or where it is narrow enough: then something else is missing.
    """
    needed = _for_interval(effect, models, smallest)
    return None if needed is None or not models < needed <= MOST else needed


def _for_interval(effect: Estimate, models: int, smallest: float) -> int | None:
    """Models that narrow the interval as far as is asked, be it fewer than there are."""
    estimate, lower, upper = effect.estimate, effect.ci_lower, effect.ci_upper
    if estimate is None or lower is None or upper is None or upper <= lower:
        return None
    half = (upper - lower) / 2
    room = max(estimate, smallest - abs(estimate), NARROWEST * smallest)
    return math.ceil(models * (half * POWER / room) ** 2)


def lack_of(fit: ThresholdFit, smallest: float) -> Lack | None:
    """What keeps the departure of a curve from being shown; None where nothing does.

    A number of models is named where more of the same kind would tell, and only there: not where
    the interval is narrow enough and a test is what fails, nor where something blocks the test
    whatever their number (`ThresholdFit.blocks`), nor where the curve falls.
    """
    effect = fit["effect"]
    if fit.significant and (effect.ci_lower or 0.0) > 0:
        return None
    fall = fit.smooth[0].score - fit.smooth[-1].score if fit.smooth else 0.0
    if fall >= smallest:
        return Lack(FALLS, helps=False)
    if fit.blocks:
        return Lack("; ".join((*fit.blocks, NOT_MORE)), helps=False)
    return _lack_of_models(fit, smallest)


def _lack_of_models(fit: ThresholdFit, smallest: float) -> Lack:
    """About how many more models would show the departure, or which test fails at any number."""
    effect = fit["effect"]
    needed = _for_interval(effect, fit.models, smallest)
    if needed is None:
        return Lack("the interval of the step is not known")
    start = _wide(effect) if fit.significant else ""
    if needed > MOST:
        return Lack(f"{start}; hundreds of models would not tell".lstrip("; "), MOST + 1)
    if needed > fit.models:
        return Lack(f"{start}; about {needed} models would tell".lstrip("; "), needed)
    return Lack(start or _failing(fit))


def _wide(effect: Estimate) -> str:
    interval = f"[{effect.ci_lower:.2f}, {effect.ci_upper:.2f}]"
    return f"the step, {effect.estimate:.2f} {interval}, is not shown to lie above 0"


def _failing(fit: ThresholdFit) -> str:
    """Which of the two tests fails, where a narrower interval would not help it."""
    name, level = "check within families", CHECK_LEVEL
    if fit.p_two_level >= PRIMARY_LEVEL:
        name, level = "two-level test", PRIMARY_LEVEL
    return (
        f"what is missing is p < {level:.2f} in the {name}; `confounds power` tells how many "
        "models find a step"
    )
