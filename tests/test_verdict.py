"""The decision rule on hand-made parts: every branch, and what an adjustment may change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confounds.claim import Claim
from confounds.results import Audit, Estimate, Part, RivalTest, ThresholdFit
from confounds.verdict import SCREENING, adjust, decide, departure

PASSED = {name: Part(name, "passed", f"{name} is shown") for name in ("presence", "absence")} | {
    "departure": Part(
        "departure", "passed", "sharper", (Estimate("effect", 0.4, p_value=0.01, ci_lower=0.2),)
    )
}


def parts(**changed):
    """All parts passed, but for those that are given as a status."""
    found = dict(PASSED)
    for name, status in changed.items():
        found[name] = Part(name, status, f"{name} is {status}", found[name].estimates)
    return found


def rival(name, outcome, *, p=0.01, strong=True):
    status = "not_testable" if outcome == "not_testable" else "tested"
    effect = None if status == "not_testable" else Estimate("effect", 0.3, p_value=p)
    return RivalTest(name, status, outcome, "null", f"{name} says so", effect, strong=strong)


SURVIVED = rival("one", "survives")


def test_it_survives_when_all_is_shown_and_every_testable_rival_is_survived():
    verdict = decide(PASSED, [SURVIVED, rival("two", "survives"), rival("lost", "not_testable")])
    assert verdict.label == "survives"
    assert verdict.untested == ("lost",)
    assert verdict.explained_by == ()
    assert "weakly" not in verdict.reason


def test_weakly_survived_rivals_are_named():
    verdict = decide(PASSED, [SURVIVED, rival("two", "survives", strong=False)])
    assert verdict.label == "survives"
    assert verdict.reason.endswith("weakly against two")


def test_one_rival_that_explains_is_enough():
    verdict = decide(PASSED, [SURVIVED, rival("two", "explained"), rival("three", "explained")])
    assert verdict.label == "explained"
    assert verdict.explained_by == ("two", "three")
    assert verdict.reason == "two: two says so; three: three says so"


def test_it_is_explained_though_departure_is_undecided():
    """Gradual growth explains a curve precisely when no departure is shown."""
    verdict = decide(parts(departure="undecided"), [rival("smooth_growth", "explained")])
    assert verdict.label == "explained"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"presence": "failed"}, "nothing has emerged: presence is failed"),
        ({"absence": "failed"}, "it was there all along: absence is failed"),
        ({"presence": "failed", "absence": "failed"}, "nothing has emerged"),
    ],
)
@pytest.mark.parametrize("outcome", ["survives", "explained", "inconclusive"])
def test_it_is_absent_whatever_the_rivals_say(changed, says, outcome):
    verdict = decide(parts(**changed), [rival("one", outcome)])
    assert verdict.label == "absent"
    assert says in verdict.reason
    assert verdict.explained_by == ()


@pytest.mark.parametrize("name", ["presence", "absence", "departure"])
def test_an_undecided_part_is_missing(name):
    verdict = decide(parts(**{name: "undecided"}), [SURVIVED])
    assert verdict.label == "inconclusive"
    assert verdict.reason == f"{name}: {name} is undecided"


def test_an_inconclusive_rival_is_missing():
    verdict = decide(PASSED, [SURVIVED, rival("two", "inconclusive")])
    assert verdict.label == "inconclusive"
    assert verdict.reason == "two: two says so"


def test_nothing_survives_without_a_rival_that_was_tested():
    verdict = decide(PASSED, [rival("one", "not_testable")])
    assert verdict.label == "inconclusive"
    assert verdict.reason == "no rival can be tested"
    assert verdict.untested == ("one",)


def raw_fit(*, p=0.01, check=0.02, significant=True, lower=0.2):
    estimates = (
        Estimate("threshold", 1e9),
        Estimate("effect", 0.4, ci_lower=lower, ci_upper=0.6),
        Estimate("width", 0.5),
    )
    return ThresholdFit({}, estimates, p, check, significant, 20, 5, "smooth")


def test_departure_is_passed_by_a_significant_upward_step():
    part = departure(raw_fit(), None, 0.1)
    assert part.status == "passed"
    assert part.estimate.p_value == 0.01
    assert [item.term for item in part.estimates] == ["effect", "threshold", "width"]
    assert "within families p = 0.020" in part.reason


@pytest.mark.parametrize(
    "fit",
    [
        raw_fit(significant=False),
        raw_fit(lower=-0.1),
        raw_fit(lower=0.0),
        raw_fit(lower=None),
    ],
)
def test_departure_is_undecided_without_significance_or_direction(fit):
    part = departure(fit, None, 0.1)
    assert part.status == "undecided"
    assert "not shown to be sharper than gradual" in part.reason


def test_departure_says_when_there_is_no_check():
    assert "no check within families" in departure(raw_fit(check=None), None, 0.1).reason


def test_departure_says_why_the_raw_curve_cannot_be_tested():
    part = departure(None, "there are 3 models", 0.1)
    assert (part.status, part.reason, part.estimates) == ("undecided", "there are 3 models", ())


def audit_of(*tests, p=0.01, apparent=None):
    apparent = dict(apparent or PASSED)
    estimate = Estimate("effect", 0.4, p_value=p, ci_lower=0.2)
    apparent["departure"] = Part("departure", apparent["departure"].status, "sharper", (estimate,))
    return Audit(
        Claim("c", "t", "accuracy"), decide(apparent, tests), apparent, tuple(tests), fits=()
    )


def test_one_claim_needs_no_adjustment():
    (found,) = adjust([audit_of(rival("one", "survives", p=0.04), p=0.03)])
    assert found.verdict.label == "survives"
    assert found.tests[0].p_adjusted == 0.04
    assert found.apparent["departure"].status == "passed"


def test_few_claims_are_adjusted_by_holm():
    audits = [audit_of(rival("one", "survives", p=p), p=0.001) for p in (0.01, 0.03, 0.20)]
    found = adjust(audits)
    assert [item.tests[0].p_adjusted for item in found] == pytest.approx([0.03, 0.06, 0.20])
    assert [item.verdict.label for item in found] == ["survives", "inconclusive", "inconclusive"]
    weakened = found[1].tests[0]
    assert weakened.outcome == "inconclusive"
    assert not weakened.strong
    assert weakened.reason.startswith("not significant after adjustment over claims (p = 0.060)")
    assert weakened.reason.endswith("one says so")


def test_many_claims_are_screened_by_the_false_discovery_rate():
    """Holm would multiply the largest of ten p-values of .02 by ten; the rate leaves them."""
    audits = [audit_of(rival("one", "survives", p=0.02), p=0.02) for _ in range(SCREENING)]
    assert {item.verdict.label for item in adjust(audits)} == {"survives"}
    assert {item.verdict.label for item in adjust(audits[:-1])} == {"inconclusive"}


def test_each_rival_is_a_family_of_its_own():
    audits = [
        audit_of(rival("one", "survives", p=0.02), rival("two", "survives", p=0.9), p=0.001)
        for _ in range(2)
    ]
    (first, _) = adjust(audits)
    assert first.tests[0].p_adjusted == pytest.approx(0.04)
    assert first.tests[1].p_adjusted == 1.0


def test_the_departure_is_adjusted_too_and_weakens_the_verdict():
    found = adjust([audit_of(SURVIVED, p=0.03) for _ in range(3)])
    part = found[0].apparent["departure"]
    assert part.status == "undecided"
    assert part.estimates[-1] == Estimate("p_adjusted", pytest.approx(0.09))
    assert found[0].verdict.label == "inconclusive"


def test_an_adjustment_changes_nothing_but_survives():
    explained, undecided = rival("one", "explained", p=0.9), rival("one", "inconclusive", p=0.9)
    lost = rival("one", "not_testable")
    audits = [audit_of(test) for test in (explained, undecided, lost)]
    found = adjust(audits)
    for before, after in zip(audits, found, strict=True):
        assert after.tests[0].outcome == before.tests[0].outcome
        assert after.verdict.label == before.verdict.label
    assert found[0].tests[0].p_adjusted == 1.0  # every tested claim is in the family
    assert found[2].tests[0].p_adjusted is None


def test_claims_without_a_p_value_do_not_count_in_the_family():
    untested = audit_of(rival("one", "not_testable"))
    found = adjust([audit_of(rival("one", "survives", p=0.03), p=0.001), untested, untested])
    assert found[0].tests[0].p_adjusted == 0.03


def test_what_another_claim_came_to_does_not_change_the_family():
    survivor = audit_of(rival("one", "survives", p=0.02), p=0.001)
    for outcome in ("explained", "inconclusive"):
        found = adjust([survivor, audit_of(rival("one", outcome, p=0.5), p=0.001)])
        assert found[0].tests[0].p_adjusted == pytest.approx(0.04)


def test_an_explanation_does_not_outlive_the_departure_that_it_explains():
    audits = [audit_of(rival("one", "explained", p=0.5), p=0.04) for _ in range(3)]
    assert {audit.tests[0].outcome for audit in adjust(audits)} == {"inconclusive"}
    growth = [audit_of(rival("smooth_growth", "explained", p=0.5), p=0.5) for _ in range(3)]
    assert {audit.tests[0].outcome for audit in adjust(growth)} == {"explained"}


def test_an_explanation_outlives_the_raw_departure_where_the_paired_one_is_significant():
    paired = Estimate("paired_threshold", 1e9, p_value=0.01)
    test = replace(rival("two", "explained"), estimates=(paired,))
    weak = audit_of(test, apparent=parts(departure="undecided"), p=0.4)
    assert adjust([weak])[0].verdict.label == "explained"
    several = adjust([weak, *[audit_of(rival("two", "explained"), p=0.4)] * 3])
    assert several[0].verdict.label == "explained"
    assert several[1].verdict.label == "inconclusive"
    crowd = [
        replace(weak, tests=(replace(test, estimates=(replace(paired, p_value=p),)),))
        for p in (0.03, 0.04, 0.2)
    ]
    assert [item.verdict.label for item in adjust(crowd)] == ["inconclusive"] * 3


def test_an_explanation_outlives_both_where_nothing_is_left_and_the_change_is_significant():
    left = Estimate("effect_among_kept", 0.02, p_value=0.01, ci_upper=0.06)
    change = Estimate("change", 0.3, p_value=0.01, ci_lower=0.2, ci_upper=0.4)
    test = replace(rival("two", "explained"), estimates=(left,), change=change)
    weak = audit_of(test, apparent=parts(departure="undecided"), p=0.4)
    assert adjust([weak])[0].verdict.label == "explained"
    crowd = [
        replace(weak, tests=(replace(test, change=replace(change, p_value=p)),))
        for p in (0.03, 0.04, 0.2)
    ]
    assert [item.verdict.label for item in adjust(crowd)] == ["inconclusive"] * 3
    some = replace(test, estimates=())
    assert adjust([replace(weak, tests=(some,))])[0].verdict.label == "inconclusive"


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (0.21, 0.35, ("at least 0.21 of the 0.40 is one's",)),
        (-0.05, 0.12, ("at most 0.12 of the 0.40 is one's",)),
        (-0.30, -0.10, ("at most 0.00 of the 0.40 is one's",)),
        (-0.10, 0.60, ()),
    ],
)
@pytest.mark.parametrize("outcome", ["explained", "inconclusive", "survives"])
def test_the_paired_change_says_what_is_certain_whatever_the_verdict(lower, upper, said, outcome):
    change = Estimate("change", 0.3, ci_lower=lower, ci_upper=upper)
    test = replace(rival("one", outcome), change=change)
    assert decide(PASSED, [test]).certain == said


def test_without_a_departure_there_is_nothing_to_share_out():
    """But one within models is a departure, and no share is larger than the whole."""
    change = Estimate("change", 0.3, ci_lower=0.5, ci_upper=0.6)
    test = replace(SURVIVED, change=change)
    assert decide(parts(departure="undecided"), [test]).certain == ()
    within = replace(test, estimates=(Estimate("paired_threshold", 1e9, p_value=0.01),))
    said = decide(parts(departure="undecided"), [within]).certain
    assert said == ("at least 0.40 of the 0.40 is one's",)
    falling = Part("departure", "passed", "so", (Estimate("effect", -0.1, p_value=0.01),))
    assert decide(dict(PASSED) | {"departure": falling}, [test]).certain == ()


def test_nothing_is_certain_without_a_change_or_a_raw_effect():
    assert decide(PASSED, [SURVIVED]).certain == ()
    unknown = dict(PASSED) | {"departure": Part("departure", "undecided", "too few models")}
    change = Estimate("change", 0.3, ci_lower=0.1, ci_upper=0.5)
    assert decide(unknown, [replace(SURVIVED, change=change)]).certain == ()
