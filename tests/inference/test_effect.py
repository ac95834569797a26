"""The effect in score points: its estimate, its interval, and the algebra behind both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from _simulated import Truth, draw_effects, draw_sample, layout, middle
from inference.samples import drawn, sample_of, stepped, unbounded
from interval_coverage import marginal_step
from scipy import stats

from confounds.inference import _effect, _plan
from confounds.inference._constrained import Constrained, Covariance, reference_point
from confounds.inference._effect import effect_profile, fit_threshold
from confounds.inference._null import Slopes
from confounds.inference.threshold import effect_at

GROWTH = Slopes(0.0, 2.197)
PLAN = _plan.TestPlan(detailed=False)


def noiseless(step=0.3, slope=0.4, shape="step"):
    x = np.linspace(7, 12, 16)
    before = -1 + slope * (x - 9.5)
    share = 1 / (1 + np.exp(1))
    delta = np.log((share + step) / (1 - share - step)) + 1
    rise = (x > 9.5) if shape == "step" else np.maximum(x - 9.5, 0)
    return sample_of(x, 1 / (1 + np.exp(-before - delta * rise)))


def test_the_estimate_is_the_step_at_the_threshold():
    sample = noiseless(step=0.3)
    curve = fit_threshold(sample.score[None], sample, 9.5, "step", GROWTH)
    assert curve.effect[0] == pytest.approx(0.3, abs=0.005)


def test_the_effect_of_a_hinge_is_read_off_at_the_largest_scale():
    sample = noiseless(step=0.2, shape="hinge")
    assert reference_point(sample, 9.5, "hinge") == (12.0, 2.5)
    assert reference_point(sample, 9.5, "step") == (9.5, 1.0)
    curve = fit_threshold(sample.score[None], sample, 9.5, "hinge", GROWTH)
    with_hinge = sample.score[-1]
    without = 1 / (1 + np.exp(1 - 0.4 * 2.5))
    assert curve.effect[0] == pytest.approx(with_hinge - without, abs=0.01)


def test_a_fall_is_no_gradual_growth():
    """The smooth part may not fall, so that a step cannot make up for a falling curve."""
    sample = noiseless(step=0.0, slope=-0.8)
    curve = fit_threshold(sample.score[None], sample, 9.5, "step", GROWTH)
    assert curve.fit.theta[0, 1] == 0.0
    assert curve.effect[0] < 0


def test_whitening_is_the_inverse_of_the_covariance():
    rng = np.random.default_rng(0)
    weight, gradient = rng.uniform(1, 5, 6), rng.uniform(0.1, 0.3, 6)
    membership = np.eye(3)[[0, 0, 1, 1, 2, 2]]
    covariance = Covariance(weight, gradient, 0.7, membership)
    loading = gradient[:, None] * membership
    dense = np.diag(1 / weight) + 0.7 * loading @ loading.T
    r = rng.standard_normal((4, 6))
    np.testing.assert_allclose(covariance.whiten(r), r @ np.linalg.inv(dense))
    np.testing.assert_allclose(
        covariance.squares(r), np.einsum("di,ij,dj->d", r, np.linalg.inv(dense), r)
    )


@pytest.mark.parametrize(("shape", "binomial"), [("step", True), ("hinge", True), ("step", False)])
def test_the_jacobian_of_the_constrained_curve_is_its_derivative(shape, binomial):
    sample = replace(drawn(Truth(), models=8), binomial=binomial)
    problem = Constrained(sample, np.array([9.0]), shape, np.array([0.1, 0.25]))
    theta = np.array([[-0.5, 0.4], [0.1, 0.2]])
    _, jacobian, feasible = problem.evaluate(theta)
    assert feasible.all()
    for column in range(2):
        move = np.zeros_like(theta)
        move[:, column] = 1e-6
        slope = (problem.evaluate(theta + move)[0] - problem.evaluate(theta - move)[0]) / 2e-6
        np.testing.assert_allclose(jacobian[column], slope, atol=1e-7)


def test_the_constrained_curve_has_the_effect_that_was_asked_for():
    x = np.array([7.0, 8.0, 9.0 - 1e-9, 9.0 + 1e-9, 10.0, 11.0])
    sample = sample_of(x, np.full(6, 0.5), floor=0.25)
    problem = Constrained(sample, np.array([9.0]), "step", np.array([-0.05, 0.0, 0.3]))
    mu, _, feasible = problem.evaluate(np.array([[-1.0, 0.5]] * 3))
    assert feasible.all()
    np.testing.assert_allclose(mu[:, 3] - mu[:, 2], [-0.05, 0.0, 0.3], atol=1e-7)


def test_a_step_beyond_the_ceiling_cannot_be_attained():
    sample = drawn(Truth(), models=8)
    problem = Constrained(sample, np.array([9.0]), "step", np.array([0.3, 0.9]))
    _, _, feasible = problem.evaluate(np.array([[0.0, 0.5]] * 2))
    assert feasible.tolist() == [True, False]


def test_intervals_are_nested_and_are_what_the_p_value_does_not_reject():
    effect, profile = effect_at(stepped(), 9.5, PLAN)
    narrow = profile.interval(0.90)
    assert effect.ci_lower < narrow[0] < effect.estimate < narrow[1] < effect.ci_upper
    assert profile.p_value(effect.estimate) == 1.0
    for edge in (effect.ci_lower, effect.ci_upper):
        assert profile.p_value(edge) == pytest.approx(0.05, abs=0.01)
    assert profile.p_value(0.0) == effect.p_value < 0.001


def test_the_interval_holds_its_estimate_though_a_downward_step_fits_better():
    for seed in range(12):
        sample = drawn(Truth(), models=24, seed=seed)
        curves = [
            fit_threshold(sample.score[None], sample, psi, "step", GROWTH) for psi in sample.grid
        ]
        upward = max(curves, key=lambda curve: curve.effect[0])
        profile = effect_profile(sample, sample.grid, "step", GROWTH, upward)
        lower, upper = profile.interval(0.95)
        assert lower <= upward.effect[0] <= upper


def test_an_unbounded_metric_gets_the_interval_of_least_squares():
    sample = replace(unbounded(step=0.8, noise=0.3), family=np.zeros(24, np.int64))
    effect, _ = effect_at(sample, 9.0, PLAN)
    design = np.column_stack([sample.design, sample.x > 9.0])
    expected = sm.OLS(sample.score, design).fit()
    assert expected.params[1] > 0
    assert effect.estimate == pytest.approx(expected.params[2], rel=1e-6)
    np.testing.assert_allclose(
        [effect.ci_lower, effect.ci_upper], expected.conf_int()[2], atol=0.01
    )


def simulated(truth, models, seed):
    """A draw whose middle threshold is where the level is the truth's, and that threshold."""
    rng = np.random.default_rng(seed)
    x, family = layout(models, False, rng)
    psi = middle(x)
    shifted = replace(truth, level=truth.level - truth.slope * (psi - 9.0))
    return draw_sample(shifted, x, family, draw_effects(family, rng), rng), psi


