"""Threshold test on item rows: for tables whose items differ between models or conditions.

A model's mean score mixes what the model can do with how hard its items are. Where every model
answers the same items that is a constant; where larger models were given other items it is a
step that no model made. The crossed mixed model (`mixed`) takes item difficulty out; here the
threshold is searched for inside it.

The smooth null is fitted once. Its models (under each condition) become working logits with the
covariance that their shared items leave (`working_units`): on those a linear mixed model is the
crossed one to second order, and a search over thresholds costs little. The supremum F over the
thresholds, upward jumps only (Davies 1987; Hansen 1996), is referred to a two-level parametric
bootstrap: models and families are drawn anew around the null curve, then the error that the
items leave; variances (restricted likelihood, Fisher scoring), curve and supremum are estimated
again on every replicate. So the model is the sampling unit of the p-value.

Size: `benchmarks/mixed_threshold.py`.

Estimand: the step at the threshold once every item has a difficulty of its own, with the p-value of
the search.

Formula: eta_mi = a + b x_m + delta h(x_m; psi) + u_family + v_m - difficulty_i; T = sup over psi of
F of delta > 0; p = (1 + #{T* >= T}) / (B + 1).

Assumption that would break it: difficulty is a property of the item, the same for every model (no
bank of items that only the small models find hard), some items link the models, and the working
logits are near normal: 20 items a model or more, away from the chance floor.

Source: Davies 1987; Hansen 1996; Baayen, Davidson & Bates 2008.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats
from scipy.special import expit

from confounds.errors import UsageError
from confounds.inference import _link
from confounds.inference._mixed_design import Floats, Integers, MixedDesign, Term
from confounds.inference._mixed_fit import MixedFit, fit_mixed
from confounds.inference._mixed_units import unit_kernels, unit_terms, working_units
from confounds.inference._reference import p_value, staged
from confounds.inference._unit_search import UnitProblem, UnitSearch
from confounds.inference.sample import MIN_MODELS, threshold_columns, threshold_grid
from confounds.results import Estimate

SCALE = "scale"
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class MixedSearch:
    """How a threshold is searched for in a mixed model.

    Attributes:
        gradual: decades that a gradual transition takes at least.
        shape: `step` or `hinge`.
        condition: index of the condition that has the threshold; None for all of them.
        replicates: of the bootstrap.
        seed: of the random generator.
    """

    gradual: float = 2.0
    shape: str = "step"
    condition: int | None = None
    replicates: int = 499
    seed: int = 20230922


@dataclass(frozen=True)
class MixedThreshold:
    """What the search found.

    Attributes:
        threshold: scale of the threshold, with statistic and p-value.
        step: coefficient of the threshold on the link scale, at that scale; its interval
            does not count the search.
        effect: the same in score points, for the median model and item at the threshold.
        significant: p below .05.
        null: the fit of the smooth null.
        candidates: scales at which a threshold was looked for, shape [candidates].
        profile: F of a threshold at each of them, 0 where it would go down, [candidates].
    """

    threshold: Estimate
    step: Estimate
    effect: Estimate
    significant: bool
    null: MixedFit = field(repr=False)
    candidates: Floats = field(repr=False, compare=False)
    profile: Floats = field(repr=False, compare=False)


def search_threshold(
    design: MixedDesign, x: Floats, how: MixedSearch | None = None
) -> MixedThreshold:
    """Is there a threshold in scale once items have their own difficulty?

    Args:
        design: rows, with the terms beside scale (an intercept, conditions, exposure).
        x: log10 scale per model, shape [models].
        how: null, shape, replicates, seed.

    Raises:
        UsageError: too few models or scales for a search, or a term is called `scale`.

    Example:
        >>> rng = np.random.default_rng(3)
        >>> x = np.linspace(7.0, 11.0, 12)
        >>> eta = 3.0 * (x > 9.0)[:, None, None] - 1.0 + rng.normal(0, 0.5, (1, 40, 1))
        >>> block = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
        >>> design = MixedDesign.from_block(block, terms=(Term("intercept"),))
        >>> search_threshold(design, x, MixedSearch(replicates=99)).significant
        True
    """
    how = how or MixedSearch()
    grid = threshold_grid(x)
    _check(design, x, grid)
    null = fit_mixed(replace(design, terms=(*design.terms, Term(SCALE, model=x - x.mean()))))
    problem = _problem(null, threshold_columns(x, grid, how.shape), how)
    rng = np.random.default_rng(how.seed)
    observed = problem.search(problem.response[None])
    draws = staged(
        float(observed.sup[0]),
        lambda count: problem.search(problem.draw(observed, count, rng)).sup,
        how.replicates,
    )
    p = p_value(float(observed.sup[0]), draws)
    best = int(observed.best[0])
    before = problem.level_below(observed, best, float(grid[best] - x.mean()))
    step = _step(observed, best, design.models - len(design.terms) - 2)
    return MixedThreshold(
        threshold=Estimate(
            "threshold",
            float(10 ** grid[best]),
            statistic=float(observed.sup[0]),
            p_value=p,
        ),
        step=step,
        effect=_effect(design, before, step),
        significant=p < LEVEL,
        null=null,
        candidates=10**grid,
        profile=observed.f[0],
    )


def items_differ(model: Integers, item: Integers) -> bool:
    """Whether some models answered other items than the rest: then means are not comparable.

    Args:
        model: index of the model per row.
        item: index of the item per row.
    """
    asked = np.zeros((int(np.max(model)) + 1, int(np.max(item)) + 1), dtype=bool)
    asked[model, item] = True
    there = asked[asked.any(axis=1)]
    return bool((there != there[0]).any())


def _check(design: MixedDesign, x: Floats, grid: Floats) -> None:
    if x.shape != (design.models,):
        msg = f"x has shape {x.shape}; allowed: ({design.models},), one log10 scale per model"
        raise UsageError(msg)
    if any(term.name == SCALE for term in design.terms):
        msg = f"a term is called '{SCALE}'; leave it out, the search adds it from x"
        raise UsageError(msg)
    if design.models < MIN_MODELS or not len(grid):
        msg = (
            f"{design.models} models, {len(grid)} candidate thresholds; a search needs "
            f"{MIN_MODELS} models and a scale with two of them on each side"
        )
        raise UsageError(msg)


def _problem(null: MixedFit, columns: Floats, how: MixedSearch) -> UnitProblem:
    """The null's units as a linear mixed model with threshold columns."""
    units, design = working_units(null), null.design
    kept = [term.name for term in design.terms if term.item is None]
    candidates = columns[units.model]
    if how.condition is not None:
        candidates = candidates * (units.condition == how.condition)[:, None]
    return UnitProblem(
        response=units.response,
        X=unit_terms(units, design),
        columns=candidates,
        sampling=units.sampling,
        components=np.array(list(unit_kernels(units, design).values())),
        bounded=kept.index(SCALE),
        steepest=_link.TRANSITION / how.gradual,
    )


def _step(observed: UnitSearch, best: int, freedom: int) -> Estimate:
    estimate, error = float(observed.step[0, best]), float(observed.error[0, best])
    reach = float(stats.t.ppf(0.975, max(freedom, 1))) * error
    return Estimate(
        "step", estimate, std_error=error, ci_lower=estimate - reach, ci_upper=estimate + reach
    )


def _effect(design: MixedDesign, before: float, step: Estimate) -> Estimate:
    """The step in score points for the median model and item, from the logit `before` it."""
    height = float(np.mean(design.ceiling)) - float(np.mean(design.floor))

    def points(delta: float | None) -> float:
        return height * float(expit(before + (delta or 0.0)) - expit(before))

    return Estimate(
        "effect",
        points(step.estimate),
        ci_lower=points(step.ci_lower),
        ci_upper=points(step.ci_upper),
    )
