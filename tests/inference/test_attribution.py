"""Shares of the raw effect: known truth, identities, and refusals with their reason."""

import numpy as np
import pandas as pd
import pytest
from inference.crossed import STEPS, crossed_frame, fits_of, with_column

from confounds.exploration import Attribution
from confounds.inference._crossing import cross
from confounds.inference.attribution import attribute
from confounds.inference.factors import switchable

CLAIM = {"shots": 5, "exposure": "memorized"}


def shares(answer: Attribution):
    return {item.term: item for item in answer.shares}


@pytest.fixture(scope="module")
def frame():
    return crossed_frame(STEPS)


@pytest.fixture(scope="module")
def answers(frame):
    return {item.method: item for item in attribute(fits_of(frame, **CLAIM))}


def test_the_answers_come_by_three_methods(answers):
    assert list(answers) == ["shapley", "gelbach", "khb"]
    assert all(item.reason is None for item in answers.values())


@pytest.mark.parametrize("method", ["shapley", "gelbach", "khb"])
def test_shares_and_the_unexplained_add_up_to_the_total(answers, method):
    answer = answers[method]
    assert [item.term for item in answer.shares] == ["shots", "exposure", "unexplained"]
    total = sum(item.estimate for item in answer.shares)
    assert total == pytest.approx(answer.total.estimate, abs=1e-9)


def test_the_total_is_the_raw_effect_that_the_reader_has_seen(frame, answers):
    raw = fits_of(frame, **CLAIM).raw.fit["effect"]
    total = answers["shapley"].total
    assert total.estimate == pytest.approx(raw.estimate)
    assert (total.ci_lower, total.ci_upper) == (raw.ci_lower, raw.ci_upper)


@pytest.mark.parametrize("method", ["shapley", "gelbach"])
def test_known_shares_are_found(answers, method):
    # Shapley of .5, .2 (no shots), .35 (unseen), .05 (neither): (.3 + .3) / 2, (.15 + .15) / 2.
    truth = {"shots": 0.30, "exposure": 0.15, "unexplained": 0.05}
    for term, item in shares(answers[method]).items():
        assert item.estimate == pytest.approx(truth[term], abs=0.04)
        assert item.ci_lower <= truth[term] <= item.ci_upper


def test_a_confound_that_does_nothing_has_a_share_around_zero():
    steps = {key: 0.4 if key[0] else 0.0 for key in STEPS}
    for answer in attribute(fits_of(crossed_frame(steps, seed=1), **CLAIM)):
        idle = shares(answer)["exposure"]
        assert idle.ci_lower < 0 < idle.ci_upper
        assert shares(answer)["shots"].ci_lower > 0


def test_what_two_confounds_only_do_together_is_shared_equally():
    steps = {key: 0.4 if key == (5, "memorized") else 0.0 for key in STEPS}
    answer = attribute(fits_of(crossed_frame(steps, seed=2), **CLAIM))[0]
    found = shares(answer)
    assert found["shots"].estimate == pytest.approx(found["exposure"].estimate, abs=0.03)
    assert found["unexplained"].estimate == pytest.approx(0.0, abs=0.03)


def test_the_same_input_gives_the_same_answer(frame, answers):
    again = attribute(fits_of(frame.sample(frac=1, random_state=3), **CLAIM))
    assert [item.shares for item in again] == [item.shares for item in answers.values()]


def test_one_condition_alone_has_nothing_to_switch_off(frame):
    only = frame[(frame["shots"] == 5) & (frame["exposure"] == "memorized")]
    for answer in attribute(fits_of(only)):
        assert answer.total is None
        assert answer.shares == ()
        assert "can be switched off" in answer.reason


def test_aliased_confounds_are_refused_with_the_rows_that_would_tell_them_apart(frame):
    tied = frame[(frame["shots"] == 5) == (frame["exposure"] == "memorized")]
    for answer in attribute(fits_of(tied, **CLAIM)):
        assert answer.shares == ()
        assert "shots tells exposure in every row" in answer.reason
        assert "m00 with shots = 0, exposure = memorized" in answer.reason


