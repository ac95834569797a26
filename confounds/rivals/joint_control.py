"""Several confounds at once: does the threshold remain where none of them can act?

Controlling one confound at a time has a blind spot: where memory or examples alone would make the
jump, it remains without examples (memory makes it) and on unseen items (examples make it), and
each rival taken alone is survived. Controlled condition: that of every rival that has a method
`controlled(claim, fits)` and can be controlled in this table, all at the same time (zero shots and
unseen items and base models ...).

Estimand: the step at the raw threshold in that condition; `explained` says that the confounds
explain it together, the single rivals whether one is enough.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve with every confound controlled and delta its step.

Assumption that would break it: the ability needs none of them, as a task would that no model can
read without an example.

Source: Lu et al. 2024 (arXiv 2309.01809) control two at once: base models at zero shots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import plugins, text
from confounds.rivals._decision import compare, not_testable, why_no_raw

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest

FEWEST = 2


class JointControl:
    """The threshold is that of several confounds, any of which is enough."""

    name = "joint_control"
    null = "with every confound controlled at once the step is smaller than the smallest effect"
    needs = "rows in which two or more confounds are controlled at the same time"

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's condition with the one in which all confounds are controlled."""
        by_rival = _changes(claim, fits)
        if len(by_rival) < FEWEST:
            found = ", ".join(by_rival) or "none"
            reason = f"fewer than {FEWEST} confounds can be controlled in this table ({found})"
            return not_testable(self.name, self.null, why_no_raw(fits) or reason)
        together: dict[str, Any] = {}
        for changes in by_rival.values():
            together |= changes
        observation = fits.observe(together)
        where = text.condition({key: value for key, value in together.items() if value is not None})
        if observation.sample is None:
            reason = why_no_raw(fits) or f"no rows with {where}"
            return not_testable(self.name, self.null, reason)
        for name, changes in by_rival.items():
            alone = fits.observe(changes).sample
            if alone is not None and alone.key == observation.sample.key:
                reason = f"the rows with {where} are those of the control of {name} alone"
                return not_testable(self.name, self.null, why_no_raw(fits) or reason)
        return compare(self.name, self.null, fits, observation)


def _changes(claim: Claim, fits: Fits) -> dict[str, dict[str, Any]]:
    """Rival -> what it changes, of those that can be controlled here by a condition."""
    found = {}
    for name, rival in plugins.load_all("rivals").items():
        controlled = getattr(rival, "controlled", None)
        changes = controlled(claim, fits) if controlled else None
        if isinstance(changes, dict):
            found[name] = changes
    return found


RIVAL = JointControl()
