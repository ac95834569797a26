"""Does a threshold remain where the smooth curve may level off below a score of 1?

The link of the threshold test goes on to 1. A smooth curve that saturates below it (wrong labels,
ambiguous items) bends more than any logistic that goes on, and a step at the bend fits better:
with a ceiling of .75 the plain test calls up to .83 of such curves among 20 models a step
(`benchmarks/saturation.py`, `early`). A claim may declare its ceiling; the test is then made with
that. Where it does not, the test goes on to 1, but no departure is called shown that is none under
the ceiling at which the smooth curve fits the scores best. A claim that declares 1 is not held to
that.

Scores and floor divided by the ceiling have a curve that goes to 1, so the test with a ceiling in
its link is the plain test of those.

Estimand: the p-values of the threshold test under the ceiling at which the smooth curve fits best.

Formula: mu(eta) = c + (d - c) logistic(eta), floor c and ceiling d <= 1; scores and c divided by d
are tested with a ceiling of 1.

Assumption that would break it: models do not differ in their ceiling.

Source: the four-parameter logistic of item response theory (Barton & Lord 1981) has such an upper
asymptote; its use on curves of scale, h logistic with h in [.8, 1], is that of Ruan et al. 2024
(arXiv 2405.10938).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._null import fit_two_level
from confounds.inference._plan import is_significant
from confounds.inference._reference import bootstrap, own_levels, p_value
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from confounds.inference._plan import TestPlan
    from confounds.inference._reference import Levels
    from confounds.inference.sample import Floats, Sample

CANDIDATES = 8
"""Ceilings tried below 1."""
REPLICATES = 399
ITEM_ERRORS = 2.0
"""Standard errors of the items by which the best model may lie above its ceiling."""
FREE = 0.98
"""A best score above this leaves no room for a ceiling."""


def allowed_ceilings(sample: Sample) -> Floats:
    """Ceilings below 1 that no score contradicts, from the lowest up; empty where there are none.

    The lowest is the best score less the luck of its items.
    """
    if not sample.binomial:
        return np.empty(0)
    edge = ITEM_ERRORS * np.sqrt(sample.score * (1 - sample.score) / sample.n)
    lowest = float((sample.score - edge).max())
    lowest = max(lowest, float(sample.floor.max()) + 0.05)
    if lowest >= FREE:
        return np.empty(0)
    return np.linspace(lowest, 1.0, CANDIDATES + 1)[:-1]


def under_ceiling(sample: Sample, ceiling: float) -> Sample:
    """The sample on the scale on which that ceiling is 1, with the sampling variance it has there.

    Args:
        sample: scores in [0, 1].
        ceiling: above every floor, at most 1.
    """
    edge = np.minimum(0.5 / sample.n, (ceiling - sample.floor) / 2)
    inside = np.clip(sample.score, sample.floor + edge, ceiling - edge)
    return replace(
        sample,
        score=np.clip(sample.score / ceiling, 0.0, 1.0),
        floor=sample.floor / ceiling,
        variance=inside * (1 - inside) / sample.n / ceiling**2,
    )


def p_under_ceiling(sample: Sample, plan: TestPlan, ceiling: float) -> tuple[float, float | None]:
    """Two-level p-value under one ceiling, and that of the check within families."""
    scaled = under_ceiling(sample, ceiling)
    rng = np.random.default_rng(plan.seed)
    columns = threshold_columns(scaled.x, scaled.grid, plan.shape)
    slopes = plan.slopes(scaled)
    observed = own_levels(scaled, columns, slopes)
    count = min(plan.replicates, REPLICATES)
    return p_values(observed, *bootstrap(observed, scaled, columns, slopes, count, rng))


def p_values(
    observed: Levels, draws: Floats, check_draws: Floats | None
) -> tuple[float, float | None]:
    """Two-level p-value and, where families allow it, that of the check."""
    p = p_value(float(observed.two_level_search.sup[0]), draws)
    if observed.fixed_search is None or check_draws is None:
        return p, None
    return p, p_value(float(observed.fixed_search.sup[0]), check_draws)


def with_declared(
    sample: Sample, plan: TestPlan, plain: tuple[float, float | None]
) -> tuple[float, float | None, tuple[str, ...]]:
    """The p-values under the ceiling that the plan declares, and a note; by default the plain."""
    ceiling = plan.ceiling
    if ceiling is None or ceiling >= 1 or not sample.binomial:
        return *plain, ()
    if ceiling <= float(sample.floor.max()):
        note = f"the declared ceiling of {ceiling:g} does not lie above chance and is not used"
        return *plain, (note,)
    note = f"tested with the declared ceiling of {ceiling:g}"
    return *p_under_ceiling(sample, plan, ceiling), (note,)


def over_ceilings(
    sample: Sample, plan: TestPlan, plain: tuple[float, float | None]
) -> tuple[float, float | None, str | None]:
    """The p-values under the ceiling at which the smooth null fits best, and what to say.

    Asked only where the plain test is significant.

    Args:
        sample: the models, with the null's extra columns as covariates.
        plan: the test; `ceiling` declares one.
        plain: two-level p-value where the curve goes on to 1, and that of the check.

    Returns:
        p-value, that of the check, and what undoes the departure, None where nothing does.
    """
    if plan.ceiling is not None or not is_significant(*plain):
        return *plain, None
    ceiling = best_ceiling(sample, plan)
    if ceiling == 1:
        return *plain, None
    p, check = p_under_ceiling(sample, plan, ceiling)
    if is_significant(p, check):
        return p, check, None
    within = "" if check is None else f", within families {check:.3f}"
    note = (
        f"a smooth curve that levels off at {ceiling:.2f} would do (p = {p:.3f}{within}): "
        "where the ceiling is known, declare it in the claim (`ceiling = 1.0`)"
    )
    return p, check, note


def best_ceiling(sample: Sample, plan: TestPlan) -> float:
    """The ceiling, 1 among them, under which the smooth null lies nearest to the scores."""
    key = ("ceiling", plan.slopes(sample))
    if key not in sample.remembered:
        sample.remembered[key] = _nearest_ceiling(sample, plan)
    ceiling: float = sample.remembered[key]
    return ceiling


def _nearest_ceiling(sample: Sample, plan: TestPlan) -> float:
    misfit = {}
    for ceiling in (*allowed_ceilings(sample), 1.0):
        scaled = under_ceiling(sample, float(ceiling))
        fit = fit_two_level(scaled.score[None], scaled, plan.slopes(scaled), None)
        mean = ceiling * _link.mean(fit.eta[0], scaled.floor, binomial=True)
        misfit[float(ceiling)] = float(((sample.score - mean) ** 2).sum())
    return min(misfit, key=lambda ceiling: (misfit[ceiling], -ceiling))
