"""Examples of this very task: does the threshold remain with examples of another one?

Examples in a prompt show the form of an answer as well as the task. Examples of another task show
the form alone (Min et al. 2022, arXiv 2202.12837). Controlled condition: the same models, given
examples of another task.

Estimand: the step at the raw threshold with examples of another task.

Formula: that of `compare`: mu(eta0 + delta) - mu(eta0) at the raw psi.

Assumption that would break it: examples of another task do not mislead where none would not.

Source: Min et al. 2022 (arXiv 2202.12837).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.rivals._decision import compare, not_testable

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest


class OwnTask:
    """The threshold is that of examples of the task itself."""

    name = "own_task"
    null = "with examples of another task the step in score is smaller than the smallest effect"
    needs = "rows with examples of another task (demonstrations: other_task)"
    columns = ("demonstrations",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's condition with examples of another task."""
        changes = self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, changes)
        return compare(self.name, self.null, fits, fits.observe(changes))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        if claim.condition.get("shots") == 0:
            return "the claim was made at zero shots: there are no examples to take away"
        if "other_task" not in fits.levels("demonstrations"):
            return "no rows with examples of another task"
        return {"demonstrations": "other_task"}


RIVAL = OwnTask()
