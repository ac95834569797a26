"""The prompt: does the threshold remain in every format?

A jump that one format shows and another does not is a property of the format (Lu et al. 2024
ran closed, closed by letter, and open prompts). Controlled conditions: each format alone.
Survives only if every testable format survives; explained if one format excludes the step.

Estimand: the step at the raw threshold in each other format.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve in that format, delta its step and c its own chance level.

Assumption that would break it: every format asks the same question; one that no model can read
shows no step because it shows nothing.

Source: Lu et al. 2024 (arXiv 2309.01809).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.rivals._combine import all_survive
from confounds.rivals._decision import compare, not_testable, why_no_raw
from confounds.rivals._together import elsewhere

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest


class PromptFormat:
    """The threshold is that of one prompt format."""

    name = "prompt_format"
    null = "in another prompt format the step in score is smaller than the smallest effect"
    needs = "at least two levels of prompt"
    columns = ("prompt",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Test every format alone."""
        formats = fits.levels("prompt")
        if len(formats) < 2:
            found = ", ".join(formats) or "unknown"
            reason = f"the table has one prompt format only ({found}){elsewhere(fits, 'prompt')}"
            return not_testable(self.name, self.null, why_no_raw(fits) or reason)
        here = claim.condition.get("prompt")
        tests = {
            str(name): compare(self.name, self.null, fits, fits.observe({"prompt": name}))
            for name in formats
            if name != here
        }
        return all_survive(self.name, self.null, "format", tests)

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """Every format but the claim's, or why there is none."""
        here = claim.condition.get("prompt")
        if here is None:
            return "the claim names no prompt format"
        others = [name for name in fits.levels("prompt") if name != here]
        if not others:
            return f"the table has one prompt format only ({here})"
        return {"prompt": others[0] if len(others) == 1 else others}


RIVAL = PromptFormat()
