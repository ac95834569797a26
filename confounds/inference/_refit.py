"""The supremum statistic with the threshold fitted, for many data sets at once.

F = (Q0 - Q1) / max(Q1 / (M - p - 1), 1): Q1 is the sum of squares of the curve with a step at psi,
Q0 the least that a smooth curve attains, both on the score scale and under the covariance of the
curve with the step (the F test of nested nonlinear regressions: Gallant 1975; with variances from
mean and dispersion, never below the items' own: Wedderburn 1974). A scan one step from the smooth
fit (`_scan`) only chooses the thresholds that are tried: its variances take up the very step that
is sought, and on the link scale models at the chance floor say nothing, while on the score scale a
curve that has to rise from them is seen not to be smooth. Power: `benchmarks/threshold_size.py`.
Of many models, and on unbounded metrics, the scan's F serves.

The fit with a step is stopped after a few iterations and so is that of Q0: the reference
distribution repeats both on every replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._batches import parts, taken
from confounds.inference._constrained import Smooth, bounded_step, covariances, least_squares
from confounds.inference._nested import fit_nested
from confounds.inference._null import fit_fixed_effect, fixed_effect_freedom
from confounds.inference._scan import in_parts, scan, sharpen
from confounds.inference._supremum import Supremum
from confounds.inference._variances import pooled_squares

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference._null import NullFit, Slopes
    from confounds.inference.sample import Floats, Sample

    Fit = Callable[[Floats, Floats, Floats], NullFit]
    Squares = Callable[[Floats, NullFit, NullFit], tuple[Floats, Floats]]

MOST_FITTED = 48
"""Models above which the scan's own F is the statistic, for its speed. In families of four it finds
fewer steps than the fit: `threshold_size.py --only limit/`."""
TRIED = 3
"""Thresholds at which a curve is fitted."""
STEPS = 3
TINY = 1e-9
LEVEL_RIDGE = 1e-6
"""Information below which a family's level stays where it is."""


def marginal_supremum(
    y: Floats, null: NullFit, sample: Sample, columns: Floats, slopes: Slopes
) -> Supremum:
    """The two-level statistic of B data sets whose smooth fit is `null`.

    Args:
        y: (B, M) scores.
        null: their two-level smooth fits.
        sample: the models.
        columns: (M, K) threshold columns.
        slopes: slopes allowed.
    """
    freedom = len(sample) - sample.design.shape[1]
    if not sample.binomial:
        return sharpen(null, sample, columns, freedom)
    if len(sample) > MOST_FITTED:
        return in_parts(scan, null, sample, columns, freedom)

    def fit(scores: Floats, start: Floats, jump: Floats) -> NullFit:
        return fit_nested(scores, sample, slopes, start, jump).two_level

    def squares(scores: Floats, smooth: NullFit, curve: NullFit) -> tuple[Floats, Floats]:
        mu, covariance = covariances(curve, sample)
        problem = Smooth(sample)
        least = least_squares(problem, scores, smooth.theta, covariance, slopes, STEPS)
        return least, covariance.squares(scores - mu)

    return _search(y, null, Contest(sample, columns, freedom, fit, squares))


def fixed_supremum(
    y: Floats, null: NullFit, sample: Sample, columns: Floats, slopes: Slopes
) -> Supremum:
    """The same of fits with a free level for every family."""
    freedom = fixed_effect_freedom(sample)
    if not sample.binomial:
        return sharpen(null, sample, columns, freedom)
    if len(sample) > MOST_FITTED:
        return in_parts(scan, null, sample, columns, freedom)

    def fit(scores: Floats, start: Floats, jump: Floats) -> NullFit:
        return fit_fixed_effect(scores, sample, slopes, start, jump)

    def squares(scores: Floats, smooth: NullFit, curve: NullFit) -> tuple[Floats, Floats]:
        mu, covariance = covariances(curve, sample)
        least = within_families(scores, smooth, sample, covariance.weight, slopes)
        return least, (covariance.weight * (scores - mu) ** 2).sum(axis=1)

    return _search(y, null, Contest(sample, columns, freedom, fit, squares))


@dataclass(frozen=True, eq=False)
class Contest:
    """Smooth curves against curves with a step.

    Attributes:
        sample: the models.
        columns: (M, K) threshold columns.
        freedom: residual degrees of freedom of a smooth curve.
        fit: of the curve with a step, from scores, predictors to start from and column.
        squares: from scores and both fits, Q0 and Q1.
    """

    sample: Sample
    columns: Floats
    freedom: int
    fit: Fit
    squares: Squares


def _search(y: Floats, null: NullFit, contest: Contest) -> Supremum:
    """F at the thresholds that are tried, 0 at the others and where the jump is downward."""
    found = [_part(y[rows], taken(null, rows), contest) for rows in parts(*y.shape)]
    return Supremum(np.concatenate(found))


def _part(y: Floats, null: NullFit, contest: Contest) -> Floats:
    sample, columns = contest.sample, contest.columns
    first = scan(null, sample, columns, contest.freedom).f
    f = np.zeros_like(first)
    freedom = contest.freedom - 1 + sample.pooled_freedom
    tried = np.argsort(-first, axis=1, kind="stable")[:, :TRIED]
    rows, rank = np.nonzero(np.take_along_axis(first, tried, axis=1) > 0)
    if not len(rows):
        return f
    place = tried[rows, rank]
    curve = contest.fit(y[rows], null.eta[rows], columns.T[place])
    smooth, own = contest.squares(y[rows], taken(null, rows), curve)
    rest = np.maximum(own + pooled_squares(curve.tau2, sample.pooled), freedom)
    gain = np.maximum(smooth - own, 0.0) / rest * freedom
    f[rows, place] = np.where(curve.theta[:, -1] > 0, gain, 0.0)
    return f


def within_families(
    y: Floats, start: NullFit, sample: Sample, weight: Floats, slopes: Slopes
) -> Floats:
    """(B,) least sum of squares of smooth curves with a free level for every family."""
    Z, eta, theta = sample.membership, start.eta, start.theta
    slope_columns = sample.design[:, 1:].T
    best = np.full(len(y), np.inf)
    for _ in range(STEPS):
        mu, gradient = _link.mean_and_slope(eta, sample.floor, binomial=sample.binomial)
        best = np.minimum(best, (weight * (y - mu) ** 2).sum(axis=1))
        told, force = weight * gradient**2, weight * gradient * (y - mu)
        family = told @ Z + LEVEL_RIDGE
        means = [((told * one) @ Z) / family for one in slope_columns]
        inner = [one - mean @ Z.T for one, mean in zip(slope_columns, means, strict=True)]
        size = len(inner) + 1
        gram = np.tile(np.eye(size), (len(y), 1, 1))
        right = np.zeros((len(y), size))
        for i, first in enumerate(inner, start=1):
            right[:, i] = (force * first).sum(axis=1)
            for j, second in enumerate(inner, start=1):
                gram[:, i, j] = (told * first * second).sum(axis=1)
        step = np.clip(bounded_step(theta, gram, right, slopes), -1.0, 1.0)
        level = (force @ Z) / family - sum(
            mean * step[:, [i]] for i, mean in enumerate(means, start=1)
        )
        eta = eta + step[:, 1:] @ slope_columns + np.clip(level, -1.0, 1.0) @ Z.T
        theta = theta + step
    return best
