"""How much of the raw effect does each confound carry?

Three answers at the raw threshold, which is held fixed, over the crossing of all confounds that
the table allows to switch off (`factors`):

* `shapley` (score points): v(S) is the step in the condition with the confounds in S switched off,
  fitted like every other effect here (bounded slope, chance floor, two-level variance). The share
  of confound j is its Shapley value, the mean over all orders of switching off of
  v(S) - v(S and j); what remains with all of them off is `unexplained`. Shares and remainder add
  up to the raw effect by construction (Shapley 1953; Shorrocks 2013, Journal of Economic
  Inequality 11:99-126).
* `gelbach` (score points, linear scale) and `khb` (logits): see `omitted_variables`.

Intervals: scores of all conditions are drawn together from the fitted curves, with new models, new
families and new items, everything is fitted again at the same threshold, and the interval is the
estimate give or take a t quantile of the spread over the draws (`total` and `unexplained` of
`shapley`, effects of single conditions, have the interval of such). Of 95 % intervals, .90-1.00
covered (mean .97) at 12 and 20 models with the threshold known, .87-.97 (mean .94) with the
threshold that the raw condition picks, least the total among 12 models (300 simulations a cell,
`benchmarks/attribution.py`); they are wider than need be where conditions share all of their model
effects.

Assumption that would break it: switching a confound off changes nothing else (zero shots that
fail for want of an answer format would be counted as in-context learning's); confounds that act
together share what they do together equally. The threshold is that of the raw condition, chosen
where the raw effect is largest: `total` and what is attributed of it share that choice.

Estimand: the part of the raw step at the raw threshold that each confound carries, and what none
does.

Formula: the Shapley value of j is the sum over S without j of |S|! (K - |S| - 1)! / K! times
v(S) - v(S and j), v(S) being the step with the confounds of S switched off, K their number.

Source: Shapley 1953; Shorrocks 2013, Journal of Economic Inequality 11:99-126.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds import text
from confounds.exploration import Attribution, Method
from confounds.inference._crossing import (
    MAX_FACTORS,
    Combination,
    Crossing,
    Subset,
    cross,
    describe,
)
from confounds.inference._effect import (
    INFLATION,
    effect_freedom,
    effect_profile,
    working_covariance,
)
from confounds.inference.companions import companions_of
from confounds.inference.factors import Factor, confounded_models, switchable
from confounds.inference.identifiability import find_ties
from confounds.inference.omitted_variables import Stack, gelbach, khb, stack_cells
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats

METHODS: tuple[Method, ...] = ("shapley", "gelbach", "khb")
REPLICATES = 400
UNEXPLAINED = "unexplained"


@dataclass(frozen=True, eq=False)
class Shares:
    """A decomposition of B data sets, the first of them the observed one.

    Attributes:
        total: (B,) what is shared out.
        parts: (B, K) shares of the factors.
    """

    total: Floats
    parts: Floats


def attribute(fits: Fits) -> tuple[Attribution, ...]:
    """Share the raw effect out among the confounds, by each of three methods.

    A confound that cannot be switched off by itself (too few base models, say) is left out with
    a note: what it carries stays in `unexplained`. Where two confounds, or one and scale, are
    aliased, or where switching one off changes another factor of the table as well (nearly as far,
    be that one pooled), there is no answer at all.

    Returns:
        one answer a method; where it is refused, `reason` says why and there are no shares.
    """
    factors = switchable(fits)
    reason = _why_not(fits, factors)
    if reason is None and fits.raw is not None:
        usable, notes = _usable(fits, factors, fits.raw.psi)
        reason = _not_alone(fits, usable)
        crossing = reason or (cross(fits, usable, fits.raw.psi) if usable else "; ".join(notes))
        if isinstance(crossing, Crossing):
            notes += _left_out(crossing)
            answers = share_out(fits, crossing, fits.rng("attribution"))
            if not crossing.left_out:
                answers = (_with_raw_interval(answers[0], fits.raw.fit["effect"]), *answers[1:])
            return tuple(replace(item, notes=notes) for item in answers)
        reason = crossing
    return tuple(Attribution(method, None, reason=reason) for method in METHODS)


def _with_raw_interval(answer: Attribution, raw: Estimate) -> Attribution:
    """The total with the interval that the raw effect has, over all thresholds not rejected."""
    if answer.total is None:
        return answer
    total = replace(answer.total, ci_lower=raw.ci_lower, ci_upper=raw.ci_upper)
    return replace(answer, total=total)


def _why_not(fits: Fits, factors: tuple[Factor, ...]) -> str | None:
    if fits.raw is None:
        return fits.raw_observation.why_not() or "the raw condition cannot be tested"
    if not factors:
        return (
            "no confound of the claim can be switched off in this table: it has no zero-shot, "
            "unseen, base, direct or linear-metric counterpart of the claim's condition"
        )
    names = {item.name for item in factors}
    for tie in find_ties(fits.cells(), fits.claim.scale):
        if (
            tie.kind == "aliased"
            and tie.first in names
            and tie.second in {*names, fits.claim.scale}
        ):
            return f"{tie.message}; rows that would tell them apart: {', '.join(tie.rows)}"
    if len(factors) > MAX_FACTORS:
        return (
            f"{len(factors)} confounds can be switched off ({', '.join(sorted(names))}), and at "
            f"most {MAX_FACTORS} can be crossed; hold some of them fixed in the claim's condition"
        )
    return None


def _usable(
    fits: Fits, factors: tuple[Factor, ...], psi: float
) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """The factors that can be switched off by themselves, and a note for each of the others."""
    kept: list[Factor] = []
    notes: list[str] = []
    for factor in factors:
        alone = cross(fits, (factor,), psi)
        if isinstance(alone, Crossing):
            kept.append(factor)
        else:
            notes.append(f"{factor.name} could not be switched off: {alone}")
    return tuple(kept), tuple(notes)


def _not_alone(fits: Fits, factors: tuple[Factor, ...]) -> str | None:
    """Why a factor is not switched off by itself: another changes with it; None where none does."""
    for factor in factors:
        found = companions_of(fits, factor)
        if found is not None:
            return f"{found.message}; rows that would tell them apart: {', '.join(found.rows)}"
    return None


def _left_out(crossing: Crossing) -> tuple[str, ...]:
    if not crossing.left_out:
        return ()
    models = text.plural(len(crossing.left_out), "model")
    return (f"{models} not run in every combination: {', '.join(crossing.left_out)}",)


def share_out(
    fits: Fits | None, crossing: Crossing, rng: np.random.Generator
) -> tuple[Attribution, ...]:
    """The three decompositions of a crossing, with their intervals.

    Args:
        fits: says which models a between-model factor is on for; None where no factor is such.
        crossing: every combination, fitted.
        rng: source of randomness.
    """
    observed = [item.sample.score[None] for item in crossing.drawn]
    drawn = crossing.draw(REPLICATES, rng)
    blocks = [np.vstack([first, rest]) for first, rest in zip(observed, drawn, strict=True)]
    freedom = _freedom(crossing)
    found = [
        _answer("shapley", crossing, shapley(crossing.factors, crossing.effects(blocks)), freedom)
    ]
    regression, y = stack(fits, crossing), np.hstack(blocks)
    reason = None if regression.identified else _collinear(crossing)
    for method in METHODS[1:]:
        why_not = reason or (_no_logit(crossing) if method == "khb" else None)
        if why_not is not None:
            found.append(Attribution(method, None, reason=why_not))
            continue
        decompose = khb if method == "khb" else gelbach
        found.append(_answer(method, crossing, Shares(*decompose(y, regression)), freedom))
    return tuple(found)


def shapley(factors: tuple[Factor, ...], effects: dict[Subset, Floats]) -> Shares:
    """Mean effect of switching each factor off, over all orders of switching off.

    Args:
        factors: K factors.
        effects: factors switched off -> (B,) effect; all 2^K of them.
    """
    names = [item.name for item in factors]
    count = len(names)
    total = effects[frozenset()]
    parts = np.zeros((len(total), count))
    for column, name in enumerate(names):
        others = [item for item in names if item != name]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for chosen in combinations(others, size):
                off = frozenset(chosen)
                parts[:, column] += weight * (effects[off] - effects[off | {name}])
    return Shares(total, parts)


def stack(fits: Fits | None, crossing: Crossing) -> Stack:
    """All drawn cells as rows of one regression."""
    drawn = crossing.drawn
    switched = [
        np.concatenate([_switched(fits, factor, item) for item in drawn])
        for factor in crossing.factors
    ]
    raw = np.concatenate([np.full(len(item.sample), float(not item.off)) for item in drawn])
    x = np.concatenate([item.sample.x for item in drawn])
    n = np.concatenate([item.sample.n for item in drawn])
    return stack_cells(x, switched, raw, n, (crossing.psi, crossing.plan.shape))


def _switched(fits: Fits | None, factor: Factor, item: Combination) -> Floats:
    """1 where the factor is on, for the cells of one block."""
    models = item.sample.models
    if factor.name in item.off:
        return np.zeros(len(models))
    if not factor.between or fits is None:
        return np.ones(len(models))
    on = confounded_models(fits.cells(), factor)
    return np.array([float(name in on) for name in models])


def _answer(method: Method, crossing: Crossing, found: Shares, freedom: float) -> Attribution:
    rest = found.total - found.parts.sum(axis=1)
    binomial = crossing[frozenset()].sample.binomial
    inflation = float(np.sqrt(INFLATION)) if binomial else 1.0
    shares = [
        _estimate(factor.name, found.parts[:, column], freedom, inflation)
        for column, factor in enumerate(crossing.factors)
    ]
    total = _estimate("total", found.total, freedom)
    left = _estimate(UNEXPLAINED, rest, freedom)
    if method == "shapley":
        total = _inverted(total, crossing, frozenset())
        left = _inverted(left, crossing, frozenset(item.name for item in crossing.factors))
    return Attribution(method, total, (*shares, left))


def _estimate(term: str, values: Floats, freedom: float, inflation: float = 1.0) -> Estimate:
    """The first of the values, with the spread of the others as its standard error.

    The spread is that between the 5 and 95 % quantiles, in normal units: a logit that is
    separated in a few draws has no standard deviation.
    """
    low, high = np.quantile(values[1:], [0.05, 0.95])
    estimate = float(values[0])
    error = inflation * float(high - low) / (2 * float(stats.norm.ppf(0.95)))
    reach = float(stats.t.ppf(0.975, freedom)) * error
    return Estimate(
        term, estimate, std_error=error, ci_lower=estimate - reach, ci_upper=estimate + reach
    )


def _inverted(estimate: Estimate, crossing: Crossing, off: frozenset[str]) -> Estimate:
    """The effect of a single condition, with the interval that it has everywhere else."""
    item, place = crossing[off], np.array([crossing.psi])
    slopes = crossing.plan.growth(item.sample)
    profile = effect_profile(item.sample, place, crossing.plan.shape, slopes, item.curve)
    lower, upper = profile.interval(0.95)
    return replace(estimate, ci_lower=lower, ci_upper=upper)


def _freedom(crossing: Crossing) -> float:
    """Degrees of freedom of the raw step, few where families tell it apart."""
    item = crossing[frozenset()]
    covariance = working_covariance(item.curve.fit, item.sample)
    return effect_freedom(item.sample, crossing.psi, crossing.plan.shape, covariance)


def _collinear(crossing: Crossing) -> str:
    names = ", ".join(item.name for item in crossing.factors)
    return f"the effects of {names} cannot be told apart in one regression of this table"


def _no_logit(crossing: Crossing) -> str | None:
    """Why there is no logit: an unbounded metric, or a side of the threshold all right or wrong."""
    for item in crossing.drawn:
        sample = item.sample
        if not sample.binomial:
            return "the metric is unbounded: it has no logit"
        above = sample.x > crossing.psi
        for side, name in ((above, "above"), (~above, "below")):
            score = sample.score[side]
            if score.max() == 0 or score.min() == 1:
                where = describe(crossing.factors, item.off)
                return (
                    f"with {where} every score {name} the threshold is {score[0]:g}: "
                    "its logit has no bound"
                )
    return None
