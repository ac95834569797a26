"""Two lines: R's numbers, known shapes, and curves that only level off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapes
from hypothesis import given
from hypothesis import strategies as st
from inference.samples import sample_of, unbounded
from rivals.made import World, claim_of, frame_of, outcomes_of

from confounds.inference import two_lines as two_lines_module
from confounds.inference._smoother import smooth
from confounds.inference.fits import Fits, Settings
from confounds.inference.two_lines import raw_shape, shape_of, turns, two_lines
from confounds.results import Estimate

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
DATA = pd.read_csv(REFERENCE / "two_lines_data.csv")
PEER = pd.read_csv(REFERENCE / "two_lines_fits.csv").set_index("curve")


def peer_sample(curve):
    return sample_of(DATA["x"], DATA[curve], items=1e6)


@pytest.mark.parametrize("curve", PEER.index)
def test_the_lines_are_those_of_r(curve):
    """mgcv minimises the same criterion without a grid, so the break may move by a model."""
    found, expected = two_lines(peer_sample(curve), 0.1), PEER.loc[curve]
    assert found.turn == pytest.approx(expected["turn"], abs=0.05)
    assert found.low.estimate == pytest.approx(expected["low"], rel=0.05)
    assert found.high.estimate == pytest.approx(expected["high"], rel=0.05)
    assert found.low.std_error == pytest.approx(expected["low_se"], rel=0.05)
    assert found.high.std_error == pytest.approx(expected["high_se"], rel=0.05)


@pytest.mark.parametrize(
    ("curve", "shape"), [("u", "u"), ("inverted", "inverted_u"), ("levels_off", "undecided")]
)
def test_known_shapes_are_named(curve, shape):
    assert two_lines(peer_sample(curve), 0.1).shape == shape


def test_the_part_says_what_it_found_and_how():
    part = shape_of(peer_sample("inverted"), 0.1)
    assert (part.name, part.status) == ("shape", "passed")
    assert turns(part)
    assert "an inverted U: it rises, then falls" in part.reason
    assert [item.term for item in part.estimates] == ["slope_low", "slope_high", "turn"]


def test_a_line_is_shown_to_be_monotone_up_to_the_smallest_effect():
    x = np.linspace(7, 12, 30)
    y = 0.1 * (x - 7) + 0.01 * np.random.default_rng(0).standard_normal(30)
    part = shape_of(sample_of(x, y), 0.1)
    assert part.status == "failed"
    assert not turns(part)
    assert "neither side turns back by 0.1" in part.reason


@given(st.integers(0, 20))
def test_a_turn_on_its_head_is_the_other_turn(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(7, 12, 16))
    y = 0.5 + 0.05 * (x - 9.5) ** 2 + 0.03 * rng.standard_normal(16)
    up, down = (two_lines(sample_of(x, score, binomial=False), 0.1) for score in (y, 1 - y))
    other = {"u": "inverted_u", "inverted_u": "u"}
    assert down.shape == other.get(up.shape, up.shape)
    assert down.low.estimate == pytest.approx(-up.low.estimate)


def test_the_order_of_models_and_the_unit_of_scale_do_not_matter():
    sample = unbounded(seed=3)
    order = np.random.default_rng(0).permutation(len(sample))
    plain, shuffled = two_lines(sample, 0.1), two_lines(sample.take(order), 0.1)
    assert shuffled.turn == pytest.approx(plain.turn)
    assert shuffled.high.std_error == pytest.approx(plain.high.std_error)


def test_a_good_family_among_the_small_models_is_no_u():
    """Each family rises; the one of small models stands higher."""
    x = np.concatenate([np.linspace(7, 8.5, 8), np.linspace(8.6, 12, 12)])
    family = np.repeat([0, 1, 2], [8, 6, 6])
    y = 0.4 + 0.05 * (x - 9) + np.where(family == 0, 0.5, 0.0)
    y += 0.01 * np.random.default_rng(1).standard_normal(20)
    alone, in_families = (
        two_lines(sample_of(x, y, family=codes), 0.1).shape for codes in (None, family)
    )
    assert (alone, in_families) == ("u", "undecided")


def test_too_few_scales_or_one_score_are_undecided_with_the_reason():
    few = shape_of(sample_of([7, 8, 9, 10, 11], [0.1, 0.2, 0.3, 0.2, 0.1]), 0.1)
    assert few.status == "undecided"
    assert few.reason == "needs 6 distinct scales, 3 a line; there are 5"
    flat = shape_of(sample_of(range(7, 15), [0.5] * 8), 0.1)
    assert flat.reason == "every model has the same score"
    with pytest.raises(ValueError, match="needs 6 distinct scales"):
        two_lines(sample_of([7, 8], [0.1, 0.2]), 0.1)


def test_a_line_without_residuals_is_still_answered():
    x = np.arange(7.0, 15.0)
    assert two_lines(sample_of(x, 0.05 * (x - 7)), 0.1).shape in ("monotone", "undecided")
    assert two_lines_module._words(Estimate("slope_low", 0.2)) == "0.20 [no interval]"


def test_the_smoother_follows_a_line_with_two_degrees_of_freedom():
    x = np.linspace(0, 1, 20)
    found = smooth(x, 2 + 3 * x)
    assert found.fitted == pytest.approx(2 + 3 * x, abs=1e-6)


def test_the_shape_of_a_claim_is_that_of_its_raw_curve():
    world = World(models=24, seed=7)
    frame = frame_of(world, {"all": ("step", {})})
    claim = claim_of()
    part = raw_shape(Fits(claim, outcomes_of(frame), Settings()))
    assert part.name == "shape"
    assert not turns(part)
    nowhere = outcomes_of(frame.assign(parameters=np.nan))
    assert "no model of known scale" in raw_shape(Fits(claim, nowhere, Settings())).reason


def test_a_curve_that_levels_off_is_seldom_called_a_turn():
    rates = shapes.lines_rates(shapes.LinesCell("levels off", 20, False), 60, seed=1)
    assert rates["u"] + rates["inverted_u"] <= 0.10
    assert shapes.lines_rates(shapes.LinesCell("u", 50, False), 10, seed=1)["u"] >= 0.9
