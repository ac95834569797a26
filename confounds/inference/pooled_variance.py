"""Variance between models, pooled over the tasks of a table.

With eight models of two families a task has five residual degrees of freedom, and a step has
to stand out against a variance that may be off by a factor of three. The other tasks know how
much models differ: their log variances are taken as draws around a common one, whose spread
beyond sampling says how many degrees of freedom the common variance is worth for one more task
(empirical Bayes on the log variance: Smyth 2004, limma's `fitFDist`).

Two corrections to the textbook. Tasks of the same models are not independent: with a share r of
their departures in common, T + 1 variances know no more than (T + 1) / (1 + T r^2) independent
ones. And a threshold in another task counts as variance where it is not modelled: so every
task's variance is what its best threshold, of either direction, leaves, over the degrees of
freedom that this search leaves where there is none (simulated).

Reference distributions draw the variance anew (`_reference.drawn_scatter`).

Estimand: the variance between models on one more task, and how many degrees of freedom that is
worth.

Formula: e_t = log s_t^2 - digamma(d / 2) + log(d / 2) over tasks of d degrees of freedom;
trigamma(d_0 / 2) = variance of e_t - (1 - r^2) trigamma(d / 2) gives the degrees of freedom d_0
that the common variance is worth, at most (T + 1) / (1 + T r^2) - 1 times those of a task, and
log s_0^2 = mean of e_t + digamma(d_0 / 2) - log(d_0 / 2) that variance.

Assumption that would break it: the task is like the others of its table in how much models differ.

Source: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3(1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, polygamma

from confounds.inference._null import Slopes, fit_fixed_effect, fixed_effect_freedom
from confounds.inference.sample import PooledVariance, threshold_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.inference.sample import Floats, Sample

MIN_TASKS = 3
MIN_FREEDOM = 3
MOST_NOISE = 0.5
"""Sampling variance on the link scale above which a task says nothing of its models."""
SEARCH_DRAWS = 200
NEWTON_STEPS = 50


def pool_variance(
    samples: Sequence[Sample], share: float, rng: np.random.Generator
) -> PooledVariance | None:
    """What other tasks say of the variance between models of one family.

    Args:
        samples: the other tasks.
        share: of the departures that tasks have in common, 0 to 1.
        rng: source of randomness of the search's degrees of freedom.

    Returns:
        The pooled variance, or None with fewer than three tasks that tell anything.
    """
    found = np.array([_variance(sample, rng) for sample in samples if _tells(sample)])
    found = found[found[:, 1] < MOST_NOISE] if len(found) else found
    if len(found) < MIN_TASKS:
        return None
    noise, freedom = float(np.median(found[:, 1])), float(found[:, 2].mean())
    logs = np.log(found[:, 0] + noise) - digamma(freedom / 2) + np.log(freedom / 2)
    own = max(fixed_effect_freedom(sample) for sample in samples)
    worth = min(_spread_freedom(logs, freedom, share), _shared_freedom(len(found), own, share))
    total = float(np.exp(logs.mean() + digamma(worth / 2) - np.log(worth / 2)))
    return PooledVariance(max(total - noise, 0.0), noise, worth)


def _tells(sample: Sample) -> bool:
    enough = fixed_effect_freedom(sample) >= MIN_FREEDOM
    return sample.binomial and enough and sample.why_not() is None


def _variance(sample: Sample, rng: np.random.Generator) -> tuple[float, float, float]:
    """tau^2 beside the best threshold, mean sampling variance, degrees of freedom."""
    fit = fit_fixed_effect(sample.score[None], sample, Slopes())
    w, tau2 = fit.weight[0], float(fit.tau2[0])
    noise = float(1 / np.mean(1 / np.maximum(1 / w - tau2, 1e-12)))
    root = np.sqrt(w)
    smooth = np.hstack([sample.membership, sample.design[:, 1:]]) * root[:, None]
    columns = threshold_columns(sample.x, sample.grid, "step") * root[:, None]
    drawn = np.vstack([root * fit.residual[0], rng.standard_normal((SEARCH_DRAWS, len(sample)))])
    left = _left_by_search(drawn, smooth, columns)
    mean, spread = float(left[1:].mean()), float(left[1:].var())
    return max((tau2 + noise) * left[0] / mean - noise, 0.0), noise, 2 * mean**2 / spread


def _left_by_search(drawn: Floats, smooth: Floats, columns: Floats) -> Floats:
    """(B,) sum of squares that the smooth columns and the best threshold leave."""
    q, _ = np.linalg.qr(smooth)
    rest = drawn - (drawn @ q) @ q.T
    inner = columns - q @ (q.T @ columns)
    size = (inner**2).sum(axis=0)
    told = size > 1e-6 * (columns**2).sum(axis=0)
    explained = ((rest @ inner[:, told]) ** 2 / size[told]).max(axis=1, initial=0.0)
    left: Floats = (rest**2).sum(axis=1) - explained
    return left


def _spread_freedom(logs: Floats, freedom: float, share: float) -> float:
    """Degrees of freedom that the spread of log variances between tasks leaves to their mean."""
    excess = float(logs.var(ddof=1) - polygamma(1, freedom / 2) * (1 - share**2))
    return 2 * _inverse_trigamma(excess) if excess > 0 else np.inf


def _shared_freedom(tasks: int, own: float, share: float) -> float:
    """Degrees of freedom that as many correlated tasks add to a task's own."""
    return own * max((tasks + 1) / (1 + tasks * share**2) - 1, 0.2)


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is nearly linear (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(NEWTON_STEPS):
        trigamma = float(polygamma(1, x))
        x += trigamma * (1 - trigamma / value) / float(polygamma(2, x))
    return x
