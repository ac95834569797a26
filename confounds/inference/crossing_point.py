"""At which scale does one condition begin to beat another?

Estimand: the log10 scale c at which the expected within-model gain (score with the strategy minus
score without, same model) reaches `level`, on its way up.

A level above 0 asks for a gain that is
worth the name; where small models gain exactly nothing, "above 0" would begin nowhere.

Formula: the gain may follow any of a dictionary of rising curves of log scale: straight, flat and
then rising, a logistic from half a decade to four decades wide, E[gain] = level + g (h(x) - h(c))
with g >= 0; or a jump at c from below `level` to above it. T(c) is the rise of the generalised sum
of squares when the curve has to pass `level` at c, over the residual mean square; the interval
holds every c whose T(c) is not above the 95 % quantile of T at the fitted crossing in a parametric
bootstrap, in which families and models are drawn anew around the fitted curve. An end is None where
the data admit any scale beyond the models (it may begin before the smallest, or never).

Assumption that would break it: gains do not fall again with scale.

Source: Hansen 2000 (a threshold's interval by inversion); Wei et al. 2022 (arXiv 2206.07682) read
such crossings off by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from confounds.inference import _link
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, Ints, Sample

MIN_GAINS = 6
WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Decades that a logistic rise takes from 10 to 90 %."""
PLACES = 31
CANDIDATES = 97
BEYOND = 1.5
"""Decades beyond the smallest and largest model that a crossing is looked for in."""
SHAPE_FREEDOM = 3
"""Level, height and place of the rising curve."""
CONFIDENCE = 0.95
REPLICATES = 399
SINGULAR = 1e8
MOST_INFLATED = 9.0


@dataclass(frozen=True, eq=False)
class Gains:
    """What each model gains by the strategy.

    Attributes:
        x: (M,) log10 of scale.
        gain: (M,) score with the strategy minus score without it.
        noise: (M,) sampling variance of the gain over items.
        family: (M,) integer code of the model's family.
        models: names, in the same order.
    """

    x: Floats
    gain: Floats
    noise: Floats
    family: Ints
    models: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)


def gains_of(strategy: Sample, without: Sample) -> Gains | None:
    """The models that both conditions share, or None where there are fewer than `MIN_GAINS`."""
    place = {name: row for row, name in enumerate(without.models)}
    rows = [row for row, name in enumerate(strategy.models) if name in place]
    if len(rows) < MIN_GAINS:
        return None
    here = strategy.take(rows)
    other = without.take([place[name] for name in here.models])
    noise = _link.sampling_variance(here.score, here) + _link.sampling_variance(other.score, other)
    return Gains(here.x, here.score - other.score, noise, here.family, here.models)


def crossing_point(gains: Gains, level: float, rng: np.random.Generator) -> Estimate:
    """The scale at which the gain reaches `level`, with a 95 % interval, in scale units.

    Args:
        gains: one row a model.
        level: gain in score points that counts as help.
        rng: source of randomness.

    Returns:
        `crossing_threshold`: the estimate is None where the fitted gain stays below `level` at
        every scale of the models (an upper end of None), or above it (a lower end of None).
    """
    problem = _Problem(gains, level)
    candidates = problem.candidates
    squares, free = problem.squares(gains.gain[None])
    statistic = problem.statistic(squares, free)[0]
    best = int(statistic.argmin())
    limit = float(np.quantile(problem.draws(best, rng), CONFIDENCE))
    kept = np.flatnonzero(statistic <= max(limit, float(statistic[best])))
    low, high = candidates[max(kept[0] - 1, 0)], candidates[min(kept[-1] + 1, len(candidates) - 1)]
    smallest, largest = gains.x.min(), gains.x.max()
    inside = smallest <= candidates[best] <= largest
    return Estimate(
        "crossing_threshold",
        float(10 ** candidates[best]) if inside else None,
        ci_lower=None if low < smallest else float(10**low),
        ci_upper=None if high > largest else float(10**high),
    )


def crossing_at(gains: Gains, level: float, stated: float, rng: np.random.Generator) -> Estimate:
    """Is the crossing where it was stated to be?

    Args:
        gains: one row a model.
        level: gain in score points that counts as help.
        stated: the scale claimed, in scale units.
        rng: source of randomness.

    Returns:
        `stated_threshold` with the p-value of the null that the gain reaches `level` there.
    """
    problem = _Problem(gains, level, stated=float(np.log10(stated)))
    squares, free = problem.squares(gains.gain[None])
    observed = float(problem.statistic(squares, free)[0, -1])
    draws = problem.draws(-1, rng)
    p = float((1 + np.count_nonzero(draws >= observed - 1e-12)) / (len(draws) + 1))
    return Estimate("stated_threshold", stated, statistic=observed, p_value=p)