def test_a_confound_aliased_with_scale_is_refused(frame):
    tied = with_column(
        frame, "tuning", lambda row: "instruct" if row["parameters"] > 10**9.5 else "base"
    )
    for answer in attribute(fits_of(tied, **CLAIM)):
        assert answer.shares == ()
        assert "tuning = base" in answer.reason
        assert "is smaller than every model with another tuning" in answer.reason


def test_a_missing_cell_of_the_crossing_is_refused(frame):
    steps = {key: value for key, value in STEPS.items() if key != (0, "unseen")}
    cut = crossed_frame(steps)
    for answer in attribute(fits_of(cut, **CLAIM)):
        assert answer.reason == "no model was run with 0 shots, exposure = unseen"


def test_a_confound_that_cannot_be_switched_off_alone_is_noted_and_stays_unexplained(frame):
    few = with_column(frame, "tuning", lambda row: "base" if row["family"] == "f0" else "instruct")
    for answer in attribute(fits_of(few, **CLAIM)):
        assert [item.term for item in answer.shares] == ["shots", "exposure", "unexplained"]
        assert "tuning could not be switched off" in answer.notes[0]
        assert "4 models were run in every combination; 8 needed" in answer.notes[0]
        assert "(fewest, 4, with tuning = base)" in answer.notes[0]


def test_models_missing_from_a_condition_are_left_out_and_named(frame):
    lacking = frame[~((frame["model"] == "m03") & (frame["shots"] == 0))]
    for answer in attribute(fits_of(lacking, **CLAIM)):
        assert answer.notes == ("1 model not run in every combination: m03",)


def test_a_raw_condition_that_cannot_be_tested_is_refused_with_its_reason(frame):
    few = frame[frame["model"] < "m06"]
    for answer in attribute(fits_of(few, **CLAIM)):
        assert "needs 8 models" in answer.reason


def test_more_confounds_than_can_be_crossed_are_refused(frame):
    wide = frame.assign(reasoning="chain", distribution="in", prompt="closed")
    changes = ({"reasoning": "direct"}, {"distribution": "out"}, {"prompt": "open"})
    together = pd.concat([wide, *(wide.assign(**change) for change in changes)], ignore_index=True)
    claim = CLAIM | {"reasoning": "chain", "distribution": "in", "prompt": "closed"}
    for answer in attribute(fits_of(together, **claim)):
        assert "at most 4 can be crossed" in answer.reason


def test_khb_is_refused_where_one_side_is_all_wrong(frame):
    wrong = frame.assign(chance=0.0, metric="exact_match")
    nothing = (wrong["shots"] == 0) & (wrong["parameters"] < 10**9.5)
    wrong.loc[nothing, "score"] = 0.0
    found = {item.method: item for item in attribute(fits_of(wrong, **CLAIM))}
    assert found["shapley"].reason is None
    assert "every score below the threshold is 0" in found["khb"].reason


def test_pooled_tuning_is_switched_off_among_base_models(frame):
    mixed = with_column(frame, "tuning", lambda row: "instruct" if row["family"] > "f2" else "base")
    fits = fits_of(mixed, **CLAIM)
    factors = switchable(fits)
    assert [item.name for item in factors] == ["shots", "exposure", "tuning"]
    crossing = cross(fits, factors, fits.raw.psi)
    assert len(crossing.combinations) == 8
    assert len(crossing.drawn) == 4
    base = crossing[frozenset({"tuning"})]
    assert len(base.sample) == 12
    rng = np.random.default_rng(0)
    blocks = crossing.draw(3, rng)
    assert blocks[base.block][:, base.rows].shape == (3, 12)
    for answer in attribute(fits):
        assert answer.reason is None
        assert len(answer.shares) == 4
