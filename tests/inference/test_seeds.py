"""Modes of training runs: R's dips and mixtures, error rates, and what counts as a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rivals.axis_cases import as_seeds, training_runs
from rivals.made import claim_of, outcomes_of

from confounds.inference import seeds
from confounds.inference._dip import dip_p_value, dip_statistic
from confounds.inference.fits import Fits, Settings
from confounds.inference.mixture import fit_mixture, null_ratios

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
VALUES = pd.read_csv(REFERENCE / "dip_data.csv").groupby("sample")["value"]
PEER = pd.read_csv(REFERENCE / "dip_fits.csv").set_index("sample")


@pytest.mark.parametrize("sample", PEER.index)
def test_the_dip_is_that_of_r(sample):
    values = VALUES.get_group(sample).to_numpy()
    assert dip_statistic(values) == pytest.approx(PEER.loc[sample, "dip"], abs=1e-10)


@pytest.mark.parametrize("sample", [name for name in PEER.index if PEER.loc[name, "lrt"] > 0.1])
def test_the_mixture_is_that_of_mclust(sample):
    found = fit_mixture(VALUES.get_group(sample).to_numpy()[None], 1e-6)
    assert found.ratio[0] == pytest.approx(PEER.loc[sample, "lrt"], abs=2e-3)
    assert found.bic_difference[0] == pytest.approx(PEER.loc[sample, "difference"], abs=2e-3)


@given(arrays.arrays(np.float64, st.integers(2, 25), elements=st.floats(-9, 9, width=16)))
@settings(max_examples=60)
def test_the_dip_lies_in_its_range_and_knows_no_unit(values):
    dip = dip_statistic(values)
    assert 0.5 / len(values) - 1e-12 <= dip <= 0.25 + 1e-12
    assert dip_statistic(-values) == pytest.approx(dip)
    assert dip_statistic(4 * values + 1) == pytest.approx(dip)


def test_two_tight_clusters_dip_and_one_does_not():
    clusters = np.repeat([0.0, 1.0], 8) + np.tile(np.linspace(0, 0.02, 8), 2)
    assert dip_p_value(dip_statistic(clusters), 16) < 0.01
    even = np.linspace(0, 1, 16)
    assert dip_p_value(dip_statistic(even), 16) > 0.9


def test_equal_scores_are_no_mode():
    """Without the items' noise two equal scores would have a likelihood without bound."""
    tied = np.array([[0.30, 0.30, 0.31, 0.30, 0.32]])
    assert fit_mixture(tied, 0.02).ratio[0] < 0.5


def test_the_likelihood_ratio_of_one_normal_does_not_depend_on_its_spread():
    small, large = (
        null_ratios(6, spread, 1e-9, 400, np.random.default_rng(0)) for spread in (0.01, 3.0)
    )
    assert small == pytest.approx(large, rel=1e-4, abs=1e-4)


def fits_of(frame, replicates=99):
    return Fits(claim_of(), outcomes_of(frame), Settings(replicates=replicates, sharpness=False))


def modes_of(frame):
    fits = fits_of(frame)
    return seeds.find_modes(seeds.training_runs(fits), 199, np.random.default_rng(0))


def test_models_of_one_recipe_and_seeds_of_one_model_are_the_same_runs():
    frame = training_runs("luck", seed=3)
    models, levels = modes_of(frame), modes_of(as_seeds(frame))
    assert [size.lucky for size in models.sizes] == [size.lucky for size in levels.sizes]
    assert models.p_dip == levels.p_dip
    assert models.p_mixture == pytest.approx(levels.p_mixture, abs=0.02)
    assert {size.runs for size in models.sizes} == {4}


def test_another_recipe_of_the_same_size_is_no_further_run():
    frame = training_runs("step", seed=0)
    apart = frame.assign(tuning=[f"t{row % 4}" for row in range(len(frame))])
    assert seeds.training_runs(fits_of(apart)) == (
        "no size has two training runs or seeds (one seed a model)"
    )


def test_seeds_that_change_nothing_are_one_run_told_several_times():
    frame = as_seeds(training_runs("step", seed=0))
    same = frame.assign(score=frame.groupby("model")["score"].transform("first"))
    found = seeds.training_runs(fits_of(same))
    assert isinstance(found, str)
    assert "do not change its score" in found


def test_a_model_at_the_same_score_counts_where_other_seeds_differ():
    frame = as_seeds(training_runs("step", seed=0))
    first = frame["model"] == "m0"
    frame.loc[first, "score"] = 0.25
    runs = seeds.training_runs(fits_of(frame))
    assert len(runs.groups) == 20
    assert np.ptp(runs.sample.score[runs.groups[0]]) == 0


def test_item_rows_of_several_seeds_are_averaged_before_they_are_runs():
    frame = as_seeds(training_runs("luck", seed=3, sizes=10))
    rng = np.random.default_rng(0)
    rows = frame.loc[frame.index.repeat(40)].reset_index(drop=True)
    rows["item"] = [f"i{index % 40}" for index in range(len(rows))]
    rows["score"] = rng.binomial(1, rows["score"]).astype(float)
    rows["n"] = 1
    runs = seeds.training_runs(fits_of(rows))
    assert len(runs.sample) == 40
    assert set(runs.sample.n) == {40.0}


def test_lucky_runs_show_within_sizes_and_growth_does_not():
    lucky = [modes_of(training_runs("luck", seed=seed)).p_mixture for seed in range(3)]
    assert np.mean(np.array(lucky) < 0.05) >= 2 / 3
    grown = [modes_of(training_runs("gradual", seed=seed)).p_mixture for seed in range(5)]
    assert np.sum(np.array(grown) < 0.05) <= 2


def test_pairs_that_agree_bound_how_often_they_do_not():
    modes = modes_of(training_runs("step", seed=0))
    pairs, rate, upper = seeds.split_rate(modes, np.array([9.7]), 1.0)
    assert rate == 0
    assert upper == pytest.approx(1 - 0.05 ** (1 / pairs))
    assert seeds.split_rate(modes, np.array([20.0]), 1.0) == (0.0, 0.0, 1.0)


def test_two_runs_a_size_cannot_show_modes():
    modes = modes_of(training_runs("luck", seed=3, runs=2))
    assert modes.p_mixture is None
    assert modes.p_dip is None
    assert all(size.ratio is None and size.dip is None for size in modes.sizes)
