"""Prompting against fine-tuning: is the threshold that of prompting alone?

An ability that a small model shows once fine-tuned was not absent from it: prompting failed to
elicit it. Fine-tuning moves the point of emergence to less capable models (Snell et al. 2024). The
fair comparison has the same base model on both sides (Fu et al. 2022): a large prompted model
against a small fine-tuned one compares scale with scale, and is refused by name.

Estimand: the step at the raw threshold among the same models fine-tuned; beside it the mean gain
of prompting over fine-tuning within models, in and out of distribution where both are known, and
the scale from which prompting leads by more than the claim's `margin`.

Formula: mu(eta + delta) - mu(eta) at the raw psi, of the fine-tuned models, with
mu(eta) = c + (1 - c) logistic(eta), eta their smooth curve and delta its step; the gain is the mean
over models of prompted minus fine-tuned score, families as clusters.

Assumption that would break it: fine-tuning draws out what is there; with enough data it also
teaches.

Source: Fu et al. 2022, A closer look at large language models' emergent abilities (the fair
comparison); Snell et al. 2024 (arXiv 2411.16035).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.inference.crossing_point import Gains, crossing_point, gains_of
from confounds.inference.paired_gain import mean_gain
from confounds.rivals._decision import MIN_EFFECT_MODELS, compare, not_testable, why_no_raw
from confounds.rivals._together import elsewhere

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Sample
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate, RivalTest

PROMPTED, FINETUNED = "prompted", "finetuned"


class Adaptation:
    """The threshold is that of prompting: fine-tuned, the small models can do it."""

    name = "adaptation"
    null = "fine-tuned, the same base models show a step smaller than the smallest effect"
    needs = "the same base models prompted and fine-tuned (adaptation: prompted, finetuned)"
    columns = ("adaptation",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare prompted models with the same models fine-tuned."""
        reason = _why_not(claim, fits.levels("adaptation"))
        if reason is not None:
            reason = why_no_raw(fits) or reason + elsewhere(fits, "adaptation")
            return not_testable(self.name, self.null, reason)
        prompted, tuned = (_observe(fits, level, {}) for level in (PROMPTED, FINETUNED))
        refused = refuse_unfair(prompted.sample, tuned.sample)
        if refused is not None:
            return not_testable(self.name, self.null, why_no_raw(fits) or refused)
        found = compare(self.name, self.null, fits, _shared(tuned, prompted))
        if found.status == "not_testable":
            return found
        return replace(found, estimates=(*found.estimates, *_told_beside(claim, fits)))


def refuse_unfair(prompted: Sample | None, tuned: Sample | None) -> str | None:
    """The comparison that is no fair one, by name, or None where enough models are on both sides.

    Args:
        prompted: the prompted models.
        tuned: the fine-tuned models.
    """
    if prompted is None or tuned is None:
        return "no model of known scale on one of the two sides"
    shared = set(prompted.models) & set(tuned.models)
    if len(shared) >= MIN_EFFECT_MODELS:
        return None
    others = [row for row, name in enumerate(tuned.models) if name not in shared]
    large, small = int(prompted.x.argmax()), others[int(tuned.x[others].argmax())] if others else -1
    text = (
        f"only {len(shared)} base models were run both prompted and fine-tuned; "
        f"{MIN_EFFECT_MODELS} are needed"
    )
    if small < 0 or tuned.x[small] >= prompted.x[large]:
        return text
    return (
        f"refused: {prompted.models[large]} ({10 ** prompted.x[large]:.2g}) prompted against "
        f"{tuned.models[small]} ({10 ** tuned.x[small]:.2g}) fine-tuned compares a large model "
        f"with a small one, not prompting with fine-tuning; {text}"
    )


def _why_not(claim: Claim, levels: tuple[str, ...]) -> str | None:
    if claim.condition.get("adaptation") == FINETUNED:
        return "the claim was made on fine-tuned models: there is no prompting to replace"
    if not levels:
        return "the table does not say which models were fine-tuned on the task (adaptation)"
    if PROMPTED not in levels or FINETUNED not in levels:
        return f"all models were {', '.join(levels)}: the other adaptation is missing"
    return None


def _observe(fits: Fits, level: str, changes: dict[str, Any]) -> Observation:
    """The models under one adaptation; fine-tuned models are asked without examples or chain."""
    if level == FINETUNED:
        changes = {"shots": None, "demonstrations": None, "reasoning": None, **changes}
    return fits.observe({**changes, "adaptation": level})


def _shared(tuned: Observation, prompted: Observation) -> Observation:
    """The fine-tuned models that were prompted too."""
    if tuned.sample is None or prompted.sample is None:
        return tuned
    known = set(prompted.sample.models)
    rows = [row for row, name in enumerate(tuned.sample.models) if name in known]
    frame = tuned.frame.iloc[rows].reset_index(drop=True)
    return replace(tuned, sample=tuned.sample.take(rows), frame=frame)


def _told_beside(claim: Claim, fits: Fits) -> tuple[Estimate, ...]:
    """Gain of prompting over fine-tuning in each distribution, and where prompting leads."""
    found = []
    levels = fits.levels("distribution")
    if "distribution" in claim.condition or len(levels) < 2:
        levels = ()
    for level in levels:
        gains = _gains(fits, {"distribution": level})
        if gains is not None:
            found.append(mean_gain(gains, f"prompted_minus_finetuned:{level}"))
    gains = _gains(fits, {})
    if gains is None:
        return tuple(found)
    found.append(mean_gain(gains, "prompted_minus_finetuned"))
    if np.ptp(gains.x) > 0:
        found.append(crossing_point(gains, claim.margin, fits.rng("crossing:adaptation")))
    return tuple(found)


def _gains(fits: Fits, changes: dict[str, Any]) -> Gains | None:
    prompted, tuned = (_observe(fits, level, changes).sample for level in (PROMPTED, FINETUNED))
    return None if prompted is None or tuned is None else gains_of(prompted, tuned)


RIVAL = Adaptation()
