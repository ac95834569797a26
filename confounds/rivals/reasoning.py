"""Reasoning step by step: does the threshold remain when models answer at once?

Chain-of-thought prompting itself is said to help large models only (Wei et al. 2022), so a jump
seen with it may be the prompt's. Controlled condition: the same models answering directly.

Estimand: the step at the raw threshold with direct answers; and beside it the crossing, the scale
from which the chain gains more than the claim's `margin` over the direct answer.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve of direct answers and delta its step; the crossing is the log10 scale at which the
expected gain, chain minus direct, reaches `margin` (`inference/crossing_point.py`).

Assumption that would break it: the direct answer is parsed as well as the one at the end of a chain
(see `answer_parsing`, and `confounds audit --strategy reasoning`).

Source: Wei et al. 2022, Chain-of-thought prompting elicits reasoning in large language models
(arXiv 2201.11903).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from confounds.inference.crossing_point import crossing_point, gains_of
from confounds.rivals._decision import compare, not_testable, why_no_raw
from confounds.rivals._together import elsewhere

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate, RivalTest

CHAIN, DIRECT = "chain", "direct"


class Reasoning:
    """The threshold is that of reasoning step by step in the answer."""

    name = "reasoning"
    null = "with direct answers the step in score is smaller than the smallest effect"
    needs = "both levels of reasoning (chain, direct) for the same models"
    columns = ("reasoning",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's condition with direct answers."""
        changes = self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, why_no_raw(fits) or changes)
        found = compare(self.name, self.null, fits, fits.observe(changes))
        if found.status == "not_testable":
            return found
        crossing = _crossing(claim, fits)
        if crossing is None:
            return found
        return replace(found, estimates=(*found.estimates, crossing))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        reason = _why_not(claim, fits.levels("reasoning"))
        return reason + elsewhere(fits, "reasoning") if reason else {"reasoning": DIRECT}


def _why_not(claim: Claim, levels: tuple[str, ...]) -> str | None:
    """Why there are no direct answers to compare with, or None."""
    if claim.condition.get("reasoning") == DIRECT:
        return "the claim was made on direct answers: there is no chain to take away"
    if not levels:
        return "the table does not say whether models reasoned before they answered"
    if CHAIN not in levels or DIRECT not in levels:
        return f"only one level of reasoning ({', '.join(levels)})"
    return None


def _crossing(claim: Claim, fits: Fits) -> Estimate | None:
    """Where the chain begins to help by more than the margin, in units of scale."""
    chain, direct = (fits.observe({"reasoning": level}).sample for level in (CHAIN, DIRECT))
    gains = gains_of(chain, direct) if chain is not None and direct is not None else None
    if gains is None:
        return None
    return crossing_point(gains, claim.margin, fits.rng("crossing:reasoning"))


RIVAL = Reasoning()
