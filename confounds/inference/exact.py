"""Exact tests and intervals for counts of right answers against a guesser.

Estimand: the chance that a guesser gets as many right; the share of right answers with its
interval.

Formula: P(X >= hits), X a sum of Bernoulli variables of the items' chance levels; the interval of
Clopper and Pearson inverts two binomial tests of half the error each.

Assumption that would break it: items are independent.

Source: Clopper & Pearson 1934, Biometrika 26:404-413.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from confounds.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LOST = 1e-18


def guessing_p_value(hits: float, items: Floats, chance: Floats) -> float:
    """How likely does a guesser get at least `hits` of these items right?

    Exact one-sided test. Where chance is the same for all items the count is binomial; where
    it varies it is Poisson-binomial (a sum of binomials), by convolution.

    Args:
        hits: items answered right; rounded to a whole number.
        items: (G,) number of items in each group of equal chance.
        chance: (G,) chance of the group, within [0, 1].

    Returns:
        The p-value. In the Poisson-binomial case the probability cut off at the far tails
        is counted in, so that it is never too small.

    Raises:
        UsageError: a chance outside [0, 1], no items, or more hits than items.

    Example:
        >>> round(guessing_p_value(8, np.array([10.0]), np.array([0.5])), 6)
        0.054688
    """
    items = np.atleast_1d(np.asarray(items, dtype=np.float64))
    chance = np.atleast_1d(np.asarray(chance, dtype=np.float64))
    if not ((chance >= 0) & (chance <= 1)).all():
        msg = f"chance is {chance.tolist()}; it must lie from 0 to 1"
        raise UsageError(msg)
    if items.sum() < 1:
        msg = f"there are {items.sum():g} items; at least 1 is needed"
        raise UsageError(msg)
    levels, group = np.unique(chance, return_inverse=True)
    counts = np.rint(np.bincount(group, weights=items))
    needed = round(hits)
    if needed > counts.sum():
        msg = f"{needed} hits of {counts.sum():g} items; there cannot be more hits than items"
        raise UsageError(msg)
    if needed <= 0:
        return 1.0
    if len(levels) == 1:
        return float(special.bdtrc(needed - 1, int(counts[0]), levels[0]))
    return _poisson_binomial_tail(needed, counts, levels)


def _poisson_binomial_tail(needed: int, counts: Floats, levels: Floats) -> float:
    """P(sum of Binomial(counts, levels) >= needed), an upper bound by at most the mass lost."""
    mass, offset, lost = np.ones(1), 0, 0.0
    for count, level in zip(counts, levels, strict=True):
        low = int(stats.binom.ppf(_LOST, count, level)) if level > 0 else 0
        high = int(stats.binom.isf(_LOST, count, level)) if level > 0 else 0
        low, high = max(low, 0), min(max(high, low), int(count))
        mass = np.convolve(mass, stats.binom.pmf(np.arange(low, high + 1), count, level))
        offset += low
        lost += 2 * _LOST
    tail = mass[max(needed - offset, 0) :].sum()
    return float(min(1.0, tail + lost))


def clopper_pearson(
    hits: Floats | float, items: Floats | float, level: float
) -> tuple[Floats, Floats]:
    """Exact two-sided intervals for proportions (Clopper & Pearson 1934).

    Args:
        hits: items answered right, one number or an array; rounded to whole numbers.
        items: items asked, likewise.
        level: coverage, such as .95.

    Returns:
        Lower and upper bounds, in the shape of `hits`.

    Example:
        >>> low, high = clopper_pearson(0, 10, 0.95)
        >>> float(low), round(float(high), 4)
        (0.0, 0.3085)
    """
    hits, items = np.rint(np.asarray(hits, dtype=np.float64)), np.asarray(items, dtype=np.float64)
    tail, missed = (1 - level) / 2, items - hits
    lower = special.betaincinv(np.maximum(hits, 1), missed + 1, tail)
    upper = special.betaincinv(hits + 1, np.maximum(missed, 1), 1 - tail)
    return np.where(hits > 0, lower, 0.0), np.where(missed > 0, upper, 1.0)
