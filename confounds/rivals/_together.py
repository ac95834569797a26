"""What a control says where other factors change along with its own: it is one of them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds import plugins, text
from confounds.inference.companions import companions, word

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Sample
    from confounds.results import RivalTest


def with_companions(
    test: RivalTest, fits: Fits, observation: Observation, against: Sample | None
) -> RivalTest:
    """The answer of a rival, said of all the factors that its control changes.

    An effect that is gone is that of all of them. A threshold that remains where none can act
    survives them all; where the control switches another on, that one may make it.

    Args:
        test: what the comparison came to.
        fits: the claim's fits.
        observation: the controlled condition.
        against: other models in the confounded condition, as in `compare`.
    """
    others = None if against is None else against.models
    found = companions(fits, fits.raw_observation, observation, others)
    if found is None:
        return test
    rivals = dict.fromkeys(name for column in found.columns for name in _rivals_of(column))
    together = tuple(name for name in rivals if name != test.rival)
    rows = ", ".join(found.rows)
    reason = (
        f"{test.reason}; {found.message}, so the control is one of both together; rows that would "
        f"tell them apart: {rows}"
    )
    if test.outcome == "survives" and found.switched_on:
        names = text.sentence_list(list(found.switched_on))
        reason = f"{names} can act in the controlled condition and not in the claim's; {reason}"
        return replace(test, outcome="inconclusive", strong=False, reason=reason, together=together)
    return replace(test, reason=reason, together=together)


def _rivals_of(column: str) -> list[str]:
    """The rivals that are about a column of the condition."""
    return [
        name
        for name, rival in plugins.load_all("rivals").items()
        if column in getattr(rival, "columns", ())
    ]


def elsewhere(fits: Fits, column: str) -> str:
    """Levels of a column that only other conditions than the claim's have, as a clause."""
    here = set(fits.levels(column))
    others = [
        level for level in sorted(fits.cells()[column].dropna().unique()) if level not in here
    ]
    held = {name: value for name, value in fits.claim.condition.items() if name != column}
    if not others or not held:
        return ""
    return f"; {', '.join(map(word, others))} was run elsewhere only, not at {text.condition(held)}"
