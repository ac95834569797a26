"""Simulated decisions of the package's own tests, many data sets at once.

A p-value by bootstrap for every simulated data set would multiply the work by the number of
replicates. Here each simulated data set gives one null draw, from its own fit, and data sets that
are alike pool theirs (the warp-speed bootstrap of Giacomini, Politis & White 2013, made
conditional on the share of the variance that each data set finds between families). What would
break it: data sets that are alike in this and differ in their reference distributions;
`benchmarks/power.py` holds it against the full procedure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference import _link
from confounds.inference._constrained import Constrained, Covariance, covariances, least_squares
from confounds.inference._effect import FREE_PHI2, INFLATION, fit_threshold
from confounds.inference._null import NullFit
from confounds.inference._plan import CHECK_LEVEL, PRIMARY_LEVEL
from confounds.inference._reference import (
    Levels,
    bootstrap_fixed_effect,
    bootstrap_two_level,
    draw_items,
    draw_scores,
    fit_levels,
)
from confounds.inference.contrast import Pair, contrast_draws
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from confounds.inference._power_world import World
    from confounds.inference.sample import Flags, Floats, Sample

EQUIVALENCE_LEVEL = 0.90
FURTHER = (1.0, 1.5, 2.0, 3.0, 4.5, 6.0)
"""Effects, in smallest effects of interest, that must all be rejected for a bound below one."""
DRAWS = 2
"""Null draws a data set."""
POOL = 300
"""Null draws in a reference distribution, from the data sets most alike."""
BLOCKS = 40
LEVELS = (0.02, 0.10)
"""Around the level of the test, for how the power depends on it."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """P-values of N simulated data sets.

    Attributes:
        p: of the test that decides.
        check: of the check within families, None where there is none.
        draws: null draws a data set behind them.
    """

    p: Floats
    check: Floats | None
    draws: int

    @property
    def significant(self) -> Flags:
        """(N,) what an audit would decide."""
        return self._below(PRIMARY_LEVEL)

    @property
    def power(self) -> float:
        """Share of the data sets that are significant."""
        return float(self.significant.mean())

    @property
    def std_error(self) -> float:
        """Simulation error of the power: of the data sets, and of the level that is held.

        The level is that of a quantile of finitely many draws; what its error does to the
        power follows from the powers at levels around it.
        """
        count = len(self.p)
        share = (count * self.power + 1) / (count + 2)
        steepness = float(self._below(LEVELS[1]).mean() - self._below(LEVELS[0]).mean())
        steepness /= LEVELS[1] - LEVELS[0]
        level = PRIMARY_LEVEL * (1 - PRIMARY_LEVEL) / (count * self.draws)
        return float(np.sqrt(share * (1 - share) / count + steepness**2 * level))

    def _below(self, level: float) -> Flags:
        below: Flags = self.p < level
        return below if self.check is None else below & (self.check < CHECK_LEVEL)


def draw_world(world: World, effect: float, count: int, rng: np.random.Generator) -> Floats:
    """(count, M) scores from a world whose step is `effect`."""
    eta = np.broadcast_to(world.eta(effect), (count, len(world.sample)))
    return draw_scores(eta, world.scatter(count, rng), world.sample, rng)


def draw_chance(world: World, count: int, rng: np.random.Generator) -> Floats:
    """(count, M) scores of models that all score at chance."""
    mu = np.broadcast_to(world.sample.floor, (count, len(world.sample)))
    return draw_items(mu, world.sample, rng, np.full(count, world.rho))


def draw_pairs(
    world: World, effect: float, shared: float, count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Scores with the step, and of the same models without it.

    `shared` is the share of the model and family variances that the two conditions have in
    common; what is left each has of its own.
    """
    sample, scatter = world.sample, world.scatter(count, rng)
    shape = (count, len(sample))
    model_sd, family_sd = np.sqrt(scatter.tau2)[:, None], np.sqrt(scatter.phi2)[:, None]

    def effects(share: float) -> Floats:
        model = model_sd * rng.standard_normal(shape)
        family = rng.standard_normal((count, sample.membership.shape[1]))
        total: Floats = np.sqrt(share) * (model + family_sd * (family @ sample.membership.T))
        return total

    both = effects(shared)
    drawn = []
    for step in (effect, 0.0):
        eta = world.eta(step) + both + effects(1 - shared)
        mu = _link.mean(eta, sample.floor, binomial=sample.binomial)
        drawn.append(draw_items(mu, sample, rng, scatter.rho))
    return drawn[0], drawn[1]


def threshold_found(
    y: Floats, world: World, rng: np.random.Generator, draws: int = DRAWS
) -> Decisions:
    """Is the threshold test of each data set (N, M) significant?

    `draws` null draws from each data set's fit make the reference distribution.
    """
    sample = world.sample
    columns = threshold_columns(sample.x, sample.grid, world.plan.shape)
    slopes = world.plan.slopes(sample)
    found = fit_levels(y, sample, columns, slopes)
    fit = found.two_level
    each = Levels(_tiled(fit, draws), found.two_level_search, None, None)
    if found.fixed is not None:
        each = replace(each, fixed=_tiled(found.fixed, draws))
    null = bootstrap_two_level(each, sample, columns, slopes, 1, rng).reshape(draws, -1).T
    between = fit.phi2 / (fit.phi2 + (1 / fit.weight).min(axis=1))
    p = pooled_p(found.two_level_search.sup, null, between)
    if found.fixed_search is None:
        return Decisions(p, None, draws)
    null = bootstrap_fixed_effect(each, sample, columns, slopes, 1, rng).reshape(draws, -1).T
    check = pooled_p(found.fixed_search.sup, null, np.zeros(len(y)))
    return Decisions(p, check, draws)


