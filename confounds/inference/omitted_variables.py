"""Decompositions by omitted variables: Gelbach (linear) and Karlson-Holm-Breen (logit).

Formula: both compare a base regression, score on level, trend and threshold column X = (1, x, h),
with a full one that adds the confounds' columns Z. With Gamma the coefficients of Z on X (least
squares) and beta those of Z in the full regression, the omitted-variable-bias formula gives

    b_base[h] = b_full[h] + sum over confounds j of Gamma_j[h] beta_j,

and the j-th term is what confound j adds to the step. It does not depend on the order in which
confounds are added (Gelbach 2016, Journal of Labor Economics 34:509-543). On the logit the
coefficients of two regressions are not comparable, since the scale is set by the residual
variance; Karlson, Holm & Breen (2012, Sociological Methodology 42:286-313) refit the base
regression with the residuals Z - X Gamma beside X, which has the fit, hence the scale, of the full
one: its h coefficient is b_full[h] + sum_j Gamma_j[h] beta_j.

Here Gamma is taken in the raw condition, whose step is decomposed, and beta over the whole
crossing. A confound that acts within models is on in every raw row: its columns (1, x, h) have
Gamma = identity there, and its share is its own step. One that differs between models has a level
of its own (one column), and its share is what leaving that out would do to the step.

Assumption that would break it: confounds add up (on the score, or on the logit). What two of them
only do together is averaged over the crossing; on the linear scale both get the same part of it,
as by Shapley, and with more than two the remainder is in what is unexplained.

Estimand: what each confound adds to the step of the base regression.

Source: Gelbach 2016, Journal of Labor Economics 34:509-543; Karlson, Holm & Breen 2012,
Sociological Methodology 42:286-313.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.inference.sample import Floats

ITERATIONS = 25
TOLERANCE = 1e-8
ETA_LIMIT = 12.0
RIDGE = 1e-8
STEP_COLUMN = 2


@dataclass(frozen=True, eq=False)
class Stack:
    """The cells of a crossing, one row a cell.

    Attributes:
        X: (N, 3) one, centred log10 scale, threshold column.
        Z: (N, q) columns of the confounds.
        owner: (q,) index of the confound that each column of Z belongs to.
        raw: (N,) True where the cell is of the raw condition.
        n: (N,) items.
    """

    X: Floats
    Z: Floats
    owner: Floats
    raw: Floats
    n: Floats

    @property
    def gamma(self) -> Floats:
        """(3, q) coefficients of Z on X in the raw condition."""
        rows = self.raw > 0
        found: Floats = np.linalg.pinv(self.X[rows]) @ self.Z[rows]
        return found

    @property
    def full(self) -> Floats:
        """(N, 3 + q) design of the full regression."""
        return np.hstack([self.X, self.Z])

    @property
    def identified(self) -> bool:
        """Whether the full regression can tell all its columns apart."""
        full = self.full
        return bool(len(full) > full.shape[1] == np.linalg.matrix_rank(full))

    def shares(self, beta: Floats) -> Floats:
        """(B, K) contributions to the step from (B, q) coefficients of Z."""
        parts = self.gamma[STEP_COLUMN] * beta
        count = int(self.owner.max()) + 1
        member = (self.owner[:, None] == np.arange(count)[None]).astype(np.float64)
        total: Floats = parts @ member
        return total


def stack_cells(
    x: Floats, switched: Sequence[Floats], raw: Floats, n: Floats, place: tuple[float, str]
) -> Stack:
    """Build the two designs.

    Args:
        x: (N,) log10 scale of the cells.
        switched: for each confound (N,) 1 where it is on; all ones in the raw condition for one
            that acts within models.
        raw: (N,) 1 in the raw condition.
        n: (N,) items.
        place: log10 scale of the threshold, and `step` or `hinge`.
    """
    centred = x - x[raw > 0].mean()
    step = threshold_columns(x, np.array([place[0]]), place[1])[:, 0]
    X = np.column_stack([np.ones(len(x)), centred, step])
    columns: list[Floats] = []
    owner: list[int] = []
    for index, on in enumerate(switched):
        within = bool((on[raw > 0] == 1).all())
        added = [on, on * centred, on * step] if within else [on]
        columns += added
        owner += [index] * len(added)
    return Stack(X, np.column_stack(columns), np.array(owner, dtype=np.float64), raw, n)


def gelbach(y: Floats, stack: Stack) -> tuple[Floats, Floats]:
    """Step of the base regression (B,) and shares of the confounds (B, K), in score points.

    Args:
        y: (B, N) scores.
        stack: the designs.
    """
    rows = stack.raw > 0
    base = y[:, rows] @ np.linalg.pinv(stack.X[rows]).T
    full = y @ np.linalg.pinv(stack.full).T
    return base[:, STEP_COLUMN], stack.shares(full[:, stack.X.shape[1] :])


def khb(y: Floats, stack: Stack) -> tuple[Floats, Floats]:
    """Step of the rescaled base regression (B,) and shares of the confounds (B, K), in logits.

    Args:
        y: (B, N) scores in [0, 1]; the link has no chance floor, since a curve at chance has no
            logit above chance.
        stack: the designs.
    """
    theta = fit_logit(y, stack.full, stack.n)
    shares = stack.shares(theta[:, stack.X.shape[1] :])
    return theta[:, STEP_COLUMN] + shares.sum(axis=1), shares


def fit_logit(y: Floats, design: Floats, n: Floats) -> Floats:
    """(B, p) binomial maximum likelihood by iteratively reweighted least squares.

    A ridge of 1e-8 keeps a replicate finite that is separated; it moves nothing printed.
    """
    p = design.shape[1]
    start = (y * n + 0.5) / (n + 1)
    eta = np.log(start / (1 - start))
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), p * p)
    theta: Floats = np.zeros((len(y), p))
    for _ in range(ITERATIONS):
        mu = expit(eta)
        weight = np.maximum(mu * (1 - mu), 1e-9)
        working = eta + (y - mu) / weight
        weight = weight * n
        gram = (weight @ outer).reshape(-1, p, p)
        gram[:, np.arange(p), np.arange(p)] += RIDGE * n.sum()
        moment = (weight * working) @ design
        theta = np.linalg.solve(gram, moment[:, :, None])[:, :, 0].astype(np.float64, copy=False)
        moved = np.clip(theta @ design.T, -ETA_LIMIT, ETA_LIMIT)
        change = float(np.abs(moved - eta).max())
        eta = moved
        if change < TOLERANCE:
            break
    return theta
