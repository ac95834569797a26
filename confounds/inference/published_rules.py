"""What published rules of emergence say of a curve, and how firmly.

These are descriptions: none of them is a test, and none decides anything here. Breakthroughness
and linearity are free of scale, so that a curve which hardly moves can score high on either;
they are given only where the scores move by a practical size.

Scores at one scale are averaged first, and scales are taken in ascending order.

Estimand: what each rule computes, and the range that other models of the same scales would show.

Formula: breakthroughness: sign(argmax - argmin) (max - min) / sqrt(median of squared successive
differences); linearity: the same with the mean in place of the median.

Assumption that would break it: scores differ from the curve by noise of one size; both ratios grow
with the number of scales.

Source: Srivastava et al. 2022 (BIG-bench, arXiv 2206.04615); Schaeffer et al. 2023 (arXiv
2304.15004); Wei et al. 2022 (arXiv 2206.07682); Lu et al. 2024 (arXiv 2309.01809); Wu 1986 (wild
bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.curves import CurveSample, fit_curve
from confounds.errors import UsageError
from confounds.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RULES: dict[str, str] = {
    "range": "largest minus smallest score; negative where the largest comes first",
    "breakthroughness": (
        "range over the root of the median squared difference between neighbouring scales "
        "(BIG-bench 2022; the emergence score of Schaeffer et al. 2023); none where the scores "
        "hardly move, or where half of the differences are zero"
    ),
    "linearity": (
        "range over the root of the mean squared difference between neighbouring scales "
        "(BIG-bench 2022); none where the scores hardly move"
    ),
    "above_chance": "score at the largest scale minus chance (above random: Wei et al. 2022)",
    "above_baseline": (
        "score at the largest scale minus the larger of chance and the best constant answer "
        "(Lu et al. 2024, who mark less than .05)"
    ),
    "beyond_extrapolation": (
        "score at the largest scale minus the straight line in log scale through all smaller "
        "scales (not predictable from smaller models: Lu et al. 2024)"
    ),
}
_SIZELESS = ("breakthroughness", "linearity")
_NEED_CHANCE = ("above_chance", "above_baseline")
_FEWEST_SCALES = 3
_FEWEST_DEGREES = 2


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """How the rules are computed.

    Attributes:
        replicates: simulated sets of models.
        level: of the intervals.
        seed: of the simulation; the same seed gives the same intervals.
        smallest_range: below this range of scores, breakthroughness and linearity say
            nothing; 0 lets them always speak.
    """

    replicates: int = 2000
    level: float = 0.95
    seed: int = 20220615
    smallest_range: float = 0.05


@dataclass(frozen=True, eq=False)
class _Levels:
    """Mean scores at the K distinct scales, of R sets of models: `score` has shape (R, K)."""

    x: Floats
    score: Floats
    chance: float
    baseline: float


def breakthroughness(scores: Floats) -> float:
    """Range over the root of the median squared successive difference.

    Args:
        scores: (K,) by ascending scale, at least two.

    Returns:
        The value; infinite where half of the differences are zero, NaN where all scores
        are equal.

    Example:
        >>> round(breakthroughness(np.array([0.1, 0.11, 0.12, 0.9])), 3)
        80.0
    """
    return float(_ratios(np.asarray(scores, dtype=np.float64)[None, :])["breakthroughness"][0])


def linearity(scores: Floats) -> float:
    """Range over the root of the mean squared successive difference.

    Args:
        scores: (K,) by ascending scale, at least two.

    Returns:
        The value; NaN where all scores are equal.

    Example:
        >>> round(linearity(np.array([0.1, 0.11, 0.12, 0.9])), 3)
        1.776
    """
    return float(_ratios(np.asarray(scores, dtype=np.float64)[None, :])["linearity"][0])


def describe_rules(
    sample: CurveSample, baseline: Floats | None = None, settings: RuleSettings | None = None
) -> tuple[Estimate, ...]:
    """What does each published rule say, and what would it say of other models?

    The interval holds what other models of the same scales would show: a wild bootstrap (Wu
    1986) about a four-parameter sigmoid, in which every model varies by its own residual, and
    by no less than its items do. Resampling models would not do: it leaves out scales, and
    both ratios depend on how many there are. None with five models or fewer, which leave
    nothing to tell variation from shape.

    Args:
        sample: scores, one a model.
        baseline: (M,) the larger of chance and the best constant answer; by default chance.
        settings: see `RuleSettings`.

    Returns:
        An estimate per entry of `RULES` that applies, None where the rule says nothing;
        empty where there are fewer than three distinct scales.

    Raises:
        UsageError: `baseline` has another length than the sample.
    """
    settings = settings or RuleSettings()
    baseline = sample.chance if baseline is None else np.asarray(baseline, dtype=np.float64)
    if baseline.shape != sample.x.shape:
        msg = f"baseline has shape {baseline.shape}; allowed: one number a model, {len(sample)}"
        raise UsageError(msg)
    if len(sample.scales) < _FEWEST_SCALES:
        return ()
    values = _evaluate(_levels(sample, sample.score[None, :], baseline))
    drawn = _draw_models(sample, settings)
    spread = {} if drawn is None else _evaluate(_levels(sample, drawn, baseline))
    applying = [
        term for term in RULES if sample.likelihood == "binomial" or term not in _NEED_CHANCE
    ]
    moves = abs(float(values["range"][0])) >= settings.smallest_range
    return tuple(
        _estimate(term, float(values[term][0]), spread.get(term), settings.level)
        if moves or term not in _SIZELESS
        else Estimate(term, None, level=settings.level)
        for term in applying
    )


def _levels(sample: CurveSample, scores: Floats, baseline: Floats) -> _Levels:
    """Scores (R, M) averaged at each distinct scale."""
    scales, place = np.unique(sample.x, return_inverse=True)
    member = (place[:, None] == np.arange(len(scales))).astype(np.float64)
    share = member / member.sum(axis=0)
    return _Levels(
        x=scales,
        score=scores @ share,
        chance=float(sample.chance @ share[:, -1]),
        baseline=float(baseline @ share[:, -1]),
    )


def _draw_models(sample: CurveSample, settings: RuleSettings) -> Floats | None:
    """(R, M) scores of other models at the same scales; None where nothing says how they vary."""
    fit = fit_curve("sigmoid", sample)
    degrees = fit.models - fit.parameters
    if fit.status != "fitted" or degrees < _FEWEST_DEGREES:
        return None
    mean = fit.predict(sample.x, sample.chance)["score"].to_numpy(dtype=np.float64)
    deviation = np.abs(sample.score - mean) * np.sqrt(len(sample) / degrees)
    rng = np.random.default_rng(settings.seed)
    effects = rng.normal(size=(settings.replicates, len(sample)))
    if sample.likelihood == "gaussian":
        return np.asarray(mean + deviation * effects)
    by_items = np.sqrt(mean * (1 - mean) / sample.n)
    return np.asarray(np.clip(mean + np.maximum(deviation, by_items) * effects, 0.0, 1.0))


def _evaluate(levels: _Levels) -> dict[str, Floats]:
    """Every rule in every set of models, each of shape (R,)."""
    top = levels.score[:, -1]
    return {
        **_ratios(levels.score),
        "above_chance": top - levels.chance,
        "above_baseline": top - levels.baseline,
        "beyond_extrapolation": top - _extrapolate(levels),
    }


def _ratios(scores: Floats) -> dict[str, Floats]:
    """Range, breakthroughness and linearity of each row of scores."""
    sign = np.where(scores.argmax(axis=1) >= scores.argmin(axis=1), 1.0, -1.0)
    span = sign * np.ptp(scores, axis=1)
    squared = np.square(np.diff(scores, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "range": span,
            "breakthroughness": span / np.sqrt(np.median(squared, axis=1)),
            "linearity": span / np.sqrt(np.mean(squared, axis=1)),
        }


def _extrapolate(levels: _Levels) -> Floats:
    """The least-squares line through all scales but the largest, at the largest; (R,)."""
    x, y = levels.x[:-1], levels.score[:, :-1]
    centred = x - x.mean()
    slope = (y @ centred) / (centred @ centred)
    line: Floats = y.mean(axis=1) + slope * (levels.x[-1] - x.mean())
    return line


def _estimate(term: str, value: float, drawn: Floats | None, level: float) -> Estimate:
    """One rule; None where it has no finite value, and for an open end of its interval."""
    if not np.isfinite(value):
        return Estimate(term, None, level=level)
    known = None if drawn is None else drawn[~np.isnan(drawn)]
    if known is None or not known.size:
        return Estimate(term, value, level=level)
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(known, tails, method="inverted_cdf")
    return Estimate(
        term,
        value,
        ci_lower=float(lower) if np.isfinite(lower) else None,
        ci_upper=float(upper) if np.isfinite(upper) else None,
        level=level,
    )
