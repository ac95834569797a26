"""A control of several factors at once: whose the verdict says the effect is."""

from __future__ import annotations

import pandas as pd
import pytest
from inference.crossed import crossed_frame

import confounds as cf
from confounds.inference.fits import Settings
from confounds.results import Audit

QUICK = Settings(replicates=199, sharpness=False)


def rows(step: float, **columns: str | int) -> pd.DataFrame:
    """Twenty models in one condition."""
    shots = int(columns.pop("shots", 5))
    frame = crossed_frame({(shots, "x"): step}).drop(columns="exposure")
    return frame.assign(chance=0.25, **columns)


def audited(*parts: pd.DataFrame) -> Audit:
    return cf.audit_all(cf.Outcomes(pd.concat(parts, ignore_index=True)), settings=QUICK)[0]


def rival(audit: Audit, name: str) -> cf.RivalTest:
    return next(test for test in audit.tests if test.rival == name)


@pytest.fixture(scope="module")
def aliased() -> Audit:
    return audited(rows(0.45, reasoning="chain"), rows(0.0, shots=0, reasoning="direct"))


def at_least(audit: Audit) -> list[str]:
    return [item.split(" is ")[1] for item in audit.verdict.certain if item.startswith("at least")]


def test_two_aliased_factors_explain_it_together(aliased: Audit) -> None:
    verdict = aliased.verdict
    assert verdict.label == "explained"
    assert verdict.explained_by == ("in_context", "reasoning")
    assert not set(verdict.explained_by) & set(verdict.untested)
    assert verdict.reason.startswith("in_context or reasoning: ")
    assert "shots and reasoning change together in this table" in verdict.reason
    assert at_least(aliased) == ["in_context's and reasoning's together"]
    kinds = [item for item in aliased.findings if item.kind == "factors_change_together"]
    assert [item.where[0] for item in kinds] == ["shots = 0 with reasoning = chain"]


def test_the_first_screen_says_or(aliased: Audit) -> None:
    from confounds.reasons import why

    assert why(aliased).startswith("by in context or reasoning, which change together (left: ")


def test_a_level_that_other_conditions_have_is_named(aliased: Audit) -> None:
    assert rival(aliased, "reasoning").reason == (
        "only one level of reasoning (chain); direct was run elsewhere only, not at shots 5"
    )


def test_rows_off_the_diagonal_give_none_of_them_the_credit() -> None:
    off = rows(0.0, reasoning="direct")
    found = audited(
        rows(0.45, reasoning="chain"),
        rows(0.0, shots=0, reasoning="direct"),
        off[off["model"] < "m05"],
    )
    assert found.verdict.explained_by == ("in_context", "reasoning")
    assert at_least(found) == ["in_context's and reasoning's together"]
    assert rival(found, "joint_control").status == "not_testable"


def test_the_same_points_are_told_once() -> None:
    found = audited(
        rows(0.45, exposure="memorized", prompt="A"), rows(0.0, exposure="unseen", prompt="B")
    )
    assert found.verdict.explained_by == ("exposure", "prompt_format")
    assert at_least(found) == ["exposure's and prompt_format's together"]
    assert found.verdict.reason.count("change together in this table") == 1


def test_factors_that_are_crossed_have_shares_of_their_own() -> None:
    found = audited(
        *(
            rows(0.45 * (shots > 0), shots=shots, reasoning=how)
            for shots in (0, 5)
            for how in ("chain", "direct")
        )
    )
    assert "in_context's" in at_least(found)
    assert all(test.together == () for test in found.tests)
    assert "factors_change_together" not in {item.kind for item in found.findings}


def test_a_threshold_is_not_survived_where_the_control_switches_another_factor_on() -> None:
    found = audited(rows(0.45, reasoning="direct"), rows(0.45, shots=0, reasoning="chain"))
    test = rival(found, "in_context")
    assert test.outcome == "inconclusive"
    assert test.reason.startswith("reasoning can act in the controlled condition and not in")


def test_a_threshold_that_remains_where_neither_acts_is_survived_together() -> None:
    found = audited(rows(0.45, reasoning="chain"), rows(0.45, shots=0, reasoning="direct"))
    assert rival(found, "in_context").outcome == "survives"
    assert found.verdict.reason.endswith("together only: in_context with reasoning")
