"""The marginal fit of models nested in families, with the fit within families that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from confounds.inference._null import (
    NullFit,
    Slopes,
    fit_fixed_effect,
    fit_two_level,
    fixed_effect_freedom,
)

if TYPE_CHECKING:
    from confounds.inference._null import Start
    from confounds.inference.sample import Floats, Sample

MIN_FREEDOM = 3
"""Residual degrees of freedom within families below which there is no fixed-effect check."""


@dataclass(frozen=True, eq=False)
class Nested:
    """Both fits of B data sets.

    Attributes:
        two_level: marginal over families.
        fixed: with a free level for every family; None where families have too few models.
    """

    two_level: NullFit
    fixed: NullFit | None


def has_fixed_effects(sample: Sample) -> bool:
    """True where several families leave enough degrees of freedom for the fixed-effect check."""
    return sample.families > 1 and fixed_effect_freedom(sample) >= MIN_FREEDOM


def own_nested(sample: Sample, slopes: Slopes) -> Nested:
    """Both smooth fits to the sample's own scores, once."""
    key = ("smooth", slopes)
    if key not in sample.remembered:
        sample.remembered[key] = fit_nested(sample.score[None], sample, slopes)
    found: Nested = sample.remembered[key]
    return found


def fit_nested(
    y: Floats,
    sample: Sample,
    slopes: Slopes,
    start: Start = None,
    jump: Floats | None = None,
) -> Nested:
    """Fit B data sets both ways: what is left within families, and phi^2 between them.

    Args:
        y: (B, M) scores.
        sample: the models.
        slopes: slopes allowed.
        start: linear predictors to start from, (1, M) for all or (B, M), or a marginal fit of much
            the same data, one for all.
        jump: (B, M) a further column, each data set's own.
    """
    if not has_fixed_effects(sample):
        return Nested(fit_two_level(y, sample, slopes, None, start, jump), None)
    fixed = fit_fixed_effect(y, sample, slopes, start, jump)
    smooth = fixed.theta[:, : sample.design.shape[1]] @ sample.design.T
    if jump is not None:
        smooth = smooth + fixed.theta[:, -1:] * jump
    begin = replace(start, eta=smooth) if isinstance(start, NullFit) else smooth
    return Nested(fit_two_level(y, sample, slopes, fixed.scatter, begin, jump), fixed)
