"""The axis of general capability: what it leaves out, its unit, and when it is not reliable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rivals.axis_cases import abilities
from rivals.made import claim_of, outcomes_of

from confounds.inference.capability import capability_axes
from confounds.inference.fits import Fits, Settings


def axes_of(frame, **condition):
    return capability_axes(Fits(claim_of(**condition), outcomes_of(frame), Settings()))


def test_the_claims_own_task_is_left_out():
    frame = abilities("scale")
    (first,) = axes_of(frame)
    own = frame["task"] == "made"
    other = frame.assign(score=np.where(own, 1 - frame["score"], frame["score"]))
    (second,) = axes_of(other)
    assert first.value == pytest.approx(second.value)
    assert first.name == "the first principal component of 6 other tasks"
    assert first.scores.shape == (48, 6)


def test_the_component_is_that_of_a_singular_value_decomposition_and_grows_with_scale():
    frame = abilities("gradual")
    (axis,) = axes_of(frame)
    correlation = np.corrcoef(axis.scores, rowvar=False)
    assert axis.value.var() == pytest.approx(np.linalg.eigvalsh(correlation)[-1])
    sample = Fits(claim_of(), outcomes_of(frame), Settings()).raw_observation.sample
    assert np.corrcoef(axis.value, sample.x)[0, 1] > 0.8
    along = axis.sample_along(sample)
    assert np.polyfit(along.x, axis.value, 1)[0] == pytest.approx(
        np.polyfit(sample.x, axis.value, 1)[0], rel=0.1
    )


def test_the_order_of_tasks_and_models_does_not_matter():
    frame = abilities("gradual")
    (plain,), (mixed,) = axes_of(frame), axes_of(frame.sample(frac=1, random_state=0))
    assert mixed.value == pytest.approx(plain.value)


def test_a_second_claim_on_the_same_table_finds_what_it_would_find_alone():
    """The means over the other tasks are kept with the table, whoever asks."""
    frame = abilities("gradual")
    shared, other = outcomes_of(frame), replace(claim_of(), task="other0")
    for claim in (claim_of(), other, claim_of()):
        (kept,) = capability_axes(Fits(claim, shared, Settings()))
        (alone,) = capability_axes(Fits(claim, outcomes_of(frame), Settings()))
        np.testing.assert_array_equal(kept.scores, alone.scores)


def test_reliability_counts_what_is_said_beyond_scale():
    able, same = abilities("gradual"), abilities("gradual")
    sample = Fits(claim_of(), outcomes_of(able), Settings()).raw_observation.sample
    (axis,) = axes_of(able)
    assert axis.reliability(sample, 10.0) > 0.9
    x = np.log10(same["parameters"])
    rng = np.random.default_rng(0)
    mean = 0.25 + 0.75 / (1 + np.exp(-(x - 10)))
    same["score"] = rng.binomial(500, mean) / 500
    (alike,) = axes_of(same)
    assert alike.reliability(sample, 10.0) < 0.6


def test_a_loss_is_an_axis_of_its_own_and_lower_is_better():
    frame = abilities("gradual", tasks=1)
    loss = frame[frame["task"] == "other0"].copy()
    loss["metric"], loss["chance"] = "loss", np.nan
    loss["score"] = 4 - 0.2 * np.log10(loss["parameters"])
    (axis,) = axes_of(frame[frame["task"] == "made"].pipe(lambda own: _stack(own, loss)))
    assert axis.name == "the loss on other tasks"
    sample = Fits(claim_of(), outcomes_of(frame), Settings()).raw_observation.sample
    assert axis.in_decades(sample) == pytest.approx(sample.x)
    assert axis.reliability(sample, 10.0) == 1.0


def _stack(*frames):
    return outcomes_of(*frames).frame


def test_too_few_tasks_and_tasks_of_other_models_are_no_axis():
    assert "the table has 2 other tasks" in axes_of(abilities("scale", tasks=2))
    assert axes_of(abilities("scale", tasks=0)) == "the table has no other task for these models"
    frame = abilities("scale", tasks=3)
    others = frame["task"] != "made"
    frame.loc[others, "model"] = "x" + frame.loc[others, "model"]
    assert axes_of(frame) == "the table has no other task for these models"


def test_other_tasks_are_taken_in_the_claims_condition_where_they_have_it():
    frame = abilities("gradual").assign(shots=5)
    noise = frame[frame["task"] != "made"].assign(shots=0)
    noise["score"] = np.random.default_rng(0).uniform(0.2, 0.3, len(noise))
    (plain,), (mixed,) = axes_of(frame, shots=5), axes_of(_stack(frame, noise), shots=5)
    assert mixed.value == pytest.approx(plain.value)
