"""How many models would decide what these could not?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confounds.results import Estimate

MOST = 500
POWER = 1.4
"""Half-widths that the estimate must lie from a limit to cross it with power .8: 2.8 / 1.96."""
NARROWEST = 0.2
"""Of the smallest effect: no interval is asked to be narrower than this on either side."""


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
        At least one more than there are; None where more than `MOST` would be needed, or the
        interval is unknown.
    """
    estimate, lower, upper = effect.estimate, effect.ci_lower, effect.ci_upper
    if estimate is None or lower is None or upper is None or upper <= lower:
        return None
    half = (upper - lower) / 2
    room = max(estimate, smallest - abs(estimate), NARROWEST * smallest)
    needed = math.ceil(models * (half * POWER / room) ** 2)
    return None if needed > MOST else max(needed, models + 1)
