"""Reference distributions of the supremum statistic: two parametric bootstraps.

*Two-level* (the primary): families and models are drawn anew, then the items; everything is
estimated again on every replicate. *Family-fixed-effect* (the check): family levels are held,
models and items are drawn. Both are valid for the model as sampling unit; the check does not
rest on families being draws from one distribution. The variances that are drawn with are drawn too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._nested import fit_nested, has_fixed_effects, own_nested
from confounds.inference._null import NullFit, Slopes, fit_fixed_effect, fixed_effect_freedom
from confounds.inference._refit import fixed_supremum, marginal_supremum
from confounds.inference._variances import MAX_VARIANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference._nested import Nested
    from confounds.inference._supremum import Supremum
    from confounds.inference._variances import Scatter
    from confounds.inference.sample import Floats, Sample

STAGES = ((99, 0.2), (399, 0.12))
"""Number of draws, and the p-value above which they are enough."""
CLEARLY_PASSED = 0.04
"""P-value of the check within families, judged at .10, below which the last stage is enough."""
LEAST_FREEDOM = 3
"""Of the variance between families: with the one or two that two or three families have, draws lie
at the bound so often that 8 models in two blocks of scale find hardly a step."""
SAME = 1e-6
"""Share by which statistics of equal data may differ: a draw that repeats the data is a tie."""
LEAST_DRAWN = 1e-7
"""Rho below which it is not drawn."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Both fits of the smooth null to B data sets, with the search for a threshold beside each."""

    two_level: NullFit
    two_level_search: Supremum
    fixed: NullFit | None
    fixed_search: Supremum | None


def fit_levels(y: Floats, sample: Sample, columns: Floats, slopes: Slopes) -> Levels:
    """Fit and search B data sets both ways."""
    return _searched(y, fit_nested(y, sample, slopes), sample, columns, slopes)


def own_levels(sample: Sample, columns: Floats, slopes: Slopes) -> Levels:
    """The same of the sample's own scores, once."""
    key = ("levels", columns.tobytes(), slopes)
    if key not in sample.remembered:
        nested = own_nested(sample, slopes)
        sample.remembered[key] = _searched(sample.score[None], nested, sample, columns, slopes)
    found: Levels = sample.remembered[key]
    return found


def _searched(y: Floats, nested: Nested, sample: Sample, columns: Floats, slopes: Slopes) -> Levels:
    two_level, fixed, fixed_search = nested.two_level, nested.fixed, None
    if fixed is not None:
        fixed_search = fixed_supremum(y, fixed, sample, columns, slopes)
    search = marginal_supremum(y, two_level, sample, columns, slopes)
    return Levels(two_level, search, fixed, fixed_search)


def draw_scores(eta: Floats, scatter: Scatter, sample: Sample, rng: np.random.Generator) -> Floats:
    """Scores of new models (and, with phi^2 above 0, new families) around `eta`, (B, M).

    Args:
        eta: (B, M) linear predictor.
        scatter: variances of each data set (B,).
        sample: floors, items and families.
        rng: source of randomness.
    """
    batch, models = eta.shape
    eta = eta + np.sqrt(scatter.tau2)[:, None] * rng.standard_normal((batch, models))
    if np.any(scatter.phi2 > 0):
        family = rng.standard_normal((batch, sample.membership.shape[1]))
        eta = eta + np.sqrt(scatter.phi2)[:, None] * (family @ sample.membership.T)
    mu = _link.mean(eta, sample.floor, binomial=sample.binomial)
    return draw_items(mu, sample, rng, scatter.rho)


def redraw(fit: NullFit, sample: Sample, count: int, rng: np.random.Generator) -> Floats:
    """As many data sets as `count` from each of B fits, (B count, M)."""
    return draw_scores(np.repeat(fit.eta, count, axis=0), fit.scatter.repeated(count), sample, rng)


def drawn_scatter(
    fit: NullFit, sample: Sample, replicates: int, rng: np.random.Generator
) -> Scatter:
    """What to draw as many data sets with from each fit: variances that the data might have had.

    Each is known from few models, or from a handful of families: what it and its estimate's own
    error add up to is drawn as the sum over a mean chi-square. With the estimates taken as known,
    smooth curves of few models in blocks of scale are rejected too often.
    """
    scatter = fit.scatter.repeated(replicates)
    if not sample.binomial:
        return scatter
    count, pooled, nested = len(scatter.tau2), sample.pooled, has_fixed_effects(sample)
    freedom = fixed_effect_freedom(sample) if nested else len(sample) - sample.design.shape[1]
    freedom = max(freedom, 1)
    noise = np.repeat(1 / fit.weight.mean(axis=1) - fit.tau2, replicates)
    if pooled is not None:
        noise, freedom = np.full(count, pooled.noise), freedom + pooled.freedom
    ratio = freedom / rng.chisquare(freedom, count)
    tau2 = np.clip((scatter.tau2 + noise) * ratio - noise, 0.0, MAX_VARIANCE)
    if not nested:
        return replace(scatter, tau2=tau2)
    noise = np.repeat(1 / (fit.weight @ sample.membership).mean(axis=1), replicates)
    freedom = max(sample.families - 1, LEAST_FREEDOM)
    ratio = freedom / rng.chisquare(freedom, count)
    phi2 = np.clip((scatter.phi2 + noise) * ratio - noise, 0.0, MAX_VARIANCE)
    return replace(scatter, tau2=tau2, phi2=phi2)


