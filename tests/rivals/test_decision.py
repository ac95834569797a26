"""The decision rule of one rival, and of several conditions, on hand-made estimates."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from rivals import cases

from confounds import plugins
from confounds.inference.fits import Fits, Settings
from confounds.results import Estimate, RivalTest, ThresholdFit
from confounds.rivals._combine import all_survive, any_survives
from confounds.rivals._decision import Controlled, decide
from confounds.rivals._reasons import p_values

SMALLEST = 0.10


def fit_of(*, significant=True, p=0.01, check=0.02, effect=0.3):
    found = (Estimate("effect", effect),)
    return ThresholdFit({}, found, p, check, significant, 20, 5, "smooth")


def raw(doubt=None, **changes):
    return SimpleNamespace(raw=SimpleNamespace(fit=fit_of(**changes)), doubt=doubt)


def controlled(lower, upper, *, fit=None, change=(0.2, 0.4), **more):
    """A controlled condition with this interval, by default without a test of its own."""
    effect = Estimate("effect", (lower + upper) / 2, ci_lower=lower, ci_upper=upper)
    low, high = change or (None, None)
    moved = Estimate("change", 0.3, p_value=0.01, ci_lower=low, ci_upper=high) if change else None
    return Controlled(fit, effect, effect, moved, 20, SMALLEST, **more)


def decided(found, **changes):
    return decide("some", "null", raw(**changes), found)


def test_a_significant_upward_effect_survives_strongly_above_the_smallest():
    found = decided(controlled(0.15, 0.4, fit=fit_of()))
    assert (found.outcome, found.strong) == ("survives", True)
    assert found.effect.p_value == 0.01
    assert found.models_needed is None


def test_it_survives_weakly_between_0_and_the_smallest_or_without_the_check():
    assert not decided(controlled(0.05, 0.4, fit=fit_of())).strong
    unchecked = decided(controlled(0.15, 0.4, fit=fit_of(check=None)))
    assert (unchecked.outcome, unchecked.strong) == ("survives", False)
    assert "too few models for the check" in unchecked.reason


@pytest.mark.parametrize(
    "found",
    [
        controlled(0.0, 0.4, fit=fit_of()),
        controlled(0.15, 0.4, fit=fit_of(significant=False)),
        controlled(0.15, 0.4),
    ],
)
def test_it_does_not_survive_without_significance_or_direction(found):
    assert decided(found).outcome == "inconclusive"


def test_a_small_controlled_effect_explains_a_significant_raw_one_that_changed():
    found = decided(controlled(-0.02, 0.06))
    assert found.outcome == "explained"
    assert found.effect.ci_upper == 0.06
    assert not found.strong


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        (controlled(-0.02, 0.06), {"significant": False}),
        (controlled(-0.02, 0.11), {}),
        (controlled(-0.02, 0.06, change=(-0.01, 0.4)), {}),
        (controlled(-0.02, 0.06, change=None), {}),
    ],
    ids=["raw not significant", "effect may be large", "no change shown", "change unknown"],
)
def test_nothing_is_explained_by_less(found, changes):
    result = decided(found, **changes)
    assert result.outcome == "inconclusive"
    assert result.models_needed is None or result.models_needed > 20


def among(upper):
    return Estimate("effect_among_kept", 0.02, p_value=0.01, ci_lower=-0.02, ci_upper=upper)


def test_what_is_left_nowhere_explains_whether_or_not_the_raw_curve_is_shown_to_depart():
    found = decided(controlled(-0.02, 0.06, among_kept=among(0.08)), significant=False, p=0.25)
    assert found.outcome == "explained"
    assert "below 0.1 wherever the raw threshold may lie (90 % interval up to 0.08)" in found.reason
    assert "larger (p = 0.010), sharper than gradual or not (p = 0.250" in found.reason
    assert found.estimates[0].term == "effect_among_kept"


@pytest.mark.parametrize(
    ("found", "effect"),
    [
        (controlled(-0.02, 0.06, among_kept=among(0.12)), 0.3),
        (controlled(-0.02, 0.06, among_kept=among(0.08), change=(-0.01, 0.4)), 0.3),
        (controlled(-0.5, -0.2, among_kept=among(-0.1)), 0.01),
    ],
    ids=["left at another threshold", "no change shown", "no raw step of interest"],
)
def test_without_a_departure_nothing_is_explained_by_less(found, effect):
    result = decided(found, significant=False, p=0.25, effect=effect)
    assert result.outcome == "inconclusive"


def test_a_controlled_curve_with_a_step_elsewhere_explains_nothing():
    own = (
        Estimate("effect", 0.4, ci_lower=0.2, ci_upper=0.6),
        Estimate("threshold", 3e8),
    )
    moved = replace(fit_of(), estimates=own)
    found = decided(controlled(-0.02, 0.06, fit=moved, among_kept=among(0.08)))
    assert found.outcome == "inconclusive"
    assert "a threshold of its own, elsewhere (at 3e+08)" in found.reason


def test_a_downward_controlled_effect_explains_an_upward_claim():
    assert decided(controlled(-0.5, -0.2)).outcome == "explained"


def test_another_metric_is_compared_in_smallest_effects():
    """No difference of units: the raw bound and the controlled one, each in its own."""
    small = {"change": None, "other_units": 2.0}
    assert decided(controlled(-0.02, 0.06, **small)).outcome == "explained"
    small["other_units"] = 0.5
    assert decided(controlled(-0.02, 0.06, **small)).outcome == "inconclusive"


def test_an_inconclusive_rival_says_what_is_missing():
    unsure = decided(controlled(-0.1, 0.5, fit=fit_of(significant=False)))
    assert "neither shows a threshold (p = 0.010, within families = 0.020) nor" in unsure.reason
    assert unsure.reason.endswith("controlled effect 0.20 [-0.10, 0.50]")
    alone = decided(controlled(-0.1, 0.5, why_no_fit="there are 7 models"))
    assert "cannot be tested alone: there are 7 models" in alone.reason
    weak = decided(controlled(-0.1, 0.5), significant=False, p=0.005, check=0.3)
    assert "the raw departure is not significant (p = 0.005, within families = 0.300)" in (
        weak.reason
    )


def test_both_p_values_are_told():
    assert p_values(fit_of(p=0.0004, check=0.2)) == "p <0.001, within families = 0.200"
    assert p_values(fit_of(p=0.04, check=None)) == "p = 0.040"


def judged(outcome, *, p=0.001, name="some"):
    status = "not_testable" if outcome == "not_testable" else "tested"
    effect = None if status == "not_testable" else Estimate("effect", 0.2, p_value=p)
    return RivalTest(name, status, outcome, "null", f"is {outcome}", effect, fits=(fit_of(),))


@pytest.mark.parametrize(
    ("outcomes", "any_of", "all_of"),
    [
        (("survives", "explained"), "survives", "explained"),
        (("survives", "inconclusive"), "survives", "inconclusive"),
        (("inconclusive", "explained"), "inconclusive", "explained"),
        (("explained", "explained"), "explained", "explained"),
        (("survives", "survives"), "survives", "survives"),
        (("not_testable", "explained"), "explained", "explained"),
        (("not_testable", "not_testable"), "not_testable", "not_testable"),
    ],
)
def test_which_of_several_conditions_decides(outcomes, any_of, all_of):
    tests = {f"c{place}": judged(outcome) for place, outcome in enumerate(outcomes)}
    assert any_survives("some", "null", "metric", tests).outcome == any_of
    assert all_survive("some", "null", "format", tests).outcome == all_of


def test_the_effects_of_all_conditions_are_kept():
    tests = {"a": judged("survives"), "b": judged("explained"), "c": judged("not_testable")}
    found = all_survive("some", "null", "format", tests)
    assert found.reason == "format b: is explained"
    assert [item.term for item in found.estimates] == ["effect:a", "effect:b"]
    assert len(found.fits) == 2


def test_one_of_several_must_survive_at_its_share_of_the_level():
    alone = any_survives("some", "null", "metric", {"a": judged("survives", p=0.03)})
    assert alone.outcome == "survives"
    tests = {"a": judged("survives", p=0.03), "b": judged("inconclusive", p=0.5)}
    found = any_survives("some", "null", "metric", tests)
    assert found.outcome == "inconclusive"
    assert "one of 2 tests, not significant once that is counted" in found.reason


def test_conditions_that_cannot_be_tested_say_why():
    found = any_survives("some", "null", "metric", {"f1": judged("not_testable")})
    assert found.reason == "f1: is not_testable"


def test_a_paired_departure_is_enough_for_an_explanation():
    """The model effects cancel in it: the raw test alone is blind among few models."""
    flat = controlled(-0.05, 0.05, paired=Estimate("paired_threshold", 1e9, p_value=0.004))
    found = decided(flat, significant=False, p=0.2)
    assert found.outcome == "explained"
    assert "the difference within models departs from gradual growth (p = 0.004)" in found.reason
    blind = controlled(-0.05, 0.05, paired=Estimate("paired_threshold", 1e9, p_value=0.2))
    assert decided(blind, significant=False, p=0.2).outcome == "inconclusive"


def test_one_control_at_a_time_is_blind_where_either_confound_is_enough():
    """Each single rival is survived; only both controls at once show what makes the step."""
    table = cases.joint_control().confounded
    fits = Fits(table.claim, table.outcomes, Settings(replicates=199, sharpness=False))
    outcomes = {
        name: plugins.load("rivals", name).test(table.claim, table.outcomes, fits).outcome
        for name in ("in_context", "exposure", "joint_control")
    }
    assert outcomes == {
        "in_context": "survives",
        "exposure": "survives",
        "joint_control": "explained",
    }


def test_a_departure_that_a_ceiling_undoes_is_no_departure_to_explain():
    flat = controlled(-0.05, 0.05)
    assert decided(flat).outcome == "explained"
    found = decided(flat, doubt="a smooth curve that levels off at 0.75 would do")
    assert found.outcome == "inconclusive"
    assert "not shown: a smooth curve that levels off at 0.75 would do" in found.reason
    within = controlled(-0.05, 0.05, paired=Estimate("paired_threshold", 1e9, p_value=0.004))
    assert decided(within, doubt="a smooth curve would do").outcome == "explained"


def test_one_of_several_metrics_keeps_its_share_of_the_level_in_its_p_value():
    """So that an adjustment over claims starts from there."""
    effect = Estimate("effect", 0.3, p_value=0.02, ci_lower=0.1)
    one = RivalTest("some", "tested", "survives", "null", "so", effect, strong=True)
    both = any_survives("some", "null", "metric", {"a": one, "b": replace(one, strong=False)})
    assert both.effect.p_value == pytest.approx(0.04)
    assert both.outcome == "survives"
