"""The scan beside the F test of one regressor in statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from _simulated import Truth
from inference.samples import drawn, sample_of
from scipy.optimize import lsq_linear

from confounds.inference._null import Slopes, fit_two_level
from confounds.inference._scan import scan, sharpen
from confounds.inference._variances import Scatter
from confounds.inference.sample import threshold_columns

BOUND = 2.197


def single_family(truth, seed=0):
    return replace(drawn(truth, seed=seed), family=np.zeros(24, np.int64))


def gls_t(fit, sample, design, column):
    """t of `column` beside `design` for the working residual, under the fit's covariance."""
    response = fit.residual[0]
    shared = fit.phi2[0] * (sample.membership @ sample.membership.T)
    full = sm.GLS(response, np.column_stack([design, column]), np.diag(1 / fit.weight[0]) + shared)
    return full.fit().tvalues[-1]


@pytest.mark.parametrize(("shape", "psi"), [("step", 9.0), ("hinge", 7.0)])
def test_f_of_one_threshold_is_that_of_weighted_least_squares(shape, psi):
    sample = single_family(Truth(level=-1.0, step=0.3))
    fit = fit_two_level(sample.score[None], sample, Slopes(), None)
    columns = threshold_columns(sample.x, np.array([psi]), shape)
    found = scan(fit, sample, columns, len(sample) - 2)
    response = (fit.eta + fit.residual)[0]
    design = np.column_stack([sample.design, columns])
    expected = sm.WLS(response, design, weights=fit.weight[0]).fit()
    assert expected.params[-1] > 0
    assert found.f[0, 0] == pytest.approx(float(expected.f_test([0, 0, 1]).fvalue), rel=1e-8)
    assert found.delta[0, 0] == pytest.approx(expected.params[-1], rel=1e-8)


def test_with_families_it_is_generalised_least_squares():
    sample = drawn(Truth(level=-1.0, step=0.3))
    fit = fit_two_level(
        sample.score[None], sample, Slopes(), Scatter(np.array([0.2]), np.zeros(1), np.zeros(1))
    )
    assert fit.phi2[0] > 0
    columns = threshold_columns(sample.x, sample.grid, "step")
    found = scan(fit, sample, columns, len(sample) - 2)
    for index in range(0, len(sample.grid), 5):
        t = gls_t(fit, sample, sample.design, columns[:, index])
        assert found.f[0, index] == pytest.approx(t**2 if t > 0 else 0.0, rel=1e-6, abs=1e-12)


def slope_with_jump(fit, sample, column):
    """By how much the slope moves from its bound once the jump is there."""
    design = np.column_stack([sample.design, column])
    return sm.WLS(fit.residual[0], design, weights=fit.weight[0]).fit().params[1]


def test_where_the_slope_would_rise_beyond_its_bound_only_the_level_is_projected_out():
    sample = single_family(Truth(slope=8.0))
    fit = fit_two_level(sample.score[None], sample, Slopes(upper=BOUND), None)
    assert fit.bounded[0]
    columns = threshold_columns(sample.x, sample.grid[:2], "step")[:, 1:]
    assert slope_with_jump(fit, sample, columns) > 0
    found = scan(fit, sample, columns, len(sample) - 2)
    t = gls_t(fit, sample, np.ones((24, 1)), columns[:, 0])
    assert found.delta[0, 0] > 0
    assert found.f[0, 0] == pytest.approx(t**2, rel=1e-6)


def test_the_slope_of_the_alternative_keeps_the_bound_of_the_null():
    """Flat, a jump, flat: the null needs all the slope it may have, the alternative none."""
    x = np.linspace(7, 8.2, 16)
    sample = sample_of(x, np.where(x > 7.6, 0.9, 0.3) + 0.02 * np.cos(9 * x))
    fit = fit_two_level(sample.score[None], sample, Slopes(upper=BOUND), None)
    assert fit.bounded[0]
    columns = threshold_columns(x, sample.grid, "step")
    found = scan(fit, sample, columns, 14)
    root = np.sqrt(fit.weight[0])
    squares = {}
    for index in range(columns.shape[1]):
        design = np.column_stack([sample.design, columns[:, index]])
        bounds = ([-np.inf] * 3, [np.inf, 0.0, np.inf])
        best = lsq_linear(root[:, None] * design, root * fit.residual[0], bounds, tol=1e-14)
        squares[index] = 2 * best.cost if best.x[2] > 0 else np.nan
    level = np.average(fit.residual[0], weights=fit.weight[0])
    null = float(((root * (fit.residual[0] - level)) ** 2).sum())
    fall = null - np.array(list(squares.values()))
    upward = np.isfinite(fall)
    np.testing.assert_allclose(found.explained[0, upward], fall[upward], rtol=1e-5)
    assert found.sup[0] > 3 * gls_t(fit, sample, np.ones((16, 1)), columns[:, found.best[0]]) ** 2


def test_a_downward_jump_counts_nothing():
    x = np.linspace(7, 12, 16)
    sample = sample_of(x, np.where(x > 9.5, 0.4, 0.6))
    fit = fit_two_level(sample.score[None], sample, Slopes(), None)
    columns = threshold_columns(x, np.array([9.5]), "step")
    found = scan(fit, sample, columns, 14)
    assert found.f[0, 0] == 0.0
    assert found.explained[0, 0] < 0
    assert found.delta[0, 0] < 0


def test_the_supremum_and_where_it_is_attained():
    x = np.linspace(7, 12, 16)
    rng = np.random.default_rng(0)
    sample = sample_of(x, rng.binomial(500, np.where(x > 9.5, 0.8, 0.3)) / 500)
    fit = fit_two_level(sample.score[None], sample, Slopes(), None)
    found = scan(fit, sample, threshold_columns(x, sample.grid, "step"), 14)
    assert found.sup[0] == found.f[0].max()
    assert sample.grid[found.best[0]] == pytest.approx(9.5)


def test_a_batch_scans_as_one_at_a_time():
    samples = [drawn(Truth(level=-1.0, step=step), seed=2) for step in (0.0, 0.3)]
    base = samples[0]
    y = np.array([item.score for item in samples])
    fit = fit_two_level(y, base, Slopes(), Scatter(np.full(2, 0.2), np.zeros(2), np.zeros(2)))
    columns = threshold_columns(base.x, base.grid, "step")
    together = sharpen(fit, base, columns, 22)
    for row in range(2):
        one = replace(
            fit, **{name: getattr(fit, name)[row : row + 1] for name in fit.__dataclass_fields__}
        )
        np.testing.assert_allclose(sharpen(one, base, columns, 22).f[0], together.f[row])


def test_sharpening_gives_the_threshold_the_variance_it_explains():
    """The more so the fewer models straddle it, and the more precise their scores are."""
    x = np.linspace(7, 12, 8)
    score = np.random.default_rng(1).binomial(2000, np.where(x > 9.5, 0.7, 0.2)) / 2000
    sample = sample_of(x, score, items=2000)
    fit = fit_two_level(sample.score[None], sample, Slopes(upper=1.0), None)
    columns = threshold_columns(sample.x, sample.grid, "step")
    plain, sharp = (method(fit, sample, columns, 6) for method in (scan, sharpen))
    assert fit.tau2[0] > 0
    assert sharp.sup[0] > 1.1 * plain.sup[0]