def draw_items(
    mu: Floats, sample: Sample, rng: np.random.Generator, rho: Floats | None = None
) -> Floats:
    """Observed scores around expected scores `mu` (B, M), guesses spread by rho (B,)."""
    if rho is not None and sample.binomial and np.any(rho > LEAST_DRAWN):
        mu = _with_own_guesses(mu, sample, rho, rng)
    if sample.variance is None and sample.binomial:
        n = np.maximum(np.rint(sample.n), 1).astype(np.int64)
        return rng.binomial(n, np.clip(mu, 0, 1)) / n
    noise = np.sqrt(_link.sampling_variance(mu, sample)) * rng.standard_normal(mu.shape)
    drawn = mu + noise
    return np.clip(drawn, 0, 1) if sample.binomial else drawn


def _with_own_guesses(mu: Floats, sample: Sample, rho: Floats, rng: np.random.Generator) -> Floats:
    """Expected scores of models whose rates of guessing right are beta of mean c."""
    rows, columns = np.flatnonzero(rho > LEAST_DRAWN), np.flatnonzero(sample.floor > 0)
    floor = sample.floor[columns]
    count = (1 / rho[rows] - 1)[:, None]
    rate = rng.beta(floor * count, (1 - floor) * count)
    place = np.ix_(rows, columns)
    drawn = mu.copy()
    drawn[place] = 1 - (1 - mu[place]) * (1 - rate) / (1 - floor)
    return drawn


def bootstrap(
    observed: Levels,
    sample: Sample,
    columns: Floats,
    slopes: Slopes,
    replicates: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats | None]:
    """Null draws of both supremum statistics: two-level, and fixed-effect or None; see `staged`."""

    def two_level(count: int) -> Floats:
        return bootstrap_two_level(observed, sample, columns, slopes, count, rng)

    def fixed(count: int) -> Floats:
        return bootstrap_fixed_effect(observed, sample, columns, slopes, count, rng)

    draws = staged(float(observed.two_level_search.sup[0]), two_level, replicates)
    if observed.fixed_search is None:
        return draws, None
    check = staged(float(observed.fixed_search.sup[0]), fixed, replicates, CLEARLY_PASSED)
    return draws, check


def staged(
    statistic: float, draw: Callable[[int], Floats], replicates: int, passed: float = 0.0
) -> Floats:
    """Null draws, no more of them than decide (Davidson & MacKinnon 2000).

    A p-value above .2 after 99 draws, or above .12 after 399, is not going to end below .05 (5 and
    20 draws beyond the statistic are expected at .05, 20 and 48 were seen: six standard errors).
    Nor is one of at most `passed` after 399, .04 where the limit is .10, going to end above it
    (40 expected, 15 seen: four standard errors). Against that limit of .10, leaving at .12 after
    399 draws is less sure, and errs to the safe side: a check that would just pass may not.
    """
    draws = np.empty(0)
    for stage, large in STAGES:
        draws = np.concatenate([draws, draw(min(stage, replicates) - len(draws))])
        if len(draws) == replicates or p_value(statistic, draws) > large:
            return draws
    if p_value(statistic, draws) <= passed:
        return draws
    return np.concatenate([draws, draw(replicates - len(draws))])


def bootstrap_fixed_effect(
    observed: Levels,
    sample: Sample,
    columns: Floats,
    slopes: Slopes,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """(B,) null draws of the fixed-effect supremum statistic, the check.

    Raises:
        ValueError: families have too few models for it; ask `has_fixed_effects`.
    """
    fit = observed.fixed
    if fit is None:
        msg = "families have too few models for the fixed-effect check"
        raise ValueError(msg)
    scatter = drawn_scatter(fit, sample, replicates, rng)
    scatter = replace(scatter, phi2=np.zeros_like(scatter.phi2))
    y = draw_scores(np.repeat(fit.eta, replicates, axis=0), scatter, sample, rng)
    again = fit_fixed_effect(y, sample, slopes)
    return fixed_supremum(y, again, sample, columns, slopes).sup


def bootstrap_two_level(
    observed: Levels,
    sample: Sample,
    columns: Floats,
    slopes: Slopes,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """(B,) null draws of the two-level supremum statistic, the primary."""
    fit = observed.two_level
    scatter = drawn_scatter(fit, sample, replicates, rng)
    y = draw_scores(np.repeat(fit.eta, replicates, axis=0), scatter, sample, rng)
    return two_level_search(y, sample, columns, slopes).sup


def two_level_search(
    y: Floats, sample: Sample, columns: Floats, slopes: Slopes, near: NullFit | None = None
) -> Supremum:
    """The two-level search alone of B data sets (B, M), everything estimated anew.

    With the smooth fit of much the same data, from there.
    """
    null = fit_nested(y, sample, slopes, near).two_level
    return marginal_supremum(y, null, sample, columns, slopes)


def p_value(statistic: float, draws: Floats) -> float:
    """(1 + number of draws at or above the statistic) / (B + 1)."""
    least = statistic - SAME * (1 + abs(statistic))
    return float((1 + np.count_nonzero(draws >= least)) / (len(draws) + 1))
