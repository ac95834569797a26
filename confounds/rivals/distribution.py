"""Distribution: does the threshold remain on items unlike those of training?

A score may jump where items resemble training or fine-tuning data, and nowhere else; Fu et al.
(2022) hold robustness to distribution shift to be one of the abilities that only large models
have, and find fine-tuning better in distribution, prompting better out of it. Controlled
condition: the same models on shifted items (`distribution = "out"`).

Estimand: the step at the raw threshold on shifted items.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve on shifted items, delta its step and c their own chance level.

Assumption that would break it: the shifted items are as hard as the others but for the shift.

Source: Fu et al. 2022, A closer look at large language models' emergent abilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.rivals._decision import compare, not_testable, why_no_raw
from confounds.rivals._together import elsewhere

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest


class Distribution:
    """The threshold is that of items from the training distribution."""

    name = "distribution"
    null = "out of the training distribution the step is smaller than the smallest effect"
    needs = "items in and out of the training distribution (distribution: in, out)"
    columns = ("distribution",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's items with shifted ones."""
        changes = self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, why_no_raw(fits) or changes)
        return compare(self.name, self.null, fits, fits.observe(changes))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        reason = _why_not(claim, fits.levels("distribution"))
        return reason + elsewhere(fits, "distribution") if reason else {"distribution": "out"}


def _why_not(claim: Claim, levels: tuple[str, ...]) -> str | None:
    """Why there are no shifted items to compare with, or None."""
    if claim.condition.get("distribution") == "out":
        return "the claim was made out of distribution: there is no shift left to make"
    if not levels:
        return "the table does not say which items are in the training distribution"
    if levels == ("out",):
        return "all items are out of distribution: none are in it to compare with"
    if "out" not in levels:
        return f"no items out of distribution (distribution: {', '.join(levels)})"
    return None


RIVAL = Distribution()
