"""The effect in score points, its estimate and its interval.

The effect of a threshold is the step beyond gradual growth, mu(eta0 + delta) - mu(eta0) at
psi (for a hinge: at the largest scale). On the score scale it is identified where the logit is
not: a curve that lies flat at its chance floor has an effect of 0 with a tight interval.
The interval inverts the F test of a given effect D: D is fixed, level and (bounded) slope are
fitted again by Gauss-Newton under the working covariance of the fitted curve, and D is kept
while the rise of the sum of squares stays below its F quantile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference import _link
from confounds.inference._batches import taken
from confounds.inference._constrained import (
    Constrained,
    Covariance,
    covariances,
    least_squares,
    reference_point,
)
from confounds.inference._nested import fit_nested
from confounds.inference._null import NullFit, Slopes
from confounds.inference._saturated import Saturated, rises_to_ceiling
from confounds.inference._variances import pooled_squares
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference._null import Start
    from confounds.inference.sample import Flags, Floats, Sample

GRID = 81
COARSE = 4
"""Of the effects, every so many are tried first; those between only where they can matter."""
CLOSE = np.linspace(-4.0, 4.0, 17)
"""Standard errors from the estimate that are tried too, where one is less than the grid's step."""
FAR = 0.99
"""Confidence level, above any that is asked for, beyond twice whose reach no effect matters."""
FREE_PHI2 = 1e4
INFLATION = 1.25
"""Of the F quantile where the curve is bent: there the covariance is that of the fitted curve,
estimated from few models. What the intervals cover with it: `benchmarks/interval_coverage.py`."""


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """B fitted curves: a bounded smooth part with a threshold column at psi.

    Attributes:
        fit: level, slope, covariates, then the threshold's coefficient, on the link scale.
        effect: (B,) step in score points.
        psi: log10 scale of the threshold.
    """

    fit: NullFit
    effect: Floats
    psi: float


def fit_threshold(
    y: Floats, sample: Sample, psi: float, shape: str, slopes: Slopes, start: Start = None
) -> ThresholdCurve:
    """Fit the curve with a threshold at psi to B data sets of the same models.

    From a predictor, or from the fit of such a curve to much the same data by a few iterations.
    """
    column = threshold_columns(sample.x, np.array([psi]), shape)
    extra = column if sample.covariates is None else np.hstack([sample.covariates, column])
    augmented = replace(sample, covariates=extra)
    fit = fit_nested(y, augmented, slopes, start).two_level
    return ThresholdCurve(fit, _effects(fit.theta, sample, psi, shape), psi)


def curves_beside(
    sample: Sample, curve: ThresholdCurve, thresholds: Floats, shape: str, slopes: Slopes
) -> list[ThresholdCurve]:
    """The curves with other thresholds, fitted from the one that is: for drawing."""
    if not len(thresholds):
        return []
    y = np.repeat(sample.score[None], len(thresholds), axis=0)
    columns = threshold_columns(sample.x, thresholds, shape)
    fits = fit_nested(y, sample, slopes, curve.fit, columns.T).two_level
    found = []
    for row, psi in enumerate(thresholds):
        fit = taken(fits, slice(row, row + 1))
        found.append(ThresholdCurve(fit, _effects(fit.theta, sample, psi, shape), float(psi)))
    return found


def drawn_effects(
    y: Floats, sample: Sample, curve: ThresholdCurve, shape: str, slopes: Slopes
) -> Floats:
    """(B,) effects at the curve's threshold in data sets drawn from it, by a few iterations.

    For what is read off their joint spread; an effect that is told is fitted to the end.
    """
    column = threshold_columns(sample.x, np.array([curve.psi]), shape)
    jump = np.repeat(column.T, len(y), axis=0)
    fit = fit_nested(y, sample, slopes, curve.fit.eta, jump).two_level
    return _effects(fit.theta, sample, curve.psi, shape)


def _effects(theta: Floats, sample: Sample, psi: float, shape: str) -> Floats:
    """(B,) steps in score points of fitted curves."""
    at, height = reference_point(sample, psi, shape)
    eta0 = theta[:, 0] + theta[:, 1] * (at - sample.centre)
    floor = np.array([sample.floor.mean()])
    after = _link.mean(eta0 + height * theta[:, -1], floor, binomial=sample.binomial)
    difference: Floats = after - _link.mean(eta0, floor, binomial=sample.binomial)
    return difference


def own_curve(sample: Sample, psi: float, shape: str, slopes: Slopes) -> ThresholdCurve:
    """The curve with a threshold at psi fitted to the sample's own scores, once."""
    key = ("curve", psi, shape, slopes)
    if key not in sample.remembered:
        sample.remembered[key] = fit_threshold(sample.score[None], sample, psi, shape, slopes)
    curve: ThresholdCurve = sample.remembered[key]
    return curve


