"""The smooth null beside statsmodels, and its variance components beside their truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from _simulated import Truth, layout
from inference.samples import drawn, sample_of, unbounded
from scipy import optimize

from confounds.inference import _link, _null
from confounds.inference._null import Slopes, fit_fixed_effect, fit_two_level
from confounds.inference._reference import draw_scores
from confounds.inference._variances import Scatter

FREE = Slopes()
NO_VARIANCE = Scatter.none(1)


def curve(slope=1.0, floor=0.0, models=16, items=300, seed=0):
    rng = np.random.default_rng(seed)
    x = np.linspace(7, 12, models)
    mu = floor + (1 - floor) / (1 + np.exp(-slope * (x - 9.5)))
    return sample_of(x, rng.binomial(items, mu) / items, floor=floor, items=items)


@pytest.fixture
def no_ridge(monkeypatch):
    monkeypatch.setattr(_null, "RIDGE_LEVEL", 0.0)
    monkeypatch.setattr(_null, "RIDGE_SLOPE", 0.0)


def binomial_glm(sample, design, offset=None):
    counts = np.column_stack([sample.score, 1 - sample.score]) * sample.n[:, None]
    return sm.GLM(counts, design, family=sm.families.Binomial(), offset=offset).fit()


@pytest.mark.usefixtures("no_ridge")
def test_without_floor_and_variance_it_is_the_logistic_regression_of_statsmodels():
    sample = curve()
    fit = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    expected = binomial_glm(sample, sample.design)
    np.testing.assert_allclose(fit.theta[0], expected.params, rtol=1e-6)
    information = (sample.design.T * fit.weight[0]) @ sample.design
    np.testing.assert_allclose(np.linalg.inv(information), expected.cov_params(), rtol=1e-5)
    assert not fit.bounded[0]


def test_the_ridge_moves_nothing_that_is_printed():
    sample = curve()
    fit = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    np.testing.assert_allclose(fit.theta[0], binomial_glm(sample, sample.design).params, atol=0.002)


@pytest.mark.usefixtures("no_ridge")
def test_covariates_are_further_columns_of_the_regression():
    sample = curve()
    tuned = np.tile([0.5, -0.5], 8)
    sample = replace(sample, covariates=tuned[:, None], covariate_names=("tuned",))
    fit = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    expected = binomial_glm(sample, np.column_stack([sample.design[:, :2], tuned]))
    np.testing.assert_allclose(fit.theta[0], expected.params, rtol=1e-6)


@pytest.mark.usefixtures("no_ridge")
def test_with_a_chance_floor_it_maximises_the_binomial_likelihood():
    sample = curve(floor=0.25)

    def loss(theta):
        mu = _link.mean(sample.design @ theta, sample.floor, binomial=True)
        hits = sample.n * sample.score
        return -(hits * np.log(mu) + (sample.n - hits) * np.log(1 - mu)).sum()

    fit = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    best = optimize.minimize(loss, np.array([0.0, 1.0]), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(fit.theta[0], best.x, rtol=1e-4)


@pytest.mark.usefixtures("no_ridge")
def test_where_the_bound_is_active_only_the_level_is_fitted():
    sample = curve(slope=4.0)
    fit = fit_two_level(sample.score[None], sample, Slopes(upper=1.5), NO_VARIANCE)
    expected = binomial_glm(sample, np.ones((16, 1)), offset=1.5 * sample.design[:, 1])
    assert fit.bounded[0]
    assert fit.theta[0, 1] == 1.5
    assert fit.theta[0, 0] == pytest.approx(expected.params[0], rel=1e-5)


def test_the_lower_bound_holds_a_falling_curve():
    sample = curve(slope=-1.0)
    fit = fit_two_level(sample.score[None], sample, Slopes(0.0, 2.0), NO_VARIANCE)
    assert fit.bounded[0]
    assert fit.theta[0, 1] == 0.0


def test_a_bound_that_is_not_reached_changes_nothing():
    sample = curve(slope=1.0)
    free = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    loose = fit_two_level(sample.score[None], sample, Slopes(0.0, 2.2), NO_VARIANCE)
    assert not loose.bounded[0]
    np.testing.assert_array_equal(free.theta, loose.theta)


def test_the_variance_between_models_maximises_the_restricted_likelihood():
    """Patterson & Thompson 1971, of the working response at the fit."""
    sample = replace(drawn(Truth(), models=24), family=np.zeros(24, np.int64))
    fit = fit_two_level(sample.score[None], sample, FREE, None)
    assert fit.tau2[0] > 0.05
    z, X = fit.eta[0] + fit.residual[0], sample.design
    sampling = 1 / fit.weight[0] - fit.tau2[0]

    def minus_twice(tau2):
        w = 1 / (sampling + tau2)
        gram = (X.T * w) @ X
        r = z - X @ np.linalg.solve(gram, (X.T * w) @ z)
        return -np.log(w).sum() + np.linalg.slogdet(gram)[1] + (w * r * r).sum()

    best = optimize.minimize_scalar(minus_twice, bounds=(1e-4, 2), method="bounded").x
    assert fit.tau2[0] == pytest.approx(best, rel=0.02)


def test_models_that_scatter_at_chance_move_the_rates_of_guessing_and_not_the_models():
    rng = np.random.default_rng(4)
    x = np.linspace(7, 12, 24)
    mean = np.where(x > 9.5, 0.7, 0.25 + 0.03 * rng.standard_normal(24))
    y = rng.binomial(2000, mean, (200, 24)) / 2000
    sample = sample_of(x, y[0], floor=0.25, items=2000)
    step = np.repeat((x > 9.5).astype(float)[None], len(y), axis=0)
    fit = fit_two_level(y, sample, Slopes(0.0, 2.0), None, jump=step)
    spread = mean[x <= 9.5].var(ddof=1) + 0.25 * 0.75 / 2000
    assert np.median(fit.rho) * 0.25 * 0.75 == pytest.approx(spread, rel=0.5)
    assert np.median(fit.tau2) < 0.1
    higher = fit_two_level(y + 0.2, sample, Slopes(0.0, 2.0), None)
    assert not higher.rho.any()


def test_guesses_are_drawn_with_the_variance_that_the_fit_gives_them():
    sample = sample_of(np.linspace(7, 12, 8), np.full(8, 0.3), floor=0.25, items=500)
    count = 20_000
    scatter = Scatter(np.zeros(count), np.zeros(count), np.full(count, 0.004))
    eta = np.repeat(np.linspace(-4, 2, 8)[None], count, axis=0)
    y = draw_scores(eta, scatter, sample, np.random.default_rng(1))
    mu = _link.mean(eta[:1], sample.floor, binomial=True)
    expected = mu * (1 - mu) / 500 + 0.004 * _link.guessing_variance(mu, sample)
    np.testing.assert_allclose(y.mean(axis=0), mu[0], atol=0.001)
    np.testing.assert_allclose(y.var(axis=0), expected[0], rtol=0.05)


@pytest.mark.parametrize(("own", "shared"), [(0.04, 0.09), (0.09, 0.0)])
def test_variances_between_models_and_between_families_are_recovered(own, shared):
    """Where effects are small and the curve is far from its ends, so that it is nearly linear."""
    rng = np.random.default_rng(3)
    x, family = layout(48, False, rng)
    x = 9 + (x - 9) / 3
    sample = sample_of(x, np.full(48, 0.5), floor=0.25, family=family)
    batch = 300
    eta = np.repeat((x - 9)[None], batch, axis=0)
    truth = Scatter(np.full(batch, own), np.full(batch, shared), np.zeros(batch))
    y = draw_scores(eta, truth, sample, rng)
    within = fit_fixed_effect(y, sample, FREE).scatter
    fit = fit_two_level(y, sample, FREE, within)
    assert within.tau2.mean() == pytest.approx(own, rel=0.1)
    assert fit.phi2.mean() == pytest.approx(shared, rel=0.25, abs=0.01)
    assert fit.theta[:, 1].mean() == pytest.approx(1.0, rel=0.05)


def test_one_family_has_no_variance_between_families():
    sample = curve()
    fit = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    assert fit.phi2[0] == 0.0


def test_levels_of_families_do_not_move_the_slope_of_the_fixed_effect_fit():
    """Beside a regression with a dummy a family, on scores without noise between models."""
    family = np.repeat([0, 1, 2], 8)
    x = np.tile(np.linspace(7, 12, 8), 3)
    eta = 0.9 * (x - 9.5) + np.array([0.0, 1.5, -1.0])[family]
    sample = sample_of(x, 1 / (1 + np.exp(-eta)), family=family)
    fit = fit_fixed_effect(sample.score[None], sample, FREE)
    assert fit.theta[0, 1] == pytest.approx(0.9, rel=0.01)
    pooled = fit_two_level(sample.score[None], sample, FREE, NO_VARIANCE)
    assert abs(pooled.theta[0, 1] - 0.9) > abs(fit.theta[0, 1] - 0.9)


def test_a_batch_is_as_good_as_one_at_a_time():
    samples = [drawn(Truth(slope=slope), seed=5) for slope in (0.5, 1.0, 2.0)]
    base = samples[0]
    y = np.array([item.score for item in samples])
    together = fit_two_level(y, base, FREE, fit_fixed_effect(y, base, FREE).scatter)
    for row, one in enumerate(y):
        within = fit_fixed_effect(one[None], base, FREE).scatter
        alone = fit_two_level(one[None], base, FREE, within)
        np.testing.assert_allclose(together.theta[row], alone.theta[0], atol=0.01)
        np.testing.assert_allclose(together.phi2[row], alone.phi2[0], atol=0.02)


def test_a_curve_at_its_floor_stays_finite():
    sample = sample_of(np.linspace(7, 12, 10), np.full(10, 0.25), floor=0.25)
    fit = fit_two_level(sample.score[None], sample, FREE, None)
    assert np.isfinite(fit.theta).all()
    mu = _link.mean(fit.eta[0], sample.floor, binomial=True)
    assert np.abs(mu - 0.25).max() < 0.03


def test_an_unbounded_metric_of_one_family_is_least_squares():
    sample = replace(unbounded(), family=np.zeros(24, np.int64))
    fit = fit_two_level(sample.score[None], sample, FREE, None)
    expected = sm.OLS(sample.score, sample.design).fit()
    np.testing.assert_allclose(fit.theta[0], expected.params, rtol=1e-8)
    assert fit.tau2[0] == pytest.approx(expected.mse_resid, rel=1e-3)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_an_unbounded_metric_may_have_any_unit(unit):
    """Variances started from fixed numbers once: a metric of another size got none at all."""
    sample = unbounded(noise=0.02)
    y = sample.score[None]
    plain = fit_two_level(y, sample, FREE, fit_fixed_effect(y, sample, FREE).scatter)
    scaled = fit_two_level(unit * y, sample, FREE, fit_fixed_effect(unit * y, sample, FREE).scatter)
    assert plain.tau2[0] == pytest.approx(0.02**2, rel=0.5)
    np.testing.assert_allclose(scaled.theta, unit * plain.theta, rtol=1e-6)
    np.testing.assert_allclose(scaled.tau2, unit**2 * plain.tau2, rtol=1e-6)
    np.testing.assert_allclose(scaled.phi2, unit**2 * plain.phi2, rtol=1e-6)


def test_degrees_of_freedom_within_families():
    assert _null.fixed_effect_freedom(drawn(Truth(), models=24)) == 24 - 6 - 1
