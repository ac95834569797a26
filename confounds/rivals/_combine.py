"""One rival, several controlled conditions: which of them decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.results import Estimate, RivalTest
from confounds.rivals._decision import not_testable

LEVEL = 0.05

if TYPE_CHECKING:
    from collections.abc import Mapping


def any_survives(rival: str, null: str, factor: str, tests: Mapping[str, RivalTest]) -> RivalTest:
    """Survives if one condition survives; explained only if every one explains.

    One of several is enough to survive, so each must do so at its share of the level
    (Bonferroni).
    """
    count = sum(test.status == "tested" for test in tests.values())
    tests = {name: _at_share(test, count) for name, test in tests.items()}
    return _pick(rival, null, factor, tests, order=("survives", "inconclusive", "explained"))


def _at_share(test: RivalTest, count: int) -> RivalTest:
    p = test.effect.p_value if test.effect else None
    if test.outcome != "survives" or test.effect is None or p is None:
        return test
    test = replace(test, effect=replace(test.effect, p_value=min(1.0, p * count)))
    if p * count < LEVEL:
        return test
    reason = f"one of {count} tests, not significant once that is counted; {test.reason}"
    return replace(test, outcome="inconclusive", strong=False, reason=reason)


def all_survive(rival: str, null: str, factor: str, tests: Mapping[str, RivalTest]) -> RivalTest:
    """Survives only if every condition survives; explained if one condition explains.

    `factor` says what the names in `tests` are; "" where their reasons name them.
    """
    return _pick(rival, null, factor, tests, order=("explained", "inconclusive", "survives"))


def _pick(
    rival: str, null: str, factor: str, tests: Mapping[str, RivalTest], order: tuple[str, ...]
) -> RivalTest:
    tested = {name: test for name, test in tests.items() if test.status == "tested"}
    if not tested:
        reasons = "; ".join(f"{name}: {test.reason}" for name, test in tests.items())
        return not_testable(rival, null, reasons)
    for outcome in order:
        for name, test in tested.items():
            if test.outcome == outcome:
                return replace(
                    test,
                    reason=f"{factor} {name}: {test.reason}" if factor else test.reason,
                    estimates=(*test.estimates, *_others(tested)),
                    fits=tuple(fit for item in tested.values() for fit in item.fits),
                )
    msg = f"no outcome of {order} among {sorted(tested)}"
    raise ValueError(msg)


def _others(tests: Mapping[str, RivalTest]) -> tuple[Estimate, ...]:
    """The effect in each condition, named by its level."""
    return tuple(
        replace(test.effect, term=f"effect:{name}") for name, test in tests.items() if test.effect
    )
