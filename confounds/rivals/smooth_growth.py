"""Gradual growth: is there a threshold at all, or a curve that takes its time?

The raw curve against the smooth null of the claim (a logistic whose 10-90 % transition takes at
least `gradual` decades). Explained: the curve rises by the smallest effect of interest at least,
the interval of the width lies above `gradual`, no threshold term remains, and a step that would
matter is excluded: at every threshold that the data allow, the upper end of the 90 % interval of
the step lies below the smallest effect of interest, or below a third of the rise over the scale
(gradual growth then accounts for two thirds of it), whichever is larger. A width and a p-value
alone would not do: a jump half way up an otherwise slow curve has a wide transition and, where it
is of .30 among 12 models, p above .05 in six of ten tables (`benchmarks/threshold_size.py`, cells
`paired`, the raw curve alone). Nor without the rise: a curve flat at chance has a wide transition
too, and nothing that grows. Nor does growth explain a curve that is shown to turn round
(`inference.two_lines`).
A curve that may level off below 1 survives only where no ceiling that the scores allow undoes the
departure (`inference.ceiling`).

Estimand: the width of the transition from 10 to 90 % in decades, and the step beyond gradual
growth.

Formula: width = 2 ln(9) / slope = 4.394 / slope, slope in logits a decade; the step is
mu(eta + delta) - mu(eta) at psi, with mu(eta) = c + (1 - c) logistic(eta) and a slope of at most
4.394 / gradual.

Assumption that would break it: models do not differ in their ceiling.

Source: Davies 1987, Andrews 1993, Hansen 1996 (tests where the threshold is searched for); the
equivalence part follows Schuirmann 1987.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.inference.scale_alias import aliased_factors
from confounds.inference.two_lines import raw_shape, turns
from confounds.rivals._decision import not_testable, smallest_effect
from confounds.rivals._raw import of_raw, raw_curve, raw_models_needed
from confounds.rivals._reasons import p_values
from confounds.text import estimate as shown
from confounds.text import sentence_list

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.threshold import FittedThreshold
    from confounds.outcomes import Outcomes
    from confounds.results import RivalOutcome, RivalTest

LEVEL = 0.05
MIN_SCALES = 8
EQUIVALENCE = 0.90
SHARE_OF_RISE = 1 / 3


class SmoothGrowth:
    """The curve is gradual growth, no threshold."""

    name = "smooth_growth"
    null = "the score grows along a curve at least as gradual as the claim's smooth null"
    needs = f"at least {MIN_SCALES} scales"

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Hold the raw curve against gradual growth."""
        raw = raw_curve(fits)
        if not isinstance(raw, str) and raw.sample.scales < MIN_SCALES:
            raw = f"needs {MIN_SCALES} distinct scales; there are {raw.sample.scales}"
        if isinstance(raw, str):
            return not_testable(self.name, self.null, raw)
        found = self._decide(claim, fits, raw)
        if found.outcome == "survives" and fits.doubt is not None:
            reason = f"{found.reason}, but {fits.doubt}"
            return replace(found, outcome="inconclusive", strong=False, reason=reason)
        shape = raw_shape(fits)
        if found.outcome != "explained" or not turns(shape):
            return found
        reason = f"{shape.reason}, so that growth does not describe it; {found.reason}"
        return replace(found, outcome="inconclusive", reason=reason)

    def _decide(self, claim: Claim, fits: Fits, raw: FittedThreshold) -> RivalTest:
        outcome, reason = _beside_aliases(raw, *_outcome(claim, raw, smallest_effect(fits)))
        effect = replace(raw.fit["effect"], p_value=raw.fit.p_two_level)
        found = of_raw(self.name, raw.fit.null, fits, outcome, reason, effect)
        needed = raw_models_needed(fits, outcome)
        width = raw.fit["width"]
        return replace(found, fits=(raw.fit,), estimates=(width,), models_needed=needed)


def _outcome(claim: Claim, raw: FittedThreshold, smallest: float) -> tuple[RivalOutcome, str]:
    """What the raw curve says of gradual growth, and why."""
    effect, width, p = raw.fit["effect"], raw.fit["width"], raw.fit.p_two_level
    if raw.fit.significant and (effect.ci_lower or 0.0) > 0:
        how = f"sharper than gradual growth by {effect.estimate:.2f} score points (p = {p:.3f})"
        return "survives", how
    largest = raw.profile.interval(EQUIVALENCE)[1]
    rise = _rise(raw)
    wide = width.ci_lower is not None and width.ci_lower > claim.gradual
    if not wide or p < LEVEL:
        sharp = f"a threshold ({p_values(raw.fit)})"
        if raw.fit.significant:
            sharp = f"a step above 0 ({shown(effect)}; {p_values(raw.fit)})"
        how = f"neither {sharp} nor a transition wider than {claim.gradual:g} decades is shown"
        return "inconclusive", how
    how = (
        f"the transition takes at least {width.ci_lower:.1f} decades (more than {claim.gradual:g})"
    )
    if largest >= max(smallest, SHARE_OF_RISE * rise):
        text = f"a step of up to {largest:.2f} within a rise of {rise:.2f} is not excluded"
        return "inconclusive", f"{how}, yet {text} (p = {p:.3f})"
    if rise < smallest:
        text = f"it rises by {rise:.2f} only, less than the smallest effect ({smallest:g})"
        return "inconclusive", f"{how}, yet {text}: no growth is shown that could explain"
    text = f"{how}, and a step above {largest:.2f} is excluded: gradual growth is the rest of "
    return "explained", f"{text}the rise of {rise:.2f} (p = {p:.3f})"


def _beside_aliases(
    raw: FittedThreshold, outcome: RivalOutcome, reason: str
) -> tuple[RivalOutcome, str]:
    """A factor that changes just where scale passes a step takes it up: it is not excluded."""
    names = list(aliased_factors(raw.sample))
    if not names or outcome == "survives":
        return outcome, reason
    return "inconclusive", f"with an effect of its own for {sentence_list(names)}, {reason}"


def _rise(raw: FittedThreshold) -> float:
    """How much the smooth curve rises over the scale; 0 where it has no line or falls."""
    line = raw.fit.smooth
    return max(line[-1].score - line[0].score, 0.0) if line else 0.0


RIVAL = SmoothGrowth()
