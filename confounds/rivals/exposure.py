"""Exposure: does the threshold remain on items that were not in training?

A model may answer from memory, and larger models memorise more (Carlini et al. 2023), so scores
on items that were in training can jump with scale where no ability does; accuracy on items
about frequent terms lies far above that on rare ones (Razeghi et al. 2022). Controlled
condition: the same models on unseen items; where there are none, on items perturbed so that
the remembered answer is wrong; where only doses are known, on the items seen least often.

Estimand: the step at the raw threshold on those items, and beside it the dose-response: by how
much the step grows for a tenfold of (1 + times seen).

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve on those items and delta its step; the dose-response is the least-squares slope of that
number on log10(1 + dose).

Assumption that would break it: seen and unseen items are equally hard (draw the unseen ones from
the same source).

Source: Carlini et al. 2023 (arXiv 2202.07646); Razeghi et al. 2022 (arXiv 2202.07206).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from confounds.inference.dose_response import dose_trend
from confounds.inference.threshold import effect_at
from confounds.rivals._decision import compare, not_testable, why_no_effect, why_no_raw
from confounds.rivals._together import elsewhere

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate, RivalTest

UNSEEN, PERTURBED = "unseen", "perturbed"
MIN_LEVELS = 2


class Exposure:
    """The threshold is that of items remembered from training."""

    name = "exposure"
    null = "on items that were not in training the step is smaller than the smallest effect"
    needs = "unseen or perturbed items (exposure), or how often items were seen (dose)"
    columns = ("exposure", "dose")

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's items with unseen, perturbed or rarely seen ones."""
        changes = self.controlled(claim, fits)
        if isinstance(changes, str):
            reason = why_no_raw(fits) or changes + elsewhere(fits, "exposure")
            return not_testable(self.name, self.null, reason)
        found = compare(self.name, self.null, fits, fits.observe(changes))
        if found.status == "not_testable":
            return found
        trend = _trend(fits)
        further = (*_perturbed(fits, changes), *([trend] if trend else ()))
        reason = f"{_words(changes)}: {found.reason}{_dose_words(trend)}"
        return replace(found, reason=reason, estimates=(*found.estimates, *further))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        return _controlled(claim, fits)


def _controlled(claim: Claim, fits: Fits) -> dict[str, Any] | str:
    """Unseen items, else perturbed ones, else those seen least often."""
    exposures, doses = fits.levels("exposure"), fits.levels("dose")
    here = claim.condition.get("exposure")
    if here == UNSEEN or claim.condition.get("dose") == 0:
        return "the claim was made on unseen items: there is nothing to remember"
    for level in (UNSEEN, PERTURBED):
        if level in exposures and level != here and (len(exposures) > 1 or here is not None):
            return {"exposure": level, "dose": None}
    if len(doses) >= MIN_LEVELS and claim.condition.get("dose") != doses[0]:
        return {"dose": doses[0]}
    if exposures:
        return f"all items are {', '.join(exposures)}: there is no other exposure to compare with"
    if len(doses) == 1:
        return f"all items were seen equally often (dose {doses[0]:g})"
    return "the table does not say which items were in training, nor how often (exposure, dose)"


def _perturbed(fits: Fits, changes: dict[str, Any]) -> tuple[Estimate, ...]:
    """The step on perturbed items, told beside that on unseen ones."""
    if changes.get("exposure") != UNSEEN or PERTURBED not in fits.levels("exposure"):
        return ()
    sample = fits.observe({"exposure": PERTURBED, "dose": None}).sample
    if sample is None or fits.raw is None or why_no_effect(fits, sample) is not None:
        return ()
    effect, _ = effect_at(sample, fits.raw.psi, fits.plan)
    return (replace(effect, term="effect:perturbed"),)


def _trend(fits: Fits) -> Estimate | None:
    """How the step grows with dose; unseen items without a dose count as never seen."""
    if fits.raw is None:
        return None
    seen = [level for level in fits.levels("exposure") if level != PERTURBED]
    pooled: dict[str, Any] = {"exposure": seen or None}
    samples = {}
    for dose in fits.levels("dose"):
        sample = fits.observe({**pooled, "dose": dose}).sample
        if sample is not None:
            samples[float(dose)] = sample
    if samples and 0.0 not in samples and UNSEEN in seen:
        unseen = fits.observe({"exposure": UNSEEN, "dose": None}).sample
        if unseen is not None:
            samples[0.0] = unseen
    return dose_trend(samples, fits.raw.psi, fits.plan)


def _words(changes: dict[str, Any]) -> str:
    if "exposure" in changes:
        return f"{changes['exposure']} items"
    return f"items seen {changes['dose']:g} times"


def _dose_words(trend: Estimate | None) -> str:
    if trend is None or trend.estimate is None or trend.ci_lower is None:
        return ""
    return (
        f"; the step changes by {trend.estimate:.2f} [{trend.ci_lower:.2f}, {trend.ci_upper:.2f}] "
        "for ten times as often seen"
    )


RIVAL = Exposure()