def own_profile(
    sample: Sample, thresholds: Floats, psi: float, shape: str, slopes: Slopes
) -> Profile:
    """The profile of the effect over `thresholds` about the sample's own curve, once."""
    key = ("profile", thresholds.tobytes(), psi, shape, slopes)
    if key not in sample.remembered:
        curve = own_curve(sample, psi, shape, slopes)
        sample.remembered[key] = effect_profile(sample, thresholds, shape, slopes, curve)
    profile: Profile = sample.remembered[key]
    return profile


def effect_variance(sample: Sample, curve: ThresholdCurve, shape: str) -> float:
    """Variance of the effect by the delta method, 0 where the curve is flat at its floor."""
    covariance = working_covariance(curve.fit, sample)
    column = threshold_columns(sample.x, np.array([curve.psi]), shape)
    rows = (covariance.gradient[:, None] * np.hstack([sample.design, column])).T
    spread = np.linalg.pinv(covariance.whiten(rows) @ rows.T, hermitian=True)
    at, height = reference_point(sample, curve.psi, shape)
    theta, floor = curve.fit.theta[0], np.array([sample.floor.mean()])
    eta = np.array([theta[0] + theta[1] * (at - sample.centre)])
    before = float(_link.slope(eta, floor, binomial=sample.binomial)[0])
    after = float(_link.slope(eta + height * theta[-1], floor, binomial=sample.binomial)[0])
    gradient = np.zeros(len(theta))
    gradient[:2] = (after - before) * np.array([1.0, at - sample.centre])
    gradient[-1] = after * height
    return float(gradient @ spread @ gradient)


def working_covariance(fit: NullFit, sample: Sample) -> Covariance:
    """Score-scale covariance of the first of B fits."""
    _, found = covariances(taken(fit, slice(0, 1)), sample)
    phi2 = float(fit.phi2[0])
    return replace(found, weight=found.weight[0], gradient=found.gradient[0], phi2=phi2)


@dataclass(frozen=True, eq=False)
class Profile:
    """Sum of squares as a function of the effect, minimised over all else.

    The rise is counted from the reported estimate, which need not be the least: another
    threshold may fit a downward step better, and the interval has to hold the estimate.

    Attributes:
        effects: (D,) effects in score points, ascending, the estimate among them.
        squares: (D,) least sum of squares, infinite where the effect cannot be attained.
        freedom: degrees of freedom of the effect, see `effect_freedom`.
        residual_freedom: residual degrees of freedom.
        estimate: the reported effect.
        inflation: of the F quantile.
    """

    effects: Floats
    squares: Floats
    freedom: float
    residual_freedom: float
    estimate: float
    inflation: float = 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """The effects whose F test does not reject, at confidence `level`."""
        allowed = self.inflation * stats.f.ppf(level, 1, self.freedom)
        limit = self._at(self.estimate) + self._scale * allowed
        kept = np.flatnonzero(self.squares <= limit)
        return self._edge(kept[0], -1, limit), self._edge(kept[-1], 1, limit)

    def p_value(self, effect: float = 0.0) -> float:
        """Two-sided F-test p-value of one effect."""
        rise = max(self._at(effect) - self._at(self.estimate), 0.0)
        return float(stats.f.sf(rise / (self._scale * self.inflation), 1, self.freedom))

    def reach(self, level: float) -> float:
        """The sum of squares at twice the rise that a confidence level allows."""
        allowed = self.inflation * float(stats.f.ppf(level, 1, self.freedom))
        return self._at(self.estimate) + 2 * self._scale * allowed

    @property
    def _scale(self) -> float:
        """What a unit of the working covariance is worth, never below 1."""
        return max(1.0, float(self.squares.min()) / self.residual_freedom)

    def _at(self, effect: float) -> float:
        finite = np.isfinite(self.squares)
        return float(np.interp(effect, self.effects[finite], self.squares[finite]))

    def _edge(self, index: int, direction: int, limit: float) -> float:
        beyond = index + direction
        here = float(self.effects[index])
        if not 0 <= beyond < len(self.effects) or not np.isfinite(self.squares[beyond]):
            return here
        rise = self.squares[beyond] - self.squares[index]
        share = (limit - self.squares[index]) / rise if rise > 0 else 0.0
        return here + float(np.clip(share, 0, 1)) * (float(self.effects[beyond]) - here)


