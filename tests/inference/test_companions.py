"""Which other factors a control changes, and which it leaves as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from inference.crossed import STEPS, crossed_frame, fits_of, with_column

from confounds.inference.attribution import attribute
from confounds.inference.companions import companions

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference.companions import Companions

MEMORIZED = "memorized"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Twenty models at 0 and 5 shots, on items in training and not."""
    return crossed_frame(STEPS)


def at_zero_shots(frame: pd.DataFrame, **condition: str | int) -> Companions | None:
    fits = fits_of(frame, shots=5, **condition)
    controlled = fits.observe({"shots": 0, "demonstrations": None})
    return companions(fits, fits.raw_observation, controlled)


def reasoning(chain: Callable[[pd.Series], bool]) -> Callable[[pd.Series], str]:
    return lambda row: "chain" if chain(row) else "direct"


def test_a_full_crossing_has_no_companions(frame: pd.DataFrame) -> None:
    assert at_zero_shots(frame) is None


def test_a_factor_that_changes_with_the_shots_is_named_with_the_rows_that_would_tell(
    frame: pd.DataFrame,
) -> None:
    tied = with_column(frame, "reasoning", reasoning(lambda row: row["shots"] == 5))
    found = at_zero_shots(tied)
    assert found is not None
    assert (found.own, found.columns) == ("shots", ("reasoning",))
    assert found.message == (
        "shots and reasoning change together in this table (reasoning = chain in all of the rows "
        "of the claim's condition and in none of those of the controlled one)"
    )
    assert found.rows == ("shots = 0 with reasoning = chain", "shots = 5 with reasoning = direct")


@pytest.mark.parametrize(("models", "share"), [(1, "98%"), (5, "88%"), (20, "50%")])
def test_some_models_off_the_diagonal_do_not_undo_it(
    frame: pd.DataFrame, models: int, share: str
) -> None:
    tied = with_column(frame, "reasoning", reasoning(lambda row: row["shots"] == 5))
    off = tied[(tied["shots"] == 5) & (tied["model"] < f"m{models:02d}")]
    found = at_zero_shots(pd.concat([tied, off.assign(reasoning="direct")], ignore_index=True))
    assert found is not None
    assert f"chain in {share} of the rows" in found.message


def test_one_level_pooled_with_many_others_is_still_one_with_its_own() -> None:
    """Format A for remembered items, three others for unseen ones: a quarter of all rows each."""
    one = crossed_frame({(5, MEMORIZED): 0.5}).assign(prompt="A")
    others = [crossed_frame({(5, "unseen"): 0.0}).assign(prompt=name) for name in "BCD"]
    fits = fits_of(pd.concat([one, *others], ignore_index=True))
    found = companions(fits, fits.raw_observation, fits.observe({"exposure": "unseen"}))
    assert found is not None
    assert found.columns == ("prompt",)


def test_rows_that_are_missing_at_random_tie_nothing(frame: pd.DataFrame) -> None:
    prompts = pd.concat([frame.assign(prompt=name) for name in "AB"], ignore_index=True)
    for seed in range(20):
        kept = prompts[np.random.default_rng(seed).random(len(prompts)) < 0.8]
        assert at_zero_shots(kept) is None


def test_no_demonstrations_at_zero_shots_are_no_other_factor(frame: pd.DataFrame) -> None:
    shown = with_column(frame, "demonstrations", lambda row: "gold" if row["shots"] else "none")
    assert at_zero_shots(shown) is None


def test_models_that_are_others_are_compared_as_groups(frame: pd.DataFrame) -> None:
    tuned = frame.assign(model=frame["model"] + "-chat", tuning="chat")
    chat, base = tuned[tuned["shots"] == 5], frame[frame["shots"] == 0].assign(tuning="base")
    found = at_zero_shots(pd.concat([chat, base], ignore_index=True))
    assert found is not None
    assert found.columns == ("tuning",)


def test_a_factor_that_the_control_switches_on_is_told(frame: pd.DataFrame) -> None:
    on = at_zero_shots(with_column(frame, "reasoning", reasoning(lambda row: row["shots"] == 0)))
    off = at_zero_shots(with_column(frame, "reasoning", reasoning(lambda row: row["shots"] == 5)))
    assert on is not None
    assert off is not None
    assert (on.switched_on, off.switched_on) == (("reasoning",), ())


def test_attribution_refuses_a_factor_that_is_nearly_tied() -> None:
    chain = crossed_frame({(5, MEMORIZED): 0.45}).assign(reasoning="chain")
    direct = crossed_frame({(0, MEMORIZED): 0.0, (5, MEMORIZED): 0.0}).assign(reasoning="direct")
    few = direct[(direct["shots"] == 0) | (direct["model"] < "m05")]
    for answer in attribute(fits_of(pd.concat([chain, few], ignore_index=True), shots=5)):
        assert answer.shares == ()
        assert answer.reason is not None
        assert answer.reason.startswith("shots and reasoning change together in this table")
        assert answer.reason.endswith("shots = 5 with reasoning = direct")


def test_attribution_refuses_a_factor_that_is_tied_to_a_pooled_one() -> None:
    both = crossed_frame({(5, MEMORIZED): 0.45, (5, "unseen"): 0.0})
    tied = with_column(both, "prompt", lambda row: "A" if row["exposure"] == MEMORIZED else "B")
    for answer in attribute(fits_of(tied)):
        assert answer.shares == ()
        assert answer.reason is not None
        assert answer.reason.startswith("exposure and prompt change together")
