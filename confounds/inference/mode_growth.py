"""Does the probability of the better mode grow with scale, or does it jump?

Luck that becomes more frequent with scale (Zhao et al. 2025) and a threshold above which nearly all
runs succeed, some failing, both put runs of one size into two modes. Two models of the number of
runs in the upper mode: a logistic of any steepness in log scale (two parameters), and one
probability below and another above a threshold (three). A difference of AIC alone lets a jump
pass for growth where the few failures happen to lie next to the threshold, so a bootstrap under the
jump decides; how often runs that fail are called luck: `benchmarks/shapes.py`, cells `runs`.

Estimand: the log likelihood ratio of the first against the second, as a difference of AIC and with
its p-value under the jump, by a parametric bootstrap of the counts.

Formula: 2 (max log L of logistic(a + b x) - max log L of p_below, p_above at a threshold), counts
binomial at each size; the AIC difference adds 2 for the third parameter of the jump.

Assumption that would break it: runs of one size are independent, and told into the right mode.

Source: Zhao et al. 2025 (arXiv 2502.17356); Cox 1961 (tests of separate families).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from confounds.inference.sample import Flags, Floats, Ints

LEVEL = 0.05
DRAWS = 199
STEPS = 50
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class ModeGrowth:
    """How well growth describes the runs beside a jump.

    Attributes:
        aic_difference: AIC of the jump above that of the logistic, larger is better for growth.
        p_jump: how often a jump would give as large a difference.
    """

    aic_difference: float
    p_jump: float

    @property
    def gradual(self) -> bool:
        """Whether growth is shown: no worse by AIC, and not what a jump gives."""
        return self.aic_difference >= 0 and self.p_jump < LEVEL


def mode_growth(x: Floats, lucky: Flags, rng: np.random.Generator) -> ModeGrowth:
    """Hold growth of the upper mode's probability against a jump of it.

    Args:
        x: (M,) log10 scale of the runs.
        lucky: (M,) True where a run lies in the upper mode.
        rng: source of randomness.
    """
    scales, codes = np.unique(x, return_inverse=True)
    runs = np.bincount(codes).astype(np.float64, copy=False)
    upper = np.bincount(codes, lucky.astype(np.float64)).astype(np.float64, copy=False)
    if len(scales) < 2:
        return ModeGrowth(0.0, 1.0)
    ratio, cuts = _ratio(scales, upper[None], runs)
    below = np.arange(len(scales)) <= cuts[0]
    shares = [(upper[side].sum() + 0.5) / (runs[side].sum() + 1) for side in (below, ~below)]
    share = np.where(below, *shares)
    drawn = rng.binomial(runs.astype(np.int64), share, (DRAWS, len(scales)))
    reference, _ = _ratio(scales, drawn.astype(np.float64), runs)
    p = (1 + np.count_nonzero(reference >= ratio[0] - 1e-9)) / (DRAWS + 1)
    return ModeGrowth(float(2 * ratio[0] + 2), float(p))


def _ratio(scales: Floats, upper: Floats, runs: Floats) -> tuple[Floats, Ints]:
    """(B,) log likelihood of growth less that of the best jump, and where that is."""
    jumps, cuts = _best_jump(upper, runs)
    growth: Floats = _log_likelihood(_logistic(scales, upper, runs), upper, runs)
    return growth - jumps, cuts


def _best_jump(upper: Floats, runs: Floats) -> tuple[Floats, Ints]:
    """(B,) log likelihood of two probabilities, and the last size below the threshold."""
    below, count = upper.cumsum(axis=1)[:, :-1], runs.cumsum()[:-1]
    above, rest = upper.sum(axis=1, keepdims=True) - below, runs.sum() - count
    likelihood = _log_likelihood(below / count, below, count, each=True) + _log_likelihood(
        above / rest, above, rest, each=True
    )
    return likelihood.max(axis=1), likelihood.argmax(axis=1)


def _logistic(scales: Floats, upper: Floats, runs: Floats) -> Floats:
    """(B, K) fitted probabilities of a logistic, by Newton's method with a weak ridge."""
    design = np.column_stack([np.ones(len(scales)), scales - np.average(scales, weights=runs)])
    theta = np.zeros((len(upper), 2))
    for _ in range(STEPS):
        share = expit(theta @ design.T)
        weight = runs * share * (1 - share)
        gram = (design.T * weight[:, None, :]) @ design + RIDGE * np.eye(2)
        slope = (upper - runs * share) @ design - RIDGE * theta
        theta = theta + np.clip(np.linalg.solve(gram, slope[:, :, None])[:, :, 0], -2, 2)
    return np.asarray(expit(theta @ design.T), dtype=np.float64)


def _log_likelihood(share: Floats, upper: Floats, runs: Floats, *, each: bool = False) -> Floats:
    """(B,) of all sizes together, or (B, K) of each."""
    inside = np.clip(share, 1e-9, 1 - 1e-9)
    found: Floats = upper * np.log(inside) + (runs - upper) * np.log(1 - inside)
    return found if each else found.sum(axis=1)
