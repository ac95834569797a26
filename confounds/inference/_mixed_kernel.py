"""The likelihood of one cell and its first three derivatives in eta, over all cells at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from confounds.inference._mixed_design import Floats

# Beyond this |eta| the logistic is 0 or 1 to 1e-13.
ETA_LIMIT = 30.0
# Cells handled at a time: the temporaries stay in the cache of one core.
CHUNK = 16_384


@dataclass(frozen=True, eq=False)
class Counts:
    """Successes and trials per cell with the bounds of the expected score.

    Attributes:
        successes: shape [cells]; 0 where nothing was asked.
        trials: shape [cells]; 0 where nothing was asked.
        floor: one number or shape [cells].
        ceiling: one number or shape [cells].
    """

    successes: Floats
    trials: Floats
    floor: float | Floats
    ceiling: float | Floats

    @property
    def plain(self) -> bool:
        """Whether the link is the plain logistic, floor 0 and ceiling 1."""
        return bool(np.all(np.equal(self.floor, 0.0)) and np.all(np.equal(self.ceiling, 1.0)))

    def chunk(self, piece: slice) -> Counts:
        """The counts of some cells."""
        return Counts(
            self.successes[piece],
            self.trials[piece],
            self.floor if np.ndim(self.floor) == 0 else np.asarray(self.floor)[piece],
            self.ceiling if np.ndim(self.ceiling) == 0 else np.asarray(self.ceiling)[piece],
        )


def expected_score(eta: Floats, floor: float | Floats, ceiling: float | Floats) -> Floats:
    """The expected score, floor + (ceiling - floor) * logistic(eta), elementwise."""
    odds = np.exp(np.clip(eta, -ETA_LIMIT, ETA_LIMIT))
    return np.asarray(floor + (np.asarray(ceiling) - floor) * (odds / (1.0 + odds)))


def score_and_weight(
    eta: Floats, counts: Counts, *, expected: bool
) -> tuple[float, Floats, Floats]:
    """Log-likelihood without its constant, d/d eta, and minus d2/d eta2 of every cell.

    Args:
        eta: linear predictor, shape [cells], contiguous.
        counts: successes, trials and bounds of the cells.
        expected: take the expectation of the second derivative (never negative) in place of
            the second derivative itself; they are equal where floor is 0 and ceiling 1.
    """
    score, weight = np.empty_like(eta), np.empty_like(eta)
    total = 0.0
    plain = counts.plain
    for start in range(0, len(eta), CHUNK):
        piece = slice(start, start + CHUNK)
        part = counts.chunk(piece)
        if plain:
            value, score[piece], weight[piece] = _plain(eta[piece], part)
        else:
            value, score[piece], weight[piece] = _bounded(eta[piece], part, expected=expected)
        total += value
    return total, score, weight


def weight_slope(eta: Floats, counts: Counts) -> Floats:
    """The derivative in eta of the (observed) weight of every cell, shape [cells]."""
    slope = np.empty_like(eta)
    plain = counts.plain
    for start in range(0, len(eta), CHUNK):
        piece = slice(start, start + CHUNK)
        part = counts.chunk(piece)
        slope[piece] = (_plain_slope if plain else _bounded_slope)(eta[piece], part)
    return slope


def _plain(eta: Floats, counts: Counts) -> tuple[float, Floats, Floats]:
    eta = np.clip(eta, -ETA_LIMIT, ETA_LIMIT)
    odds = np.exp(eta)
    share = 1.0 / (1.0 + odds)
    mean = counts.trials * odds
    mean *= share
    value = float(counts.successes @ eta - counts.trials @ np.log1p(odds))
    return value, counts.successes - mean, mean * share


def _plain_slope(eta: Floats, counts: Counts) -> Floats:
    odds = np.exp(np.clip(eta, -ETA_LIMIT, ETA_LIMIT))
    share = 1.0 / (1.0 + odds)
    return np.asarray(counts.trials * odds * share * share * (2.0 * share - 1.0))


def _curve(eta: Floats, counts: Counts) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Chance of a hit and of a miss, the slope of the hit's, and the logistic with its rest."""
    odds = np.exp(np.clip(eta, -ETA_LIMIT, ETA_LIMIT))
    share = 1.0 / (1.0 + odds)
    logistic = odds * share
    height = np.asarray(counts.ceiling) - counts.floor
    hit = counts.floor + height * logistic
    miss = (1.0 - np.asarray(counts.ceiling)) + height * share
    return hit, miss, height * logistic * share, logistic, share


def _bounded(eta: Floats, counts: Counts, *, expected: bool) -> tuple[float, Floats, Floats]:
    hit, miss, slope, logistic, share = _curve(eta, counts)
    failures = counts.trials - counts.successes
    value = float(counts.successes @ np.log(hit) + failures @ np.log(miss))
    right, wrong = counts.successes / hit, failures / miss
    if expected:
        return value, (right - wrong) * slope, counts.trials * slope**2 / (hit * miss)
    bend = slope * (share - logistic)
    weight = (right / hit + wrong / miss) * slope**2 - (right - wrong) * bend
    return value, (right - wrong) * slope, weight


def _bounded_slope(eta: Floats, counts: Counts) -> Floats:
    hit, miss, slope, logistic, share = _curve(eta, counts)
    right, wrong = counts.successes / hit, (counts.trials - counts.successes) / miss
    bend = slope * (share - logistic)
    third = bend * (share - logistic) - 2.0 * slope * logistic * share
    curvature = right / hit + wrong / miss
    return np.asarray(
        3.0 * curvature * slope * bend
        - (right - wrong) * third
        - 2.0 * (right / hit**2 - wrong / miss**2) * slope**3
    )
