"""The paired contrast and the change between two conditions; error rates are in `test_size`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from _simulated import Truth, draw_effects, draw_sample, layout, middle
from inference.samples import sample_of, stepped, unbounded
from interval_coverage import marginal_step
from scipy import stats

from confounds.inference import _plan
from confounds.inference._null import Slopes
from confounds.inference.change import Place, estimate_change, independent_change
from confounds.inference.contrast import Pair, contrast_test, pair_samples
from confounds.inference.threshold import effect_at

GROWTH = Slopes(0.0, 2.197)
SLOPES = Slopes(upper=2.197)


def rng(seed=0):
    return np.random.default_rng(seed)


def flat_beside(sample, seed=1):
    """The same models at chance."""
    return sample.with_score(rng(seed).binomial(500, 0.25, len(sample)) / 500)


def simulated(truth, models, seed, *, both=False):
    """A raw condition with the truth's step, and the same models without it, or with."""
    generator = rng(seed)
    x, family = layout(models, False, generator)
    effects = draw_effects(family, generator)
    psi = middle(x)
    truth = replace(truth, level=truth.level - truth.slope * (psi - 9.0))
    raw = draw_sample(truth, x, family, effects, generator)
    other = truth if both else replace(truth, step=0.0)
    return Pair(raw, draw_sample(other, x, family, effects, generator)), psi


@pytest.fixture(scope="module")
def contrast():
    raw = stepped(16)
    return Pair(raw, flat_beside(raw))


def test_models_are_matched_by_name_whatever_their_order():
    raw = stepped(16)
    other = flat_beside(raw).take([*range(15, 3, -1)])
    pair = pair_samples(raw, other)
    assert pair.raw.models == pair.controlled.models == raw.models[4:]
    by_name = dict(zip(other.models, other.score, strict=True))
    np.testing.assert_array_equal(
        pair.controlled.score, [by_name[model] for model in pair.raw.models]
    )


def test_too_few_shared_models_make_no_pair():
    raw = stepped(16)
    assert pair_samples(raw, flat_beside(raw).take(range(7))) is None
    strangers = replace(flat_beside(raw), models=tuple(f"x{row}" for row in range(16)))
    assert pair_samples(raw, strangers) is None


def test_a_threshold_in_one_condition_only_is_found_in_the_difference(contrast):
    found = contrast_test(contrast, "step", SLOPES, 199, rng())
    assert found.term == "paired_threshold"
    assert found.p_value < 0.05
    assert found.estimate == pytest.approx(9.5, abs=0.4)


def test_a_threshold_in_both_conditions_cancels():
    """Rejected no more often than smooth curves; .07 gives more than 6 of 30 once in 1000 times."""
    rejected = 0
    for seed in range(30):
        pair, _ = simulated(Truth(slope=0.7, level=-1.0, step=0.3), 12, seed, both=True)
        rejected += contrast_test(pair, "step", SLOPES, 99, rng(seed)).p_value <= 0.05
    assert rejected <= stats.binom.ppf(0.999, 30, 0.07)


def test_the_same_draws_give_the_same_answer(contrast):
    assert contrast_test(contrast, "step", SLOPES, 99, rng(3)) == contrast_test(
        contrast, "step", SLOPES, 99, rng(3)
    )


def test_the_change_is_the_difference_of_the_two_effects(contrast):
    plan = _plan.TestPlan(detailed=False)
    change = estimate_change(contrast, Place(9.5, np.array([9.5]), "step"), GROWTH, rng())
    raw, controlled = (
        effect_at(side, 9.5, plan)[0] for side in (contrast.raw, contrast.controlled)
    )
    assert change.estimate == pytest.approx(raw.estimate - controlled.estimate, abs=1e-9)
    assert change.ci_lower < change.estimate < change.ci_upper
    assert change.ci_lower > 0.2


def test_swapping_the_conditions_turns_the_sign(contrast):
    change = estimate_change(contrast, Place(9.5, np.array([9.5]), "step"), GROWTH, rng())
    turned = estimate_change(
        Pair(contrast.controlled, contrast.raw), Place(9.5, np.array([9.5]), "step"), GROWTH, rng()
    )
    assert turned.estimate == pytest.approx(-change.estimate)
    assert turned.ci_lower == pytest.approx(-change.ci_upper, abs=0.02)
    assert turned.ci_upper == pytest.approx(-change.ci_lower, abs=0.02)


