"""Why a verdict is what it is, said once: what is left open, what would decide, what is certain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confounds import _cli_prose as prose
from confounds.claim import Claim
from confounds.inference.needed import MOST, lack_of
from confounds.reasons import certain, left_open, said_of_all, why, would_decide
from confounds.results import Audit, CurvePoint, Estimate, Part, RivalTest, ThresholdFit, Verdict

RAW = "the raw departure is not significant (p = 0.570)"
EFFECT = Estimate("effect", 0.31, ci_lower=0.1, ci_upper=0.52)
WIDE = Estimate("effect", 0.05, ci_lower=-0.6, ci_upper=0.7)


def rival(name: str, reason: str, needed: int | None, outcome: str = "inconclusive") -> RivalTest:
    return RivalTest(name, "tested", outcome, "", reason, models_needed=needed)  # type: ignore[arg-type]


def audit(effect: Estimate, *, significant: bool, tests: tuple[RivalTest, ...]) -> Audit:
    fit = ThresholdFit({}, (effect,), 0.57, None, significant, 12, 3, "")
    status = "passed" if significant else "undecided"
    parts = {
        "presence": Part("presence", "passed", "it is there"),
        "departure": Part("departure", status, "not shown", (effect,)),  # type: ignore[arg-type]
    }
    verdict = Verdict(
        "inconclusive", "in full", certain=("at least 0.12 of the 0.31 is in_context's",)
    )
    return Audit(Claim("a", "a", "accuracy"), verdict, parts, tests, (fit,))


OPEN = (
    rival("in_context", f"{RAW}; controlled effect 0.10", 34),
    rival("prompt_format", f"format open: {RAW}; controlled effect 0.20", 427),
    rival("smooth_growth", "the width is not known", 20),
    rival("sampling_noise", "the items are many", None, "survives"),
)


def test_one_number_decides_all_that_is_left_open() -> None:
    shown = audit(EFFECT, significant=True, tests=OPEN)
    assert [test.rival for test in left_open(shown)] == [
        "in_context",
        "prompt_format",
        "smooth_growth",
    ]
    assert why(shown) == "3 rivals left open; about 427 models would decide"


def test_a_departure_that_is_not_shown_counts_too() -> None:
    missing = audit(WIDE, significant=False, tests=OPEN)
    assert why(missing) == (
        "not shown to be sharper than gradual; 3 rivals left open; "
        f"more than {MOST} models would be needed to decide"
    )


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ((34,), "about 34 models would decide"),
        ((34, None), "at least 34 models would be needed to decide"),
        ((None,), ""),
        ((), ""),
    ],
)
def test_what_has_no_number_is_not_given_one(needed: tuple[int | None, ...], said: str) -> None:
    tests = tuple(rival(f"r{place}", "open", count) for place, count in enumerate(needed))
    assert would_decide(audit(EFFECT, significant=True, tests=tests), tests) == said


NARROW = Estimate("effect", 0.31, ci_lower=0.2, ci_upper=0.42)


def test_a_departure_that_a_test_fails_has_no_number() -> None:
    """The interval is narrow enough: more of the same says nothing about the test that fails."""
    missing = audit(NARROW, significant=False, tests=OPEN[:1])
    assert would_decide(missing, missing.tests) == "at least 34 models would be needed to decide"
    lack = lack_of(missing.fits[0], 0.1)
    assert (lack.models, lack.helps) == (None, True)
    assert "what is missing is p < 0.05 in the two-level test" in lack.reason
    within = replace(missing.fits[0], p_two_level=0.01, p_fixed_effect=0.3)
    assert "what is missing is p < 0.10 in the check within families" in lack_of(within, 0.1).reason


def test_what_blocks_is_said_without_a_number() -> None:
    missing = audit(WIDE, significant=False, tests=OPEN)
    blocked = replace(missing.fits[0], blocks=("families lie apart",))
    shown = replace(missing, fits=(blocked,))
    assert why(shown).endswith("more models of the same kind would not decide")
    reason = lack_of(blocked, 0.1).reason
    assert reason == "families lie apart; more models of the same kind would not tell"


def test_what_is_missing_beside_two_significant_tests_is_the_interval() -> None:
    wide = Estimate("effect", 0.31, ci_lower=-0.45, ci_upper=0.5)
    fit = ThresholdFit({}, (wide,), 0.025, 0.082, True, 12, 4, "")
    reason = "the step, 0.31 [-0.45, 0.50], is not shown to lie above 0; about 56 models would tell"
    assert lack_of(fit, 0.1).reason == reason
    assert lack_of(replace(fit, estimates=(EFFECT,)), 0.1) is None


def test_a_falling_curve_is_called_one() -> None:
    line = (CurvePoint(1e8, 0.7), CurvePoint(1e11, 0.25))
    down = Estimate("effect", -0.28, ci_lower=-0.46, ci_upper=-0.11)
    lack = lack_of(ThresholdFit({}, (down,), 0.001, 0.003, True, 16, 4, "", line), 0.1)
    assert not lack.helps
    assert lack.reason.startswith("the scores fall with scale")


def test_notes_of_the_raw_fit_and_changes_are_told_on_the_terminal() -> None:
    change = Estimate("change", 0.33, ci_lower=0.14, ci_upper=0.52)
    tests = (replace(OPEN[0], change=change),)
    shown = audit(WIDE, significant=False, tests=tests)
    shown = replace(shown, fits=(replace(shown.fits[0], notes=("one family only",)),))
    told = prose.audits_text((shown,))
    assert "\n  note: one family only\n" in told
    assert "less that in the controlled one: 0.33 [0.14, 0.52]" in told


def test_what_all_open_rivals_say_is_said_once_on_the_terminal() -> None:
    missing = audit(WIDE, significant=False, tests=OPEN)
    assert said_of_all(missing) == RAW
    told = prose.audits_text((missing,))
    assert told.count(RAW) == 1
    assert f"Rival explanations ({RAW})" in told
    assert "  in_context: inconclusive; controlled effect 0.10" in told
    assert "  prompt_format: inconclusive; format open: controlled effect 0.20" in told
    assert "in full" not in told
    alone = replace(missing, tests=OPEN[1:])
    assert said_of_all(alone) == ""
    assert (
        f"  prompt_format: inconclusive; format open: {RAW}; controlled effect 0.20"
        in prose.audits_text((alone,))
    )


def test_what_is_certain_is_told() -> None:
    shown = audit(EFFECT, significant=True, tests=OPEN)
    assert certain(shown) == ("at least 0.12 of the 0.31 is in-context's",)
    assert "certain, whatever the verdict: at least 0.12" in prose.audits_text((shown,))
    assert prose.verdicts((shown,))[0]["certain"] == list(shown.verdict.certain)
    assert shown.glance()["certain"].tolist() == ["at least 0.12 of the 0.31 is in_context's"]


def test_controlled_fits_alone_are_not_told_as_the_claims_own() -> None:
    lost = Part("departure", "undecided", "a threshold test needs 8 models; there are 4")
    shown = audit(EFFECT, significant=True, tests=())
    shown = replace(shown, apparent={"departure": lost})
    assert why(shown) == lost.reason
    assert "0.31" not in prose.audits_text((shown,)).replace("0.31 is in-context", "")
