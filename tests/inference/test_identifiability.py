"""Ties of factors with scale and with each other, and the rows that would break them."""

import numpy as np
import pandas as pd
import pytest
from inference.crossed import STEPS, crossed_frame, fits_of, with_column

from confounds.inference.identifiability import find_ties


@pytest.fixture(scope="module")
def frame():
    return crossed_frame(STEPS)


def ties(frame, scale="parameters"):
    return find_ties(fits_of(frame).cells(), scale)


def tie(frame, first, second):
    found = [item for item in ties(frame) if (item.first, item.second) == (first, second)]
    assert len(found) == 1, found
    return found[0]


def test_a_full_crossing_ties_nothing(frame):
    assert ties(frame) == ()


def test_all_large_models_are_tuned(frame):
    tuned = with_column(
        frame, "tuning", lambda row: "instruct" if row["parameters"] > 10**10 else "base"
    )
    found = tie(tuned, "tuning", "parameters")
    assert found.kind == "aliased"
    assert found.message == (
        "every model with tuning = base (1.3e+07 to 8.6e+09) is smaller than every model with "
        "another tuning (1.6e+10 to 1e+12)"
    )
    assert "with tuning = base" in found.rows[0]


def test_the_one_level_of_three_that_is_apart_is_named(frame):
    tuned = with_column(
        frame,
        "tuning",
        lambda row: "chat" if row["model"] > "m14" else "code" if row["family"] == "f2" else "base",
    )
    aliased = [item for item in ties(tuned) if item.kind == "aliased"]
    assert ["tuning = chat" in item.message for item in aliased] == [True]


def test_nearly_all_large_models_are_tuned(frame):
    tuned = with_column(
        frame,
        "tuning",
        lambda row: "base" if row["parameters"] < 10**9 or row["model"] == "m19" else "instruct",
    )
    found = tie(tuned, "tuning", "parameters")
    assert found.kind == "positivity"
    assert found.message == "tuning = base was run on one model in the upper half of the scales"
    assert found.rows[0] == "m10 with tuning = base"


def test_too_few_base_models_above_the_raw_threshold(frame):
    few = ("m00", "m01", "m15", "m16", "m17", "m18")
    tuned = with_column(frame, "tuning", lambda row: "chat" if row["model"] in few else "base")
    cells = fits_of(tuned).cells()
    assert find_ties(cells, "parameters") == ()
    found = find_ties(cells, "parameters", 11.0)
    assert [item.message for item in found] == [
        "tuning = base was run on one model above the raw threshold (1e+11)",
    ]
    assert found[0].kind == "positivity"
    assert found[0].rows == tuple(f"{name} with tuning = base" for name in few[3:])


def test_families_that_stop_at_the_raw_threshold(frame):
    cells = fits_of(frame).cells()
    assert find_ties(cells, "parameters", 9.0) == ()
    found = find_ties(cells, "parameters", float(np.log10(cells["parameters"].max())))
    assert found[0].message.startswith("no families have models on both sides of the raw threshold")
    assert found[0].rows[0].startswith("a model of f")


def test_families_in_disjoint_scale_blocks(frame):
    blocks = frame.assign(family=[f"f{int(name[1:]) // 4}" for name in frame["model"]])
    found = tie(blocks, "family", "parameters")
    assert found.kind == "aliased"
    assert "families occupy disjoint scales (f0, f1, f2, f3 and 1 more)" in found.message
    assert found.rows[0].startswith("a model of f0 near ")


def test_one_model_a_family(frame):
    alone = frame.assign(family=frame["model"])
    found = tie(alone, "family", "parameters")
    assert found.message.startswith("no family has models at two scales")
    assert found.rows[0] == "another size of m00"


def test_shots_that_tell_the_tuning(frame):
    tied = with_column(frame, "tuning", lambda row: "instruct" if row["shots"] else "base")
    found = tie(tied, "tuning", "shots")
    assert found.kind == "aliased"
    assert "base with 0 only, instruct with 5 only" in found.message
    assert "m00 with tuning = base, shots = 5" in found.rows


def test_a_combination_that_was_never_run(frame):
    cut = frame[~((frame["shots"] == 0) & (frame["exposure"] == "unseen"))]
    found = tie(cut, "shots", "exposure")
    assert found.kind == "positivity"
    assert found.message.startswith("1 of 4 combinations of shots and exposure were never run")
    assert found.rows[0] == "m00 with shots = 0, exposure = unseen"


def test_shots_that_vary_with_family(frame):
    cut = frame[~((frame["family"] == "f1") & (frame["shots"] == 0))]
    found = tie(cut, "family", "shots")
    assert found.kind == "positivity"
    assert found.rows[0] == "m01 with shots = 0"


def test_no_demonstrations_at_zero_shots_is_no_tie(frame):
    shown = with_column(frame, "demonstrations", lambda row: "gold" if row["shots"] else "none")
    assert ties(shown) == ()


def test_scores_do_not_matter_nor_the_order_of_rows(frame):
    cut = frame[~((frame["shots"] == 0) & (frame["exposure"] == "unseen"))]
    shuffled = cut.sample(frac=1, random_state=1).assign(score=0.5)
    assert ties(shuffled) == ties(cut)


def test_models_of_unknown_scale_are_left_out(frame):
    cut = frame[~((frame["family"] == "f1") & (frame["shots"] == 0))]
    unknown = pd.concat([cut.assign(parameters=np.nan, family="z"), cut], ignore_index=True)
    unknown["model"] = np.where(unknown["family"] == "z", "z" + unknown["model"], unknown["model"])
    assert ties(unknown) == ties(cut)
