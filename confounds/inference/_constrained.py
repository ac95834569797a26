"""Least squares on the score scale: of the smooth curve, or of one whose effect is given."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._batches import parts
from confounds.inference._moments import solve_small
from confounds.inference._null import Slopes
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from confounds.inference._null import NullFit
    from confounds.inference.sample import Flags, Floats, Ints, Sample

STEPS = 14
MAX_STEP = 1.0
GAIN = 1e-6
"""Fall of the sum of squares, in units of the working covariance, that is worth another step; more
where a row lies far above the least of its part, and matters the less."""
TINY = 1e-9
"""Least variance, as a share of the mean."""
MOST_MOVING = 0.8
"""Share of the rows above which it does not pay to put the others aside."""


@dataclass(frozen=True, eq=False)
class Covariance:
    """Working covariance on the score scale: diag(1 / w) + phi^2 g g' within families.

    Of one curve, or of several with a leading axis of the same length in all parts.
    """

    weight: Floats
    gradient: Floats
    phi2: float | Floats
    membership: Floats

    def take(self, rows: slice | Ints) -> Covariance:
        """Those of some curves; itself where all rows share one."""
        if self.weight.ndim == 1:
            return self
        phi2 = np.asarray(self.phi2)[rows]
        return replace(self, weight=self.weight[rows], gradient=self.gradient[rows], phi2=phi2)

    def squares(self, r: Floats) -> Floats:
        """r'V^-1 r for residuals (..., M)."""
        total: Floats = (r * self.whiten(r)).sum(axis=-1)
        return total

    def whiten(self, r: Floats) -> Floats:
        """V^-1 r for residuals (..., M)."""
        loading = self.weight * self.gradient
        inner = (r * loading) @ self.membership
        total = (loading * self.gradient) @ self.membership
        shrink = self.phi2 / (1 + self.phi2 * total)
        return self.weight * r - loading * ((inner * shrink) @ self.membership.T)


def covariances(fit: NullFit, sample: Sample) -> tuple[Floats, Covariance]:
    """Expected scores (B, M) of B fits, and their covariance on the score scale."""
    mu, gradient = _link.mean_and_slope(fit.eta, sample.floor, binomial=sample.binomial)
    variance = gradient**2 / fit.weight
    least = TINY * variance.mean(axis=1, keepdims=True) + np.finfo(np.float64).tiny
    weight = 1 / np.maximum(variance, least)
    return mu, Covariance(weight, gradient, fit.phi2[:, None], sample.membership)


def reference_point(sample: Sample, psi: float, shape: str) -> tuple[float, float]:
    """Where the effect is read off (log10 scale), and the threshold column's height there."""
    if shape == "hinge":
        top = float(sample.x.max())
        return top, top - psi
    return psi, 1.0


