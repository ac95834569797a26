"""Scale known only to within a factor of two: what does that do to the step?

Published sizes, tokens and training compute are estimates. Error in scale moves models across the
threshold and blurs a step; of a gradual curve it makes a scattered one. Three answers.

*A gradual curve with error in scale*: models are drawn from the smooth null at scales up to
`HALF_WIDTH` decades (uniform) from those stated, and the test of the stated scales is run on them;
p is the share of draws whose statistic reaches the one found. Of the variance between models, what
such error makes (slope^2 times its variance) is taken off before it is drawn anew.
*Perturbed scales*: every model's log10 scale is moved by as much, the threshold is searched again
and the effect estimated again; the range of the effects and of their intervals is what not knowing
scale better leaves open. *SIMEX* (Cook & Stefanski 1994): normal error of variance lambda sigma^2
is added to the scales that are already in error, the mean effect at the raw threshold is followed
over lambda = 0, .5, 1, 1.5, 2, and extrapolated to -1, no error. Its standard error is that of
Stefanski & Cook (1995): variance of the estimate less variance over the added errors, extrapolated
alike. What error takes off a step is the share of models that it moves across the threshold, which
grows with the standard deviation of the error: so the line extrapolated is in sqrt(1 + lambda).

Where error takes .13 to .16 off a step of .5 among 12 to 50 models, SIMEX gives back half, .06 to
.09; without a step it adds up to .01. 1.96 standard errors about it hold the step in .72 to .77 of
tables (`benchmarks/scale_error.py`, cells `simex`): so it is told without an interval.

Estimand: the range of the step over perturbed scales; the step had scale been known without error.

Formula: x* = x + U(-.3, .3) for every model; SIMEX: the line in sqrt(1 + lambda) through the mean
effect at x + sqrt(lambda) sigma Z, lambda = 0, .5, 1, 1.5, 2, read at lambda = -1.

Assumption that would break it: errors are independent between models; those of one family may share
one.

Source: Cook & Stefanski 1994, JASA 89:1314-1328; Stefanski & Cook 1995, JASA 90:1247-1256.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._effect import (
    effect_profile,
    effect_variance,
    fit_threshold,
    own_curve,
)
from confounds.inference._reference import (
    draw_scores,
    own_levels,
    p_value,
    staged,
    two_level_search,
)
from confounds.inference.sample import threshold_columns
from confounds.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference._null import NullFit
    from confounds.inference._plan import TestPlan
    from confounds.inference.sample import Floats, Sample

HALF_WIDTH = 0.3
"""Decades: a factor of two either way."""
SPREAD = HALF_WIDTH / 3**0.5
LAMBDAS = (0.0, 0.5, 1.0, 1.5, 2.0)
PERTURBED = 16
ADDED = 12
"""Errors added at each lambda: the same for all, times the root of lambda, half of them with the
sign turned, so that little of what is extrapolated is their luck."""


@dataclass(frozen=True, slots=True)
class Perturbed:
    """The effect over perturbed scales.

    Attributes:
        effect: mean effect, with the interval that holds 95 % of the lower and of the upper ends
            of its intervals.
        upward: share of the perturbed tables whose interval lies above 0.
        thresholds: 5 and 95 % quantile of the thresholds, log10 scale.
    """

    effect: Estimate
    upward: float
    thresholds: tuple[float, float]


def perturb_scales(sample: Sample, plan: TestPlan, rng: np.random.Generator) -> Perturbed:
    """How much does the step change if every scale may be off by a factor of two?

    Args:
        sample: one row a model; `sample.why_not()` must be None.
        plan: null and shape of the claim.
        rng: source of randomness.
    """
    columns = threshold_columns(sample.x, sample.grid, plan.shape)
    observed = own_levels(sample, columns, plan.slopes(sample))
    own = float(sample.grid[observed.two_level_search.best[0]])
    near = own_curve(sample, own, plan.shape, plan.growth(sample)).fit
    found = []
    for _ in range(PERTURBED):
        moved = replace(sample, x=sample.x + rng.uniform(-HALF_WIDTH, HALF_WIDTH, len(sample)))
        psi = best_threshold(moved, plan, observed.two_level)
        found.append((psi, *_effect(moved, psi, plan, near)))
    psi, effects, lower, upper = np.array(found).T
    effect = Estimate(
        "effect_perturbed",
        float(effects.mean()),
        std_error=float(effects.std(ddof=1)),
        ci_lower=float(np.quantile(lower, 0.05)),
        ci_upper=float(np.quantile(upper, 0.95)),
    )
    span = (float(np.quantile(psi, 0.05)), float(np.quantile(psi, 0.95)))
    return Perturbed(effect, float((lower > 0).mean()), span)


def gradual_with_error(sample: Sample, plan: TestPlan, rng: np.random.Generator) -> float:
    """P-value of the two-level statistic where models are gradual and scales in error.

    Args:
        sample: one row a model; `sample.why_not()` must be None.
        plan: null, shape and number of replicates.
        rng: source of randomness.
    """
    columns = threshold_columns(sample.x, sample.grid, plan.shape)
    slopes = plan.slopes(sample)
    observed = own_levels(sample, columns, slopes)
    fit = observed.two_level
    slope = fit.theta[:, 1]
    tau2 = np.maximum(fit.tau2 - (slope * SPREAD) ** 2, 0.0)

    def draw(count: int) -> Floats:
        error = rng.uniform(-HALF_WIDTH, HALF_WIDTH, (count, len(sample)))
        scatter = replace(fit.scatter, tau2=tau2).repeated(count)
        y = draw_scores(fit.eta + slope * error, scatter, sample, rng)
        return two_level_search(y, sample, columns, slopes).sup

    statistic = float(observed.two_level_search.sup[0])
    return p_value(statistic, staged(statistic, draw, plan.replicates))


def simex_effect(sample: Sample, psi: float, plan: TestPlan, rng: np.random.Generator) -> Estimate:
    """The step at psi as it would be without error in scale, `effect_simex`."""
    near = own_curve(sample, psi, plan.shape, plan.growth(sample)).fit

    def estimate(x: Floats) -> tuple[float, float]:
        moved = replace(sample, x=x)
        below = int((x <= psi).sum())
        if min(below, len(x) - below) == 0:
            return 0.0, 0.0
        slopes = plan.growth(moved)
        curve = fit_threshold(moved.score[None], moved, psi, plan.shape, slopes, near)
        return float(curve.effect[0]), effect_variance(moved, curve, plan.shape)

    value, error = simex(estimate, sample.x, SPREAD, rng, line_in_root)
    if sample.binomial:
        room = 1 - float(sample.floor.mean())
        value = float(np.clip(value, -room, room))
    return Estimate("effect_simex", value, std_error=error)


def simex(
    estimate: Callable[[Floats], tuple[float, float]],
    x: Floats,
    spread: float,
    rng: np.random.Generator,
    extrapolant: Callable[[Floats], float],
) -> tuple[float, float | None]:
    """Simulation and extrapolation for one estimate.

    Args:
        estimate: from x (M,) to the estimate and its variance.
        x: values measured with error.
        spread: standard deviation of that error.
        rng: source of randomness.
        extrapolant: from the values over `LAMBDAS` to that at -1.

    Returns:
        Estimate at no error, and its standard error; None where the extrapolated variance is not
        positive.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.standard_normal(400)
        >>> y, seen = 2 * truth, truth + 0.5 * rng.standard_normal(400)
        >>> def slope(x):
        ...     b = np.cov(x, y)[0, 1] / x.var(ddof=1)
        ...     return b, float(np.var(y - b * x) / (len(x) * x.var()))
        >>> naive, (corrected, _) = slope(seen)[0], simex(slope, seen, 0.5, rng, quadratic)
        >>> bool(abs(corrected - 2) < 0.5 * abs(naive - 2))
        True
    """
    half = rng.standard_normal((ADDED // 2, len(x)))
    noise = spread * np.concatenate([half, -half])
    means, variances = [], []
    for weight in LAMBDAS:
        errors = np.sqrt(weight) * noise if weight else np.zeros((1, len(x)))
        values = np.array([estimate(x + row) for row in errors])
        means.append(values[:, 0].mean())
        between = values[:, 0].var(ddof=1) if len(errors) > 1 else 0.0
        variances.append(values[:, 1].mean() - between)
    value, variance = (extrapolant(np.array(item)) for item in (means, variances))
    return value, variance**0.5 if variance > 0 else None


def quadratic(values: Floats) -> float:
    """The quadratic in lambda through the values, at -1: for a slope."""
    return float(np.polyval(np.polyfit(LAMBDAS, values, 2), -1.0))


def line_in_root(values: Floats) -> float:
    """The line in sqrt(1 + lambda) through the values, at -1: for a step."""
    return float(np.polyfit(np.sqrt(1 + np.array(LAMBDAS)), values, 1)[1])


def best_threshold(sample: Sample, plan: TestPlan, near: NullFit | None = None) -> float:
    """Log10 scale of the threshold with the largest statistic.

    With the smooth fit to much the same data, from there.
    """
    columns = threshold_columns(sample.x, sample.grid, plan.shape)
    found = two_level_search(sample.score[None], sample, columns, plan.slopes(sample), near)
    return float(sample.grid[found.best[0]])


def _effect(
    sample: Sample, psi: float, plan: TestPlan, near: NullFit
) -> tuple[float, float, float]:
    """Effect at psi with its 95 % interval."""
    slopes = plan.growth(sample)
    curve = fit_threshold(sample.score[None], sample, psi, plan.shape, slopes, near)
    profile = effect_profile(sample, np.array([psi]), plan.shape, slopes, curve)
    return profile.estimate, *profile.interval(0.95)
