"""When in training does a model learn: memorise, plateau, generalise?

Grokking (Power et al. 2022): accuracy on training items rises early, that on held-out items long
after, on a plateau in between.

Estimand: the change point of each curve, the log10 training step at which a rise from one plateau
to another is half done, and the lag between the two.

Formula: score along steps is fitted by lo + g h(4.394 (x - m) / w), h the logistic, w (the decades
from 10 to 90 %) from a tenth to three, g >= 0. That there is a rise at all is tested against a
constant by the supremum over m and w; the interval of m holds every m whose rise of the sum of
squares is not above the 95 % quantile of that at the fitted m in a bootstrap. Checkpoints of one
run are repeated measures of one unit, so the errors of the bootstrap follow each other (first-order
autoregression): those of the test as the scores about their mean do, freed of the bias of short
series; those of the interval so that they leave residuals like those found. Over models the change
points are averaged with families as clusters.

Simulated (`benchmarks/condition_rivals.py`), neighbours correlating 0 to .8: a rise is found in
.035 of flat curves or fewer; 95 % intervals of the change point cover .94-.99 for 26 checkpoints
even in log steps; for 15 even in steps, .96-.99 without correlation and .82-.89 with it, too few
(200 simulations a cell).

Assumption that would break it: one rise a curve; a second one, or a fall, is not looked for.

Source: Power et al. 2022 (arXiv 2201.02177); the interval inverts a bootstrap test as Hansen 2000
does for a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import signal
from scipy.special import expit

from confounds.inference import _link
from confounds.inference.paired_gain import cluster_mean
from confounds.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confounds.inference.sample import Floats, Ints

Phase = Literal["generalised", "grokked", "memorised", "not learnt"]

MIN_CHECKPOINTS = 6
WIDTHS = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
"""Decades that a rise takes from 10 to 90 %."""
PLACES = 61
SHAPE_FREEDOM = 4
REPLICATES = 299
MORE = 2700
"""Further replicates where the first leave a small p-value, so that it can be adjusted."""
SMALL = 0.02
MIN_POOLED = 2
LEVEL = 0.05
MOST_ALIKE = 0.9
"""Largest correlation of neighbouring checkpoints."""
CORRECTIONS = 2
"""Rounds in which size and correlation of the errors are freed of the fit's bias."""


@dataclass(frozen=True, eq=False)
class Course:
    """One model's score along training.

    Attributes:
        steps: (T,) training steps, ascending; 0 is allowed.
        score: (T,) scores.
    """

    steps: Floats
    score: Floats

    @property
    def x(self) -> Floats:
        """(T,) log10 of 1 + step."""
        place: Floats = np.log10(1 + self.steps)
        return place


@dataclass(frozen=True, slots=True)
class Change:
    """The rise of one curve.

    Attributes:
        point: `change_point`, the step at which the rise is half done; open ends are None.
        rise: `rise` in score points, with the p-value of there being none.
        learnt: whether the rise is significant and larger than the smallest effect.
        last: the last step that was looked at.
    """

    point: Estimate
    rise: Estimate
    learnt: bool
    last: float = np.inf


@dataclass(frozen=True, slots=True)
class ModelPhases:
    """Train and held-out change points of one model.

    Attributes:
        model: its name.
        family: its family.
        train: the rise on items that were trained on, None where unknown.
        heldout: the rise on held-out items.
        phase: `grokked`: the held-out rise comes after the train rise, intervals apart;
            `generalised`: it rises, no later than can be told; `memorised`: only the train
            curve rises; `not learnt`: neither does.
        p_adjusted: p-value of the held-out rise, adjusted over everything that was looked at
            (Benjamini & Hochberg 1995); None where nothing was adjusted.
    """

    model: str
    family: str
    train: Change | None
    heldout: Change
    phase: Phase
    p_adjusted: float | None = None

    @property
    def certain(self) -> bool:
        """Whether the held-out curve was learnt, once all that was looked at is counted."""
        return self.heldout.learnt and self.p_adjusted is not None and self.p_adjusted < LEVEL


def find_change(course: Course, smallest: float, rng: np.random.Generator) -> Change | None:
    """The change point of one curve, or None where it has too few checkpoints.

    Args:
        course: score along training.
        smallest: smallest rise of interest, in score points.
        rng: source of randomness.
    """
    if len(course.steps) < MIN_CHECKPOINTS:
        return None
    problem = _Problem(course)
    y = course.score[None]
    squares, flat, height = problem.squares(y)
    best = int(squares[0].argmin())
    statistic = (flat[0] - squares[0, best]) / problem.unit(squares)[0]
    rho = _unbiased(y - y.mean())
    p = problem.p_value(float(statistic), rho, REPLICATES, rng)
    if p <= SMALL:
        p = problem.p_value(float(statistic), rho, MORE, rng)
    rise = Estimate("rise", float(height[0, best]), statistic=float(statistic), p_value=p)
    learnt = p < LEVEL and float(height[0, best]) > smallest
    point = problem.interval(y, best, problem.errors(y, rng))
    return Change(point, rise, learnt, float(course.steps[-1]))


