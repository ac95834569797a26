"""The decision rule, on one page.

Three answers are about apparent emergence (presence, absence, departure), one about each rival.
The verdict reads them and decides nothing else:

| verdict | when |
|---|---|
| absent | the largest models are shown at baseline, or the smallest are shown above it |
| explained | a rival explains it |
| survives | presence, absence and departure passed and every testable rival is survived |
| inconclusive | otherwise, with what is missing |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference.multiplicity import benjamini_hochberg, holm
from confounds.inference.needed import lack_of
from confounds.results import Audit, Estimate, Part, RivalTest, Verdict
from confounds.text import sentence_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confounds.inference.sample import Floats
    from confounds.results import ThresholdFit

LEVEL = 0.05
GRADUAL = "smooth_growth"
"""The one rival that explains with neither departure nor change: it says that there is none."""
SCREENING = 10
"""From so many claims on, p-values are adjusted for the false discovery rate (screening)."""


def departure(
    fit: ThresholdFit | None, reason: str | None, smallest: float, doubt: str | None = None
) -> Part:
    """Is the curve sharper than gradual growth?

    Passed: the raw threshold test is significant, the effect points upward, and there is no
    `doubt` (chance unknown, or a ceiling below 1 that undoes it). Failed is never said here: that
    a curve is gradual is what the rival `smooth_growth` has to show.
    """
    if fit is None:
        return Part("departure", "undecided", reason or "the raw curve cannot be tested")
    effect = fit["effect"]
    shown = (replace(effect, p_value=fit.p_two_level), fit["threshold"], fit["width"])
    check = "no check within families" if fit.p_fixed_effect is None else _check(fit.p_fixed_effect)
    text = f"two-level p = {fit.p_two_level:.3f}, {check}"
    if fit.significant and (effect.ci_lower or 0.0) > 0 and doubt is not None:
        return Part("departure", "undecided", f"{text}, but {doubt}", shown)
    if fit.significant and (effect.ci_lower or 0.0) > 0:
        return Part("departure", "passed", f"sharper than gradual growth ({text})", shown)
    lack = lack_of(fit, smallest)
    reason = f"not shown to be sharper than gradual ({text}){f'; {lack.reason}' if lack else ''}"
    return Part("departure", "undecided", reason, shown)


def decide(apparent: Mapping[str, Part], tests: Sequence[RivalTest]) -> Verdict:
    """The verdict on one claim, and what is certain whatever it is."""
    return replace(_label(apparent, tests), certain=_certain(apparent["departure"], tests))


def _certain(departure: Part, tests: Sequence[RivalTest]) -> tuple[str, ...]:
    """What share of the raw effect each rival is shown to carry, from the paired change.

    The change is far more precise than either effect, so it says something where they do not.
    Each sentence holds with the confidence of its interval (95 %, from above and below). Where
    no departure is shown, alone or within models, there is nothing to share out. What a control
    of several factors at once takes away is said of them together, and once.
    """
    effect = departure.estimate
    if effect is None or effect.estimate is None or effect.estimate <= 0:
        return ()
    whole = f"the {effect.estimate:.2f}"
    shown = departure.status == "passed"
    said: dict[frozenset[str], str] = {}
    least: dict[frozenset[str], float] = {}
    for test in tests:
        change, group = test.change, frozenset((test.rival, *test.together))
        if group in said or change is None or change.ci_lower is None or change.ci_upper is None:
            continue
        paired = _paired_p(test)
        if change.ci_lower > 0 and (shown or (paired is not None and paired < LEVEL)):
            least[group] = round(min(change.ci_lower, effect.estimate), 2)
            said[group] = f"at least {least[group]:.2f} of {whole} is {_owners(test)}"
        elif shown and change.ci_upper < effect.estimate:
            most = max(change.ci_upper, 0.0)
            said[group] = f"at most {most:.2f} of {whole} is {_owners(test)}"
    return tuple(text for group, text in said.items() if not _adds_nothing(group, least))


def _adds_nothing(group: frozenset[str], least: Mapping[frozenset[str], float]) -> bool:
    """Whether some of the group are known to carry as much as all of it."""
    return group in least and any(
        other < group and amount >= least[group] for other, amount in least.items()
    )


def _owners(test: RivalTest) -> str:
    if not test.together:
        return f"{test.rival}'s"
    names = [f"{name}'s" for name in (test.rival, *test.together)]
    return f"{sentence_list(names)} together"


def _label(apparent: Mapping[str, Part], tests: Sequence[RivalTest]) -> Verdict:
    """The verdict on one claim."""
    untested = tuple(test.rival for test in tests if test.status == "not_testable")
    presence, absence = apparent["presence"], apparent["absence"]
    if presence.status == "failed":
        return Verdict("absent", f"nothing has emerged: {presence.reason}", (), untested)
    if absence.status == "failed":
        return Verdict("absent", f"it was there all along: {absence.reason}", (), untested)
    if any(test.outcome == "explained" for test in tests):
        return _explained(tests, untested)
    missing = [
        f"{part.name}: {part.reason}" for part in apparent.values() if part.status != "passed"
    ]
    missing += [f"{test.rival}: {test.reason}" for test in tests if test.outcome == "inconclusive"]
    if not missing and any(test.status == "tested" for test in tests):
        weak = [test.rival for test in tests if test.status == "tested" and not test.strong]
        strength = f", weakly against {', '.join(weak)}" if weak else ""
        text = (
            "present, absent below, sharper than gradual, and every testable rival is survived"
            f"{strength}{_only_together(tests)}"
        )
        return Verdict("survives", text, (), untested)
    return Verdict("inconclusive", "; ".join(missing) or "no rival can be tested", (), untested)


def _explained(tests: Sequence[RivalTest], untested: Sequence[str]) -> Verdict:
    """By every rival that explains, and by those whose factors its control changes as well."""
    reasons: dict[frozenset[str], str] = {}
    names: dict[str, None] = {}
    for test in tests:
        if test.outcome == "explained":
            group = (test.rival, *test.together)
            reasons.setdefault(frozenset(group), f"{' or '.join(group)}: {test.reason}")
            names |= dict.fromkeys(group)
    left = tuple(name for name in untested if name not in names)
    return Verdict("explained", "; ".join(reasons.values()), tuple(names), left)


def _only_together(tests: Sequence[RivalTest]) -> str:
    """The rivals that are survived together and not each by itself, as a clause."""
    groups = {
        frozenset((test.rival, *test.together)): f"{test.rival} with {', '.join(test.together)}"
        for test in tests
        if test.together and test.outcome == "survives"
    }
    return f", together only: {'; '.join(groups.values())}" if groups else ""


def adjust(audits: Sequence[Audit]) -> tuple[Audit, ...]:
    """Adjust p-values over the claims of one table and decide again.

    Within a claim, `survives` needs every rival to be survived (an intersection-union test, no
    adjustment needed). Over claims, the p-values of each rival form a family: Holm for few
    claims, Benjamini-Hochberg from `SCREENING` claims on. An adjustment can turn "survives"
    into "inconclusive", and "explained" where neither the raw departure nor that of the
    within-model difference nor, where nothing is left wherever the threshold may lie, the change
    is significant any more.
    """
    method = holm if len(audits) < SCREENING else benjamini_hochberg
    raw = _adjusted([_departure_p(audit) for audit in audits], method)
    names = sorted({test.rival for audit in audits for test in audit.tests})
    by_rival = {
        name: _adjusted([_rival_p(audit, name) for audit in audits], method) for name in names
    }
    paired = {
        name: _adjusted([_paired_p_of(audit, name) for audit in audits], method) for name in names
    }
    changed = {
        name: _adjusted([_change_p_of(audit, name) for audit in audits], method) for name in names
    }
    decided = []
    for index, audit in enumerate(audits):
        shown = audit.apparent["departure"].status == "passed" and raw.get(index, 1.0) < LEVEL
        tests = tuple(
            _readjust(
                test,
                by_rival[test.rival].get(index),
                departs=shown
                or paired[test.rival].get(index, 1.0) < LEVEL
                or (_nothing_left(test) and changed[test.rival].get(index, 1.0) < LEVEL),
            )
            for test in audit.tests
        )
        apparent = dict(audit.apparent)
        apparent["departure"] = _weaken(apparent["departure"], raw.get(index))
        verdict = decide(apparent, tests)
        decided.append(replace(audit, tests=tests, apparent=apparent, verdict=verdict))
    return tuple(decided)


def _adjusted(
    values: Sequence[float | None], method: Callable[[Floats], Floats]
) -> dict[int, float]:
    """Position -> adjusted p-value, over the audits that have one."""
    found = {index: p for index, p in enumerate(values) if p is not None}
    if not found:
        return {}
    adjusted = method(np.array(list(found.values())))
    return {index: float(p) for index, p in zip(found, adjusted, strict=True)}


def _departure_p(audit: Audit) -> float | None:
    estimate = audit.apparent["departure"].estimate
    return estimate.p_value if estimate else None


def _rival_p(audit: Audit, name: str) -> float | None:
    for test in audit.tests:
        if test.rival == name and test.status == "tested":
            return test.effect.p_value if test.effect else None
    return None


def _paired_p(test: RivalTest) -> float | None:
    """P-value of the threshold of the within-model difference, where the rival has one."""
    for estimate in test.estimates:
        if estimate.term == "paired_threshold":
            return estimate.p_value
    return None


def _paired_p_of(audit: Audit, name: str) -> float | None:
    return next((_paired_p(test) for test in audit.tests if test.rival == name), None)


def _change_p_of(audit: Audit, name: str) -> float | None:
    """P-value of the change, of every claim that has one: it was asked of each."""
    for test in audit.tests:
        if test.rival == name and test.change is not None:
            return test.change.p_value
    return None


def _nothing_left(test: RivalTest) -> bool:
    """Whether the rival told that a step of interest is excluded wherever the threshold may lie."""
    return any(estimate.term == "effect_among_kept" for estimate in test.estimates)


def _readjust(test: RivalTest, p: float | None, *, departs: bool) -> RivalTest:
    if test.outcome == "explained" and test.rival != GRADUAL and not departs:
        reason = f"not significant after adjustment over claims; before: {test.reason}"
        return replace(test, p_adjusted=p, outcome="inconclusive", reason=reason)
    if p is None:
        return test
    if test.outcome == "survives" and p >= LEVEL:
        reason = (
            f"not significant after adjustment over claims (p = {p:.3f}); before: {test.reason}"
        )
        return replace(test, p_adjusted=p, outcome="inconclusive", strong=False, reason=reason)
    return replace(test, p_adjusted=p)


def _weaken(part: Part, p: float | None) -> Part:
    if part.status != "passed" or p is None or p < LEVEL:
        return part
    reason = f"not significant after adjustment over claims (p = {p:.3f}); before: {part.reason}"
    shown = (*part.estimates, Estimate("p_adjusted", p))
    return replace(part, status="undecided", reason=reason, estimates=shown)


def _check(p: float) -> str:
    return f"within families p = {p:.3f}"