class _Problem:
    """Rising curves of the gain that pass `level` at each candidate scale."""

    def __init__(self, gains: Gains, level: float, stated: float | None = None) -> None:
        self.gains, self.level = gains, level
        low, high = float(gains.x.min()), float(gains.x.max())
        grid = np.linspace(low - BEYOND, high + BEYOND, CANDIDATES)
        self.candidates = grid if stated is None else np.append(grid, stated)
        places = np.linspace(low - BEYOND, high + BEYOND, PLACES)
        self.columns = _curves(gains.x, places)
        self.heights = _curves(self.candidates, places)
        self.above = (gains.x[:, None] > self.candidates).astype(np.float64)
        self.freedom = max(len(gains) - SHAPE_FREEDOM, 1)
        self.membership = (gains.family[:, None] == np.unique(gains.family)).astype(np.float64)
        self.tau2, self.phi2 = 0.0, 0.0
        self._weigh()
        self.tau2, self.phi2 = self._components()
        self._weigh()

    def _weigh(self) -> None:
        """Set the precision matrix and what the columns come to under it."""
        covariance = np.diag(self.gains.noise + self.tau2)
        covariance += self.phi2 * self.membership @ self.membership.T
        covariance += 1e-9 * np.eye(len(covariance))
        self.precision = np.linalg.inv(covariance)
        one = self.precision.sum(axis=1)
        self.own = np.einsum("mj,mk,kj->j", self.columns, self.precision, self.columns)
        self.with_one = self.columns.T @ one
        self.ones = float(one.sum())
        self.upper = np.einsum("mc,mk,kc->c", self.above, self.precision, self.above)
        self.upper_one = self.above.T @ one

    def _components(self) -> tuple[float, float]:
        """Variance of the gain between models and between families, by moments.

        The expected squares of the residuals, in all and between models of a family, are linear
        in both variances once the fitted level and height are projected out.
        """
        best, curve = self._free_curve()
        r = self.gains.gain - curve
        basis, _ = np.linalg.qr(np.column_stack([np.ones(len(r)), self.columns[:, best]]))
        left = np.eye(len(r)) - basis @ basis.T
        kin = self.membership @ self.membership.T
        noise = left @ np.diag(self.gains.noise) @ left
        forms = (left @ left, left @ kin @ left)
        slack = (len(r) - 2) / self.freedom
        seen = np.array([slack * float(r @ r), slack * float(r @ kin @ r)])
        seen -= [np.trace(noise), np.trace(kin @ noise)]
        system = np.array([[np.trace(form) for form in forms], [np.trace(kin @ f) for f in forms]])
        if np.linalg.cond(system) > SINGULAR:
            return max(float(seen[0] / system[0, 0]), 0.0), 0.0
        tau2, phi2 = np.linalg.solve(system, seen)
        if phi2 < 0:
            return max(float(seen[0] / system[0, 0]), 0.0), 0.0
        return max(float(tau2), 0.0), float(phi2)

    def _free_curve(self) -> tuple[int, Floats]:
        """The best rising curve with a free level, and its values at the models."""
        y = self.gains.gain
        cross = self.columns.T @ self.precision @ y
        mean = float(self.precision.sum(axis=1) @ y) / self.ones
        spread = np.maximum(self.own - self.with_one**2 / self.ones, 1e-12)
        slope = np.maximum((cross - self.with_one * mean) / spread, 0.0)
        best = int((slope**2 * spread).argmax())
        centre = float(self.with_one[best]) / self.ones
        return best, mean + slope[best] * (self.columns[:, best] - centre)

    def squares(self, y: Floats, only: int | None = None) -> tuple[Floats, Floats]:
        """Least sums of squares of B data sets: (B, C) through `level` at c, and (B,) free."""
        chosen = slice(None) if only is None else [only]
        r = y - self.level
        white = r @ self.precision
        total = (r * white).sum(axis=1)
        cross, sums = white @ self.columns, white.sum(axis=1)
        heights, spreads = self.heights[chosen], self._spreads[chosen]
        numerator = np.maximum(cross[:, None, :] - sums[:, None, None] * heights[None], 0.0)
        explained = (numerator**2 / spreads[None]).max(axis=2)
        jump, free_jump = self._jumps(white, sums)
        explained = np.maximum(explained, jump[:, chosen])
        spread = np.maximum(self.own - self.with_one**2 / self.ones, 1e-12)
        slope = np.maximum(cross - self.with_one * sums[:, None] / self.ones, 0.0)
        free = sums**2 / self.ones + (slope**2 / spread).max(axis=1)
        return total[:, None] - explained, total - np.maximum(free, free_jump)

    def _jumps(self, white: Floats, sums: Floats) -> tuple[Floats, Floats]:
        """What jumps explain: (B, C) from below `level` to above it at c, (B,) free of `level`.

        The first is a quadratic programme in the two plateaus whose optimum lies inside the
        quadrant, or on one of its edges.
        """
        uu = np.maximum(self.upper, 1e-12)
        lu = self.upper_one - self.upper
        ll = np.maximum(self.ones - 2 * self.upper_one + self.upper, 1e-12)
        high = white @ self.above
        low = sums[:, None] - high
        determinant = np.maximum(ll * uu - lu**2, 1e-12)
        bottom = (uu * low - lu * high) / determinant
        top = (ll * high - lu * low) / determinant
        inside = bottom * low + top * high
        edges = np.maximum(np.maximum(high, 0) ** 2 / uu, np.minimum(low, 0) ** 2 / ll)
        two_sided = (self.upper > 0) & (self.upper < self.ones)
        crosses = (bottom <= 0) & (top >= 0) & two_sided
        rises = (top >= bottom) & two_sided
        return np.where(crosses, inside, edges), np.where(rises, inside, 0.0).max(axis=1)

    @property
    def _spreads(self) -> Floats:
        """(C, J) precision-weighted squares of h(x) - h(c)."""
        spread = self.own - 2 * self.heights * self.with_one + self.heights**2 * self.ones
        kept: Floats = np.maximum(spread, 1e-9 * self.ones)
        return kept

    def statistic(self, squares: Floats, free: Floats) -> Floats:
        """(B, C) rise of the sum of squares over the residual mean square."""
        least = np.maximum(free, 1e-9 * self.freedom)
        rise: Floats = (squares - free[:, None]) / (least / self.freedom)[:, None]
        return rise

    def draws(self, candidate: int, rng: np.random.Generator) -> Floats:
        """(B,) statistics of one candidate when the gain does reach `level` there."""
        mean = self._curve_through(candidate)
        squares, free = self.squares(mean + self._errors(rng), candidate)
        drawn: Floats = self.statistic(squares, free)[:, 0]
        return drawn

    def _curve_through(self, candidate: int) -> Floats:
        """The best curve of the dictionary that passes `level` at one candidate."""
        white = self.precision @ (self.gains.gain - self.level)
        numerator = white @ self.columns - white.sum() * self.heights[candidate]
        spread = self._spreads[candidate]
        best = int((np.maximum(numerator, 0) ** 2 / spread).argmax())
        slope = max(float(numerator[best] / spread[best]), 0.0)
        curve: Floats = self.level + slope * (self.columns[:, best] - self.heights[candidate, best])
        return curve

    def _errors(self, rng: np.random.Generator) -> Floats:
        """(B, M) departures of new models of new families from the curve.

        The variance between few families is itself uncertain, and drawn too.
        """
        models, families = self.membership.shape
        freedom = max(families - 2, 1)
        inflated = freedom / rng.chisquare(freedom, REPLICATES)
        phi2 = self.phi2 * np.clip(inflated, 1 / MOST_INFLATED, MOST_INFLATED)
        family = np.sqrt(phi2)[:, None] * rng.standard_normal((REPLICATES, families))
        own = np.sqrt(self.gains.noise + self.tau2) * rng.standard_normal((REPLICATES, models))
        drawn: Floats = own + family @ self.membership.T
        return drawn


def _curves(x: Floats, places: Floats) -> Floats:
    """(len(x), J) the rising curves at some scales."""
    steepness = np.array([_link.TRANSITION / width for width in WIDTHS])
    logistic = expit(steepness[:, None] * (x[:, None, None] - places[None, :, None]).swapaxes(1, 2))
    hinges = np.maximum(x[:, None] - places[None, :], 0.0)
    return np.column_stack([x, hinges, logistic.reshape(len(x), -1)])
