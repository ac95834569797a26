"""Growth of the better mode's probability against a jump of it: Newton's fit, size and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import GLM, families

from confounds.inference import mode_growth as under_test
from confounds.inference.mode_growth import mode_growth

SCALES = np.repeat(np.linspace(7, 12.5, 12), 4)


def rng(seed=0):
    return np.random.default_rng(seed)


def growth_of(share, seed):
    """Runs whose probability of the better mode is `share` at their scale."""
    generator = rng(seed)
    return mode_growth(SCALES, generator.random(len(SCALES)) < share(SCALES), generator)


def test_the_two_likelihoods_are_those_of_a_logistic_regression_and_of_two_shares(monkeypatch):
    monkeypatch.setattr(under_test, "RIDGE", 1e-8)
    lucky = rng(3).random(len(SCALES)) < 1 / (1 + np.exp(-1.5 * (SCALES - 9.7)))
    design = np.column_stack([np.ones(len(SCALES)), SCALES])
    peer = GLM(lucky.astype(float), design, family=families.Binomial()).fit()
    jumps = []
    for cut in np.unique(SCALES)[1:]:
        above = cut <= SCALES
        counts = [(lucky[side].sum(), side.sum()) for side in (above, ~above)]
        jumps.append(
            sum(k * np.log(max(k / n, 1e-9)) + (n - k) * np.log(max(1 - k / n, 1e-9))
                for k, n in counts)
        )  # fmt: skip
    expected = -2 * (max(jumps) - peer.llf) + 2
    assert mode_growth(SCALES, lucky, rng()).aic_difference == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("succeed", [0.5, 0.95])
def test_runs_that_fail_above_a_threshold_pass_for_growth_no_more_often_than_the_level(succeed):
    simulations = 60
    said = [growth_of(lambda x: succeed * (x > 9.7), seed).gradual for seed in range(simulations)]
    assert sum(said) <= stats.binom.ppf(0.999, simulations, 0.05)


def test_luck_that_grows_over_two_decades_is_seen():
    said = [growth_of(lambda x: 1 / (1 + np.exp(-2.2 * (x - 9.7))), s).gradual for s in range(20)]
    assert np.mean(said) >= 0.5


@pytest.mark.parametrize("lucky", [True, False])
def test_runs_of_one_mode_show_no_growth(lucky):
    assert not mode_growth(SCALES, np.full(len(SCALES), lucky), rng()).gradual


def test_one_size_tells_nothing():
    found = mode_growth(np.full(6, 9.0), np.array([True, False] * 3), rng())
    assert (found.p_jump, found.gradual) == (1.0, False)
