"""A curve of given effect that rises to the ceiling, fitted by where it stands before the step.

Scores at a ceiling fix what is above the threshold to a fraction of a point. With the level on the
logit, the iterations then miss the least sum of squares, and an interval ends where they do.
Elsewhere they find one beside the fitted curve; lower ones, of curves that rise as steeply as is
allowed and step back, would widen the intervals of 8 models by .14 to .51 and cover no more
(`benchmarks/interval_coverage.py --only " 8 models"`, as it is and with `NEAR_CEILING` = 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._constrained import Constrained

if TYPE_CHECKING:
    from confounds.inference._null import NullFit
    from confounds.inference.sample import Flags, Floats, Sample

NEAR_CEILING = 0.9
"""Share of the way from floor to ceiling from which on a curve counts as risen to it."""
INSIDE = 1e-3
"""Of the scores that an effect leaves, the part at either end in which no iteration starts."""
ROUNDED = 1e-9
"""How far beyond the whole way from floor to ceiling an effect may lie."""


def rises_to_ceiling(fit: NullFit, sample: Sample) -> bool:
    """Does the first of B fitted curves come near 1?"""
    highest = np.array(fit.eta[0].max())
    return sample.binomial and bool(_link.mean(highest, np.zeros(()), binomial=True) > NEAR_CEILING)


class Saturated(Constrained):
    """`Constrained` with u in place of the level.

    Before the step the curve stands at low + (high - low) logistic(u), between the scores
    low = c - min(D, 0) and high = 1 - max(D, 0) that an effect D leaves.
    """

    def __init__(self, sample: Sample, psi: Floats, shape: str, effects: Floats) -> None:
        super().__init__(sample, psi, shape, effects)
        self.low = self.floor - np.minimum(self.effects, 0.0)
        self.span = 1 - np.maximum(self.effects, 0.0) - self.low
        self.rows = (*self.rows, "low", "span")

    def begin(self, theta: Floats) -> Floats:
        """The same curves before their steps, by u."""
        eta0 = (theta * self.row).sum(axis=1)
        before = _link.mean(eta0, self.floor, binomial=True)
        share = np.clip((before - self.low) / np.maximum(self.span, INSIDE), INSIDE, 1 - INSIDE)
        return np.column_stack([np.log(share / (1 - share)), theta[:, 1:]])

    def evaluate(self, theta: Floats) -> tuple[Floats, Floats, Flags]:
        """Mu (KD, M), d mu / d theta (p, KD, M), and whether the effect can be attained (KD,)."""
        sample = self.sample
        share = _link.mean(theta[:, 0], np.zeros(()), binomial=True)
        room = np.maximum(self.span, 0.0)
        score, moved = self.low + room * share, room * share * (1 - share)
        before, of_before = self._side(score, moved)
        after, of_after = self._side(score + self.effects, moved)
        beside = sample.design[:, 1:].T[:, None, :] - self.row[:, 1:].T[:, :, None]
        eta = before[:, None] + ((after - before) / self.height)[:, None] * self.column
        for own, along in zip(theta[:, 1:].T, beside, strict=True):
            eta += own[:, None] * along
        mu, gradient = _link.mean_and_slope(eta, sample.floor, binomial=True)
        jacobian = np.empty((theta.shape[1], *eta.shape))
        np.multiply(self.column, ((of_after - of_before) / self.height)[:, None], out=jacobian[0])
        jacobian[0] += of_before[:, None]
        jacobian[1:] = beside
        jacobian *= gradient
        return mu, jacobian, self.span > -ROUNDED

    def _side(self, score: Floats, moved: Floats) -> tuple[Floats, Floats]:
        """Eta (KD,) at a score, and its derivative by u."""
        eta = _link.inverse(score, self.floor, binomial=True)
        return eta, moved / _link.slope(eta, self.floor, binomial=True)