def tell_phase(model: str, family: str, train: Change | None, heldout: Change) -> ModelPhases:
    """What one model went through, from its two changes."""
    phase: Phase
    if heldout.learnt:
        first = train.point.ci_upper if train is not None and train.learnt else None
        later = heldout.point.ci_lower
        phase = "generalised"
        if first is not None and later is not None and later > first:
            phase = "grokked"
    else:
        phase = "memorised" if train is not None and train.learnt else "not learnt"
    return ModelPhases(model, family, train, heldout, phase)


def pool_phases(found: Sequence[ModelPhases]) -> tuple[Estimate, ...]:
    """Change points and lag over the models that learnt, families as clusters.

    Returns:
        `train_change_point` and `heldout_change_point` in steps, and `lag` in decades of steps
        between the two; those that fewer than two models tell are left out, and ends that lie
        outside training are open. Where the models agree to the last digit, the ends are those of
        their own intervals, the widest.
    """
    curves: dict[str, list[Change | None]] = {
        "train_change_point": [item.train for item in found],
        "heldout_change_point": [item.heldout for item in found],
    }
    families = np.unique([item.family for item in found], return_inverse=True)[1]
    estimates: list[Estimate] = []
    places: dict[str, Floats] = {}
    for term, changes in curves.items():
        values = np.array([_place(change) for change in changes])
        places[term] = values
        pooled = _pooled(values, families, term)
        if pooled is not None:
            learnt = [change for change in changes if change is not None and change.learnt]
            estimates.append(_as_steps(pooled, learnt))
    lag = _pooled(places["heldout_change_point"] - places["train_change_point"], families, "lag")
    return (*estimates, *([lag] if lag else []))


def _place(change: Change | None) -> float:
    """Log10 of the step of a change that happened, else NaN."""
    if change is None or not change.learnt or change.point.estimate is None:
        return float("nan")
    return float(np.log10(1 + change.point.estimate))


def _pooled(values: Floats, families: Ints, term: str) -> Estimate | None:
    known = np.isfinite(values)
    if known.sum() < MIN_POOLED:
        return None
    clusters = families[known]
    several = len(np.unique(clusters)) > 1
    return cluster_mean(values[known], clusters if several else np.arange(known.sum()), term)


def _as_steps(item: Estimate, changes: list[Change]) -> Estimate:
    """The mean of some changes in steps."""
    middle = None if item.estimate is None else float(10**item.estimate - 1)
    if not item.std_error and changes:
        lows = [change.point.ci_lower for change in changes]
        highs = [change.point.ci_upper for change in changes]
        return Estimate(item.term, middle, ci_lower=_end(min, lows), ci_upper=_end(max, highs))
    last = max(change.last for change in changes)
    ends = [
        None if v is None or not 0 <= v <= np.log10(1 + last) else float(10**v - 1)
        for v in (item.ci_lower, item.ci_upper)
    ]
    return Estimate(item.term, middle, ci_lower=ends[0], ci_upper=ends[1])


def _end(widest: Callable[[list[float]], float], ends: list[float | None]) -> float | None:
    """The widest of some ends; None where one of them is open."""
    known = [end for end in ends if end is not None]
    return widest(known) if len(known) == len(ends) else None


