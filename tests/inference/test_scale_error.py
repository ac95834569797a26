"""Error in scale: what SIMEX gives back, and how far a step moves with the scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from _simulated import Truth
from inference.samples import drawn, sample_of, stepped
from rivals.axis_cases import axes
from rivals.made import claim_of, outcomes_of

from confounds.inference import _plan, scale_error
from confounds.inference._effect import own_curve
from confounds.inference.fits import Fits, Settings
from confounds.inference.scale_error import (
    Perturbed,
    best_threshold,
    line_in_root,
    perturb_scales,
    quadratic,
    simex,
)
from confounds.plugins import load
from confounds.results import Estimate
from confounds.rivals import scale_choice

PLAN = _plan.TestPlan(replicates=99, detailed=False)


def slope_of(y):
    def estimate(x):
        slope = np.cov(x, y)[0, 1] / x.var(ddof=1)
        rest = y - y.mean() - slope * (x - x.mean())
        return slope, float(rest @ rest / (len(x) - 2) / ((len(x) - 1) * x.var(ddof=1)))

    return estimate


def test_each_extrapolation_is_exact_for_its_own_curve():
    values = np.array([2 - 0.5 * w + 0.1 * w**2 for w in scale_error.LAMBDAS])
    assert quadratic(values) == pytest.approx(2.6)
    values = np.array([0.5 - 0.2 * (1 + w) ** 0.5 for w in scale_error.LAMBDAS])
    assert line_in_root(values) == pytest.approx(0.5)


def test_simex_follows_its_known_expectation_in_a_straight_line():
    """E b(lambda) = b s / (s + (1 + lambda) v): the quadratic through these, at -1."""
    rng = np.random.default_rng(4)
    truth = rng.standard_normal(4000)
    y, seen = 1.5 * truth + 0.1 * rng.standard_normal(4000), truth + 0.4 * rng.standard_normal(4000)
    value, error = simex(slope_of(y), seen, 0.4, rng, quadratic)
    expected = [1.5 / (1 + (1 + w) * 0.16) for w in scale_error.LAMBDAS]
    assert value == pytest.approx(quadratic(np.array(expected)), abs=0.02)
    assert abs(value - 1.5) < 0.25 * abs(1.5 / 1.16 - 1.5)
    assert error == pytest.approx(0.012, abs=0.01)


def test_without_error_simex_changes_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(50), rng.standard_normal(50)
    assert simex(slope_of(y), x, 0.0, rng, quadratic)[0] == pytest.approx(slope_of(y)(x)[0])


def test_a_blurred_step_is_sharper_without_the_blur():
    sharp = sample_of(
        np.linspace(7, 12, 60), np.where(np.linspace(7, 12, 60) > 9.5, 0.8, 0.3), items=2000
    )
    rng = np.random.default_rng(1)
    noise = scale_error.SPREAD * rng.standard_normal(60)
    sample = replace(sharp, x=sharp.x + noise)
    found = scale_error.simex_effect(sample, 9.5, PLAN, np.random.default_rng(0))
    naive = float(own_curve(sample, 9.5, PLAN.shape, PLAN.growth(sample)).effect[0])
    assert naive < found.estimate <= 0.62
    assert found.term == "effect_simex"


def test_a_clear_step_stays_under_a_factor_of_two_and_a_slope_gains_none():
    step = perturb_scales(stepped(seed=2), PLAN, np.random.default_rng(0))
    assert step.upward == 1.0
    assert step.effect.ci_lower > 0.1
    assert step.thresholds[0] < 9.6 < step.thresholds[1] + 0.3
    grown = perturb_scales(drawn(Truth(slope=1.0), seed=3), PLAN, np.random.default_rng(0))
    assert grown.upward < 0.5


def test_a_gradual_curve_with_error_in_scale_does_not_show_a_clear_step():
    """And what departs no further than a gradual curve at wrong scales is not called a step."""
    rng = np.random.default_rng(0)
    assert scale_error.gradual_with_error(stepped(seed=2), PLAN, rng) <= 0.02
    error = np.random.default_rng(3).uniform(-0.3, 0.3, 24)
    steep = drawn(Truth(slope=2.0), seed=3)
    blurred = replace(steep, x=steep.x + error)
    assert scale_error.gradual_with_error(blurred, PLAN, rng) > 0.05


def test_the_threshold_with_the_largest_statistic_is_that_of_the_test():
    sample = stepped(seed=5)
    assert best_threshold(sample, PLAN) == pytest.approx(9.5, abs=0.3)


def test_another_axis_is_put_beside_only_where_it_is_another_one():
    frame = axes("parameters", seed=1)
    frame["tokens"] = 20 * frame["parameters"]
    claim, outcomes = claim_of(), outcomes_of(frame)
    fits = Fits(claim, outcomes, Settings(replicates=99))
    found = load("rivals", "scale_choice").test(claim, outcomes, fits)
    assert found.reason.startswith("beside 0.3 decades of error:")
    assert {"effect_perturbed", "effect_simex", "threshold_perturbed"} <= {
        item.term for item in found.estimates
    }


def test_error_in_scale_never_explains():
    frame = axes("tokens", seed=0).drop(columns="tokens")
    claim, outcomes = claim_of(), outcomes_of(frame)
    fits = Fits(claim, outcomes, Settings(replicates=99, sharpness=False))
    assert load("rivals", "scale_choice").test(claim, outcomes, fits).outcome == "inconclusive"


def test_a_step_that_more_error_hides_is_told_beside_the_p_value_that_decides(monkeypatch):
    """Error blurs a step and makes none: the two do not contradict each other, and it is said."""
    hidden = Perturbed(
        Estimate("effect_perturbed", 0.1, ci_lower=-0.38, ci_upper=0.57), 0.5, (9, 10)
    )
    monkeypatch.setattr(scale_choice, "perturb_scales", lambda *_: hidden)
    claim, outcomes = claim_of(), outcomes_of(axes("parameters", seed=1).drop(columns="tokens"))
    fits = Fits(claim, outcomes, Settings(replicates=99))
    found = scale_choice.RIVAL.test(claim, outcomes, fits)
    assert found.outcome == "survives"
    assert found.reason.endswith(
        "; that decides, though as much error again can hide the step: with it the step lies "
        "between -0.38 and 0.57, above 0 in 50%"
    )
