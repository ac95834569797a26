"""Instruction tuning: does the threshold remain among base models?

If the large models are the tuned ones, tuning and scale are one variable. Controlled condition:
base models alone. The change compares the tuned with the base models where both suffice; it is
not paired, since tuned and base models are different models.

Estimand: the step at the raw threshold among base models.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve of the base models and delta its step; the change is the step among tuned models less
this one, the two taken as independent.

Assumption that would break it: base models can be asked as the tuned ones are (an instruction that
only a tuned model follows is no fair question to a base model).

Source: Lu et al. 2024 (arXiv 2309.01809) hold tuned against base models of the same sizes.
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


class InstructionTuning:
    """The threshold is that of tuned models."""

    name = "instruction_tuning"
    null = "among base models the step in score is smaller than the smallest effect"
    needs = "tuning known, with base models on both sides of the threshold"
    columns = ("tuning",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare all models with base models alone."""
        reason = why_no_raw(fits)
        changes = reason or self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, changes)
        tuned = [level for level in fits.levels("tuning") if level != "base"]
        base, other = fits.observe(changes), fits.observe({"tuning": tuned})
        if other.sample is None:
            return not_testable(self.name, self.null, "no tuned model of known scale")
        return compare(self.name, self.null, fits, base, against=other.sample)

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        levels = fits.levels("tuning")
        if not levels:
            return "the table does not say which models are tuned"
        if "base" not in levels:
            return f"no base models (tuning: {', '.join(levels)}){elsewhere(fits, 'tuning')}"
        if len(levels) == 1 or claim.condition.get("tuning") == "base":
            reason = "all models of the claim are base models: tuning cannot act"
            return reason + elsewhere(fits, "tuning")
        return {"tuning": "base"}


RIVAL = InstructionTuning()
