"""How scores scatter about their curve, and one step of estimating it.

On the logit there are three parts: tau^2 between models and phi^2 between families, on the link
scale, and rho, which spreads the rates at which models guess right what they do not know (mean c,
variance rho c (1 - c)): one that prefers a letter scores above or below chance by more than the
luck of its items. At the chance floor tau^2 moves no score, so that such models need rho, or they
drive tau^2 to its bound. Where chance is 0 there is no rho.

Within families, tau^2 is estimated by restricted maximum likelihood of the working response
(Patterson & Thompson 1971): sum u^2 = tr P with u = V^-1 r and P the inverse covariance with the
fixed effects projected out. A model at the floor counts there for what it tells of tau^2, which is
nothing; in the moment equation of Paule & Mandel, kept for unbounded metrics, it counts as any
other. Rho solves sum k (u^2 - P_mm) = rho / prior variance over the models near the floor, k being
c (1 - mu)^2 / (1 - c) over (d mu / d eta)^2: those above would take a part of tau^2 for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, PooledVariance

MAX_VARIANCE = 4.0
"""Largest tau^2 and phi^2 on the logit."""
MAX_DISPERSION = 0.05
"""Largest rho: an SD of .10 between models that all guess among four."""
PRIOR = 1 / 0.01**2
"""On the equation of rho, towards 0: a sixteenth of what one model at a floor of .25 with 400
items tells."""
NEAR_FLOOR = 0.1
"""Height above the floor, in shares of the way to 1, from which on a model says nothing of rho."""

TAU_STEP = (0.01, 0.5)
RHO_STEP = (1e-5, 1e-3)


@dataclass(frozen=True, eq=False)
class Scatter:
    """Of B data sets, or of one that stands for all.

    Attributes:
        tau2: (B,) variance between models, on the link scale.
        phi2: (B,) variance between families, on the link scale.
        rho: (B,) spread of the rates of guessing right.
    """

    tau2: Floats
    phi2: Floats
    rho: Floats

    @classmethod
    def none(cls, count: int) -> Scatter:
        """Nothing but the luck of the items."""
        return cls(*np.zeros((3, count)))

    def repeated(self, times: int) -> Scatter:
        """Every data set as many times."""
        return Scatter(*(np.repeat(item, times) for item in (self.tau2, self.phi2, self.rho)))


@dataclass(frozen=True, eq=False)
class Evidence:
    """What B data sets say of their scatter within families.

    Attributes:
        u2: (B, M) squares of V^-1 r.
        w: (B, M) inverse variances.
        p: (B, M) diagonal of P.
        k: (B, M) variance on the link scale for one unit of rho.
        height: (B, M) how far above the floor the curve is, 0 to 1.
    """

    u2: Floats
    w: Floats
    p: Floats
    k: Floats
    height: Floats


def restricted_step(
    tau2: Floats, rho: Floats, found: Evidence, pooled: PooledVariance | None
) -> tuple[Floats, Floats]:
    """One scoring step of tau^2 and rho (B,), neither below 0.

    Pooled variance enters as that many more residuals, all of the pooled size.
    """
    p2, beyond = found.p * found.p, found.u2 - found.p
    score = beyond.sum(axis=1)
    information = np.vecdot(found.p, found.p)
    information = np.maximum(information, 2 * np.vecdot(found.u2, found.w) - information)
    if pooled is not None:
        size = tau2 + pooled.noise
        score = score + pooled.freedom * ((pooled.tau2 + pooled.noise) / size - 1) / size
        information = information + pooled.freedom / size**2
    information = np.maximum(information, 1e-12)
    share = (1 - found.height / NEAR_FLOOR).clip(0.0, 1.0)
    share *= found.k
    score_rho = np.vecdot(share, beyond) - PRIOR * rho
    rho_by_tau, tau_by_rho = np.vecdot(share, p2), np.vecdot(found.k, p2)
    p2 *= found.k
    information_rho = np.vecdot(share, p2) + PRIOR
    least = 1e-3 * information * information_rho
    determinant = np.maximum(information * information_rho - tau_by_rho * rho_by_tau, least)
    of_tau = (information_rho * score - tau_by_rho * score_rho) / determinant
    of_rho = (information * score_rho - rho_by_tau * score) / determinant
    without = rho + of_rho < 0
    of_tau = np.where(without, (score + tau_by_rho * rho) / information, of_tau)
    of_rho = np.where(without, -rho, of_rho)
    without = tau2 + of_tau < 0
    of_rho = np.where(without, (score_rho + rho_by_tau * tau2) / information_rho, of_rho)
    of_tau = np.where(without, -tau2, of_tau)
    tau2 = _stepped(tau2, of_tau, TAU_STEP, MAX_VARIANCE)
    told = share.any(axis=1)
    return tau2, np.where(told, _stepped(rho, of_rho, RHO_STEP, MAX_DISPERSION), 0.0)


def _stepped(variance: Floats, change: Floats, slack: tuple[float, float], most: float) -> Floats:
    """A variance after a step that takes off most of it, or trebles it, give or take `slack`."""
    down, up = -0.7 * variance - slack[0], 2 * variance + slack[1]
    moved: Floats = variance + np.minimum(np.maximum(change, down), up)
    return np.minimum(np.maximum(moved, 0.0), most)


def moment_step(
    tau2: Floats,
    weighted_square: Floats,
    w: Floats,
    freedom: float,
    most: float = np.inf,
    slack: float = 1.0,
) -> Floats:
    """One Newton step of the Paule-Mandel equation sum w r^2 = freedom in tau^2.

    A step at most halves or trebles tau^2, give or take `slack`, which on the logit lets it
    become 0.
    """
    total = weighted_square.sum(axis=1)
    steepness = np.maximum((weighted_square * w).sum(axis=1), 1e-300)
    least, upward = -0.5 * tau2 - 0.01 * slack, 2 * tau2 + 0.5 * slack
    change = np.clip((total - freedom) / steepness, least, upward)
    moved: Floats = np.clip(tau2 + change, 0.0, most)
    return moved


def pooled_squares(tau2: Floats, pooled: PooledVariance | None) -> Floats:
    """(B,) sum of squares that the pooled variance adds, where the variance is tau^2."""
    if pooled is None:
        return np.zeros_like(tau2)
    squares: Floats = pooled.freedom * (pooled.tau2 + pooled.noise) / (tau2 + pooled.noise)
    return squares
