"""Paired contrast: is the threshold that of the condition, not of the models?

The model effect cancels in the within-model difference, so a threshold takes far fewer models there
(a .30 step among 8 models: .82 of tables against .30, `benchmarks/threshold_size.py`).

Estimand: psi of the difference, with its p-value (by how much the step changes: `change`).

Formula: sup over psi of F of an upward h(x; psi) in d = a + b x + delta h + error, with
d = logit(s_raw) - logit(s_controlled), s = (score - c) / (1 - c); p from draws of both nulls.

Assumption that would break it: what a model has of its own acts alike in both conditions.

Source: Davies 1987, Hansen 1996 (the search); the pairing is that of a paired t test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._moments import Weighted, solve_small
from confounds.inference._nested import fit_nested, own_nested
from confounds.inference._null import (
    FIRST_VARIANCE,
    NullFit,
    Slopes,
    spread_about_line,
)
from confounds.inference._reference import (
    draw_items,
    p_value,
    staged,
)
from confounds.inference._scan import sharpen
from confounds.inference._variances import moment_step
from confounds.inference.borrowing import on_its_own
from confounds.inference.sample import Sample, threshold_columns
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, Ints

LINE_STEPS = 12
DRAWS = 8
"""Null draws a data set where many data sets are tested."""
EDGE = 0.02
"""Share of the way from floor to ceiling below which a score says nothing on the link scale."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The same models under two conditions, row by row.

    Attributes:
        raw: the condition in which the ability was seen.
        controlled: the other.
        correlation: of the sampling errors of a model's two scores: above 0 where the same
            items were asked, since an item that is hard is hard twice (`paired`).
    """

    raw: Sample
    controlled: Sample
    correlation: float = 0.0


@dataclass(frozen=True, eq=False)
class Shared:
    """How the effects of the two conditions hang together, on the link scale.

    Variances (B, 1) of B pairs of fits: shared by both conditions, and each one's own; rho (B,)
    is always its own.
    """

    tau2: Floats
    tau2_raw: Floats
    tau2_controlled: Floats
    phi2: Floats
    phi2_raw: Floats
    phi2_controlled: Floats
    rho_raw: Floats
    rho_controlled: Floats


def pair_samples(raw: Sample, controlled: Sample) -> Pair | None:
    """Both samples cut to the models they share, or None where they share too few.

    What they borrowed from other tasks is put back: a difference within models needs none of it.
    """
    raw, controlled = on_its_own(raw), on_its_own(controlled)
    place = {model: row for row, model in enumerate(controlled.models)}
    rows = [row for row, model in enumerate(raw.models) if model in place]
    kept = raw.take(rows)
    other = controlled.take([place[model] for model in kept.models])
    if kept.why_not() is not None:
        return None
    return Pair(kept, other)


def contrast_test(
    pair: Pair, shape: str, slopes: Slopes, replicates: int, rng: np.random.Generator
) -> Estimate:
    """Does the within-model difference have an upward threshold?

    Args:
        pair: the models under both conditions.
        shape: `step` or `hinge`.
        slopes: slopes of the smooth nulls.
        replicates: bootstrap replicates.
        rng: source of randomness.

    Returns:
        `paired_threshold`: the threshold (log10 scale) of the difference, the supremum F and
        its bootstrap p-value.
    """
    columns = threshold_columns(pair.raw.x, pair.raw.grid, shape)
    y = (pair.raw.score[None], pair.controlled.score[None])
    fits = tuple(own_nested(one, slopes).two_level for one in (pair.raw, pair.controlled))
    statistic, best = _difference_scan(y, pair, columns)
    null = tuple(fit.eta for fit in fits)
    shared = shared_effects(fits)

    def draw(count: int) -> Floats:
        return _difference_scan(draw_pair(null, shared, pair, count, rng), pair, columns)[0]

    draws = staged(float(statistic[0]), draw, replicates)
    return Estimate(
        "paired_threshold",
        float(pair.raw.grid[best[0]]),
        statistic=float(statistic[0]),
        p_value=p_value(float(statistic[0]), draws),
    )


@dataclass(frozen=True, eq=False)
class NullDraws:
    """The test's statistic for N data sets, and null draws from each one's own fit.

    Attributes:
        statistic: (N,) supremum F.
        draws: (N, R) supremum F of the null draws.
        between: (N,) share of the variance of the difference that each fit finds between
            families: what its null draws depend on most.
    """

    statistic: Floats
    draws: Floats
    between: Floats


def contrast_draws(
    y: tuple[Floats, Floats], pair: Pair, shape: str, slopes: Slopes, rng: np.random.Generator
) -> NullDraws:
    """Test N pairs of data sets (N, M), each with a few null draws; for simulating power.

    The scores of `pair` itself are not read; all else is as in `contrast_test`.
    """
    columns = threshold_columns(pair.raw.x, pair.raw.grid, shape)
    fits = _fit_pair(y, pair, slopes)
    shared, eta = shared_effects(fits), tuple(fit.eta for fit in fits)
    drawn = (draw_pair(eta, shared, pair, len(y[0]), rng) for _ in range(DRAWS))
    null = [_difference_scan(each, pair, columns)[0] for each in drawn]
    between = (shared.phi2_raw + shared.phi2_controlled)[:, 0]
    own = (shared.tau2_raw + shared.tau2_controlled)[:, 0]
    noise = sum((1 / fit.weight - fit.tau2[:, None]).min(axis=1) for fit in fits)
    statistic = _difference_scan(y, pair, columns)[0]
    return NullDraws(statistic, np.stack(null, axis=1), between / (between + own + noise))


def _fit_pair(y: tuple[Floats, Floats], pair: Pair, slopes: Slopes) -> tuple[NullFit, NullFit]:
    raw = fit_nested(y[0], pair.raw, slopes)
    controlled = fit_nested(y[1], pair.controlled, slopes)
    return raw.two_level, controlled.two_level


def _difference_scan(y: tuple[Floats, Floats], pair: Pair, columns: Floats) -> tuple[Floats, Ints]:
    """Supremum F of the difference and where, for B data sets."""
    (first, noise), (second, other) = (
        _empirical_link(scores, sample)
        for scores, sample in zip(y, (pair.raw, pair.controlled), strict=True)
    )
    sample = pair.raw
    freedom = len(sample) - sample.design.shape[1]
    sampling = noise + other - 2 * pair.correlation * np.sqrt(noise * other)
    fit = _fit_line(first - second, sampling, sample, freedom)
    plain = replace(sample, binomial=False)
    found = sharpen(fit, plain, columns, freedom)
    return found.sup, found.best


def _empirical_link(y: Floats, sample: Sample) -> tuple[Floats, Floats]:
    """Scores on the link scale, kept off floor and ceiling, and their sampling variance."""
    variance = _link.sampling_variance(y, sample)
    if not sample.binomial:
        return y, variance
    share = np.clip((y - sample.floor) / (1 - sample.floor), EDGE, 1 - EDGE)
    gradient = (1 - sample.floor) * share * (1 - share)
    return np.log(share / (1 - share)), variance / gradient**2 + EDGE


def _fit_line(z: Floats, sampling: Floats, sample: Sample, freedom: int) -> NullFit:
    """Level and trend of B working differences, with their own variance between models."""
    phi2 = np.zeros(len(z))
    unit = np.ones(len(z)) if sample.binomial else spread_about_line(z, sample.design)
    slack = float(sample.binomial)
    tau2 = FIRST_VARIANCE * unit
    theta, r = np.zeros((len(z), sample.design.shape[1])), z
    for _ in range(LINE_STEPS):
        w = 1 / (sampling + tau2[:, None])
        weighted = Weighted(sample.products, w, phi2)
        theta = solve_small(weighted.gram(), weighted.moment(z)[:, :, None])[:, :, 0]
        r = z - theta @ sample.design.T
        tau2 = moment_step(tau2, r * r * w, w, freedom, slack=slack)
    w = 1 / (sampling + tau2[:, None])
    return NullFit(theta, z - r, w, r, tau2, phi2, phi2, np.zeros(len(z), dtype=bool))


def shared_effects(fits: tuple[NullFit, ...]) -> Shared:
    """Split each condition's variances into the part that both share and its own.

    The shared part is the covariance of the working residuals, weighted by their precision
    and kept between 0 and the smaller of the two variances.
    """
    first, second = fits
    w = np.sqrt(first.weight * second.weight)
    moments = [
        (w * (fit.residual**2 - 1 / fit.weight + fit.tau2[:, None])).sum(axis=1) for fit in fits
    ]
    product = (w * first.residual * second.residual).sum(axis=1)
    ceiling = np.sqrt(np.maximum(moments[0], 0.0) * np.maximum(moments[1], 0.0))
    known = ceiling > 0
    share = np.where(known, np.clip(product / np.where(known, ceiling, 1.0), 0, 1), 0.0)
    tau2 = share * np.minimum(first.tau2, second.tau2)
    phi2 = share * np.minimum(first.phi2, second.phi2)
    parts = (
        tau2,
        first.tau2 - tau2,
        second.tau2 - tau2,
        phi2,
        first.phi2 - phi2,
        second.phi2 - phi2,
    )
    return Shared(*(part[:, None] for part in parts), *(fit.rho for fit in fits))


def draw_pair(
    eta: tuple[Floats, ...], shared: Shared, pair: Pair, replicates: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Scores (B, M) in both conditions; `eta` and `shared` are one for all draws, or one each."""
    models, families = pair.raw.membership.shape

    def effects(tau2: Floats, phi2: Floats) -> Floats:
        model = np.sqrt(tau2) * rng.standard_normal((replicates, models))
        family = np.sqrt(phi2) * rng.standard_normal((replicates, families))
        total: Floats = model + family @ pair.raw.membership.T
        return total

    both = effects(shared.tau2, shared.phi2)
    own = (
        effects(shared.tau2_raw, shared.phi2_raw),
        effects(shared.tau2_controlled, shared.phi2_controlled),
    )
    first, second = (
        _link.mean(eta[index] + both + own[index], sample.floor, binomial=sample.binomial)
        for index, sample in enumerate((pair.raw, pair.controlled))
    )
    rho = tuple(
        np.broadcast_to(item, (replicates,)) for item in (shared.rho_raw, shared.rho_controlled)
    )
    if pair.correlation > 0:
        return _draw_shared_items((first, second), rho, pair, rng)
    raw = draw_items(first, pair.raw, rng, rho[0])
    return raw, draw_items(second, pair.controlled, rng, rho[1])


def _draw_shared_items(
    mu: tuple[Floats, Floats], rho: tuple[Floats, ...], pair: Pair, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Scores around both expected scores whose errors share the items' luck (normal)."""
    common = np.sqrt(pair.correlation) * rng.standard_normal(mu[0].shape)
    drawn = []
    for expected, sample, more in zip(mu, (pair.raw, pair.controlled), rho, strict=True):
        own = np.sqrt(1 - pair.correlation) * rng.standard_normal(expected.shape)
        scores = expected + np.sqrt(_link.sampling_variance(expected, sample)) * (common + own)
        letters = np.sqrt(more[:, None] * _link.guessing_variance(expected, sample))
        scores = scores + letters * rng.standard_normal(expected.shape)
        drawn.append(np.clip(scores, 0, 1) if sample.binomial else scores)
    return drawn[0], drawn[1]
