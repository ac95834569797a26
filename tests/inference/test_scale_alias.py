"""A factor that changes just where scale passes a threshold: what is said of it, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from inference.crossed import PSI, QUICK, crossed_frame, fits_of, with_column

import confounds as cf
from confounds.inference.fits import Settings
from confounds.inference.power import ALIASED, design_of

if TYPE_CHECKING:
    import pandas as pd

    from confounds.results import Audit

ALONE = {(5, "unseen"): 0.45}
SAID = (
    "tuning and parameters change together (tuning is base below 3.5e+09 and chat above): a step "
    "there cannot be told from an effect of tuning; models with tuning = base above it or models "
    "with tuning = chat below it would tell"
)


def tuned(*, base_above: int = 0) -> pd.DataFrame:
    """Twenty models with a step, the large ones chat but for the largest few."""
    frame = crossed_frame(ALONE)
    above = sorted(frame.loc[frame["parameters"] > 10**PSI, "model"])
    base = set(above[len(above) - base_above :])
    return with_column(
        frame,
        "tuning",
        lambda row: "chat" if row["model"] in above and row["model"] not in base else "base",
    )


@pytest.fixture(scope="module")
def aliased() -> Audit:
    return cf.audit_all(cf.Outcomes(tuned()), settings=QUICK)[0]


def test_an_alias_is_named_with_the_models_that_would_tell_and_no_number_of_models(
    aliased: Audit,
) -> None:
    departure = aliased.apparent["departure"]
    assert departure.status == "undecided"
    assert SAID in departure.reason
    assert SAID in aliased.verdict.reason
    assert aliased.verdict.label == "inconclusive"
    assert "models would tell" not in aliased.verdict.reason.replace(SAID, "")
    assert all(test.models_needed is None for test in aliased.tests)


def test_an_alias_stands_in_the_notes_of_the_fit(aliased: Audit) -> None:
    assert aliased.raw_fit is not None
    assert SAID in aliased.raw_fit.notes


def test_gradual_growth_is_not_shown_beside_an_alias(aliased: Audit) -> None:
    growth = next(test for test in aliased.tests if test.rival == "smooth_growth")
    assert growth.outcome == "inconclusive"
    assert growth.reason.startswith("with an effect of its own for tuning, ")


def test_base_models_above_the_threshold_tell() -> None:
    fits = fits_of(tuned(base_above=3), Settings(replicates=199, sharpness=False))
    assert fits.raw is not None
    assert fits.raw.fit.blocks == ()
    assert fits.raw.fit.notes == ()
    assert fits.raw.fit.significant


def test_power_says_of_which_step_it_tells_nothing() -> None:
    lines = [
        line
        for base_above in (0, 3)
        for line in design_of(fits_of(tuned(base_above=base_above)), simulations=100).assumptions
        if line.startswith(ALIASED)
    ]
    assert lines == [f"{ALIASED}{SAID}"]
