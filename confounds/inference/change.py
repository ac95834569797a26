"""The change: how much larger is the step under the confound than without it?

Both steps are taken at the threshold of the raw condition, on the score scale. That threshold was
searched for, so the interval of the raw step is the one over all thresholds that its data keep.

Estimand: step of the raw less step of the controlled condition at one psi, in score points.

Formula: interval of a difference from those of its parts, (l1, u1) and (l2, u2) about e1 and e2
with correlation r (MOVER): lower = e1 - e2 - sqrt((e1 - l1)^2 + (u2 - e2)^2 - 2 r (e1 - l1)
(u2 - e2)), upper likewise. p: the level at which an interval of that width, with t tails of the
smaller degrees of freedom, would end at 0; below .05 exactly where the 95 % interval lies above it.

Assumption that would break it: what a model has of its own acts alike in both conditions (for the
correlation; models that were not run in both are taken as independent).

Source: Zou & Donner 2008 (MOVER), Zou 2007 (parts that correlate); Hansen 2000 (thresholds that are
kept). Coverage: `benchmarks/interval_coverage.py`, `change searched`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference._effect import ThresholdCurve, drawn_effects, own_curve, own_profile
from confounds.inference.contrast import Pair, draw_pair, shared_effects
from confounds.inference.sample import MIN_SIDE, Sample
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference._null import Slopes
    from confounds.inference.sample import Floats

CHANGE_REPLICATES = 200
"""They give one correlation."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where the effect of the raw condition is.

    Attributes:
        psi: log10 scale of its threshold.
        kept: the thresholds that its data do not reject; over them its interval is taken,
            since psi was chosen where the raw effect is largest.
        shape: `step` or `hinge`.
    """

    psi: float
    kept: Floats
    shape: str

    def searched(self, sample: Sample) -> Floats:
        """The kept thresholds with `MIN_SIDE` of the sample's models on each side, and psi."""
        above = (sample.x[:, None] > self.kept[None, :]).sum(axis=0)
        told = np.minimum(above, len(sample) - above) >= MIN_SIDE
        return np.union1d(self.kept[told], [self.psi])


def estimate_change(pair: Pair, place: Place, slopes: Slopes, rng: np.random.Generator) -> Estimate:
    """How much larger is the effect at psi in the raw than in the controlled condition?

    Args:
        pair: the models under both conditions.
        place: threshold of the raw condition.
        slopes: slopes of the smooth parts.
        rng: source of randomness.

    Returns:
        `change` in score points. Its interval is recovered from the inverted intervals of
        the two effects and their correlation, which a paired parametric bootstrap gives that
        draws the effects shared by the two conditions once for both.
    """
    samples = (pair.raw, pair.controlled)
    curves = tuple(own_curve(item, place.psi, place.shape, slopes) for item in samples)
    fits = tuple(curve.fit for curve in curves)
    eta = tuple(fit.eta for fit in fits)
    drawn = draw_pair(eta, shared_effects(fits), pair, CHANGE_REPLICATES, rng)
    first, second = (
        drawn_effects(scores, sample, curve, place.shape, slopes)
        for scores, sample, curve in zip(drawn, samples, curves, strict=True)
    )
    sides, freedom = _sides(samples, place, slopes)
    lower, upper = _recover_interval(curves, sides, _correlation(first, second))
    value = float(curves[0].effect[0] - curves[1].effect[0])
    return Estimate(
        "change",
        value,
        std_error=float((first - second).std(ddof=1)),
        p_value=_p_above_zero(value, lower, freedom),
        ci_lower=lower,
        ci_upper=upper,
    )


def independent_change(raw: Sample, controlled: Sample, place: Place, slopes: Slopes) -> Estimate:
    """How much larger is the effect at psi among other models than among the controlled ones?

    For conditions that share no model (tuned against base models), whose effects are independent;
    the interval of the raw one is taken over the kept thresholds, as in `estimate_change`.
    """
    samples = (raw, controlled)
    curves = tuple(own_curve(item, place.psi, place.shape, slopes) for item in samples)
    sides, freedom = _sides(samples, place, slopes)
    low, high = _recover_interval(curves, sides, 0.0)
    value = float(curves[0].effect[0] - curves[1].effect[0])
    p = _p_above_zero(value, low, freedom)
    return Estimate("change", value, p_value=p, ci_lower=low, ci_upper=high)


def _p_above_zero(value: float, lower: float, freedom: float) -> float:
    """P-value of a change of 0 against one above it, read off the lower end of the 95 % interval.

    Two-sided, as the interval is; 1 where the change is not above 0.
    """
    if value <= 0:
        return 1.0
    spread = max(value - lower, 1e-12) / stats.t.ppf(0.975, freedom)
    return float(2 * stats.t.sf(value / spread, freedom))


def _sides(
    samples: tuple[Sample, ...], place: Place, slopes: Slopes
) -> tuple[list[tuple[float, float]], float]:
    """95 % intervals of both effects, and the smaller of their degrees of freedom.

    The raw threshold was searched for, the other was not.
    """
    searched = (place.searched(samples[0]), np.array([place.psi]))
    profiles = [
        own_profile(sample, psi, place.psi, place.shape, slopes)
        for sample, psi in zip(samples, searched, strict=True)
    ]
    intervals = [profile.interval(0.95) for profile in profiles]
    return intervals, min(profile.freedom for profile in profiles)


def _recover_interval(
    curves: tuple[ThresholdCurve, ...], sides: list[tuple[float, float]], correlation: float
) -> tuple[float, float]:
    """Interval of a difference from those of its two parts (Zou & Donner 2008, MOVER)."""
    first, second = (float(curve.effect[0]) for curve in curves)
    (low1, high1), (low2, high2) = sides

    def reach(down: float, up: float) -> float:
        return float(np.sqrt(max(down**2 + up**2 - 2 * correlation * down * up, 0.0)))

    down = reach(max(first - low1, 0.0), max(high2 - second, 0.0))
    up = reach(max(high1 - first, 0.0), max(second - low2, 0.0))
    return first - second - down, first - second + up


def _correlation(first: Floats, second: Floats) -> float:
    """Correlation of the two effects over the paired draws, never below 0."""
    if min(float(first.std()), float(second.std())) == 0:
        return 0.0
    return float(np.clip(np.corrcoef(first, second)[0, 1], 0.0, 0.95))
