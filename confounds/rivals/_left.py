"""What a controlled condition leaves, wherever the raw threshold may lie.

Asked where the raw departure is not shown. Then three things have to hold that a significant
departure would have taken care of: that nothing else undoes it (chance unknown), that the change is
above 0 under the ceiling at which the raw curve is most gradual too, and that the controlled effect
is below the smallest of interest at every threshold that the raw data keep.

On unbounded metrics nothing is asked: there a smooth bend of the raw curve is a change as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._plan import with_null
from confounds.inference.ceiling import best_ceiling, under_ceiling
from confounds.inference.change import Place, estimate_change, independent_change
from confounds.inference.contrast import pair_samples
from confounds.inference.threshold import effect_among

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Sample
    from confounds.inference.threshold import FittedThreshold
    from confounds.results import Estimate


def effect_left(
    fits: Fits, controlled: Sample, against: Sample | None, smallest: float
) -> Estimate | None:
    """The controlled effect over all thresholds that the raw data keep, see `effect_among`.

    Args:
        fits: the claim's fits.
        controlled: the controlled condition, whose change from the raw one is above 0.
        against: other models in the confounded condition, None where the models are the same.
        smallest: smallest effect of interest.

    Returns:
        None where it says nothing: another doubt, or no change under a ceiling.
    """
    raw = fits.raw
    if raw is None or not (raw.sample.binomial and controlled.binomial) or fits.doubt is not None:
        return None
    place = Place(raw.psi, raw.kept, raw.plan.shape)
    controlled = with_null(controlled, raw.plan.null)
    if len(place.searched(controlled)) < len(np.union1d(raw.kept, [raw.psi])):
        return None
    if not _changes_under_ceiling(fits, raw, controlled, against):
        return None
    return effect_among(controlled, place, raw.plan, smallest)


def _changes_under_ceiling(
    fits: Fits, raw: FittedThreshold, controlled: Sample, against: Sample | None
) -> bool:
    """Whether the change is above 0 where the curves go on to the raw curve's best ceiling."""
    plan = raw.plan
    ceiling = plan.ceiling or best_ceiling(raw.sample, plan)
    if ceiling >= 1:
        return True
    place, slopes = Place(raw.psi, raw.kept, plan.shape), plan.growth(controlled)
    other = raw.sample if against is None else with_null(against, plan.null)
    scaled = (under_ceiling(other, ceiling), under_ceiling(controlled, ceiling))
    pair = pair_samples(*scaled) if against is None else None
    if pair is None:
        change = independent_change(*scaled, place, slopes)
    else:
        change = estimate_change(pair, place, slopes, fits.rng("change under a ceiling"))
    return (change.ci_lower or 0.0) > 0
