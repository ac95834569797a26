"""Easy and hard items apart: do two opposite curves cancel in the average?

Wu & Lo (2024) see scores on hard items fall before they rise (a U) and scores on easy items rise
before they fall (an inverted U), which together look flat until the ability appears.

Difficulty without a circle: an item that a few models got right by luck would be called easy, and
their score on easy items would be high for that reason alone. So the items that a model is judged
on are ranked by the scores of other families only (of other models where there are fewer than
four families), each less the model's mean: `FOLDS` folds, and every model's thirds come from the
models outside of its fold. Items that differ by luck alone then show no difference between thirds.

Estimand: the score at each scale over one third of the items by difficulty, and the two-lines test
of its shape.

Formula: the difficulty of item i for the models of fold k is minus the mean over models m outside k
of (score_mi - mean of m); thirds are by its quantiles.

Assumption that would break it: families outside a fold find the same items hard.

Source: Wu & Lo 2024 (arXiv 2410.01692), who rank items by the average over all models.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from confounds.exploration import DifficultySlice
from confounds.inference.two_lines import shape_of
from confounds.results import CurvePoint

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Ints, Sample

LABELS = ("easiest third", "middle third", "hardest third")
MIN_ITEMS = 30
MIN_MODELS = 8
COVERAGE = 0.8
"""Share of the models that an item, and of the items that a model, must have."""
FOLDS = 5
FEW_FAMILIES = 4


def difficulty_slices(fits: Fits) -> tuple[DifficultySlice, ...]:
    """The claim's curve over thirds of its items, easiest first.

    Returns:
        One answer a third; none where the table has too few item rows (at least `MIN_ITEMS` items
        that most models were asked) or fewer than `MIN_MODELS` models.
    """
    observation = fits.raw_observation
    if observation.sample is None:
        return ()
    found = item_scores(fits, observation.sample)
    if found is None:
        return ()
    rows, scores = found
    if observation.flipped:
        scores = 1 - scores if observation.sample.binomial else -scores
    sample = observation.sample.take(rows)
    unit = 1.0 if sample.binomial else float(np.ptp(sample.score))
    smallest = fits.claim.smallest_effect * unit
    thirds = _thirds(scores, _folds(sample))
    return tuple(
        _slice(sample, scores, members, label, smallest)
        for members, label in zip(thirds, LABELS, strict=True)
    )


def item_scores(fits: Fits, sample: Sample) -> tuple[Ints, Floats] | None:
    """Rows of the sample, and their (M, I) mean score on every item; None where there are too few.

    Bounded cost: one pass over the rows, and a number a model and item.
    """
    frame = fits.item_rows(fits.claim.metric, fits.claim.condition)
    if frame.empty:
        return None
    model = pd.Index(sample.models).get_indexer(pd.Index(frame["model"]))
    item, items = pd.factorize(frame["item"])
    known = model >= 0
    cell = model[known] * len(items) + item[known]
    size = len(sample) * len(items)
    count = np.bincount(cell, minlength=size).reshape(len(sample), len(items))
    total = np.bincount(cell, frame["score"].to_numpy(np.float64)[known], size)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = total.reshape(count.shape) / count
    scores = scores[:, (count > 0).mean(axis=0) >= COVERAGE]
    if scores.shape[1] < MIN_ITEMS:
        return None
    rows = np.flatnonzero(np.isfinite(scores).mean(axis=1) >= COVERAGE)
    return (rows, scores[rows]) if len(rows) >= MIN_MODELS else None


def _folds(sample: Sample) -> Ints:
    """(M,) fold of every model; whole families where there are enough."""
    unit = sample.family if sample.families >= FEW_FAMILIES else np.argsort(np.argsort(sample.x))
    _, codes = np.unique(unit, return_inverse=True)
    return np.asarray(codes % FOLDS, dtype=np.int64)


def _thirds(scores: Floats, folds: Ints) -> list[Floats]:
    """For each third (M, I) True where the item is in it for that model."""
    centred = scores - np.nanmean(scores, axis=1, keepdims=True)
    items = scores.shape[1]
    place = np.zeros(scores.shape, dtype=np.int64)
    for fold in np.unique(folds):
        others = centred[folds != fold]
        known = np.isfinite(others)
        mean = np.where(known, others, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        rank = np.empty(items, dtype=np.int64)
        rank[np.argsort(-mean, kind="stable")] = np.arange(items)
        place[folds == fold] = rank * len(LABELS) // items
    return [place == third for third in range(len(LABELS))]


def _slice(
    sample: Sample, scores: Floats, members: Floats, label: str, smallest: float
) -> DifficultySlice:
    inside = np.where(members, scores, np.nan)
    asked = np.isfinite(inside).sum(axis=1)
    mean = np.nansum(inside, axis=1) / np.maximum(asked, 1)
    part = replace(sample, score=mean, n=np.maximum(asked, 1).astype(np.float64), variance=None)
    points = tuple(
        CurvePoint(float(10**x), float(score)) for x, score in zip(sample.x, mean, strict=True)
    )
    return DifficultySlice(
        label, int(np.median(members.sum(axis=1))), points, shape_of(part, smallest)
    )
