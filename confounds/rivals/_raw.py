"""Rivals without a controlled condition: what they find is said of the raw curve itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds.inference.needed import MOST, lack_of, models_needed
from confounds.results import Estimate, RivalOutcome, RivalTest
from confounds.rivals._decision import smallest_effect, why_no_raw

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.threshold import FittedThreshold


def raw_curve(fits: Fits) -> FittedThreshold | str:
    """The threshold test of the raw condition, or why there is none."""
    return fits.raw or why_no_raw(fits) or "the raw curve cannot be tested"


def of_raw(
    rival: str, null: str, fits: Fits, outcome: RivalOutcome, reason: str, effect: Estimate
) -> RivalTest:
    """The answer of a rival to the raw curve; strong as `Controlled.strong` is.

    Args:
        rival: name of the rival.
        null: its null as a sentence.
        fits: the claim's fits, whose raw curve could be tested.
        outcome: survives, explained or inconclusive.
        reason: why.
        effect: the step that remains, with the p-value of the test that decided.
    """
    checked = fits.raw is not None and fits.raw.fit.p_fixed_effect is not None
    large = bool((effect.ci_lower or 0.0) > smallest_effect(fits))
    strong = outcome == "survives" and checked and large
    return RivalTest(rival, "tested", outcome, null, reason, effect=effect, strong=strong)


def raw_models_needed(fits: Fits, outcome: RivalOutcome) -> int | None:
    """How many models would tell of the raw curve, where the outcome is open."""
    if fits.raw is None or outcome != "inconclusive":
        return None
    fit, smallest = fits.raw.fit, smallest_effect(fits)
    lack = lack_of(fit, smallest)
    if lack is None:
        return models_needed(fit["effect"], fit.models, smallest)
    return lack.models if lack.models is not None and lack.models <= MOST else None
