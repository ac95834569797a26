"""What keeps a threshold test from being significant, however many models of the same kind are run?

Where no family has models on both sides of the threshold, the check within families sees no step
there: it may be a difference between families, and further models of the same families at the same
scales leave it one. (Items that the two sides do not share block alike: `asked_items`.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._plan import CHECK_LEVEL

if TYPE_CHECKING:
    from confounds.inference.threshold import FittedThreshold


def with_blocks(found: FittedThreshold) -> FittedThreshold:
    """The test with what blocks it named in `ThresholdFit.blocks`."""
    reason = why_families_block(found)
    if reason is None:
        return found
    return replace(found, fit=replace(found.fit, blocks=(*found.fit.blocks, reason)))


def why_families_block(found: FittedThreshold) -> str | None:
    """Why the check within families cannot see the step, or None where it can or passes."""
    check, sample = found.fit.p_fixed_effect, found.sample
    if check is None or check < CHECK_LEVEL:
        return None
    above = sample.x > found.psi
    sides = [above[sample.family == code] for code in np.unique(sample.family)]
    if any(0 < side.mean() < 1 for side in sides):
        return None
    return (
        f"none of the {len(sides)} families has models on both sides of {10**found.psi:.2g}: "
        "within families no step can be seen there"
    )