def _tiled(fit: NullFit, times: int) -> NullFit:
    """The same N fits, all of them `times` over."""
    parts = {
        item.name: np.concatenate([getattr(fit, item.name)] * times) for item in fields(NullFit)
    }
    return NullFit(**parts)


def contrast_found(y: tuple[Floats, Floats], world: World, rng: np.random.Generator) -> Decisions:
    """Is the paired contrast of each pair of data sets significant?"""
    pair, slopes = Pair(world.sample, world.sample), world.plan.slopes(world.sample)
    null = contrast_draws(y, pair, world.plan.shape, slopes, rng)
    return Decisions(pooled_p(null.statistic, null.draws, null.between), None, null.draws.shape[1])


def pooled_p(statistic: Floats, draws: Floats, between: Floats) -> Floats:
    """P-value of each statistic (N,) among the draws (N, R) of the data sets most like it.

    Likeness is in `between` (N,), the share of the variance that lies between families: where
    families occupy blocks of scale, it decides how often the null shows steps as large.
    """
    count, each = draws.shape
    p = np.empty(count)
    order = np.argsort(between, kind="stable")
    width = count if np.ptp(between) == 0 else min(count, -(-POOL // each))
    for block in np.array_split(np.arange(count), BLOCKS):
        if not len(block):
            continue
        middle = (block[0] + block[-1]) // 2
        start = min(max(middle - width // 2, 0), count - width)
        pool = np.sort(draws[order[start : start + width]], axis=None)
        rows = order[block]
        above = len(pool) - np.searchsorted(pool, statistic[rows] - 1e-12, side="left")
        p[rows] = (1 + above) / (len(pool) + 1)
    return p


def shown_below(y: Floats, world: World, smallest: float) -> Flags:
    """(N,) whether each curve is shown to have no step as large as the smallest of interest.

    The decision of `effect_profile`: the 90 % interval of the effect at psi ends below
    `smallest`.
    """
    sample, plan = world.sample, world.plan
    slopes = plan.growth(sample)
    curve = fit_threshold(y, sample, world.psi, plan.shape, slopes)
    covariance = _covariances(curve.fit, sample)
    tried = smallest * np.array([0.0, *FURTHER])
    effects = np.column_stack([curve.effect, np.tile(tried, (len(y), 1))])
    each = effects.shape[1]
    problem = Constrained(sample, np.array([world.psi]), plan.shape, effects.ravel())
    squares = least_squares(
        problem,
        np.repeat(y, each, axis=0),
        np.repeat(curve.fit.theta[:, :-1], each, axis=0),
        _repeated(covariance, each),
        slopes,
    ).reshape(effects.shape)
    residual = max(len(sample) - sample.design.shape[1] - 1, 1)
    scale = np.maximum(1.0, squares.min(axis=1) / residual)
    freedom = effect_freedoms(sample, world.psi, plan.shape, covariance)
    allowed = (INFLATION if sample.binomial else 1.0) * stats.f.ppf(EQUIVALENCE_LEVEL, 1, freedom)
    limit = squares[:, 0] + scale * allowed
    below: Flags = (curve.effect < smallest) & (squares[:, 2:] > limit[:, None]).all(axis=1)
    return below


def effect_freedoms(sample: Sample, psi: float, shape: str, covariance: Covariance) -> Floats:
    """(N,) degrees of freedom of the step of each data set, see `effect_freedom`."""
    total = len(sample) - sample.design.shape[1] - 1
    columns = threshold_columns(sample.x, np.array([psi]), shape)
    within = replace(covariance, phi2=np.full_like(covariance.phi2, FREE_PHI2))
    tiny = np.finfo(np.float64).tiny
    known = _information(sample, columns, covariance)
    share = np.clip(_information(sample, columns, within) / np.maximum(known, tiny), 0.0, 1.0)
    inside = max(total - sample.families + 1, 1)
    between = max(sample.families - 2, 1)
    mixed = np.minimum(1 / (share**2 / inside + (1 - share) ** 2 / between), max(total, 1))
    alone = np.ravel(covariance.phi2) == 0
    if sample.families == 1:
        alone = np.ones_like(alone)
    freedom: Floats = np.where(alone, float(max(total, 1)), mixed)
    return freedom


def _information(sample: Sample, columns: Floats, covariance: Covariance) -> Floats:
    """(N,) what each data set tells of the step beside level, slope and covariates."""
    rows = covariance.gradient * np.hstack([sample.design, columns]).T
    gram = covariance.whiten(rows) @ rows.transpose(0, 2, 1)
    smooth, cross = gram[:, :-1, :-1], gram[:, :-1, -1:]
    taken = cross.transpose(0, 2, 1) @ np.linalg.pinv(smooth) @ cross
    information: Floats = gram[:, -1, -1] - taken[:, 0, 0]
    return information


def _covariances(fit: NullFit, sample: Sample) -> Covariance:
    """Score-scale covariance of each of N fits, with a leading axis (N, 1)."""
    _, flat = covariances(fit, sample)
    weight, gradient = flat.weight[:, None], flat.gradient[:, None]
    return replace(flat, weight=weight, gradient=gradient, phi2=fit.phi2[:, None, None])


def _repeated(covariance: Covariance, each: int) -> Covariance:
    """The covariance of every data set, once for each effect that is tried on it."""
    return replace(
        covariance,
        weight=np.repeat(covariance.weight, each, axis=0),
        gradient=np.repeat(covariance.gradient, each, axis=0),
        phi2=np.repeat(covariance.phi2, each, axis=0),
    )
