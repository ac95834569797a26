"""The link with a chance floor: mu = c + (1 - c) logistic(eta); identity where unbounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, Sample

ETA_LIMIT = 9.0
TRANSITION = 2 * np.log(9.0)
"""Width of a 10-90 % transition of the logistic, in units of eta: 4.394."""


def mean(eta: Floats, floor: Floats, *, binomial: bool) -> Floats:
    """Expected score at `eta`, broadcast over `floor`."""
    if not binomial:
        return eta
    return floor + (1 - floor) * _logistic(eta)


def slope(eta: Floats, floor: Floats, *, binomial: bool) -> Floats:
    """D mu / d eta."""
    if not binomial:
        return np.ones_like(eta)
    s = _logistic(eta)
    return np.maximum((1 - floor) * s * (1 - s), 1e-9)


def within(x: Floats, limit: float) -> Floats:
    """Between -limit and limit."""
    return x.clip(-limit, limit)


def mean_and_slope(eta: Floats, floor: Floats, *, binomial: bool) -> tuple[Floats, Floats]:
    """Both of the above, at the cost of one."""
    if not binomial:
        return eta, np.ones_like(eta)
    s = _logistic(eta)
    mu = (1 - floor) * s
    gradient = (1 - s) * mu
    mu += floor
    return mu, np.maximum(gradient, 1e-9, out=gradient)


def _logistic(eta: Floats) -> Floats:
    """To 1e-16 of the whole, which is all that is used here; faster than `expit`."""
    s: Floats = np.asarray(0.5 * eta)
    np.tanh(s, out=s)
    s *= 0.5
    s += 0.5
    return s


def inverse(score: Floats, floor: Floats, *, binomial: bool) -> Floats:
    """Eta at an expected score, clipped inside (floor, 1)."""
    if not binomial:
        return score
    share = np.clip((score - floor) / (1 - floor), 1e-4, 1 - 1e-4)
    return np.log(share / (1 - share))


def sampling_variance(mu: Floats, sample: Sample) -> Floats:
    """Variance of the mean score over items, at expected score `mu`."""
    if sample.variance is not None:
        return np.broadcast_to(sample.variance, mu.shape)
    if not sample.binomial:
        return np.zeros_like(mu)
    inside = np.maximum(mu, sample.half_item)
    np.minimum(inside, 1 - sample.half_item, out=inside)
    variance: Floats = 1 - inside
    variance *= inside
    variance /= sample.n
    return variance


def guessing_variance(mu: Floats, sample: Sample) -> Floats:
    """Variance of the expected score for one unit of rho, c (1 - mu)^2 / (1 - c).

    Models guess what they do not know, each at a rate of its own: mean c, variance rho c (1 - c).
    """
    if not sample.binomial:
        return np.zeros_like(mu)
    variance: Floats = 1 - mu
    variance *= variance
    variance *= sample.floor / (1 - sample.floor)
    return variance
