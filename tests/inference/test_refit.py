"""The statistic with the threshold fitted: what it sees that a scan of the smooth fit does not."""

from dataclasses import replace

import numpy as np
import pytest
from _simulated import Truth
from inference.samples import drawn, sample_of, unbounded

from confounds.inference import _link
from confounds.inference._null import Slopes, fit_fixed_effect
from confounds.inference._plan import TestPlan as Plan
from confounds.inference._reference import bootstrap, fit_levels, p_value
from confounds.inference._refit import within_families
from confounds.inference._scan import sharpen
from confounds.inference.sample import threshold_columns
from confounds.inference.threshold import test_threshold as run_test

BOUND = Slopes(upper=2.2)


def clean_step(seed, models=12, top=0.67):
    """Models at chance up to the middle of three decades, all at `top` beyond it."""
    rng = np.random.default_rng(seed)
    x = np.linspace(8, 11, models)
    mean = np.where(x > x.mean(), top, 0.25) + 0.025 * rng.standard_normal(models)
    score = rng.binomial(400, mean) / 400
    return sample_of(x, score, floor=0.25, family=np.arange(models) % 3, items=400)


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_step_from_chance_is_found_and_the_surer_the_larger(seed):
    """One step from the smooth fit it was not: that fit's variance took the step up (p = .50)."""
    plan = Plan(replicates=199, detailed=False)
    low, high = (run_test(clean_step(seed, top=top), plan) for top in (0.40, 0.67))
    assert high.fit.p_two_level <= 0.02
    assert 8.3e8 < 10**high.psi < 1.2e10
    assert high.fit["threshold"].statistic > low.fit["threshold"].statistic


def test_scatter_at_chance_is_no_step():
    """Nor is the test wide awake to it: a flat curve has nothing to find."""
    found = 0
    for seed in range(20):
        sample = clean_step(seed, top=0.25)
        columns = threshold_columns(sample.x, sample.grid, "step")
        observed = fit_levels(sample.score[None], sample, columns, BOUND)
        rng = np.random.default_rng(seed)
        draws, _ = bootstrap(observed, sample, columns, BOUND, 99, rng)
        found += p_value(float(observed.two_level_search.sup[0]), draws) <= 0.05
    assert found <= 4


def test_an_unbounded_metric_is_scanned():
    sample = unbounded(24)
    columns = threshold_columns(sample.x, sample.grid, "step")
    observed = fit_levels(sample.score[None], sample, columns, Slopes())
    scanned = sharpen(observed.two_level, sample, columns, len(sample) - 2)
    np.testing.assert_array_equal(observed.two_level_search.f, scanned.f)


def test_no_jump_downward_counts():
    x = np.linspace(8, 11, 12)
    score = np.where(x > 9.5, 0.30, 0.80)
    sample = sample_of(x, score, floor=0.25, family=np.arange(12) % 3)
    columns = threshold_columns(sample.x, sample.grid, "step")
    observed = fit_levels(sample.score[None], sample, columns, BOUND)
    middle = int(np.abs(sample.grid - 9.5).argmin())
    assert observed.two_level_search.f[0, middle] == 0
    assert observed.fixed_search.f[0, middle] == 0


def test_families_may_have_any_levels_in_the_curve_within_them():
    """Scores on smooth curves of three levels leave nothing, whatever levels it starts from."""
    sample = drawn(Truth(), models=24)
    levels = np.array([0.0, 1.2, -0.8, 0.4, -0.3, 0.9])[sample.family]
    eta = 0.9 * (sample.x - sample.centre) + levels
    y = _link.mean(eta, sample.floor, binomial=True)[None]
    start = fit_fixed_effect(sample.score[None], sample, BOUND)
    weight = np.full((1, 24), 1 / 0.02**2)
    least = within_families(y, start, sample, weight, BOUND)
    apart = (weight * (y - _link.mean(start.eta, sample.floor, binomial=True)) ** 2).sum()
    assert least[0] < 0.05 * apart


def test_a_table_without_a_residual_has_a_p_value_and_no_crash():
    """Families dropped after the sample was observed leave as many columns as models."""
    rng = np.random.default_rng(2)
    base = drawn(Truth(slope=1.0), models=8)
    sample = replace(
        base,
        family=np.zeros(8, np.int64),
        covariates=rng.standard_normal((8, 6)),
        covariate_names=tuple("abcdef"),
    )
    found = run_test(sample, Plan(replicates=19, detailed=False))
    assert 0 < found.fit.p_two_level <= 1


def test_a_draw_that_repeats_the_data_is_a_tie():
    assert p_value(100.0, np.array([100.0 - 1e-5, 99.0, 98.0])) == pytest.approx(2 / 4)