class Constrained:
    """Mean and Jacobian of the curve whose threshold (K of them) and effect (D) are given."""

    def __init__(self, sample: Sample, psi: Floats, shape: str, effects: Floats) -> None:
        count = len(effects)
        self.sample = sample
        self.shape = (len(psi), count)
        self.effects = np.tile(effects, len(psi))
        self.column = np.repeat(threshold_columns(sample.x, psi, shape).T, count, axis=0)
        at, height = np.array([reference_point(sample, float(item), shape) for item in psi]).T
        self.height = np.repeat(height, count)
        self.row = np.zeros((len(psi) * count, sample.design.shape[1]))
        self.row[:, 0] = 1.0
        self.row[:, 1] = np.repeat(at - sample.centre, count)
        self.floor = np.full(len(self.effects), sample.floor.mean())
        self.rows: tuple[str, ...] = ("effects", "column", "height", "row", "floor")

    def take(self, rows: slice | Ints) -> Constrained:
        """Some of the rows."""
        part = copy(self)
        for name in self.rows:
            setattr(part, name, getattr(self, name)[rows])
        return part

    def begin(self, theta: Floats) -> Floats:
        """Level, slope and covariates in the terms of `evaluate`: as they are."""
        return theta

    def evaluate(self, theta: Floats) -> tuple[Floats, Floats, Flags]:
        """Mu (KD, M), d mu / d theta (p, KD, M), and whether the effect can be attained (KD,)."""
        sample, binomial = self.sample, self.sample.binomial
        eta0 = (theta * self.row).sum(axis=1)
        before, slope_before = _link.mean_and_slope(eta0, self.floor, binomial=binomial)
        wanted = before + self.effects
        feasible = np.ones(len(theta), dtype=bool)
        inside = wanted
        if binomial:
            feasible = (wanted > self.floor - 1e-9) & (wanted < 1 + 1e-9)
            inside = np.clip(wanted, self.floor + 1e-4, 1 - 1e-4)
        top = _link.inverse(inside, self.floor, binomial=binomial)
        rise = (top - eta0) / self.height
        ratio = slope_before / _link.slope(top, self.floor, binomial=binomial)
        ratio = np.where(inside == wanted, ratio, 0.0)
        eta = theta @ sample.design.T + rise[:, None] * self.column
        mu, gradient = _link.mean_and_slope(eta, sample.floor, binomial=binomial)
        shift = ((ratio - 1) / self.height)[:, None] * self.row
        jacobian = np.empty((theta.shape[1], *eta.shape))
        for each, (own, moved) in enumerate(zip(sample.design.T, shift.T, strict=True)):
            np.multiply(self.column, moved[:, None], out=jacobian[each])
            jacobian[each] += own
            jacobian[each] *= gradient
        return mu, jacobian, feasible


