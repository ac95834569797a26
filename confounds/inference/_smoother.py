"""A penalised cubic regression spline, as it is used to look for the turn of a curve.

Natural cubic spline on at most ten knots (evenly spaced among the distinct x), penalised by the
integral of its squared second derivative, whose weight minimises generalised cross-validation.
Source: Wood (2017), Generalized Additive Models, section 5.3.1; `mgcv::gam(y ~ s(x, bs = "cr"))`
is the peer that the tests hold it against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline

if TYPE_CHECKING:
    from confounds.inference.sample import Floats

MOST_KNOTS = 10
WEIGHTS = np.logspace(-8, 8, 97)


@dataclass(frozen=True, eq=False)
class Smooth:
    """The fitted curve at the points themselves.

    Attributes:
        fitted: (M,) curve without further covariates.
        std_error: (M,) its Bayesian standard error.
        freedom: effective degrees of freedom of the whole fit.
    """

    fitted: Floats
    std_error: Floats
    freedom: float


def smooth(x: Floats, y: Floats, covariates: Floats | None = None) -> Smooth:
    """Fit the spline, with covariates (M, q) beside it that are not penalised."""
    basis, penalty = _basis(x)
    columns = basis if covariates is None else np.hstack([basis, covariates])
    full = np.zeros((columns.shape[1],) * 2)
    full[: len(penalty), : len(penalty)] = penalty
    gram, moment = columns.T @ columns, columns.T @ y
    scale = np.trace(gram) / max(float(np.trace(penalty)), 1e-300)
    best = (np.inf, 0.0)
    for weight in WEIGHTS * scale:
        inverse = np.linalg.pinv(gram + weight * full)
        residual = y - columns @ (inverse @ moment)
        freedom, rest = float(np.vdot(inverse, gram)), float(residual @ residual)
        left = len(y) - freedom
        if left > 0:
            best = min(best, (len(y) * rest / left**2, float(weight)))
    inverse = np.linalg.pinv(gram + best[1] * full)
    theta = inverse @ moment
    residual = y - columns @ theta
    freedom = float(np.trace(inverse @ gram))
    spread = float(residual @ residual) / max(len(y) - freedom, 1.0)
    rows = columns.copy()
    rows[:, len(penalty) :] = 0.0
    variance = ((rows @ inverse) * rows).sum(axis=1) * spread
    return Smooth(rows @ theta, np.sqrt(np.maximum(variance, 0.0)), freedom)


def _basis(x: Floats) -> tuple[Floats, Floats]:
    """(M, k) cardinal natural splines and their (k, k) roughness."""
    distinct = np.unique(x)
    count = min(MOST_KNOTS, len(distinct))
    knots = np.quantile(distinct, np.linspace(0, 1, count))
    spline = CubicSpline(knots, np.eye(count), bc_type="natural")
    bend = spline(knots, 2)
    width = np.diff(knots)
    mass = np.diag(np.append(width, 0.0) + np.insert(width, 0, 0.0)) / 3
    mass += np.diag(width, 1) / 6 + np.diag(width, -1) / 6
    return np.asarray(spline(x)), np.asarray(bend.T @ mass @ bend)
