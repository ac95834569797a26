"""A search for a threshold in a linear mixed model of correlated units, for many data sets.

Units are working logits with a known sampling covariance; models, families and model-by-condition
effects add variances that are estimated by restricted likelihood (Patterson & Thompson 1971),
Fisher scoring, in every data set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from confounds.inference._mixed_design import Booleans, Floats
from confounds.inference._supremum import Supremum

SCORING_STEPS = 12
FIRST_VARIANCE = 0.2
MOST_VARIANCE = 9.0
ABOUT_ONE = 1e-9


@dataclass(frozen=True, eq=False)
class UnitSearch(Supremum):
    """B searches.

    Attributes:
        step: (B, K) its coefficient.
        error: (B, K) standard error of the coefficient.
        mean: (B, U) fitted smooth null.
        variances: (B, C) variance components.
    """

    step: Floats
    error: Floats
    mean: Floats
    variances: Floats


@dataclass(frozen=True, eq=False)
class UnitProblem:
    """Units, their design, and what they may vary by.

    Attributes:
        response: (U,) observed working logits.
        X: (U, p) smooth terms.
        columns: (U, K) threshold columns.
        sampling: (U, U) covariance of the sampling errors.
        components: (C, U, U) covariance of each random effect at unit variance.
        bounded: column of X whose coefficient is bounded.
        steepest: its bound.
    """

    response: Floats
    X: Floats
    columns: Floats
    sampling: Floats
    components: Floats
    bounded: int
    steepest: float

    def search(self, z: Floats) -> UnitSearch:
        """Search all candidates in B data sets (B, U)."""
        variances = self._variances(z)
        precision = _inverse(self._covariance(variances))
        beta, at_bound = self.coefficients(z, precision)
        mean = beta @ self.X.T
        rest = [column for column in range(self.X.shape[1]) if column != self.bounded]
        free = _project(precision, self.X, self.columns, z - mean)
        held = _project(precision, self.X[:, rest], self.columns, z - mean)
        U, S, Q = (
            np.where(at_bound[:, None], second, first)
            for first, second in zip(free, held, strict=True)
        )
        explained = np.minimum(U * U / S, Q * (1 - ABOUT_ONE))
        freedom = z.shape[1] - self.X.shape[1] - 1 + at_bound[:, None]
        f = np.where(U > 0, explained / (Q - explained) * freedom, 0.0)
        return UnitSearch(f, U / S, 1 / np.sqrt(S), mean, variances)

    def draw(self, observed: UnitSearch, count: int, rng: np.random.Generator) -> Floats:
        """(B, U) working logits of new models and families around the observed null."""
        root = np.linalg.cholesky(self._covariance(observed.variances[:1])[0])
        noise = rng.standard_normal((count, len(self.response))) @ root.T
        drawn: Floats = observed.mean[0] + noise
        return drawn

    def level_below(self, observed: UnitSearch, candidate: int, at: float) -> float:
        """Logit of the smooth part at value `at` of the bounded column, the step fitted too.

        The other terms stand at their mean over the units.
        """
        column = self.columns[:, [candidate]]
        beside = replace(self, X=np.hstack([self.X, column]))
        precision = _inverse(self._covariance(observed.variances[:1]))
        beta, _ = beside.coefficients(self.response[None], precision)
        row = self.X.mean(axis=0)
        row[self.bounded] = at
        return float(beta[0, :-1] @ row)

    def _covariance(self, variances: Floats) -> Floats:
        total: Floats = self.sampling + np.tensordot(variances, self.components, axes=1)
        return total

    def _variances(self, z: Floats) -> Floats:
        """(B, C) by restricted likelihood, about a trend of any steepness."""
        count = len(self.components)
        variances = np.full((len(z), count), FIRST_VARIANCE)
        for _ in range(SCORING_STEPS):
            P = self._restricted_precision(variances)
            Pz = (P @ z[:, :, None])[:, :, 0]
            PA = [P @ component for component in self.components]
            score = np.empty((len(z), count))
            information = np.empty((len(z), count, count))
            for c, component in enumerate(self.components):
                trace = np.trace(PA[c], axis1=1, axis2=2)
                score[:, c] = ((Pz @ component) * Pz).sum(axis=1) - trace
                for d in range(count):
                    information[:, c, d] = (PA[c] * PA[d].transpose(0, 2, 1)).sum(axis=(1, 2))
            move = np.linalg.solve(information, score[:, :, None])[:, :, 0]
            move = np.clip(move, -0.7 * variances - 0.02, 2 * variances + 0.2)
            variances = np.clip(variances + move, 0.0, MOST_VARIANCE)
        return variances

    def _restricted_precision(self, variances: Floats) -> Floats:
        precision = _inverse(self._covariance(variances))
        PX = precision @ self.X
        inner = np.linalg.inv(self.X.T @ PX)
        restricted: Floats = precision - PX @ inner @ PX.transpose(0, 2, 1)
        return restricted

    def coefficients(self, z: Floats, precision: Floats) -> tuple[Floats, Booleans]:
        """(B, p) generalised least squares, and where the slope is at its bound (B,)."""
        gram = self.X.T @ precision @ self.X
        moment = ((precision @ z[:, :, None])[:, :, 0]) @ self.X
        beta: Floats = np.linalg.solve(gram, moment[:, :, None])[:, :, 0].astype(np.float64)
        over = beta[:, self.bounded] > self.steepest
        if over.any():
            rest = [column for column in range(self.X.shape[1]) if column != self.bounded]
            right = moment[:, rest] - gram[:, rest, self.bounded] * self.steepest
            held = np.full_like(beta, self.steepest)
            held[:, rest] = np.linalg.solve(gram[:, rest][:, :, rest], right[:, :, None])[:, :, 0]
            beta = np.where(over[:, None], held, beta)
        return beta, over


def _inverse(matrices: Floats) -> Floats:
    inverse: Floats = np.linalg.inv(matrices).astype(np.float64, copy=False)
    return inverse


def _project(
    precision: Floats, smooth: Floats, columns: Floats, rest: Floats
) -> tuple[Floats, Floats, Floats]:
    """U (B, K), S (B, K) and Q (B, 1) with the smooth columns taken out."""
    Pc, Ps = precision @ columns, precision @ smooth
    Pr = (precision @ rest[:, :, None])[:, :, 0]
    inner = np.linalg.inv(smooth.T @ Ps)
    cross = smooth.T @ Pc
    moment = Pr @ smooth
    taken = inner @ cross
    U = Pr @ columns - (moment[:, :, None] * taken).sum(axis=1)
    S = (columns[None] * Pc).sum(axis=1) - (cross * taken).sum(axis=1)
    own = (moment * (inner @ moment[:, :, None])[:, :, 0]).sum(axis=1)
    Q = (Pr * rest).sum(axis=1) - own
    return U, np.maximum(S, 1e-9), np.maximum(Q, 1e-9)[:, None]
