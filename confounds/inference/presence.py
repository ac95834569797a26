"""Is the ability there in the largest models, and was it absent in the smaller ones?

Two of the three parts of apparent emergence. Each is a statement that has to be shown, on
either side; what is not shown is undecided, so "not significant" is never absence, and a
stricter error rate can only turn a decision into "undecided".

| part | passed: shown that | failed: shown that |
|---|---|---|
| presence | the larger models beat their baseline | the largest lie below baseline + margin |
| absence | the smaller models lie below baseline + margin | the smallest lie above it |

Beating the baseline is an exact test on items, since a guesser varies by items alone. Lying
below or above the margin is a statement about models, whose abilities differ, so it rests on
the variation between models (Student's t; equivalence test: Schuirmann 1987). Models at chance
hardly differ, while models whose ability is as large as the margin would, and a few of them
that happen to agree must not pass for the former: the standard error is never smaller than
that of an ability at the margin, with the variation between models that the rule assumes.

Estimand: the excess of the larger, and of the smaller, models over max(chance, best constant
answer).

Formula: presence: P(guesser >= hits) < alpha, binomial, or Poisson-binomial where chance varies.
Absence: mean excess + max(t s, z s_0) / sqrt(M) < margin, one-sided, with s the standard deviation
over M units (families, or models) and s_0 that of an ability at the margin.

Assumption that would break it: the models at each end are a fair sample of those the claim means,
and vary no more than the rule assumes: where they do, and their mean excess is the margin, either
is wrongly shown in up to .092 of tables at .05 (`benchmarks/presence.py`, `at margin, wide`).

Source: Schuirmann 1987 (equivalence); Clopper & Pearson 1934.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from confounds import text
from confounds.inference.baseline import (
    BaselineSample,
    Groups,
    Points,
    PresenceRule,
    split_groups,
)
from confounds.inference.exact import clopper_pearson, guessing_p_value
from confounds.results import Estimate, Part

if TYPE_CHECKING:
    from confounds.results import PartStatus

_FIXED_ALPHA = 0.05
_FEWEST_UNITS = 2
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Excess:
    """Mean score above the baseline in one group of models.

    Attributes:
        mean: each sampling unit counts once.
        between: standard error from the variation between units, with `units - 1` degrees
            of freedom.
        expected: standard error to be expected of an ability of the size of the margin: its
            assumed variation between models and that of the items.
        units: number of sampling units; below two nothing is known of their variation.
    """

    mean: float
    between: float
    expected: float
    units: int

    @property
    def known(self) -> bool:
        """Whether there are units enough for an interval."""
        return self.units >= _FEWEST_UNITS

    def bound(self, alpha: float, side: int) -> float:
        """One-sided confidence bound, upper for `side` 1 and lower for -1; infinite if unknown."""
        if not self.known:
            return side * np.inf
        by_units = special.stdtrit(self.units - 1, 1 - alpha) * self.between
        return float(self.mean + side * max(by_units, special.ndtri(1 - alpha) * self.expected))

    def p_below(self, margin: float) -> float | None:
        """One-sided p-value against a mean excess of `margin` or more; the larger of both."""
        if not self.known:
            return None
        gap = self.mean - margin
        by_units = special.stdtr(self.units - 1, gap / max(self.between, _TINY))
        return float(max(by_units, special.ndtr(gap / self.expected)))


def measure_excess(points: Points, rule: PresenceRule) -> Excess:
    """How far above its baseline does a group of models lie, the model being the unit?"""
    units, group = np.unique(points.unit, return_inverse=True)
    size, count = np.bincount(group), len(units)
    means = np.bincount(group, weights=points.excess) / size
    share = (points.hits + 2) / (points.n + 4)
    by_items = (np.bincount(group, weights=share * (1 - share) / points.n) / size**2).mean()
    room = float(np.clip(1 - points.baseline.mean(), rule.margin, 1.0))
    by_models = (rule.spread * rule.margin * (1 - rule.margin / room)) ** 2
    return Excess(
        mean=float(means.mean()),
        between=float(means.std(ddof=1)) / count**0.5 if count >= _FEWEST_UNITS else 0.0,
        expected=float(by_items + by_models) ** 0.5 / count**0.5,
        units=count,
    )


def assess_presence(sample: BaselineSample, rule: PresenceRule | None = None) -> Part:
    """Do the largest models beat max(chance, best constant answer)?

    Returns:
        `passed`: a guesser would hardly score as the larger models do (exact test on the
        pooled items). `failed`: the largest models are shown to lie below baseline + margin
        (model level, and no single one above it), so the ability is not there. Estimates:
        `excess` over the pooled items with its exact interval and p-value; `excess_models`
        with the model-level interval; `score` and `baseline`.
    """
    rule = rule or PresenceRule()
    groups = _groups_or_reason(sample, rule)
    if isinstance(groups, str):
        return Part("presence", "undecided", groups)
    if not len(groups.larger):
        return Part("presence", "undecided", "no model lies above the registered threshold")
    larger, largest = groups.larger, measure_excess(groups.largest, rule)
    p_value = _guess(sample, larger)
    alone = _above_alone(groups.largest, rule.margin)
    negligible = largest.bound(_FIXED_ALPHA, 1) < rule.margin and not alone
    who = f"the larger models ({_members(larger, sample.axis)})"
    gap = _from_baseline(float(larger.excess.mean()))
    status: PartStatus = "undecided"
    if largest.bound(rule.alpha, 1) < rule.margin and not alone:
        status = "failed"
        reason = f"the largest models are shown to lie less than {rule.margin:g} above baseline"
    elif p_value < rule.alpha and not negligible:
        status = "passed"
        reason = f"{who} lie {gap}; exact p {text.p_value(p_value)} against guessing"
    elif p_value < rule.alpha:
        reason = f"{who} beat their baseline, but by less than {rule.margin:g}"
    else:
        reason = f"{who} lie {gap}, which guessing can give; exact p {text.p_value(p_value)}"
    return Part("presence", status, reason, _estimates(larger, rule, p_value, None))


def assess_absence(sample: BaselineSample, rule: PresenceRule | None = None) -> Part:
    """Are the smaller models shown to be at chance?

    Returns:
        `passed`: the upper confidence bound of the smaller models' mean excess lies below
        the margin, and no single one of them lies above it by its own exact interval.
        `failed`: the lower bound of the smallest models lies above the margin, so the
        ability was there all along. Estimates: `excess` at the model level, with the
        p-value of the equivalence test; `excess_items` over pooled items with its exact
        interval; `score` and `baseline`.
    """
    rule = rule or PresenceRule()
    groups = _groups_or_reason(sample, rule)
    if isinstance(groups, str):
        return Part("absence", "undecided", groups)
    if not len(groups.smaller):
        return Part("absence", "undecided", "no model lies below the registered threshold")
    smaller = measure_excess(groups.smaller, rule)
    smallest = measure_excess(groups.smallest, rule)
    upper, alone = smaller.bound(rule.alpha, 1), _above_alone(groups.smaller, rule.margin)
    who = f"the smaller models ({_members(groups.smaller, sample.axis)})"
    status: PartStatus = "undecided"
    if smallest.bound(rule.alpha, -1) > rule.margin:
        status = "failed"
        reason = f"the smallest models are shown to lie more than {rule.margin:g} above baseline"
    elif smaller.units < _FEWEST_UNITS:
        reason = f"{who} are one sampling unit; at least two are needed"
    elif smallest.bound(_FIXED_ALPHA, -1) > rule.margin:
        reason = f"the smallest models may lie more than {rule.margin:g} above baseline"
    elif upper >= rule.margin:
        reason = f"{who} may lie as much as {_from_baseline(upper)}"
    elif alone:
        reason = f"{who} lie at chance on average, but {text.plural(alone, 'model')} above alone"
    else:
        status = "passed"
        reason = f"{who} are shown to lie less than {rule.margin:g} above their baseline"
        reason += _failure_of_scoring(groups.smaller, rule.margin)
    p_value = smaller.p_below(rule.margin)
    return Part("absence", status, reason, _estimates(groups.smaller, rule, None, p_value))


def _groups_or_reason(sample: BaselineSample, rule: PresenceRule) -> Groups | str:
    if np.isnan(sample.baseline).any():
        return "neither chance nor the best constant answer is known"
    groups = split_groups(sample.points, rule)
    return groups or "the smaller and the larger models do not differ in scale"


def _guess(sample: BaselineSample, points: Points) -> float:
    """Exact p-value of the pooled items against guessing."""
    items: list[float] = []
    chance: list[float] = []
    for n, baseline, guessed in zip(points.n, points.baseline, points.guessed, strict=True):
        if guessed and sample.item_chance is not None:
            levels, counts = np.unique(sample.item_chance, return_counts=True)
            items.extend(counts)
            chance.extend(levels)
        else:
            items.append(n)
            chance.append(baseline)
    return guessing_p_value(float(points.hits.sum()), np.array(items), np.array(chance))


def _above_alone(points: Points, margin: float) -> int:
    """How many models lie above the margin each by its own exact bound, at a fixed level.

    The level does not follow a correction for multiplicity: a stricter one would find fewer
    such models, and so create absence.
    """
    lower, _ = clopper_pearson(points.hits, points.n, 1 - 2 * _FIXED_ALPHA)
    return int((lower > points.baseline + margin).sum())


def _failure_of_scoring(points: Points, margin: float) -> str:
    """A warning where scores are too low for guessing; empty where they are not."""
    _, upper = clopper_pearson(points.hits, points.n, 1 - 2 * _FIXED_ALPHA)
    count = int((upper < points.chance - margin).sum())
    if not count:
        return ""
    return f"; {text.plural(count, 'model')} below chance by more: failures of scoring?"


def _estimates(
    points: Points, rule: PresenceRule, p_guess: float | None, p_equivalent: float | None
) -> tuple[Estimate, ...]:
    """By items and by models; the one that has the deciding p-value first."""
    level = 1 - 2 * rule.alpha
    items = float(points.n.sum())
    baseline = float((points.n * points.baseline).sum() / items)
    lower, upper = clopper_pearson(float(points.hits.sum()), items, level)
    pooled = Estimate(
        term="excess" if p_guess is not None else "excess_items",
        estimate=float(points.hits.sum()) / items - baseline,
        p_value=p_guess,
        ci_lower=float(lower) - baseline,
        ci_upper=float(upper) - baseline,
        level=level,
    )
    excess = measure_excess(points, rule)
    models = Estimate(
        term="excess_models" if p_guess is not None else "excess",
        estimate=excess.mean,
        std_error=max(excess.between, excess.expected) if excess.known else None,
        p_value=p_equivalent,
        ci_lower=excess.bound(rule.alpha, -1) if excess.known else None,
        ci_upper=excess.bound(rule.alpha, 1) if excess.known else None,
        level=level,
    )
    plain = (
        Estimate("score", float(points.score.mean())),
        Estimate("baseline", float(points.baseline.mean())),
    )
    return (pooled, models, *plain) if p_guess is not None else (models, pooled, *plain)


def _from_baseline(excess: float) -> str:
    side = "above" if excess >= 0 else "below"
    return f"{text.number(abs(excess))} {side} their baseline"


def _members(points: Points, axis: str) -> str:
    low, high = 10 ** points.x.min(), 10 ** points.x.max()
    span = text.scale(float(low), axis)
    if low < high:
        span += f" to {text.scale(float(high), axis)}"
    return f"{len(points)}, {span}"