def effect_profile(
    sample: Sample, psi: Floats, shape: str, slopes: Slopes, curve: ThresholdCurve
) -> Profile:
    """Profile the effect over level, slope and the candidate thresholds `psi`.

    Args:
        sample: one data set.
        psi: thresholds allowed; one for a threshold that is fixed beforehand.
        shape: `step` or `hinge`.
        slopes: slopes allowed to the smooth part.
        curve: the fitted curve, whose covariance serves as working covariance.
    """
    covariance = working_covariance(curve.fit, sample)
    effects = _effect_grid(sample, curve, shape, covariance)
    residual = max(len(sample) - sample.design.shape[1] - 1, 1) + sample.pooled_freedom
    freedom = effect_freedom(sample, curve.psi, shape, covariance)
    inflation = INFLATION if sample.binomial else 1.0
    pooled = float(pooled_squares(curve.fit.tau2, sample.pooled)[0])
    kind = Saturated if rises_to_ceiling(curve.fit, sample) else Constrained

    def squares_at(chosen: Flags) -> Floats:
        problem = kind(sample, psi, shape, effects[chosen])
        theta = np.repeat(curve.fit.theta[:, :-1], len(problem.effects), axis=0)
        squares = least_squares(problem, sample.score, theta, covariance, slopes)
        least: Floats = squares.reshape(problem.shape).min(axis=0) + pooled
        return least

    unknown = np.full(len(effects), np.inf)
    first = Profile(effects, unknown, freedom, residual, float(curve.effect[0]), inflation)
    return _fill(first, squares_at)


def effect_freedom(sample: Sample, psi: float, shape: str, covariance: Covariance) -> float:
    """Degrees of freedom of the step: few where families, not models, tell it apart.

    What is known of the step within families has as many as the residuals within families;
    what is known between families has the number of families less two. The two are combined
    by their shares of the information (Satterthwaite 1946).
    """
    total = len(sample) - sample.design.shape[1] - 1 + sample.pooled_freedom
    if sample.families == 1 or covariance.phi2 == 0:
        return float(max(total, 1))
    columns = threshold_columns(sample.x, np.array([psi]), shape)
    within = replace(covariance, phi2=FREE_PHI2)
    share = _information(sample, columns, within) / max(
        _information(sample, columns, covariance), np.finfo(np.float64).tiny
    )
    share = float(np.clip(share, 0.0, 1.0))
    inside = max(total - sample.families + 1, 1)
    between = max(sample.families - 2, 1)
    return float(min(1 / (share**2 / inside + (1 - share) ** 2 / between), max(total, 1)))


def _information(sample: Sample, columns: Floats, covariance: Covariance) -> float:
    """What the data tell of the step once level, slope and covariates are projected out."""
    rows = covariance.gradient[:, None] * np.hstack([sample.design, columns])
    gram = rows.T @ covariance.whiten(rows.T).T
    smooth, cross = gram[:-1, :-1], gram[:-1, -1]
    return float(gram[-1, -1] - cross @ np.linalg.pinv(smooth) @ cross)


def _effect_grid(
    sample: Sample, curve: ThresholdCurve, shape: str, covariance: Covariance
) -> Floats:
    estimate = float(curve.effect[0])
    if not sample.binomial:
        spread = np.sqrt(1 / covariance.weight.mean() + covariance.phi2)
        reach = 2 * abs(estimate) + 12 * spread
        return np.unique(np.concatenate([np.linspace(-reach, reach, GRID), [0.0, estimate]]))
    reach = 1 - float(sample.floor.mean())
    grid = np.linspace(-reach, reach, GRID)
    error = float(np.sqrt(effect_variance(sample, curve, shape)))
    close = estimate + error * CLOSE if error < grid[1] - grid[0] else np.empty(0)
    within = close[np.abs(close) < reach]
    return np.unique(np.concatenate([grid, within, [0.0, estimate]]))


def _fill(profile: Profile, squares_at: Callable[[Flags], Floats]) -> Profile:
    """Work out the sums of squares, every few effects first, then where an interval may end.

    An effect that lies beside one within reach is worked out, so that the ends of an interval are
    those of the full profile; what is left out stays infinite, as if it could not be attained.
    """
    known = np.zeros(len(profile.effects), dtype=bool)
    known[::COARSE] = known[-1] = True
    known |= np.isin(profile.effects, [0.0, profile.estimate])
    profile.squares[known] = squares_at(known)
    near = known & (profile.squares <= profile.reach(FAR))
    places = np.flatnonzero(known)
    wanted = np.zeros_like(known)
    for low, high in pairwise(places):
        if near[low] or near[high]:
            wanted[low + 1 : high] = True
    if wanted.any():
        profile.squares[wanted] = squares_at(wanted)
    return profile
