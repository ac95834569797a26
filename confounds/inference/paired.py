"""Contrast of the same models over any factor: shots, exposure, prompt, reasoning, or metric.

Whatever a table varies within models can be held against itself, and the model effect cancels
(`contrast`). Two levels of a column, or two metrics of the same responses: the question is the
same, whether the within-model difference on the link scale has an upward threshold.

Where the same items were asked on both sides, their luck cancels too: the correlation of a
model's item scores on the two sides, averaged over models, is that of its two sampling errors.
The pairing of one model's answers item by item is McNemar's (1947); here it sets the noise of a
difference whose sampling unit stays the model.

Estimand: the threshold of the within-model difference on the link scale, with its p-value.

Formula: that of `contrast`, with the covariance of the two sampling errors r sqrt(v_1 v_2), r the
mean correlation of a model's item scores on the two sides times the share of items in common.

Assumption that would break it: nothing else differs between the two sides.

Source: McNemar 1947 (the same items); Miller 2024 (arXiv 2411.00640), paired differences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.inference.change import Place, estimate_change
from confounds.inference.contrast import contrast_test, pair_samples
from confounds.results import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation

METRIC = "metric"
MIN_ITEMS = 10
"""Items in common below which a model tells nothing of their correlation."""
MOST = 0.95


@dataclass(frozen=True, slots=True)
class Sides:
    """What is held against what.

    Attributes:
        factor: a condition column, or `metric`.
        level: its value where the threshold is thought to be.
        against: its value on the other side.
    """

    factor: str
    level: Any
    against: Any


@dataclass(frozen=True)
class PairedContrast:
    """The contrast of one factor.

    Attributes:
        sides: what was held against what.
        threshold: scale of the threshold of the difference, with statistic and p-value.
        change: step in score points at that threshold, taken as known, first minus second; None
            for two metrics, whose points are not the same.
        models: in both conditions.
        correlation: of the sampling errors of the two sides, from shared items.
        reason: why there is no contrast, or None.
    """

    sides: Sides
    threshold: Estimate | None = None
    change: Estimate | None = None
    models: int = 0
    correlation: float = 0.0
    reason: str | None = None


def contrast_over(fits: Fits, sides: Sides) -> PairedContrast:
    """Is the threshold that of one level of a factor, within models?

    Args:
        fits: of the claim, whose other conditions hold on both sides.
        sides: the factor and its two levels.

    Returns:
        The contrast, or the reason why there is none.
    """
    first, second = (_observe(fits, sides.factor, value) for value in _levels(sides))
    for value, seen in zip(_levels(sides), (first, second), strict=True):
        if seen is None or seen.sample is None:
            return PairedContrast(sides, reason=f"no model was run with {sides.factor} = {value}")
    assert first is not None and second is not None  # noqa: S101, PT018  for the type checker
    if first.sample is None or second.sample is None:
        return PairedContrast(sides, reason="no models")
    if first.sample.binomial != second.sample.binomial:
        return PairedContrast(sides, reason="one metric lies in [0, 1], the other is unbounded")
    pair = pair_samples(first.sample, second.sample)
    if pair is None:
        return PairedContrast(sides, reason="too few models were run on both sides")
    pair = replace(pair, correlation=shared_luck(*_rows(fits, sides)))
    plan, name = fits.plan, f"{sides.factor}:{sides.level}:{sides.against}"
    slopes = plan.slopes(pair.raw)
    found = contrast_test(pair, plan.shape, slopes, plan.replicates, fits.rng(f"paired:{name}"))
    change = None
    if sides.factor != METRIC:
        psi = float(found.estimate or 0.0)
        place = Place(psi, np.array([psi]), plan.shape)
        change = estimate_change(pair, place, plan.growth(pair.raw), fits.rng(f"change:{name}"))
    threshold = replace(found, estimate=10 ** (found.estimate or 0.0))
    return PairedContrast(sides, threshold, change, len(pair.raw), pair.correlation)


def shared_luck(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """Correlation of a model's sampling errors on two sides, from the items that both asked.

    Args:
        first: item rows of one side: `model item score`; repeated rows of an item are averaged.
        second: those of the other.

    Returns:
        The mean over models of the correlation over items, times the share of items in common;
        0 where there are no item rows, and never below 0.
    """
    sides = [
        rows.dropna(subset=["item"]).groupby(["model", "item"])["score"].mean()
        for rows in (first, second)
    ]
    found = []
    for model in sorted(set(sides[0].index.unique(0)) & set(sides[1].index.unique(0))):
        one, two = sides[0].loc[model], sides[1].loc[model]
        both = one.index.intersection(two.index)
        if len(both) < MIN_ITEMS or one[both].std() == 0 or two[both].std() == 0:
            continue
        share = len(both) / np.sqrt(len(one) * len(two))
        found.append(share * float(np.corrcoef(one[both], two[both])[0, 1]))
    return float(np.clip(np.mean(found), 0.0, MOST)) if found else 0.0


def _levels(sides: Sides) -> tuple[Any, Any]:
    return sides.level, sides.against


def _observe(fits: Fits, factor: str, value: Any) -> Observation | None:
    if factor != METRIC:
        return fits.observe({factor: value})
    return fits.observe({}, value) if fits.has_metric(value) else None


def _rows(fits: Fits, sides: Sides) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows behind both sides."""
    found = []
    for value in _levels(sides):
        held = dict(fits.claim.condition)
        metric = fits.claim.metric
        if sides.factor == METRIC:
            metric = value
        else:
            held[sides.factor] = value
        frame = fits.outcomes.select(task=fits.claim.task, metric=metric).frame
        for name, level in held.items():
            frame = frame[frame[name] == level]
        found.append(frame)
    return found[0], found[1]
