"""Why a verdict is what it is, in the few words that a first screen has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds import text
from confounds.inference.needed import MOST, lack_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from confounds.results import Audit, Estimate, RivalTest

_MISSING = {
    "presence": "not shown to be there at the top",
    "absence": "not shown to be at chance below",
    "departure": "not shown to be sharper than gradual",
}


def why(audit: Audit) -> str:
    """What decided: the rivals with what they leave, what is missing, or the verdict's reason."""
    if audit.verdict.label == "explained":
        return f"by {text.sentence_list(list(_explaining(audit)))}"
    if audit.verdict.label == "inconclusive":
        return "; ".join(dict.fromkeys(_lacking(audit))) or audit.verdict.reason
    return audit.verdict.reason


def certain(audit: Audit) -> tuple[str, ...]:
    """What holds whatever the verdict, a sentence a rival, in words."""
    return tuple(sentence.replace("_", "-") for sentence in audit.verdict.certain)


def controlled(audit: Audit, test: RivalTest) -> Estimate | None:
    """What a rival's control leaves; None where the rival has no controlled condition."""
    if test.change is None and test.effect is not None and _is_raw(audit, test.effect):
        return None
    return test.effect


def left_open(audit: Audit) -> tuple[RivalTest, ...]:
    """The rivals that were tested and neither survived nor found to explain the claim."""
    return tuple(test for test in audit.tests if test.outcome == "inconclusive")


def said_of_all(audit: Audit) -> str:
    """The first clause that several rivals left open give as reason; empty if there is none.

    Where no departure is shown, that is the reason of most: it need be said only once.
    """
    clauses = [_first_clause(test.reason) for test in left_open(audit)]
    clause = max(clauses, key=clauses.count, default="")
    return clause if clauses.count(clause) > 1 else ""


def further(test: RivalTest, every: str) -> str:
    """What a rival's reason adds to what is said of all."""
    return test.reason.replace(f"{every}; ", "", 1) if every else test.reason


def would_decide(audit: Audit, left: Sequence[RivalTest]) -> str:
    """How many models would decide these rivals, as a phrase; empty where that is not known.

    A rival is decided of a departure that is shown: where it is not, that takes models too.
    """
    fit, departure = audit.raw_fit, audit.apparent.get("departure")
    shown = departure is not None and departure.status == "passed"
    lack = None if fit is None or shown else lack_of(fit, audit.claim.smallest_effect)
    if lack is not None and not lack.helps:
        return "more models of the same kind would not decide"
    return _phrase([*(test.models_needed for test in left), *([lack.models] if lack else [])])


def _first_clause(reason: str) -> str:
    """A reason up to its semicolon, without the condition that stands before a colon."""
    return reason.partition("; ")[0].rpartition(": ")[2]


def _is_raw(audit: Audit, effect: Estimate) -> bool:
    fit = audit.raw_fit
    raw = {item.estimate for item in fit.estimates if item.term == "effect"} if fit else set()
    return effect.estimate in raw


def _explaining(audit: Audit) -> Iterator[str]:
    tests = {test.rival: test for test in audit.tests}
    told: set[str] = set()
    for rival in audit.verdict.explained_by:
        test = tests.get(rival)
        group = (rival, *(test.together if test else ()))
        if rival in told:
            continue
        told.update(group)
        name = _alternatives(group)
        left = controlled(audit, test) if test else None
        if left is not None and left.estimate is not None:
            yield f"{name} (left: {text.estimate(left)})"
        elif test is not None and test.estimates:
            shown = text.estimate(test.estimates[0], axis=audit.claim.scale)
            unit = " decades" if test.estimates[0].term == "width" else ""
            yield f"{name} ({test.estimates[0].term.replace('_', ' ')}: {shown}{unit})"
        else:
            yield name


def _alternatives(group: tuple[str, ...]) -> str:
    """One rival, or those of which the table cannot say which."""
    names = " or ".join(group).replace("_", " ")
    return names if len(group) == 1 else f"{names}, which change together"


def _lacking(audit: Audit) -> Iterator[str]:
    """The parts that did not pass, how many rivals were left open, and what would decide all."""
    for name, part in audit.apparent.items():
        if part.status != "passed":
            yield _MISSING[name] if part.estimates and name in _MISSING else part.reason
    left = left_open(audit)
    if left:
        yield f"{text.plural(len(left), 'rival')} left open"
    decide = would_decide(audit, left)
    if decide:
        yield decide


def _phrase(needed: Sequence[int | None]) -> str:
    """One number for all that is left open; where some have none, that it takes no fewer."""
    known = [count for count in needed if count is not None]
    if not known:
        return ""
    if max(known) > MOST:
        return f"more than {MOST} models would be needed to decide"
    if len(known) < len(needed):
        return f"at least {max(known)} models would be needed to decide"
    return f"about {max(known)} models would decide"
