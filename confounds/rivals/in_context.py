"""In-context examples: does the threshold remain at zero shots, or with shuffled labels?

Lu et al. (2024): abilities seen with examples in the prompt may be in-context learning, which
itself appears with scale. Controlled condition: the same models at zero shots; where the table
has no zero-shot rows, shuffled demonstrations. A claim made at zero shots has no examples to take
away.

Estimand: the step at the raw threshold without examples, or with shuffled ones.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve without examples and delta its step; the change is the raw step less this one, of the
same models.

Assumption that would break it: zero shots fail for no other reason than the missing examples, such
as an answer format that only examples reveal (see `prompt_format`).

Source: Lu et al. 2024 (arXiv 2309.01809).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.rivals._decision import compare, not_testable

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest


class InContext:
    """The threshold is that of learning from examples in the prompt."""

    name = "in_context"
    null = "without examples in the prompt the step in score is smaller than the smallest effect"
    needs = "at least two levels of shots, or shuffled demonstrations, for the same models"
    columns = ("shots", "demonstrations")

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's condition with zero shots or shuffled demonstrations."""
        changes = self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, changes)
        return compare(self.name, self.null, fits, fits.observe(changes))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        shots = _levels_of_shots(claim, fits)
        here = claim.condition.get("shots")
        if here == 0:
            return "the claim was made at zero shots: there are no examples to take away"
        if len(shots) > 1 and shots[0] == 0:
            return {"shots": 0, "demonstrations": None}
        if "shuffled" in fits.levels("demonstrations"):
            return {"demonstrations": "shuffled"}
        found = ", ".join(f"{level:g}" for level in shots) or "unknown"
        return f"only one level of shots ({found}) and no shuffled demonstrations"


def _levels_of_shots(claim: Claim, fits: Fits) -> tuple[Any, ...]:
    """Levels under the claim's other conditions; zero shots have no demonstrations to fix."""
    cells = fits.cells()
    for name, value in claim.condition.items():
        if name not in ("shots", "demonstrations"):
            cells = cells[cells[name] == value]
    return tuple(sorted(cells["shots"].dropna().unique()))


RIVAL = InContext()
