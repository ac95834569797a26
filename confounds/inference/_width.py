"""Width of the transition: decades of scale from 10 to 90 % of the way, within families."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference import _link
from confounds.inference._moments import Weighted
from confounds.inference._nested import has_fixed_effects
from confounds.inference._null import (
    Slopes,
    fit_fixed_effect,
    fit_two_level,
    fixed_effect_freedom,
)
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.sample import Sample


def width_estimate(sample: Sample, level: float = 0.95) -> Estimate:
    """How many decades does the 10-90 % transition of a logistic take?

    The slope is that within families (families that jump at different scales look gradual
    when pooled); its interval is Wald's with Student's t on the residual degrees of freedom,
    and 4.394 / slope turns it into decades. An upper end of None is an unbounded width: a
    flat curve is not excluded.

    Returns:
        `width`; all None for an unbounded metric, whose null has no transition.
    """
    if not sample.binomial:
        return Estimate("width", None)
    y = sample.score[None]
    if has_fixed_effects(sample):
        fit = fit_fixed_effect(y, sample, Slopes())
        freedom = fixed_effect_freedom(sample)
    else:
        fit = fit_two_level(y, sample, Slopes(), None)
        freedom = len(sample) - sample.design.shape[1]
    gram = Weighted(sample.products, fit.weight, fit.phi2).gram()
    error = float(np.sqrt(np.linalg.inv(gram[0])[1, 1]))
    slope = float(fit.theta[0, 1])
    reach = float(stats.t.ppf((1 + level) / 2, max(freedom, 1))) * error
    return Estimate(
        "width",
        _decades(slope),
        ci_lower=_decades(slope + reach) or 0.0,
        ci_upper=_decades(slope - reach),
        level=level,
    )


def _decades(slope: float) -> float | None:
    return float(_link.TRANSITION / slope) if slope > 1e-6 else None
