"""General ability: is the threshold one of this task, or of everything that the models can do?

If the models above the threshold are better at all tasks at once (better data, longer training),
the task's score jumps with scale although it grows gradually with ability. The score is drawn
against general capability (`confounds.inference.capability`: first principal component of the other
tasks, the task itself left out; the loss where there is one) in place of scale.

Estimand: (a) the step along the capability axis, in decades that it is worth; (b) the step along
scale with capability as a covariate, at the raw threshold. The two differ in what error in the axis
does. A step that is scale's own is blurred along a noisy axis, so (a) alone would explain too much;
a step that is capability's own is not taken away by a covariate that is measured with error, so (b)
alone would explain too little, and survive too much.

* survives: (a) or (b) has a significant threshold, each at half of the level, upward.
* explained: both effects are shown to be smaller than the smallest effect of interest, the change
  from raw is above 0, and the raw departure is significant, or nothing of interest is left at any
  threshold that the raw data keep (`_decision`). Explained means mediated: scale
  may well be what made the models abler. The task has no threshold beyond that of general ability.
* a single loss never lets a threshold survive: its own error would do that.
* not testable: what the axis says beyond scale is not reliable (Cronbach's alpha below .7): then
  capability cannot be told from scale in this table.

Several axes: survives only along every one, explained if one explains.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), where
(a) x is the capability axis in decades of scale, (b) eta = a + b x + g z + delta h(x; psi), z the
capability and x the scale.

Assumption that would break it: the other tasks do not need the very skill whose emergence is
claimed.

Source: Ruan et al. 2024 (arXiv 2405.10938), the first principal component of benchmarks; Du et al.
2024 (arXiv 2403.15796), the loss.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.inference.capability import capability_axes
from confounds.results import RivalTest
from confounds.rivals._combine import all_survive, any_survives
from confounds.rivals._decision import compare, not_testable, why_no_raw

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.capability import Axis
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Sample
    from confounds.outcomes import Outcomes

RELIABLE = 0.7


class GeneralAbility:
    """The threshold is that of general ability."""

    name = "general_ability"
    null = "against general capability the step in score is smaller than the smallest effect"
    needs = "at least three other tasks for the same models, or a loss"
    columns = ("task",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:
        """Put capability in place of scale, and beside it."""
        del claim, outcomes
        reason = why_no_raw(fits)
        axes = capability_axes(fits)
        if reason is not None or isinstance(axes, str):
            return not_testable(self.name, self.null, reason or str(axes))
        tests = {axis.name: self._along(fits, axis) for axis in axes}
        return all_survive(self.name, self.null, "", tests)

    def _along(self, fits: Fits, axis: Axis) -> RivalTest:
        """One axis: explained only both ways, survived in one of them."""
        raw = fits.raw
        if raw is None:
            return not_testable(self.name, self.null, "the raw curve cannot be tested")
        plain = fits.raw_observation.sample
        if plain is None:
            return not_testable(self.name, self.null, "no model of known scale")
        alpha = axis.reliability(plain, raw.psi)
        if alpha < RELIABLE:
            reason = (
                f"what it says beyond scale is not reliable (alpha {alpha:.2f}, "
                f"{RELIABLE:g} needed), so that it cannot be told from scale"
            )
            return not_testable(self.name, self.null, reason)
        tests = {
            "in place of scale": self._one(fits, axis.sample_along(plain), "in place of scale"),
            "beside scale": self._one(fits, axis.sample_beside(plain), "beside scale"),
        }
        found = any_survives(self.name, self.null, f"with {axis.name}", tests)
        if found.outcome == "survives" and axis.measures == 1:
            reason = f"how well a single loss measures capability is not known; {found.reason}"
            return replace(found, outcome="inconclusive", strong=False, reason=reason)
        return found

    def _one(self, fits: Fits, sample: Sample, how: str) -> RivalTest:
        observation = replace(
            fits.raw_observation,
            sample=sample,
            condition={**fits.raw_observation.condition, "capability": how},
        )
        return compare(self.name, self.null, fits, observation)


RIVAL = GeneralAbility()
