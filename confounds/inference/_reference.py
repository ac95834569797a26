"""Reference distributions of the supremum statistic: two parametric bootstraps.

*Two-level* (the primary): families and models are drawn anew, then the items; everything is
estimated again on every replicate. *Family-fixed-effect* (the check): family levels are held,
models and items are drawn. Both are valid for the model as sampling unit; the check does not
rest on families being draws from one distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._nested import fit_nested
from confounds.inference._null import (
    MAX_VARIANCE,
    NullFit,
    Slopes,
    fit_fixed_effect,
    fixed_effect_freedom,
)
from confounds.inference._scan import Scan, sharpen

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference.sample import Floats, Sample

STAGES = ((99, 0.2), (399, 0.12))
"""Number of draws, and the p-value above which they are enough."""
CLEARLY_PASSED = 0.04
"""P-value of the check within families, judged at .10, below which the last stage is enough."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Both fits of the smooth null to B data sets, with their scans."""

    two_level: NullFit
    two_level_scan: Scan
    fixed: NullFit | None
    fixed_scan: Scan | None


def fit_levels(y: Floats, sample: Sample, columns: Floats, slopes: Slopes) -> Levels:
    """Fit and scan B data sets both ways."""
    nested = fit_nested(y, sample, slopes)
    two_level, fixed, fixed_scan = nested.two_level, nested.fixed, None
    if fixed is not None:
        fixed_scan = sharpen(fixed, sample, columns, fixed_effect_freedom(sample))
    return Levels(two_level, _scan_two_level(two_level, sample, columns), fixed, fixed_scan)


def _scan_two_level(fit: NullFit, sample: Sample, columns: Floats) -> Scan:
    return sharpen(fit, sample, columns, len(sample) - sample.design.shape[1])


def draw_scores(
    eta: Floats, tau2: Floats, phi2: Floats, sample: Sample, rng: np.random.Generator
) -> Floats:
    """Scores of new models (and, with phi2 > 0, new families) around `eta`, (B, M).

    Args:
        eta: (B, M) linear predictor.
        tau2: (B,) variance between models.
        phi2: (B,) variance between families.
        sample: floors, items and families.
        rng: source of randomness.
    """
    batch, models = eta.shape
    eta = eta + np.sqrt(tau2)[:, None] * rng.standard_normal((batch, models))
    if np.any(phi2 > 0):
        family = rng.standard_normal((batch, sample.membership.shape[1]))
        eta = eta + np.sqrt(phi2)[:, None] * (family @ sample.membership.T)
    mu = _link.mean(eta, sample.floor, binomial=sample.binomial)
    return draw_items(mu, sample, rng)


def draw_variance(tau2: float, sample: Sample, replicates: int, rng: np.random.Generator) -> Floats:
    """(B,) variances between models to draw with.

    The statistic does not depend on the variance unless that is pooled over tasks: then a
    task's own may lie beside the pooled one, and is drawn from what is known of it.
    """
    pooled = sample.pooled
    if pooled is None:
        return np.full(replicates, tau2)
    freedom = max(fixed_effect_freedom(sample), 1) + sample.pooled_freedom
    total = (tau2 + pooled.noise) * freedom / rng.chisquare(freedom, replicates)
    return np.clip(total - pooled.noise, 0.0, MAX_VARIANCE)


def draw_items(mu: Floats, sample: Sample, rng: np.random.Generator) -> Floats:
    """Observed scores around expected scores `mu`."""
    if sample.variance is None and sample.binomial:
        n = np.maximum(np.rint(sample.n), 1).astype(np.int64)
        return rng.binomial(n, np.clip(mu, 0, 1)) / n
    noise = np.sqrt(_link.sampling_variance(mu, sample)) * rng.standard_normal(mu.shape)
    drawn = mu + noise
    return np.clip(drawn, 0, 1) if sample.binomial else drawn


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

    draws = staged(float(observed.two_level_scan.sup[0]), two_level, replicates)
    if observed.fixed_scan is None:
        return draws, None
    check = staged(float(observed.fixed_scan.sup[0]), fixed, replicates, CLEARLY_PASSED)
    return draws, check


def staged(
    statistic: float, draw: Callable[[int], Floats], replicates: int, passed: float = 0.0
) -> Floats:
    """Null draws, no more of them than decide (Davidson & MacKinnon 2000).

    A p-value above .2 after 99 draws, or above .12 after 399, is not going to end below .05 (5 and
    20 draws beyond the statistic are expected at .05, 20 and 48 were seen: six standard errors).
    Nor is one of at most `passed` after 399, .04 where the limit is .10, going to end above it
    (40 expected, 16 seen: four standard errors). Against that limit of .10, leaving at .12 after
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
    y = draw_scores(
        np.repeat(fit.eta, replicates, axis=0),
        draw_variance(float(fit.tau2[0]), sample, replicates, rng),
        np.zeros(replicates),
        sample,
        rng,
    )
    refit = fit_fixed_effect(y, sample, slopes)
    return sharpen(refit, sample, columns, fixed_effect_freedom(sample)).sup


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
    y = draw_scores(
        np.repeat(fit.eta, replicates, axis=0),
        draw_variance(float(fit.tau2[0]), sample, replicates, rng),
        np.repeat(fit.phi2, replicates),
        sample,
        rng,
    )
    return two_level_statistics(y, sample, columns, slopes)


def two_level_statistics(y: Floats, sample: Sample, columns: Floats, slopes: Slopes) -> Floats:
    """(B,) two-level supremum statistics of B data sets (B, M), everything estimated anew."""
    return two_level_scan(y, sample, columns, slopes).sup


def two_level_scan(y: Floats, sample: Sample, columns: Floats, slopes: Slopes) -> Scan:
    """The two-level scan alone of B data sets (B, M), everything estimated anew."""
    return _scan_two_level(fit_nested(y, sample, slopes).two_level, sample, columns)


def p_value(statistic: float, draws: Floats) -> float:
    """(1 + number of draws at or above the statistic) / (B + 1)."""
    return float((1 + np.count_nonzero(draws >= statistic - 1e-12)) / (len(draws) + 1))
