"""Where the threshold may lie, by inverting its test; kink and excess by the same simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._constrained import reference_point
from confounds.inference._effect import ThresholdCurve, fit_threshold, own_curve
from confounds.inference._nested import fit_nested
from confounds.inference._reference import Levels, redraw
from confounds.inference._scan import sharpen
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference._plan import TestPlan
    from confounds.inference._scan import Scan
    from confounds.inference.sample import Floats, Ints, Sample

INVERSION_REPLICATES = 199


@dataclass(frozen=True, eq=False)
class Inversion:
    """What the simulation from the fitted threshold curve gives.

    Attributes:
        kept: positions in the grid of the thresholds that are not rejected.
        scores: (B, M) scores drawn from the fitted threshold curve.
    """

    kept: Ints
    scores: Floats


def invert(
    sample: Sample,
    plan: TestPlan,
    observed: Levels,
    columns: Floats,
    curve: ThresholdCurve,
    rng: np.random.Generator,
) -> Inversion:
    """Which thresholds are not rejected, by the rise of the sum of squares (Hansen 2000)?"""
    best = int(observed.two_level_search.best[0])
    y = redraw(curve.fit, sample, INVERSION_REPLICATES, rng)
    nulls = fit_nested(y, sample, plan.slopes(sample)).two_level, observed.two_level
    freedom = len(sample) - sample.design.shape[1]
    again, here = (_likelihood_ratio(sharpen(fit, sample, columns, freedom)) for fit in nulls)
    critical = max(np.quantile(again[:, best], 0.95), here[0, best])
    return Inversion(np.flatnonzero(here[0] <= max(critical, 1e-9)), y)


def threshold_estimate(
    sample: Sample, psi: float, kept: Ints, observed: Levels, p: float
) -> Estimate:
    """Psi in scale units; its interval ends at the scales that bracket the kept thresholds."""
    levels = np.unique(sample.x)
    low, high = sample.grid[kept[0]], sample.grid[kept[-1]]
    return Estimate(
        "threshold",
        float(10**psi),
        statistic=float(observed.two_level_search.sup[0]),
        p_value=p,
        ci_lower=float(10 ** levels[levels < low].max()),
        ci_upper=float(10 ** levels[levels > high].min()),
    )


def kink_and_excess(
    sample: Sample, plan: TestPlan, curve: ThresholdCurve, y: Floats
) -> tuple[Estimate, ...]:
    """Kink and excess, with intervals over scores `y` drawn from the fitted curve."""
    found = []
    slopes = plan.growth(sample)
    for term, shape in (("kink", "hinge"), ("excess", plan.shape)):
        here = own_curve(sample, curve.psi, shape, slopes)
        draws = fit_threshold(y, sample, curve.psi, shape, slopes, here.fit)
        values = [_read_off(sample, item, term, shape) for item in (here, draws)]
        low, high = np.quantile(values[1], [0.025, 0.975])
        found.append(
            Estimate(
                term,
                float(values[0][0]),
                std_error=float(values[1].std(ddof=1)),
                ci_lower=float(low),
                ci_upper=float(high),
            )
        )
    return tuple(found)


def _read_off(sample: Sample, curve: ThresholdCurve, term: str, shape: str) -> Floats:
    """Kink: score points a decade above psi. Excess: score points at the largest scale."""
    _, height = reference_point(sample, curve.psi, shape)
    if term == "kink":
        return curve.effect / max(height, 1e-9)
    theta = curve.fit.theta
    top = float(sample.x.max())
    eta = theta[:, 0] + theta[:, 1] * (top - sample.centre)
    rise = theta[:, -1] * (top - curve.psi if shape == "hinge" else 1.0)
    floor = np.array([sample.floor.mean()])
    after = _link.mean(eta + rise, floor, binomial=sample.binomial)
    excess: Floats = after - _link.mean(eta, floor, binomial=sample.binomial)
    return excess


def _likelihood_ratio(found: Scan) -> Floats:
    """(B, K) rise of the sum of squares from the best threshold, in units of its mean square."""
    explained = np.maximum(found.explained, 0.0)
    best = explained.max(axis=1, keepdims=True)
    rest = np.maximum(found.squares[:, None] - best, 1e-12)
    ratio: Floats = (best - explained) / rest
    return ratio
