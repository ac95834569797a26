"""The smooth null, fitted to many data sets at once.

Iteratively reweighted least squares on the working response, with the chance floor in the
link, an upper bound on the slope, scatter within families (`_variances`) and a variance phi^2
between them, which sets the generalised sum of squares to its degrees of freedom (Paule & Mandel
1982). Everything is batched over the leading axis (B data sets of the same M models).

A weak ridge (prior SD of 5 logits on level, 10 a decade on slope) keeps a curve finite that
lies wholly at its floor; on any curve with information it moves nothing that is printed.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from confounds.inference import _link
from confounds.inference._batches import joined, parts, put, taken
from confounds.inference._moments import Weighted, solve_small
from confounds.inference._variances import (
    MAX_VARIANCE,
    Evidence,
    Scatter,
    moment_step,
    restricted_step,
)

if TYPE_CHECKING:
    from confounds.inference.sample import Flags, Floats, Ints, Sample

ITERATIONS = 12
TOLERANCE = 1e-4
"""The same for the observed data and their replicates, which start alike too: some data sets have
no fixed point (a slope that is at its bound every other time), and then the statistic is whatever
this many iterations give."""
MAX_MOVE = 2.0
RIDGE_LEVEL = 1 / 5.0**2
RIDGE_SLOPE = 1 / 10.0**2
VARIANCE_TOLERANCE = 1e-3
"""By share of the variance: what is printed moves far less with it than with the predictor."""
LEAST_VARIANCE = 0.01
"""Variances far below this are not told from 0. Where the predictor hardly depends on them (flat
curves, families at like scales) it stands still long before they do."""
LEAST_DISPERSION = 1e-4
FIRST_VARIANCE = 0.1
"""tau^2 and phi^2 that the iterations start from."""
FIRST_DISPERSION = 1e-4
FREE_FAMILY_VARIANCE = 25.0
"""phi^2 that makes families free: the fixed-effect fit."""
REFITS = 3
"""Iterations with a jump, which start at the smooth fit. More do not find more thresholds."""
NEARBY = 8
"""Iterations at most from a fit of much the same data, its variances too: for what is drawn or
averaged."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """The slopes a smooth part may have, per decade on the link scale."""

    lower: float = -np.inf
    upper: float = np.inf


@dataclass(frozen=True, eq=False)
class NullFit:
    """B fits of the smooth null.

    Attributes:
        theta: (B, p) level at the mean scale, slope per decade, covariates, jump if any.
        eta: (B, M) linear predictor, with family effects in the fixed-effect fit.
        weight: (B, M) 1 / (variance of the items' luck on the link scale + tau^2).
        residual: (B, M) working residual on the link scale.
        tau2: (B,) variance between models.
        phi2: (B,) variance between families.
        rho: (B,) spread of the rates of guessing right.
        bounded: (B,) True where the slope sits at a bound.
    """

    theta: Floats
    eta: Floats
    weight: Floats
    residual: Floats
    tau2: Floats
    phi2: Floats
    rho: Floats
    bounded: Flags

    @property
    def scatter(self) -> Scatter:
        """All variances."""
        return Scatter(self.tau2, self.phi2, self.rho)


Start: TypeAlias = "Floats | NullFit | None"
"""Linear predictors to start from, or one fit of much the same data: `NEARBY` iterations go on from
its variances too."""


def fixed_effect_freedom(sample: Sample) -> int:
    """Residual degrees of freedom once every family has its own level."""
    return len(sample) - sample.families - (int(sample.design.shape[1]) - 1)


def fit_fixed_effect(
    y: Floats,
    sample: Sample,
    slopes: Slopes,
    start: Start = None,
    jump: Floats | None = None,
) -> NullFit:
    """Fit with a free level for every family; tau^2 and rho are what is left within families."""
    freedom = fixed_effect_freedom(sample)
    found = []
    for rows in parts(*y.shape):
        problem = _Problem(y[rows], sample, slopes, _rows(jump, rows), start)
        phi2 = problem.unit * (FREE_FAMILY_VARIANCE if sample.families > 1 else 0.0)
        first = problem.first(phi2)
        found.append(problem.solve(_predictor(start, rows), first, tau_freedom=freedom))
    return joined(found)


def fit_two_level(
    y: Floats,
    sample: Sample,
    slopes: Slopes,
    within: Scatter | None,
    start: Start = None,
    jump: Floats | None = None,
) -> NullFit:
    """Marginal fit: scatter within families given (from the fixed-effect fit), phi^2 by moments.

    Args:
        y: (B, M) scores.
        sample: the models.
        slopes: slopes allowed.
        within: tau^2 and rho; None: they are estimated here and phi^2 is 0, since families are
            too small to tell the two apart.
        start: linear predictors to start from, (1, M) for all data sets or (B, M), or a fit of
            much the same data.
        jump: (B, M) a further column, each data set's own.
    """
    freedom = len(sample) - int(sample.design.shape[1])
    found = []
    for rows in parts(*y.shape):
        problem = _Problem(y[rows], sample, slopes, _rows(jump, rows), start)
        begin = _predictor(start, rows)
        if within is None:
            first = problem.first(np.zeros(len(problem.y)))
            found.append(problem.solve(begin, first, tau_freedom=freedom))
        else:
            first = Scatter(within.tau2[rows], problem.first_between(), within.rho[rows])
            found.append(problem.solve(begin, first, phi_freedom=freedom))
    return joined(found)


@dataclass(frozen=True, eq=False)
class _State:
    """Where B data sets are; see `NullFit`."""

    theta: Floats
    eta: Floats
    tau2: Floats
    phi2: Floats
    rho: Floats
    bounded: Flags


class _Problem:
    """One batch of weighted least squares problems with nested variance components.

    On the logit, variances have a known size; an unbounded metric has a unit of its own, so
    there they start from the spread about a straight line, (B,) `unit`, and move by factors.
    """

    def __init__(
        self,
        y: Floats,
        sample: Sample,
        slopes: Slopes,
        jump: Floats | None = None,
        start: Start = None,
    ) -> None:
        self.y = y
        self.sample = sample
        self.slopes = slopes
        self.jump = jump
        self.near = start.scatter if isinstance(start, NullFit) else None
        self.products = sample.products
        self.X, self.Z = self.products.X, self.products.Z
        p = self.X.shape[1] + (jump is not None)
        self.ridge = np.diag(np.full(p, RIDGE_LEVEL))
        self.ridge[1, 1] = RIDGE_SLOPE
        self.most, self.reach, self.slack = MAX_VARIANCE, MAX_MOVE, 1.0
        self.unit = np.ones(len(y))
        if not sample.binomial:
            self.ridge = np.zeros((p, p))
            self.most, self.reach, self.slack = np.inf, np.inf, 0.0
            self.unit = spread_about_line(y, self.X)

    def first(self, phi2: Floats) -> Scatter:
        """The scatter that is estimated from the start."""
        if self.near is not None:
            count = len(self.y)
            return Scatter(np.repeat(self.near.tau2, count), phi2, np.repeat(self.near.rho, count))
        rho = FIRST_DISPERSION if self.sample.binomial else 0.0
        return Scatter(FIRST_VARIANCE * self.unit, phi2, np.full(len(self.y), rho))

    def first_between(self) -> Floats:
        """(B,) phi^2 from which the iterations of a marginal fit start."""
        if self.near is not None:
            return np.repeat(self.near.phi2, len(self.y))
        return self.unit * (FIRST_VARIANCE if self.sample.families > 1 else 0.0)

    @property
    def rounds(self) -> int:
        """Iterations at most."""
        if self.near is not None:
            return NEARBY if self.sample.binomial else ITERATIONS
        return ITERATIONS if self.jump is None else REFITS

    def solve(
        self,
        start: Floats | None,
        scatter: Scatter,
        *,
        tau_freedom: int | None = None,
        phi_freedom: int | None = None,
    ) -> NullFit:
        """Iterate to a fixed point; a variance with a `freedom` is estimated, the other given.

        A variance estimated elsewhere and a family effect go together: with `phi_freedom` the
        predictor is marginal, without it the predictor contains the family effects.

        A data set that has settled is left as it is, whatever the others do.
        """
        eta = self._start(start)
        theta = np.zeros((len(self.y), len(self.ridge)))
        bounded = np.zeros(len(eta), dtype=bool)
        first = (scatter.tau2.copy(), scatter.phi2.copy(), scatter.rho.copy())
        found = _State(theta, eta, *first, bounded)
        left, now, problem = np.arange(len(eta)), found, self
        for _ in range(self.rounds):
            now, moved = problem._step(now, tau_freedom, phi_freedom)
            going = moved >= TOLERANCE
            if not self.sample.binomial or going.all():
                continue
            put(found, left, now)
            moving = np.flatnonzero(going)
            left, now, problem = left[moving], taken(now, moving), problem.take(moving)
            if not len(left):
                break
        put(found, left, now)
        z, s, k, _ = self._working(found.eta)
        w = _weights(s, k, found)
        last = (found.tau2, found.phi2, found.rho, found.bounded)
        return NullFit(found.theta, found.eta, w, z - found.eta, *last)

    def _step(
        self, at: _State, tau_freedom: int | None, phi_freedom: int | None
    ) -> tuple[_State, Floats]:
        """One iteration, and (B,) how far it moved predictor and variances (these by share)."""
        eta, tau2, phi2, rho = at.eta, at.tau2, at.phi2, at.rho
        z, s, k, mu = self._working(eta)
        w = _weights(s, k, at)
        weighted = Weighted(self.products, w, phi2, self.jump)
        gram = weighted.gram() + self.ridge
        theta, bounded = coefficients(gram, weighted.moment(z), self.slopes)
        smooth = self._predict(theta)
        r = z - smooth
        shared = weighted.family_effects(r)
        if tau_freedom is not None and self.sample.binomial:
            u = w * (r - shared)
            height = (mu - self.sample.floor) / (1 - self.sample.floor)
            found = Evidence(u * u, w, weighted.own_information(gram), k, height)
            tau2, rho = restricted_step(tau2, rho, found, self.sample.pooled)
        elif tau_freedom is not None:
            inner = r - shared
            tau2 = moment_step(tau2, inner * inner * w, w, tau_freedom, self.most, self.slack)
        if phi_freedom is not None and self.sample.families > 1:
            phi2 = self._family_step(phi2, r, w * (r - shared), phi_freedom)
        target = smooth + shared if phi_freedom is None else smooth
        move = _link.within(target - eta, self.reach)
        limited = _link.within(eta + move, _limit(self.sample))
        reached = _State(theta, limited, tau2, phi2, rho, bounded)
        return reached, np.maximum(np.abs(move).max(axis=1), _moved(at, reached))

    def take(self, rows: Ints) -> _Problem:
        """Some of the data sets."""
        part = copy(self)
        part.y = self.y[rows]
        part.jump = None if self.jump is None else self.jump[rows]
        return part

    def _predict(self, theta: Floats) -> Floats:
        smooth: Floats = theta[:, : self.X.shape[1]] @ self.X.T
        return smooth if self.jump is None else smooth + theta[:, -1:] * self.jump

    def _start(self, start: Floats | None) -> Floats:
        sample = self.sample
        if start is not None:
            limit = _limit(sample)
            return np.clip(np.broadcast_to(start, self.y.shape), -limit, limit)
        level = _link.inverse(self.y, sample.floor, binomial=sample.binomial)
        level = np.clip(level, -3, 4) if sample.binomial else level
        q, _ = np.linalg.qr(self.X)
        projected: Floats = (level @ q) @ q.T
        return projected

    def _working(self, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Working response, variances on the link scale of items and of a unit of rho, and mu."""
        sample = self.sample
        mu, d = _link.mean_and_slope(eta, sample.floor, binomial=sample.binomial)
        response, d2 = eta + (self.y - mu) / d, d * d
        sampling = _link.sampling_variance(mu, sample) / d2
        return response, sampling, _link.guessing_variance(mu, sample) / d2, mu

    def _family_step(self, phi2: Floats, r: Floats, whitened: Floats, freedom: int) -> Floats:
        """One Newton step of the moment equation r'V^-1 r = freedom in phi^2."""
        total = (r * whitened).sum(axis=1)
        per_family = whitened @ self.Z
        steepness = np.maximum((per_family**2).sum(axis=1), 1e-300)
        least, most = -0.5 * phi2 - 0.05 * self.slack, 2 * phi2 + 0.5 * self.slack
        change = np.clip((total - freedom) / steepness, least, most)
        moved: Floats = np.clip(phi2 + change, 0.0, self.most)
        return moved


def coefficients(gram: Floats, moment: Floats, slopes: Slopes) -> tuple[Floats, Flags]:
    """(B, p) solutions of (B, p, p) normal equations, and (B,) whether the slope is at its bound.

    The slope is the second column; where it lies outside, the others are solved for beside it.
    """
    p = gram.shape[1]
    theta = solve_small(gram, moment[:, :, None])[:, :, 0]
    bounded = (theta[:, 1] > slopes.upper) | (theta[:, 1] < slopes.lower)
    if bounded.any():
        rest = [column for column in range(p) if column != 1]
        at = np.clip(theta[:, 1], slopes.lower, slopes.upper)
        right = moment[:, rest] - gram[:, rest, 1] * at[:, None]
        inner = gram[:, rest][:, :, rest]
        fixed = np.repeat(at[:, None], p, axis=1)
        fixed[:, rest] = solve_small(inner, right[:, :, None])[:, :, 0]
        theta = np.where(bounded[:, None], fixed, theta)
    return theta, bounded


def _rows(own: Floats | None, rows: slice) -> Floats | None:
    return own if own is None or len(own) == 1 else own[rows]


def _predictor(start: Start, rows: slice) -> Floats | None:
    return _rows(start.eta if isinstance(start, NullFit) else start, rows)


def spread_about_line(y: Floats, X: Floats) -> Floats:
    """(B,) mean square about the least-squares fit, never 0."""
    q, _ = np.linalg.qr(X)
    rest = y - (y @ q) @ q.T
    spread: Floats = np.maximum((rest * rest).mean(axis=1), 1e-12 * (y * y).mean(axis=1) + 1e-300)
    return spread


def _weights(s: Floats, k: Floats, at: _State) -> Floats:
    """(B, M) inverse variances within families, from those of the items and of a unit of rho."""
    weights: Floats = 1 / (s + at.rho[:, None] * k + at.tau2[:, None])
    return weights


def _moved(before: _State, after: _State) -> Floats:
    """(B,) how far the variances moved, by share, in units of the predictor's tolerance."""
    furthest = np.zeros(len(after.tau2))
    least = (LEAST_VARIANCE, LEAST_VARIANCE, LEAST_DISPERSION)
    for name, tiny in zip(("tau2", "phi2", "rho"), least, strict=True):
        was = getattr(before, name)
        furthest = np.maximum(furthest, np.abs(getattr(after, name) - was) / (was + tiny))
    return furthest * (TOLERANCE / VARIANCE_TOLERANCE)


def _limit(sample: Sample) -> float:
    return _link.ETA_LIMIT if sample.binomial else np.inf
