"""Phase change or log-linear: known curves, error rates, and sizes that cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from _simulated import Truth
from inference.samples import drawn, sample_of, stepped
from rivals.made import World, claim_of, frame_of, outcomes_of

from confounds.inference import _plan
from confounds.inference.fits import Fits, Settings
from confounds.inference.growth import growth_of, raw_growth

PLAN = _plan.TestPlan(replicates=199, detailed=False)


def answer(sample, seed=0):
    return growth_of(sample, PLAN, np.random.default_rng(seed))


def test_a_jump_from_one_level_to_another_is_a_phase_change():
    part = answer(stepped(seed=1))
    assert (part.name, part.status) == ("growth", "passed")
    assert part.reason.startswith("a phase change")
    terms = {item.term: item for item in part.estimates}
    assert terms["p_log_linear"].p_value < 0.05 <= terms["p_phase_change"].p_value
    assert terms["power"].estimate > 0.8


def test_growth_over_many_decades_is_log_linear():
    x = np.linspace(7, 12, 40)
    mu = 0.25 + 0.75 / (1 + np.exp(-1.2 * (x - 9.5)))
    score = np.random.default_rng(0).binomial(500, mu) / 500
    part = answer(sample_of(x, score, floor=0.25))
    assert part.status == "failed"
    assert part.reason.startswith("log-linear growth")


def test_four_sizes_cannot_tell_however_clear_they_look():
    part = answer(sample_of([7, 8, 9, 10], [0.25, 0.25, 0.9, 0.9], floor=0.25))
    assert part.status == "undecided"
    assert part.reason.startswith("4 sizes and 4 models cannot tell a phase change from a line")
    assert part.estimates == ()


def test_few_models_that_differ_cannot_tell_and_say_how_likely_they_were_to():
    part = answer(drawn(Truth(slope=0.3), models=8, seed=4))
    assert part.status == "undecided"
    assert "8 models cannot tell" in part.reason
    assert "with probability" in part.reason


def test_a_line_is_seldom_called_a_phase_change_and_a_jump_seldom_a_line():
    lines = [answer(drawn(Truth(slope=1.0), models=20, seed=seed)).status for seed in range(10)]
    assert lines.count("passed") <= 2
    jumps = [answer(stepped(models=20, seed=seed, spread=0.5)).status for seed in range(10)]
    assert jumps.count("failed") <= 2
    assert jumps.count("passed") >= 6


@pytest.mark.parametrize("known", [True, False])
def test_the_growth_of_a_claim_is_that_of_its_raw_curve(known):
    frame = frame_of(World(models=24, seed=7), {"all": ("step", {})})
    if not known:
        frame = frame.assign(parameters=np.nan)
    part = raw_growth(Fits(claim_of(), outcomes_of(frame), Settings(replicates=199)))
    assert part.status == ("passed" if known else "undecided")