class _Problem:
    """Rises of every place and width, fitted to B curves at once."""

    def __init__(self, course: Course) -> None:
        x = course.x
        self.places = np.linspace(x.min(), x.max(), PLACES)
        widths = np.array(WIDTHS)
        shape = _link.TRANSITION * (x[:, None, None] - self.places[:, None]) / widths
        columns = expit(shape).reshape(len(x), -1)
        self.range = np.ptp(columns, axis=0)
        self.columns = columns - columns.mean(axis=0)
        self.own = np.maximum((self.columns**2).sum(axis=0), 1e-9)
        self.freedom = max(len(x) - SHAPE_FREEDOM, 1)

    def squares(self, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Residual squares by place (B, P), of a constant (B,), and the rise (B, P)."""
        centred = y - y.mean(axis=1, keepdims=True)
        flat = (centred**2).sum(axis=1)
        slope = np.maximum(centred @ self.columns / self.own, 0.0)
        explained = (slope**2 * self.own).reshape(len(y), PLACES, len(WIDTHS))
        width = explained.argmax(axis=2)[:, :, None]
        rises = (slope * self.range).reshape(explained.shape)
        best = np.take_along_axis(explained, width, 2)[:, :, 0]
        return flat[:, None] - best, flat, np.take_along_axis(rises, width, 2)[:, :, 0]

    def unit(self, squares: Floats) -> Floats:
        """(B,) residual mean square about the best rise."""
        least: Floats = np.maximum(squares.min(axis=1), 1e-12) / self.freedom
        return least

    def p_value(self, statistic: float, rho: float, draws: int, rng: np.random.Generator) -> float:
        """How often errors alone, neighbours correlating `rho`, rise by as large an F."""
        none = _autoregression((draws, len(self.columns)), rho, 1.0, rng)
        squares, flat, _ = self.squares(none)
        null = (flat - squares.min(axis=1)) / self.unit(squares)
        return float((1 + np.count_nonzero(null >= statistic - 1e-12)) / (draws + 1))

    def interval(self, y: Floats, best: int, errors: Floats) -> Estimate:
        """The places that are not rejected as the change point, in steps."""
        squares, _, _ = self.squares(y)
        rise = (squares[0] - squares[0, best]) / self.unit(squares)[0]
        again, _, _ = self.squares(self.fitted(y) + errors)
        drawn = (again[:, best] - again.min(axis=1)) / self.unit(again)
        kept = np.flatnonzero(rise <= float(np.quantile(drawn, 1 - LEVEL)))
        low, high = max(kept[0] - 1, 0), min(kept[-1] + 1, PLACES - 1)
        return Estimate(
            "change_point",
            float(10 ** self.places[best] - 1),
            ci_lower=None if kept[0] == 0 else float(10 ** self.places[low] - 1),
            ci_upper=None if kept[-1] == PLACES - 1 else float(10 ** self.places[high] - 1),
        )

    def fitted(self, y: Floats) -> Floats:
        """(B, T) the best rise of each curve."""
        mean = y.mean(axis=1, keepdims=True)
        slope = np.maximum((y - mean) @ self.columns / self.own, 0.0)
        best = (slope**2 * self.own).argmax(axis=1)
        curve: Floats = mean + slope[np.arange(len(y)), best][:, None] * self.columns[:, best].T
        return curve

    def errors(self, y: Floats, rng: np.random.Generator) -> Floats:
        """(B, T) errors that leave residuals like those of the best rise of `y` (1, T).

        Residuals are smaller and less alike than the errors, the more so the shorter the series;
        size and correlation are set so that residuals of the draws, fitted again, are as found.
        """
        mean = self.fitted(y)
        rest = y - mean
        rho = float(np.clip(_alike(rest)[0], 0.0, MOST_ALIKE))
        spread = float(np.sqrt((rest**2).sum() / self.freedom))
        shape = (REPLICATES, rest.shape[1])
        for _ in range(CORRECTIONS):
            drawn = mean + _autoregression(shape, rho, spread, rng)
            again = drawn - self.fitted(drawn)
            rho = rho + float(_alike(rest)[0] - _alike(again).mean())
            rho = float(np.clip(rho, 0.0, MOST_ALIKE))
            spread *= float(np.sqrt((rest**2).sum() / max((again**2).sum(axis=1).mean(), 1e-12)))
        return _autoregression(shape, rho, spread, rng)


def _alike(rest: Floats) -> Floats:
    """(B,) correlation of neighbouring residuals."""
    total = np.maximum((rest**2).sum(axis=1), 1e-12)
    near: Floats = (rest[:, 1:] * rest[:, :-1]).sum(axis=1) / total
    return near


def _unbiased(rest: Floats) -> float:
    """Correlation of the neighbours about a mean, freed of the bias of short series.

    Kendall 1954: about -(1 + 4 rho) / T.
    """
    alike = float(_alike(rest)[0])
    return float(np.clip(alike + (1 + 4 * alike) / rest.shape[1], 0.0, MOST_ALIKE))


def _autoregression(
    shape: tuple[int, int], rho: float, spread: float, rng: np.random.Generator
) -> Floats:
    """(B, T) errors of a first-order autoregression."""
    shocks = rng.standard_normal(shape)
    shocks[:, 1:] *= np.sqrt(1 - rho**2)
    found: Floats = spread * signal.lfilter([1.0], [1.0, -rho], shocks, axis=1)
    return found
