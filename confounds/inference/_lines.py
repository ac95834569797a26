"""The curves that are drawn, with pointwise 95 % bands for the mean score of models of a scale.

Delta method on the link scale at the estimated variances, with Student's t on degrees of freedom
between those of the models and those of the families, by the share of the variance at each scale
that is the families' (Satterthwaite 1946), carried through the link and through its tangent; of
the two the lower end is taken on both sides. Near the floor the logit runs away to either side
while the score stands still: there the link alone never reaches chance, and its upper end is far
too high. That the bands cover is held by `tests/inference/test_lines.py`. What would break it: a
variance that few models tell poorly, most of all between two or three families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference import _link
from confounds.inference._effect import INFLATION, curves_beside
from confounds.inference._moments import Products, Weighted
from confounds.inference._nested import has_fixed_effects
from confounds.inference._null import RIDGE_LEVEL, RIDGE_SLOPE
from confounds.inference.sample import threshold_columns
from confounds.results import CurvePoint

if TYPE_CHECKING:
    from confounds.inference._effect import ThresholdCurve
    from confounds.inference._null import NullFit, Slopes
    from confounds.inference.sample import Floats, Sample

LEVEL = 0.95
LINE_POINTS = 60
CANDIDATES = 5


def smooth_line(sample: Sample, fit: NullFit) -> tuple[CurvePoint, ...]:
    """The first of B smooth curves over the range of scales, covariates at their mean."""
    if not _can_be_drawn(sample):
        return ()
    x = np.linspace(sample.x.min(), sample.x.max(), LINE_POINTS)
    rows = _rows(sample, x)
    return _points(sample, x, rows @ fit.theta[0], curve_band(fit, sample, sample.design, rows))


def threshold_line(
    sample: Sample, curve: ThresholdCurve, kept: Floats, shape: str, growth: Slopes
) -> tuple[CurvePoint, ...]:
    """The curve with a threshold, covariates at their mean.

    The band is the envelope of the bands at thresholds that are not rejected, `kept`, at most
    `CANDIDATES` of them and the first and last among these.
    """
    if not _can_be_drawn(sample):
        return ()
    psi = curve.psi
    x = np.linspace(sample.x.min(), sample.x.max(), LINE_POINTS)
    x = np.sort(np.append(x, [psi - 1e-9, psi + 1e-9]))
    picked = np.unique(np.linspace(0, len(kept) - 1, CANDIDATES).round().astype(int))
    others = kept[picked][kept[picked] != psi]
    curves = [curve, *curves_beside(sample, curve, others, shape, growth)]
    lower, upper = [], []
    for item in curves:
        at = np.array([item.psi])
        design = np.hstack([sample.design, threshold_columns(sample.x, at, shape)])
        rows = np.hstack([_rows(sample, x), threshold_columns(x, at, shape)])
        ends = curve_band(item.fit, sample, design, rows)
        lower.append(ends[0])
        upper.append(ends[1])
    own = np.hstack([_rows(sample, x), threshold_columns(x, np.array([psi]), shape)])
    ends = np.min(lower, axis=0), np.max(upper, axis=0)
    return _points(sample, x, own @ curve.fit.theta[0], ends)


def curve_band(
    fit: NullFit, sample: Sample, design: Floats, rows: Floats, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Lower and upper end of the band of B fitted curves.

    Args:
        fit: B fits.
        sample: the models.
        design: (M, p) columns that were fitted: the sample's own, and the threshold's.
        rows: (P, p) the same columns at the points of the line.
        level: pointwise confidence.

    Returns:
        Two arrays (B, P) of scores.
    """
    total = _variance(fit, sample, design, rows, fit.phi2)
    freedom = np.full_like(total, max(len(sample) - design.shape[1], 1))
    if has_fixed_effects(sample):
        within = np.minimum(_variance(fit, sample, design, rows, np.zeros_like(fit.phi2)), total)
        models = max(len(sample) - sample.families - design.shape[1] + 1, 1)
        families = max(sample.families - 2, 1)
        spread = within**2 / models + (total - within) ** 2 / families
        freedom = np.minimum(total**2 / spread, freedom)
    inflation = INFLATION if sample.binomial else 1.0
    reach = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(inflation * total)
    eta, floor = fit.theta @ rows.T, np.array(sample.floor.mean())
    binomial = sample.binomial
    lower, upper = (_link.mean(eta + side * reach, floor, binomial=binomial) for side in (-1, 1))
    if not binomial:
        return lower, upper
    flat = _link.slope(eta, floor, binomial=binomial) * reach
    mean = _link.mean(eta, floor, binomial=binomial)
    return np.maximum(np.minimum(lower, mean - flat), floor), np.minimum(upper, mean + flat)


def _variance(fit: NullFit, sample: Sample, design: Floats, rows: Floats, phi2: Floats) -> Floats:
    """(B, P) variance of the curve on the link scale."""
    gram = Weighted(Products(design, sample.membership), fit.weight, phi2).gram()
    if sample.binomial:
        gram[:, 0, 0] += RIDGE_LEVEL
        gram[:, 1, 1] += RIDGE_SLOPE
    covariance = np.linalg.inv(gram)
    variance: Floats = np.einsum("px,bxy,py->bp", rows, covariance, rows)
    return np.maximum(variance, 0.0)


def _can_be_drawn(sample: Sample) -> bool:
    """False where the null has columns of its own, whose values between models are not kept."""
    return not any(name.startswith("null:") for name in sample.covariate_names)


def _rows(sample: Sample, x: Floats) -> Floats:
    """(P, p) one, centred log10 scale, and covariates at their mean, 0."""
    rows = np.zeros((len(x), sample.design.shape[1]))
    rows[:, 0], rows[:, 1] = 1.0, x - sample.centre
    return rows


def _points(
    sample: Sample, x: Floats, eta: Floats, band: tuple[Floats, Floats]
) -> tuple[CurvePoint, ...]:
    mu = _link.mean(eta, np.array(sample.floor.mean()), binomial=sample.binomial)
    lines = zip(10**x, mu, band[0][0], band[1][0], strict=True)
    return tuple(CurvePoint(*(float(value) for value in point)) for point in lines)
