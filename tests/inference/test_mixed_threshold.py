"""A threshold searched for inside the mixed model, on items that differ between models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from confounds.errors import UsageError
from confounds.inference._unit_search import UnitProblem
from confounds.inference.mixed import MixedDesign, Term
from confounds.inference.mixed_threshold import MixedSearch, items_differ, search_threshold

QUICK = MixedSearch(replicates=99)
INTERCEPT = Term("intercept")


def world(*, step=0.0, floor=0.0, conditions=1, models=14, seed=0):
    """Answers of models in families of two to thirty items; the step is in the last condition."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(7, 12, models))
    family = np.arange(models) % (models // 2)
    ability = 0.3 * rng.standard_normal(models) + 0.3 * rng.standard_normal(models // 2)[family]
    eta = ability[:, None, None] - step / 2 + rng.standard_normal((1, 30, 1))
    last = np.zeros(conditions)
    last[-1] = 1.0
    eta = eta + step * (x > np.median(x))[:, None, None] * last
    block = (rng.random(eta.shape) < floor + (1 - floor) / (1 + np.exp(-eta))).astype(float)
    return block, x, family


def design_of(block, family, **kwargs):
    return MixedDesign.from_block(block, terms=(INTERCEPT,), family=family, **kwargs)


@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_a_step_is_found_where_it_is(floor):
    block, x, family = world(step=4.0, floor=floor)
    found = search_threshold(design_of(block, family, floor=floor), x, QUICK)
    assert found.significant
    ordered = np.sort(x)
    assert ordered[5] < np.log10(found.threshold.estimate) < ordered[8]
    assert found.step.ci_lower < 4.0 < found.step.ci_upper + 1.0
    assert 0.3 * (1 - floor) < found.effect.estimate < 1 - floor
    assert found.profile.max() == found.threshold.statistic
    assert found.candidates[found.profile.argmax()] == pytest.approx(found.threshold.estimate)


@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_models_with_all_answers_wrong_or_right_can_be_fitted(floor):
    x = np.linspace(7, 12, 14)
    block = np.repeat((x > 9.5).astype(float)[:, None, None], 30, axis=1)
    found = search_threshold(design_of(block, None, floor=floor), x, QUICK)
    assert found.significant
    assert 9.4 < np.log10(found.threshold.estimate) < 9.6
    assert found.effect.estimate == pytest.approx(1 - floor, abs=0.01)
    assert not found.null.converged


def test_gradual_growth_is_no_step():
    block, x, family = world(seed=4)
    found = search_threshold(design_of(block, family), x, QUICK)
    assert not found.significant
    assert found.threshold.p_value > 0.05
    assert found.null["scale"].estimate == pytest.approx(0.0, abs=0.5)


def test_only_the_condition_asked_for_is_searched():
    block, x, family = world(step=4.0, conditions=2)
    design = MixedDesign.from_block(
        block,
        terms=(INTERCEPT, Term("second", condition=np.array([0.0, 1.0]))),
        family=family,
    )
    design = replace(design, model_by_condition=True)
    second = search_threshold(design, x, replace(QUICK, condition=1))
    first = search_threshold(design, x, replace(QUICK, condition=0))
    assert second.significant
    assert not first.significant


def test_easier_items_of_the_large_models_are_no_step():
    block, x, _ = world(seed=2)
    rng = np.random.default_rng(1)
    large = x > np.median(x)
    block = (rng.random((14, 60, 1)) < 0.3).astype(float)
    block[:, 40:] = rng.random((14, 20, 1)) < 0.9
    block[np.ix_(large, np.arange(20, 40))] = np.nan
    block[np.ix_(~large, np.arange(40, 60))] = np.nan
    means = np.nanmean(block[:, :, 0], axis=1)
    assert means[large].mean() - means[~large].mean() > 0.2
    easier = Term("easier", item=(np.arange(60) >= 40).astype(float))
    design = MixedDesign.from_block(block, terms=(INTERCEPT, easier))
    assert items_differ(design.model, design.item)
    assert not search_threshold(design, x, QUICK).significant


def test_items_differ_only_where_some_model_lacks_some():
    model, item = np.repeat([0, 1, 2], 4), np.tile([0, 1, 2, 3], 3)
    assert not items_differ(model, item)
    assert items_differ(model[:-1], item[:-1])
    assert not items_differ(model + 5, item)


def test_order_of_rows_does_not_matter():
    block, x, family = world(step=3.0)
    design = design_of(block, family)
    order = np.random.default_rng(0).permutation(design.rows)
    mixed = replace(
        design,
        successes=design.successes[order],
        trials=design.trials[order],
        model=design.model[order],
        item=design.item[order],
        condition=design.condition[order],
    )
    first, second = (search_threshold(item, x, QUICK) for item in (design, mixed))
    assert second.threshold.statistic == pytest.approx(first.threshold.statistic, rel=1e-3)


def test_what_cannot_be_searched_is_said():
    block, x, family = world()
    design = design_of(block, family)
    with pytest.raises(UsageError, match=r"allowed: \(14,\)"):
        search_threshold(design, x[:-1], QUICK)
    with pytest.raises(UsageError, match="a search needs 8 models"):
        search_threshold(design_of(block[:6], None), x[:6], QUICK)
    taken = replace(design, terms=(INTERCEPT, Term("scale", model=x)))
    with pytest.raises(UsageError, match="leave it out"):
        search_threshold(taken, x, QUICK)


def test_variances_of_independent_units_are_those_of_anova():
    """Balanced one-way layout: restricted likelihood gives the mean squares' variance."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 4)
    z = rng.standard_normal(30)[group] * 0.8 + 0.3 * rng.standard_normal(120)
    problem = UnitProblem(
        response=z,
        X=np.column_stack([np.ones(120), np.zeros(120)])[:, :1],
        columns=(group >= 15).astype(float)[:, None],
        sampling=0.09 * np.eye(120),
        components=(group[:, None] == group[None, :]).astype(float)[None],
        bounded=0,
        steepest=np.inf,
    )
    means = z.reshape(30, 4).mean(axis=1)
    expected = means.var(ddof=1) - 0.09 / 4
    assert problem.search(z[None]).variances[0, 0] == pytest.approx(expected, rel=1e-3)