class Smooth:
    """Mean and Jacobian of the smooth curve."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def take(self, rows: slice | Ints) -> Smooth:  # noqa: ARG002  one curve for every row
        """Some of the rows."""
        return self

    def begin(self, theta: Floats) -> Floats:
        """Level, slope and covariates as they are."""
        return theta

    def evaluate(self, theta: Floats) -> tuple[Floats, Floats, Flags]:
        """Mu (B, M), d mu / d theta (p, B, M), and that every curve can be attained."""
        sample = self.sample
        eta = theta @ sample.design.T
        mu, gradient = _link.mean_and_slope(eta, sample.floor, binomial=sample.binomial)
        jacobian = gradient * sample.design.T[:, None, :]
        return mu, jacobian, np.ones(len(theta), dtype=bool)


def least_squares(
    problem: Constrained | Smooth,
    y: Floats,
    theta: Floats,
    covariance: Covariance,
    slopes: Slopes,
    steps: int = STEPS,
) -> Floats:
    """(KD,) least sum of squares over level, slope and covariates, by Gauss-Newton.

    Args:
        problem: threshold and effect of each row.
        y: (M,) scores of all rows, or (KD, M) of each.
        theta: (KD, p) level, slope and covariates where the iterations start.
        covariance: of all rows, or with a leading axis (KD, 1) of each.
        slopes: slopes allowed to the smooth part.
        steps: iterations at most.
    """
    theta = problem.begin(theta)
    if y.ndim > 1:
        return _least(problem, y, theta, covariance, Descent(slopes, steps, one=False))
    y = np.broadcast_to(y, (len(theta), len(y)))
    return _least(problem, y, theta, covariance, Descent(slopes, steps, one=True))


@dataclass(frozen=True, slots=True)
class Descent:
    """How far to go; with `one` the rows are of one data set, and only the least of them matter."""

    slopes: Slopes
    steps: int
    one: bool


def _least(
    problem: Constrained | Smooth, y: Floats, theta: Floats, covariance: Covariance, how: Descent
) -> Floats:
    found = [
        _descend(problem.take(rows), y[rows], theta[rows], covariance.take(rows), how)
        for rows in parts(*y.shape)
    ]
    return np.concatenate(found)


def _descend(
    problem: Constrained | Smooth, y: Floats, theta: Floats, covariance: Covariance, how: Descent
) -> Floats:
    """The same of one part; a row whose next step would gain nothing is left where it is."""
    best = np.full(len(theta), np.inf)
    left = np.arange(len(theta))
    for _ in range(how.steps):
        mu, jacobian, feasible = problem.evaluate(theta)
        squares, gram, right = _normal_equations(y - mu, jacobian, covariance)
        best[left] = np.fmin(best[left], np.where(feasible, squares, np.inf))
        step = bounded_step(theta, gram, right, how.slopes)
        if problem.sample.binomial:
            step = np.clip(step, -MAX_STEP, MAX_STEP)
        above = (
            np.maximum(squares - best.min(), 0.0) if how.one and np.isfinite(best).any() else 0.0
        )
        gain = np.abs((step * right).sum(axis=1))
        goes_on = gain > GAIN * (1 + above**2)
        theta = np.where(goes_on[:, None], theta + step, theta)
        moving = np.flatnonzero(goes_on)
        if not len(moving):
            break
        if len(moving) < MOST_MOVING * len(left):
            problem, covariance = problem.take(moving), covariance.take(moving)
            y, theta, left = y[moving], theta[moving], left[moving]
    return best


def _normal_equations(
    r: Floats, jacobian: Floats, covariance: Covariance
) -> tuple[Floats, Floats, Floats]:
    """r'V^-1r (B,), J'V^-1J (B, p, p) and J'V^-1r (B, p), a family's share taken from its sums."""
    size, count, models = jacobian.shape
    weight = covariance.weight.reshape(-1, models)
    weighted = weight * r
    squares = np.einsum("bm,bm->b", weighted, r)
    right = np.stack([np.einsum("bm,bm->b", weighted, one) for one in jacobian], axis=1)
    gram = np.empty((count, size, size))
    for i in range(size):
        np.multiply(weight, jacobian[i], out=weighted)
        for j in range(i, size):
            gram[:, i, j] = gram[:, j, i] = np.einsum("bm,bm->b", weighted, jacobian[j])
    if not np.any(covariance.phi2):
        return squares, gram, right
    gradient = covariance.gradient.reshape(-1, models)
    loading = weight * gradient
    phi2 = np.reshape(covariance.phi2, (-1, 1))
    shrink = phi2 / (1 + phi2 * ((loading * gradient) @ covariance.membership))
    of_r = (loading * r) @ covariance.membership
    sums = [(loading * one) @ covariance.membership for one in jacobian]
    squares = squares - (shrink * of_r * of_r).sum(axis=1)
    for i, one in enumerate(sums):
        shrunk = shrink * one
        right[:, i] -= np.einsum("bf,bf->b", shrunk, of_r)
        for j in range(i, size):
            gram[:, i, j] -= np.einsum("bf,bf->b", shrunk, sums[j])
            gram[:, j, i] = gram[:, i, j]
    return squares, gram, right


def bounded_step(theta: Floats, gram: Floats, right: Floats, slopes: Slopes) -> Floats:
    """Steps (KD, p) that keep the slope within its bounds."""
    p = theta.shape[1]
    ridge = 1e-6 * np.trace(gram, axis1=1, axis2=2)[:, None] + 1e-9
    gram[:, np.arange(p), np.arange(p)] += ridge
    step = solve_small(gram, right[:, :, None])[:, :, 0]
    wanted = theta[:, 1] + step[:, 1]
    over = (wanted > slopes.upper) | (wanted < slopes.lower)
    if over.any():
        move = np.clip(wanted, slopes.lower, slopes.upper) - theta[:, 1]
        rest = [column for column in range(p) if column != 1]
        partial = right[:, rest] - gram[:, rest, 1] * move[:, None]
        fixed = np.empty_like(step)
        fixed[:, 1] = move
        inner = gram[:, rest][:, :, rest]
        fixed[:, rest] = solve_small(inner, partial[:, :, None])[:, :, 0]
        step = np.where(over[:, None], fixed, step)
    return step
