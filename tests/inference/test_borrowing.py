"""What other tasks lend a threshold test: controls, and the variance between models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from _simulated import CENTRE, Truth, draw_effects, draw_sample, layout, middle
from inference.samples import unbounded

from confounds.inference._null import Slopes, fit_fixed_effect
from confounds.inference._plan import TestPlan as Plan
from confounds.inference._reference import drawn_scatter
from confounds.inference.borrowing import NOTHING, Borrowing, Neighbours, borrow, on_its_own
from confounds.inference.contrast import pair_samples
from confounds.inference.control_variate import (
    NAME,
    control_variate,
    departure_of,
    with_control,
)
from confounds.inference.pooled_variance import pool_variance
from confounds.inference.sample import PooledVariance
from confounds.inference.threshold import effect_at

BOTH = Borrowing()


def rng():
    return np.random.default_rng(5)


def tasks(models=24, count=6, *, step=0.0, share=0.8, seed=1):
    """One table: tasks of the same models whose effects are mostly common to all of them."""
    source = np.random.default_rng(seed)
    x, family = layout(models, False, source)
    common = draw_effects(family, source)
    found = []
    for task in range(count):
        own = draw_effects(family, source)
        effects = np.sqrt(share) * common + np.sqrt(1 - share) * own
        truth = Truth(
            slope=0.5, level=-1.2 - 0.5 * (middle(x) - CENTRE), step=step if task else 0.0
        )
        found.append(draw_sample(truth, x, family, effects, source))
    return found, common, own


def control_of(table):
    return control_variate(table[0], [departure_of(item) for item in table[1:]], rng())


def test_a_control_is_the_models_common_departure():
    table, common, _ = tasks()
    control = control_of(table)
    x = np.column_stack([np.ones(24), table[0].x])
    rest = common - x @ np.linalg.lstsq(x, common, rcond=None)[0]
    assert np.corrcoef(control.values, rest)[0, 1] > 0.85
    assert 0.5 < control.share < 0.95
    assert control.why_not() is None


def test_a_control_takes_variance_between_models_away():
    table, _, _ = tasks()
    plain = fit_fixed_effect(table[0].score[None], table[0], Slopes())
    controlled = with_control(table[0], control_of(table))
    fit = fit_fixed_effect(controlled.score[None], controlled, Slopes())
    assert fit.tau2[0] < 0.6 * plain.tau2[0]
    assert fit.theta[0, -1] > 0


def test_a_control_does_not_look_at_the_scores_of_its_own_task():
    table, _, _ = tasks()
    other = [table[0].with_score(table[0].score[::-1]), *table[1:]]
    assert np.array_equal(control_of(table).values, control_of(other).values)


def test_order_of_tasks_and_models_does_not_matter():
    table, _, _ = tasks()
    order = np.random.default_rng(1).permutation(24)
    mixed = [table[0], *(item.take(order) for item in reversed(table[1:]))]
    assert control_of(mixed).values == pytest.approx(control_of(table).values, abs=1e-6)


def test_a_threshold_in_common_forbids_the_control():
    table, _, _ = tasks(models=40, step=0.45, share=0.3)
    control = control_of(table)
    assert control.threshold_p <= 0.10
    assert "threshold of their own in common" in control.why_not()
    lent = borrow(table[0], Neighbours(table[1:]), replace(BOTH, variance=False), rng())
    assert lent.sample is table[0]
    assert "threshold of their own" in lent.notes[0]


def test_residualised_on_the_threshold_column_a_control_changes_no_step():
    """Frisch, Waugh and Lovell: so nothing could be gained by it (see `control_variate`)."""
    table, common, _ = tasks()
    sample = replace(unbounded(), x=table[0].x, family=table[0].family)
    psi = middle(sample.x)
    column = (sample.x > psi).astype(float)
    smooth = np.column_stack([np.ones(24), sample.x, column])
    control = common - smooth @ np.linalg.lstsq(smooth, common, rcond=None)[0]
    without = np.linalg.lstsq(smooth, sample.score, rcond=None)[0]
    beside = np.linalg.lstsq(np.column_stack([smooth, control]), sample.score, rcond=None)[0]
    assert beside[2] == pytest.approx(without[2], abs=1e-9)


def test_models_that_other_tasks_lack_stand_at_the_mean():
    table, _, _ = tasks()
    others = [departure_of(item.take(np.arange(16))) for item in table[1:]]
    control = control_variate(table[0], others, rng())
    assert control.covered.sum() == 16
    assert np.all(control.values[16:] == 0)
    few = [departure_of(item.take(np.arange(10))) for item in table[1:]]
    assert "less than half" in control_variate(table[0], few, rng()).why_not()


def test_few_models_or_few_tasks_get_no_control():
    table, _, _ = tasks(models=8)
    assert "12 models" in control_of(table).why_not()
    assert control_variate(table[0], [departure_of(table[1])], rng()) is None
    lent = borrow(table[0], Neighbours(table[1:2]), BOTH, rng())
    assert lent.sample is table[0]
    assert "no two other tasks" in lent.notes[0]


def test_pooled_variance_is_that_of_the_tasks():
    table, _, _ = tasks(models=40, count=12, share=0.0, seed=2)
    pooled = pool_variance(table[1:], 0.0, rng())
    assert pooled.tau2 == pytest.approx(0.25, rel=0.35)
    assert pooled.freedom > 20


def test_a_threshold_in_the_other_tasks_is_not_taken_for_variance():
    smooth, _, _ = tasks(models=40, count=8, share=0.0, seed=3)
    jump, _, _ = tasks(models=40, count=8, share=0.0, seed=3, step=0.45)
    first, second = (pool_variance(table[1:], 0.0, rng()) for table in (smooth, jump))
    assert second.tau2 == pytest.approx(first.tau2, rel=0.4)


def test_tasks_of_the_same_models_are_worth_less_than_independent_ones():
    table, _, _ = tasks(models=20, count=8, share=0.0)
    alone, shared = (pool_variance(table[1:], share, rng()).freedom for share in (0.0, 0.9))
    assert shared < 0.3 * alone


def test_too_few_tasks_pool_nothing():
    table, _, _ = tasks(count=3)
    assert pool_variance(table[1:], 0.5, rng()) is None
    lent = borrow(table[0], Neighbours(table[1:]), replace(BOTH, control=False), rng())
    assert lent.sample.pooled is None
    assert "too few other tasks" in lent.notes[-1]


@pytest.mark.parametrize("freedom", [1e-6, 5.0, 1e6])
def test_pooled_variance_moves_the_estimate_as_far_as_it_is_worth(freedom):
    sample = tasks()[0][0]
    plain = float(fit_fixed_effect(sample.score[None], sample, Slopes()).tau2[0])
    target = 3 * plain
    pooled = replace(sample, pooled=PooledVariance(target, 0.02, freedom))
    found = float(fit_fixed_effect(sample.score[None], pooled, Slopes()).tau2[0])
    if freedom < 1:
        assert found == pytest.approx(plain, rel=1e-3)
    elif freedom > 100:
        assert found == pytest.approx(target, rel=1e-3)
    else:
        assert plain < found < target


def test_replicates_draw_the_pooled_variance_anew():
    sample = tasks()[0][0]
    fit = fit_fixed_effect(sample.score[None], sample, Slopes())
    fit = replace(fit, tau2=np.array([0.2]))
    alone = drawn_scatter(fit, sample, 4000, rng()).tau2
    pooled = replace(sample, pooled=PooledVariance(0.2, 0.02, 10.0))
    drawn = drawn_scatter(fit, pooled, 4000, rng()).tau2
    assert np.median(drawn) == pytest.approx(0.21, abs=0.03)
    assert 0.03 < drawn.std() < alone.std()


def test_borrowing_narrows_the_interval_of_the_step():
    table, _, _ = tasks(models=16)
    lent = borrow(table[0], Neighbours(table[1:]), BOTH, rng())
    assert any("degrees of freedom" in note for note in lent.notes)
    psi = middle(table[0].x)
    widths = []
    for sample in (table[0], lent.sample):
        effect, _ = effect_at(sample, psi, Plan())
        widths.append(effect.ci_upper - effect.ci_lower)
    assert widths[1] < widths[0]


def test_an_unbounded_metric_pools_no_variance():
    table = [unbounded(seed=seed) for seed in range(5)]
    table = [replace(item, x=table[0].x, family=table[0].family) for item in table]
    lent = borrow(table[0], Neighbours(table[1:]), BOTH, rng())
    assert lent.sample.pooled is None


def test_a_pair_needs_nothing_borrowed():
    table, _, _ = tasks()
    covariate = replace(
        table[0],
        covariates=table[0].x[:, None] ** 2 - np.mean(table[0].x ** 2),
        covariate_names=("prompt=open",),
    )
    lent = borrow(covariate, Neighbours(table[1:]), BOTH, rng()).sample
    assert lent.covariate_names == ("prompt=open", NAME)
    own = on_its_own(lent)
    assert own.covariate_names == ("prompt=open",)
    assert np.array_equal(own.covariates, covariate.covariates)
    pair = pair_samples(lent, lent)
    assert pair.raw.pooled is None
    assert NAME not in pair.raw.covariate_names


def test_nothing_is_borrowed_unless_asked_for():
    table, _, _ = tasks()
    assert borrow(table[0], Neighbours(table[1:]), NOTHING, rng()).sample is table[0]