def test_no_change_between_a_condition_and_itself():
    raw = stepped(16)
    change = estimate_change(Pair(raw, raw), Place(9.5, np.array([9.5]), "step"), GROWTH, rng())
    assert change.estimate == 0.0
    assert change.ci_lower <= 0 <= change.ci_upper


def test_independent_conditions_recover_the_interval_of_a_difference():
    """Zou & Donner 2008 with no correlation: the distances to the limits add in squares."""
    raw = stepped(16)
    controlled = replace(flat_beside(raw), models=tuple(f"x{row}" for row in range(16)))
    plan = _plan.TestPlan(detailed=False)
    one, other = (effect_at(side, 9.5, plan)[0] for side in (raw, controlled))
    change = independent_change(raw, controlled, Place(9.5, np.array([9.5]), "step"), GROWTH)
    down = np.hypot(one.estimate - one.ci_lower, other.ci_upper - other.estimate)
    up = np.hypot(one.ci_upper - one.estimate, other.estimate - other.ci_lower)
    assert change.ci_lower == pytest.approx(change.estimate - down)
    assert change.ci_upper == pytest.approx(change.estimate + up)


def test_a_searched_threshold_widens_the_raw_side_only():
    """The interval of the raw effect is taken over every threshold that its data allow."""
    pair, psi = simulated(Truth(slope=0.7, level=-1.0, step=0.20), 12, seed=2)
    fixed, searched = (
        independent_change(pair.raw, pair.controlled, Place(psi, kept, "step"), GROWTH)
        for kept in (np.array([psi]), pair.raw.grid)
    )
    assert searched.estimate == fixed.estimate
    assert searched.ci_upper - searched.ci_lower > fixed.ci_upper - fixed.ci_lower + 0.01
    same = simulated(Truth(slope=0.7, level=-1.0, step=0.20), 12, seed=2)[0]
    none = Place(psi, np.array([]), "step")
    assert independent_change(same.raw, same.controlled, none, GROWTH) == fixed


def test_thresholds_that_a_sample_cannot_tell_are_not_searched():
    sample = stepped(16)
    beyond = np.array([sample.x.min() - 1, 9.0, sample.x.max() + 1])
    assert Place(9.5, beyond, "step").searched(sample).tolist() == [9.0, 9.5]


def test_the_interval_of_the_change_covers():
    truth, simulations = marginal_step(0.30), 40
    hits, narrower = 0, 0
    for seed in range(simulations):
        pair, psi = simulated(Truth(slope=0.7, level=-1.0, step=0.30), 12, seed)
        place = Place(psi, np.array([psi]), "step")
        change = estimate_change(pair, place, GROWTH, rng(seed))
        apart = independent_change(pair.raw, pair.controlled, place, GROWTH)
        hits += change.ci_lower <= truth <= change.ci_upper
        narrower += change.ci_upper - change.ci_lower < apart.ci_upper - apart.ci_lower
    assert hits >= stats.binom.ppf(0.001, simulations, 0.93)
    assert narrower > 0.8 * simulations


def test_unbounded_metrics_are_contrasted_in_any_unit():
    raw, other = unbounded(step=1.5, seed=2), unbounded(step=0.0, seed=3)
    pair = Pair(raw, replace(other, x=raw.x))
    found = contrast_test(pair, "step", Slopes(), 199, rng())
    assert found.p_value < 0.05
    for unit in (1e-3, 1e3):
        scaled = Pair(*(side.with_score(unit * side.score) for side in (pair.raw, pair.controlled)))
        again = contrast_test(scaled, "step", Slopes(), 199, rng())
        assert again.p_value == found.p_value
        assert again.statistic == pytest.approx(found.statistic, rel=1e-6)
        change = estimate_change(scaled, Place(9.0, np.array([9.0]), "step"), Slopes(0.0), rng())
        assert change.estimate == pytest.approx(
            unit
            * estimate_change(
                pair, Place(9.0, np.array([9.0]), "step"), Slopes(0.0), rng()
            ).estimate,
            rel=1e-6,
        )


def test_scores_at_floor_and_ceiling_have_finite_differences():
    raw = sample_of(np.linspace(7, 12, 12), np.repeat([0.25, 1.0], 6), floor=0.25)
    pair = Pair(raw, raw.with_score(np.full(12, 0.25)))
    found = contrast_test(pair, "step", SLOPES, 99, rng())
    assert np.isfinite(found.statistic)
    assert found.p_value < 0.05
