"""Change points along training: found where they are, absent where nothing is learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from confounds.errors import NothingSelectedError
from confounds.inference.change_points import (
    Change,
    Course,
    find_change,
    pool_phases,
    tell_phase,
)
from confounds.outcomes import Outcomes
from confounds.phases import find_phases
from confounds.results import Estimate

STEPS = np.unique(np.round(10 ** np.linspace(0, 5, 27)))
SMALLEST = 0.1


def course(step, *, height=0.5, width=0.5, seed=0):
    """A rise from .25 that is half done at one training step."""
    rng = np.random.default_rng(seed)
    share = 1 / (1 + np.exp(-4.394 / width * np.log10((1 + STEPS) / (1 + step))))
    return Course(STEPS, 0.25 + height * share + 0.02 * rng.standard_normal(len(STEPS)))


def found(item):
    return find_change(item, SMALLEST, np.random.default_rng(1))


@pytest.mark.parametrize("step", [100, 1000, 10_000])
def test_the_step_of_a_rise_is_found(step):
    change = found(course(step))
    assert change.learnt
    assert change.rise.estimate == pytest.approx(0.5, abs=0.1)
    assert change.point.ci_lower < step < change.point.ci_upper
    assert change.point.ci_upper / change.point.ci_lower < 5


def test_nothing_is_learnt_on_a_flat_curve_or_by_a_small_rise():
    flat = found(course(1000, height=0.0))
    assert (flat.learnt, flat.rise.p_value > 0.05) == (False, True)
    small = found(course(1000, height=0.06, seed=4))
    assert small.rise.p_value < 0.05
    assert not small.learnt


def test_checkpoints_that_resemble_each_other_make_no_rise():
    """Errors of neighbours correlate .8: the level of the test holds."""
    simulations, rises = 40, 0
    for seed in range(simulations):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(len(STEPS))
        for place in range(1, len(STEPS)):
            noise[place] = 0.8 * noise[place - 1] + 0.6 * noise[place]
        rises += found(Course(STEPS, 0.25 + 0.05 * noise)).rise.p_value < 0.05
    assert rises <= stats.binom.ppf(0.999, simulations, 0.06)


def test_a_fall_is_no_rise():
    assert not found(course(1000, height=-0.2)).learnt


def test_too_few_checkpoints_tell_nothing():
    assert found(Course(STEPS[:5], np.linspace(0, 1, 5))) is None


def change(lower, estimate, upper, *, learnt=True):
    point = Estimate("change_point", estimate, ci_lower=lower, ci_upper=upper)
    return Change(point, Estimate("rise", 0.5, p_value=0.01), learnt)


@pytest.mark.parametrize(
    ("train", "heldout", "phase"),
    [
        (change(50, 100, 200), change(5e3, 1e4, 2e4), "grokked"),
        (change(50, 100, 200), change(150, 250, 400), "generalised"),
        (None, change(150, 250, 400), "generalised"),
        (change(50, 100, 200), change(1, 2, 3, learnt=False), "memorised"),
        (change(5, 6, 7, learnt=False), change(1, 2, 3, learnt=False), "not learnt"),
    ],
)
def test_the_phase_follows_from_both_curves(train, heldout, phase):
    assert tell_phase("m", "f", train, heldout).phase == phase


def test_pooled_change_points_are_means_of_the_logarithms_with_families_as_clusters():
    steps = {"a": (99, 9_999), "b": (999, 99_999), "c": (99, 99_999)}
    models = [
        tell_phase(f"m{name}", name, change(1, first, 5), change(1, later, 5))
        for name, (first, later) in steps.items()
    ]
    pooled = {item.term: item for item in pool_phases(models)}
    assert pooled["train_change_point"].estimate == pytest.approx(10 ** (7 / 3) - 1)
    assert pooled["lag"].estimate == pytest.approx(7 / 3)
    assert pooled["lag"].ci_lower < 2 < pooled["lag"].ci_upper


def test_models_that_did_not_learn_are_not_pooled():
    models = [
        tell_phase("m", "a", None, change(1, 99, 5, learnt=False)),
        tell_phase("n", "b", None, change(1, 99, 5)),
    ]
    assert pool_phases(models) == ()


def table():
    """Four models that memorise at 100 steps and generalise at 10,000; one that only memorises."""
    rows = []
    for index in range(5):
        for exposure, step in (("memorized", 100), ("unseen", 10_000)):
            height = 0.0 if exposure == "unseen" and index == 4 else 0.6
            curve = course(step, height=height, seed=index)
            rows += [
                {
                    "task": "grok",
                    "metric": "accuracy",
                    "model": f"m{index}",
                    "family": f"f{index}",
                    "parameters": 1e6 * 2**index,
                    "checkpoint": int(at),
                    "exposure": exposure,
                    "score": float(np.clip(score, 0, 1)),
                    "n": 400,
                }
                for at, score in zip(curve.steps, curve.score, strict=True)
            ]
    return pd.DataFrame(rows)


def test_models_that_memorise_first_are_told_from_one_that_only_memorises():
    (task,) = find_phases(Outcomes(table()))
    assert task.counts() == {"grokked": 4, "memorised": 1}
    pooled = {item.term: item for item in task.pooled}
    assert pooled["lag"].ci_lower > 1.5
    assert pooled["heldout_change_point"].ci_lower < 10_000
    assert pooled["heldout_change_point"].ci_upper > 9_000


def test_without_exposure_all_items_are_held_out():
    frame = table().query("exposure == 'unseen'").drop(columns="exposure")
    (task,) = find_phases(Outcomes(frame))
    assert task.counts() == {"generalised": 4, "not learnt": 1}
    assert all(item.train is None for item in task.models)


def test_rises_are_adjusted_over_every_model_and_task():
    frame = table().query("exposure == 'unseen'").drop(columns="exposure")
    generator = np.random.default_rng(0)
    noise = frame.assign(task="noise", score=0.25 + 0.02 * generator.standard_normal(len(frame)))
    learnt, flat = find_phases(Outcomes(pd.concat([frame, noise])))
    found = [*learnt.models, *flat.models]
    p = [model.heldout.rise.p_value for model in found]
    assert [model.p_adjusted for model in found] == pytest.approx(stats.false_discovery_control(p))
    assert (learnt.certain(), flat.certain()) == (4, 0)


def test_a_table_without_checkpoints_says_so():
    with pytest.raises(NothingSelectedError, match="no model has six checkpoints"):
        find_phases(Outcomes(table().query("checkpoint == 1").drop(columns="checkpoint")))