def test_the_interval_covers_the_mean_step_over_models():
    truth, simulations = marginal_step(0.30), 100
    hits = 0
    for seed in range(simulations):
        sample, psi = simulated(Truth(slope=0.7, level=-1.0, step=0.30), 12, seed)
        effect, _ = effect_at(sample, psi, PLAN)
        hits += effect.ci_lower <= truth <= effect.ci_upper
    assert stats.binom.ppf(0.001, simulations, 0.93) <= hits


def test_a_curve_flat_at_its_floor_is_shown_to_have_no_effect_at_8_models():
    uppers = []
    for seed in range(40):
        sample, psi = simulated(Truth(flat=True), 8, seed)
        _, profile = effect_at(sample, psi, PLAN)
        lower, upper = profile.interval(0.90)
        assert lower <= 0.005
        assert upper >= -0.005
        uppers.append(upper)
    assert np.median(uppers) < 0.04
    assert np.mean(np.array(uppers) < 0.10) >= 0.95


@pytest.mark.parametrize("step", [0.0, 0.3])
def test_effects_that_are_not_tried_could_not_have_ended_an_interval(monkeypatch, step):
    sample = drawn(Truth(step=step, level=-1.0), models=12)
    psi = sample.grid[::2]
    curve = fit_threshold(sample.score[None], sample, float(psi[2]), "step", GROWTH)
    some = effect_profile(sample, psi, "step", GROWTH, curve)
    monkeypatch.setattr(_effect, "COARSE", 1)
    every = effect_profile(sample, psi, "step", GROWTH, curve)
    assert np.isfinite(some.squares).sum() < np.isfinite(every.squares).sum()
    for level in (0.5, 0.9, 0.95, 0.99):
        assert some.interval(level) == pytest.approx(every.interval(level), abs=1e-6)
    assert some.p_value() == pytest.approx(every.p_value(), abs=1e-12)


@pytest.mark.parametrize("top", [1.0, 0.99])
def test_from_chance_to_the_ceiling_the_interval_holds_the_step(top):
    """The iterations missed the least sum of squares there: no interval reached above .735."""
    x = np.linspace(8, 11, 16)
    held = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        score = rng.binomial(500, np.where(x > 9.5, top, 0.25)) / 500
        sample = sample_of(x, score, floor=0.25, items=500)
        effect, profile = effect_at(sample, 9.5, PLAN)
        held.append(effect.ci_lower <= top - 0.25 <= effect.ci_upper)
        near = profile.squares < profile.squares.min() + 50
        rise = np.diff(profile.squares[near])
        assert near.sum() > 5
        assert (np.diff(np.sign(rise[np.abs(rise) > 1e-3])) >= 0).all()
    assert sum(held) >= 9
