"""One mode or two: is a sample of scores a mixture of two normal distributions?

Estimand: twice the log likelihood ratio of two normal components with one standard deviation
against a single normal, and the difference of their BIC.

Formula: 2 (max log L of share N(m1, s) + (1 - share) N(m2, s) - max log L of N(m, s)). Its
reference distribution is not chi squared, since under one component the share and the distance of
the second are not identified; it is simulated (McLachlan 1987; as `mclust::mclustBootstrapLRT`
does), and under normality it does not depend on mean or standard deviation. The likelihood is
maximised by EM from the best split of the sorted scores.

Assumption that would break it: scores of one mode are normal; a skewed mode can pass for two, which
is why the dip stands beside it.

Source: McLachlan 1987, Applied Statistics 36(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from confounds.inference.sample import Flags, Floats

STEPS = 60
LEAST_SHARE = 1e-6
EXTRA = 2
"""Parameters that two components have beyond one: a second mean and a share."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """B fits of two components with one standard deviation to samples of equal size.

    Attributes:
        low: (B,) mean of the lower component.
        high: (B,) mean of the upper component.
        share: (B,) share of the upper component.
        spread: (B,) standard deviation.
        upper: (B, R) probability that a score comes from the upper component.
        ratio: (B,) twice the log likelihood ratio against one normal.
    """

    low: Floats
    high: Floats
    share: Floats
    spread: Floats
    upper: Floats
    ratio: Floats

    @property
    def lucky(self) -> Flags:
        """(B, R) True where the upper component is the likelier one."""
        flags: Flags = self.upper > 0.5
        return flags

    @property
    def bic_difference(self) -> Floats:
        """(B,) BIC of two components above that of one, larger is better (as in mclust)."""
        difference: Floats = self.ratio - EXTRA * np.log(self.upper.shape[1])
        return difference


def fit_mixture(values: Floats, least_spread: float) -> Mixture:
    """Fit two components to each row.

    Args:
        values: (B, R) scores.
        least_spread: standard deviation that no component may fall below, that of the items: two
            scores that happen to be equal are no mode.
    """
    values = np.asarray(values, dtype=np.float64)
    upper = _best_split(values)
    floor = max(least_spread, 1e-9) ** 2
    for _ in range(STEPS):
        low, high, share, variance = _moments(values, upper, floor)
        gap = ((high - low) / variance)[:, None]
        middle = (values - ((high + low) / 2)[:, None]) * gap
        upper = expit(middle + np.log(share / (1 - share))[:, None])
    low, high, share, variance = _moments(values, upper, floor)
    parts = [
        np.log(part)[:, None] - (values - mean[:, None]) ** 2 / (2 * variance[:, None])
        for part, mean in ((1 - share, low), (share, high))
    ]
    two = np.logaddexp(*parts).sum(axis=1) - values.shape[1] / 2 * np.log(variance)
    alone = np.maximum(values.var(axis=1), floor)
    one = -((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / (2 * alone)
    one -= values.shape[1] / 2 * np.log(alone)
    ratio = np.maximum(2 * (two - one), 0.0)
    return Mixture(low, high, share, np.sqrt(variance), upper, ratio)


def null_ratios(
    count: int, spread: float, least_spread: float, draws: int, rng: np.random.Generator
) -> Floats:
    """(`draws`,) likelihood ratios of samples of one normal."""
    values = spread * rng.standard_normal((draws, count))
    ratios: Floats = fit_mixture(values, least_spread).ratio
    return ratios


def _best_split(values: Floats) -> Floats:
    """(B, R) membership of the upper part of the split with the least sum of squares."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    count = values.shape[1]
    sizes = np.arange(1, count)
    total = ordered.cumsum(axis=1)
    below, above = total[:, :-1], total[:, -1:] - total[:, :-1]
    between = below**2 / sizes + above**2 / (count - sizes)
    cut = between.argmax(axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(count)[None, :].repeat(len(values), axis=0), axis=1)
    return np.where(rank > cut[:, None], 0.99, 0.01)


def _moments(values: Floats, upper: Floats, floor: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Means, share of the upper component and common variance under given memberships."""
    count = values.shape[1]
    weight = upper.sum(axis=1)
    high = (upper * values).sum(axis=1) / np.maximum(weight, LEAST_SHARE)
    low = ((1 - upper) * values).sum(axis=1) / np.maximum(count - weight, LEAST_SHARE)
    square = upper * (values - high[:, None]) ** 2 + (1 - upper) * (values - low[:, None]) ** 2
    variance = np.maximum(square.sum(axis=1) / count, floor)
    share = np.clip(weight / count, LEAST_SHARE, 1 - LEAST_SHARE)
    return low, high, share, variance
