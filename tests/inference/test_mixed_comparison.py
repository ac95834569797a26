"""Tests on mixed models: nested fits, Wald, bootstrap, simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from confounds.errors import InputError, UsageError
from confounds.inference._mixed_boundary import variance_degrees, variance_ratio_tail
from confounds.inference._mixed_degrees import combined, effective_number, joint_degrees
from confounds.inference.mixed import (
    MixedDesign,
    Term,
    compare_mixed,
    fit_mixed,
    simulate_mixed,
    wald_test,
    working_units,
)

SIMULATIONS = 60


def make(models=8, items=24, floor=0.0, trials=1, seed=0):
    """Models by items by two conditions, with an effect of scale and of the condition."""
    rng = np.random.default_rng(seed)
    few = np.array([0.0, 1.0])
    scale = np.linspace(-1.0, 1.0, models)
    eta = 0.3 + 0.8 * scale[:, None, None] + 0.5 * few
    eta = eta + rng.normal(0, 0.6, (models, 1, 1)) + rng.normal(0, 1, (items, 1))
    successes = rng.binomial(trials, floor + (1 - floor) / (1 + np.exp(-eta))).astype(float)
    terms = (Term("intercept"), Term("scale", model=scale), Term("few", condition=few))
    return MixedDesign.from_block(successes, terms=terms, trials=trials, floor=floor)


def test_likelihood_ratio_wald_and_bootstrap_agree():
    design = make(models=10, items=40, trials=4)
    small = replace(design, terms=(design.terms[0], *design.terms[2:]))
    null, full = fit_mixed(small), fit_mixed(design)
    ratio = compare_mixed(null, full, replicates=60, seed=1)
    wald = wald_test(full, ("scale",))
    assert ratio.null == wald.null == "scale has no effect"
    assert ratio.p_chi_squared < ratio.p_value
    assert ratio.p_value == pytest.approx(wald.p_value, rel=0.5)
    assert wald.p_value == pytest.approx(full["scale"].p_value, rel=1e-6)
    assert ratio.p_bootstrap == pytest.approx(ratio.p_value, abs=0.1)
    assert compare_mixed(null, full, replicates=3, seed=1) == compare_mixed(
        null, full, replicates=3, seed=1
    )
    assert ratio.tidy().shape == (1, 8)


def test_a_variance_component_is_tested_at_its_boundary():
    design = make(models=9, items=40, trials=4)
    null, full = fit_mixed(design), fit_mixed(replace(design, family=np.arange(9) // 3))
    test = compare_mixed(null, full)
    assert test.null == "sd_family is zero"
    assert test.p_value == pytest.approx(0.5 * test.p_chi_squared) or test.p_value == 1.0


def test_components_alone_are_compared_by_the_restricted_likelihood():
    design = make(models=9, items=40, trials=4)
    null = fit_mixed(design)
    varying = fit_mixed(replace(design, model_by_condition=True))
    both = fit_mixed(replace(design, family=np.arange(9) // 3, model_by_condition=True))
    one, two = (compare_mixed(null, fit, replicates=19, seed=2) for fit in (varying, both))
    assert two.null == "sd_family, sd_model:condition are zero"
    for test, fit in ((one, varying), (two, both)):
        height = fit.restricted_log_likelihood - null.restricted_log_likelihood
        assert test.likelihood_ratio == pytest.approx(max(0.0, 2.0 * height))
        assert test.p_bootstrap == pytest.approx(test.p_value, abs=0.35)
    half = 0.5 * stats.chi2.sf(one.likelihood_ratio, 1)
    assert 0.5 * half < one.p_value < half


def test_a_variance_ratio_is_f_of_the_one_way_layout():
    f, above, below = 3.1, 4.0, 15.0
    ratio = 19.0 * np.log((above * f + below) / 19.0) - above * np.log(f)
    assert variance_ratio_tail(ratio, above, below) == pytest.approx(stats.f.sf(f, above, below))
    known = above * (f - 1.0 - np.log(f))
    expected = stats.chi2.sf(above * f, above)
    assert variance_ratio_tail(known, above, np.inf) == pytest.approx(expected)
    assert variance_ratio_tail(2.7, 1e5, np.inf) == pytest.approx(
        0.5 * stats.chi2.sf(2.7, 1), rel=1e-2
    )


def test_levels_of_components_are_counted_less_the_terms_between_them():
    design = make(models=12, items=40, trials=200)
    family = np.arange(12) // 3
    null = fit_mixed(design)
    units = working_units(null)
    larger = replace(design, family=family, model_by_condition=True)
    # Four families less the intercept and most of scale, against models within families.
    above, below = variance_degrees(null, units, larger, "family")
    assert above == pytest.approx(2.0, abs=0.3)
    assert below == pytest.approx(8.0, abs=0.5)
    # Each model's difference of conditions less their mean, against sampling, which is known.
    above, below = variance_degrees(null, units, larger, "model:condition")
    assert above == pytest.approx(11.0, abs=0.5)
    assert below > 1e3


def test_the_ratio_of_terms_that_rest_on_the_same_models_counts_these():
    design = make(models=14, items=60, trials=200)
    tuned = np.random.default_rng(5).permutation(14) % 2.0
    fit = fit_mixed(replace(design, terms=(*design.terms, Term("tuned", model=tuned))))
    degrees = joint_degrees(fit, [1, 3])
    assert degrees == pytest.approx(11.0, abs=0.7)
    # The items' mean, which is not known, costs part of a model.
    assert effective_number(fit, [1, 3], degrees) == pytest.approx(13.5, abs=0.5)
    assert effective_number(fit, [1], fit.degrees[1]) == pytest.approx(13.5, abs=0.5)
    # The condition's effect rests on the rows, whatever the models vary.
    alone = effective_number(fit, [2], fit.degrees[2])
    assert alone == pytest.approx(fit.degrees[2], rel=0.02)


def test_a_variance_estimated_at_zero_is_not_known_to_be_zero():
    design = make(models=9, items=40, seed=1)
    even = np.tile(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), design.rows)[: design.rows]
    fit = fit_mixed(replace(design, successes=even, terms=design.terms[:2]))
    assert fit.restricted_sd[1] < 1e-3
    # Seven models less terms, over the variance of a normal estimate cut off at 0.
    assert fit.degrees[1] == pytest.approx(7.0 / (0.5 - 0.5 / np.pi), abs=3.0)
    assert effective_number(fit, [1], fit.degrees[1]) > fit.degrees[1]


def test_a_term_and_a_component_mix_the_tails_of_f():
    design = make(models=10, items=40, trials=4, seed=4)
    small = replace(design, terms=(design.terms[0], *design.terms[2:]))
    full = fit_mixed(replace(design, model_by_condition=True))
    test = compare_mixed(fit_mixed(small), full)
    assert test.null == "scale, sd_model:condition have no effect"
    assert (test.df, test.statistic) == (2, test.likelihood_ratio)
    assert test.p_value > stats.chi2.sf(test.likelihood_ratio, 1)


@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_a_joint_test_does_not_depend_on_units(unit):
    design = make(models=10, items=40)
    few = design.terms[2].condition
    scale = design.terms[1].model
    crossed = Term("scale:few", model=scale, condition=few)
    tested = ("scale", "scale:few")
    first, second = (
        wald_test(
            fit_mixed(replace(design, terms=(design.terms[0], at, design.terms[2], crossed))),
            tested,
        )
        for at in (Term("scale", model=scale), Term("scale", model=unit * scale))
    )
    assert second.df_models == pytest.approx(first.df_models, rel=1e-2)
    assert second.statistic == pytest.approx(first.statistic, rel=1e-2)
    # One contrast between models (8 degrees of freedom), one within (many).
    assert first.df_models == pytest.approx(14.0, abs=2.0)


def test_degrees_of_a_joint_test_are_no_more_than_its_contrasts_allow():
    assert combined([5.0, np.inf]) == pytest.approx(8.0)
    assert combined([7.0, 7.0, 7.0]) == pytest.approx(7.0)
    assert combined([np.inf, np.inf]) == np.inf
    # F with a mean of 2 on one contrast must not pass for known variances.
    assert combined([1.5, 4.0]) == 1.5
    assert combined([2.0, 3.9]) == 2.0


def test_few_models_keep_the_size_that_chi_squared_does_not():
    rejected = np.zeros(3)
    for seed in range(SIMULATIONS):
        design = make(seed=seed)
        tuned = np.random.default_rng(seed).permutation(design.models) % 2.0
        full = fit_mixed(replace(design, terms=(*design.terms, Term("tuned", model=tuned))))
        ratio = compare_mixed(fit_mixed(design, start=full), full)
        wald = wald_test(full, ("tuned",))
        rejected += np.array([wald.p_value, ratio.p_value, ratio.p_chi_squared]) < 0.05
    # Of tests of size .05, so many or more reject once in a thousand.
    most = stats.binom.isf(0.001, SIMULATIONS, 0.05)
    assert max(rejected[:2]) <= most
    assert rejected[2] > max(rejected[:2])


def test_simulated_answers_have_the_fitted_mean():
    fit = fit_mixed(make(models=8, items=200, floor=0.25, trials=50))
    rng = np.random.default_rng(0)
    means = [simulate_mixed(fit, rng).successes.mean() for _ in range(40)]
    seen = fit.design.successes.mean()
    assert np.mean(means) == pytest.approx(seen, abs=3 * np.std(means) / np.sqrt(40) + 0.5)


def test_tests_need_nested_fits_of_the_same_rows():
    design = make()
    fit = fit_mixed(design)
    other = fit_mixed(replace(design, successes=1.0 - design.successes))
    with pytest.raises(UsageError, match="differ in 'successes'"):
        compare_mixed(fit, other)
    with pytest.raises(UsageError, match="has nothing more"):
        compare_mixed(fit, fit)
    smaller = fit_mixed(replace(design, terms=design.terms[:2]))
    with pytest.raises(UsageError, match="lacks few"):
        compare_mixed(fit, smaller)
    with pytest.raises(UsageError, match="no term 'size'; there are: intercept"):
        wald_test(fit, ("size",))
    with pytest.raises(InputError, match=r"trials are 1\.5 in row 0"):
        simulate_mixed(
            replace(fit, design=replace(design, trials=np.full(design.rows, 1.5))),
            np.random.default_rng(0),
        )
