"""P-values adjusted for many tests at once.

`romano_wolf` is for tests that share bootstrap draws and so are known to be correlated; `holm`
needs nothing but the p-values; both control the chance of any false rejection.
`benjamini_hochberg` controls the share of false ones among the rejections, for screening.

An adjusted p-value is never below the raw one, so adjustment can only take a rejection away.

Estimand: the smallest error rate at which each test would still be rejected among all of them.

Formula: Holm: max over j <= i of (T - j + 1) p_(j). Benjamini-Hochberg: min over j >= i of T p_(j)
/ j. Romano-Wolf: (1 + #{max of the draws of the tests left >= statistic}) / (B + 1), made monotone.

Assumption that would break it: p-values are valid one by one; for Benjamini-Hochberg also that
tests are independent or depend positively; for Romano-Wolf that draws are of the joint null.

Source: Holm 1979; Benjamini & Hochberg 1995; Romano & Wolf 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from confounds.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def holm(p_values: Floats) -> Floats:
    """Adjusted p-values of Holm (1979), in the order given.

    Args:
        p_values: (T,) within [0, 1]; leave out what could not be tested.

    Raises:
        UsageError: a value outside [0, 1].

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = _checked(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(steps * p_values[order])
    return _in_given_order(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values of Benjamini & Hochberg (1995), in the order given.

    Args:
        p_values: (T,) within [0, 1]; leave out what could not be tested.

    Raises:
        UsageError: a value outside [0, 1].

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    p_values = _checked(p_values)
    order = np.argsort(p_values, kind="stable")
    ranks = np.arange(1, len(p_values) + 1)
    scaled = p_values[order] * len(p_values) / ranks
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_given_order(np.minimum(stepped, 1.0), order)


def romano_wolf(statistics: Floats, draws: Floats) -> Floats:
    """Adjusted p-values by the stepdown of Romano & Wolf (2005), in the order given.

    The largest statistic is held against the largest of all draws, the next against the
    largest of those that remain, and so on; so tests that move together cost little.

    Args:
        statistics: (T,) one per test, larger being more evidence; for a two-sided test give
            absolute values, of the draws too. They must be on one scale (studentised).
        draws: (B, T) the same statistics in B bootstrap replicates of the joint null; a row
            is one replicate, shared by all tests.

    Returns:
        (T,) `(1 + number of draws at least as large) / (B + 1)`, made monotone.

    Raises:
        UsageError: shapes that do not fit, no draws, or values that are not finite.

    Example:
        >>> romano_wolf(np.array([3.0, 0.5]), np.array([[0.1, 0.9], [1.0, 0.2], [0.3, 0.4]]))
        array([0.25, 0.5 ])
    """
    statistics = np.asarray(statistics, dtype=np.float64)
    draws = np.asarray(draws, dtype=np.float64)
    if statistics.ndim != 1 or draws.ndim != 2 or draws.shape[1] != len(statistics):
        msg = f"draws have shape {draws.shape}; allowed: (replicates, {statistics.size})"
        raise UsageError(msg)
    if not len(draws):
        msg = "there are no draws; at least one replicate is needed"
        raise UsageError(msg)
    if not (np.isfinite(statistics).all() and np.isfinite(draws).all()):
        msg = "statistics and draws must be finite; leave out what could not be tested"
        raise UsageError(msg)
    order = np.argsort(-statistics, kind="stable")
    largest = np.maximum.accumulate(draws[:, order[::-1]], axis=1)[:, ::-1]
    exceeded = (largest >= statistics[order]).sum(axis=0)
    stepped = np.maximum.accumulate((1.0 + exceeded) / (len(draws) + 1.0))
    return _in_given_order(stepped, order)


def _checked(p_values: Floats) -> Floats:
    p_values = np.asarray(p_values, dtype=np.float64)
    good = (p_values >= 0) & (p_values <= 1)
    if p_values.ndim != 1 or not good.all():
        bad = p_values[~good][:1].tolist() if p_values.ndim == 1 else p_values.shape
        msg = f"p-values hold {bad}; allowed: a row of numbers from 0 to 1"
        raise UsageError(msg)
    return p_values


def _in_given_order(values: Floats, order: NDArray[np.int64]) -> Floats:
    restored = np.empty_like(values)
    restored[order] = values
    return restored
