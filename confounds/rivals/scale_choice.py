"""The choice of the scale axis: is the step parameters', or that of compute or tokens?

Large models are often the ones that saw more data. Two questions.

*Another axis.* The step at the raw threshold of the claim's axis is estimated with the logarithm of
another axis (parameters, tokens, compute) beside it, on the link scale: what smooth growth along
the other axis leaves of the step. An axis that has nothing to do with the task takes nothing away;
one that jumps where the claim's axis does, and along which the task grows smoothly, takes it all.
*Error in scale.* Could a gradual curve, at scales that are wrong by up to .3 decades, show such a
departure (`confounds.inference.scale_error`)? Error blurs a step and makes none, so it can leave a
claim undecided and never explains it. Beside the p-value: the step over perturbed scales, and as
SIMEX finds it without error. The loss as an axis: see `general_ability`.

* survives: the threshold remains beside every other axis, and gradual growth with error in scale
  is rejected at 5 %.
* explained: beside another axis the step is shown to be smaller than the smallest effect, the
  change is above 0, and the raw departure is significant, or nothing of interest is left at any
  threshold that the raw data keep (`_decision`).

Estimand: the step at the raw threshold beside each other axis; how likely the departure is where
growth is gradual and scales are in error; and the range of the step over perturbed scales.

Formula: mu(eta + delta) - mu(eta) at the raw psi, eta = a + b x + g z + delta h(x; psi), z the
logarithm of the other axis; p = (1 + #{T* >= T}) / (B + 1), T* the supremum statistic of models
drawn from the gradual fit at x + u, u uniform on +-.3, and tested at x; SIMEX extrapolates the mean
effect under added error of variance lambda sigma^2 (lambda = 0, .5, 1, 1.5, 2) by a line in
sqrt(1 + lambda) to lambda = -1.

Assumption that would break it: along the other axis the task grows linearly on the link scale.

Source: Wei et al. 2022 (arXiv 2206.07682; three axes, one claim); Cook & Stefanski 1994 (SIMEX).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.claim import SCALES
from confounds.inference.scale_error import (
    HALF_WIDTH,
    gradual_with_error,
    perturb_scales,
    simex_effect,
)
from confounds.results import Estimate
from confounds.rivals._combine import all_survive
from confounds.rivals._decision import compare, not_testable
from confounds.rivals._raw import of_raw, raw_curve, raw_models_needed

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.threshold import FittedThreshold
    from confounds.outcomes import Outcomes
    from confounds.results import RivalOutcome, RivalTest

LEVEL = 0.05
DISTINCT = 0.05
"""Decades about the line that predicts the other axis from this one, for it to be another one."""


class ScaleChoice:
    """The threshold is made by the choice of the axis, or rests on scales that are not known."""

    name = "scale_choice"
    null = "beside another axis of scale the step in score is smaller than the smallest effect"
    needs = "a second axis (parameters, tokens, compute); nothing for the error in scale"

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:
        """Put every other axis beside the claim's, and perturb the claim's."""
        del outcomes
        raw = raw_curve(fits)
        if isinstance(raw, str):
            return not_testable(self.name, self.null, raw)
        tests: dict[str, RivalTest] = {}
        for scale in SCALES:
            beside = None if scale == claim.scale else _beside(fits, scale)
            if beside is not None:
                tests[scale] = compare(self.name, self.null, fits, beside)
        found = f"{HALF_WIDTH:g} decades of error"
        tests[found] = self._with_error(fits, raw)
        return all_survive(self.name, self.null, "beside", tests)

    def _with_error(self, fits: Fits, raw: FittedThreshold) -> RivalTest:
        """The raw departure beside error in scale."""
        effect = raw.fit["effect"]
        if not raw.fit.significant:
            reason = "the raw departure is not significant"
            test = of_raw(self.name, self.null, fits, "inconclusive", reason, effect)
            return replace(test, models_needed=raw_models_needed(fits, "inconclusive"))
        p = gradual_with_error(raw.sample, raw.plan, fits.rng(f"{self.name}:gradual"))
        reason = (
            f"gradual growth at scales wrong by up to {HALF_WIDTH:g} decades departs as far with "
            f"p = {p:.3f}"
        )
        outcome: RivalOutcome = "survives" if p < LEVEL else "inconclusive"
        test = of_raw(self.name, self.null, fits, outcome, reason, replace(effect, p_value=p))
        return _described(test, fits, raw) if raw.plan.detailed else test


def _described(test: RivalTest, fits: Fits, raw: FittedThreshold) -> RivalTest:
    """Beside the answer: the step over perturbed scales, and by SIMEX without error."""
    found = perturb_scales(raw.sample, raw.plan, fits.rng(test.rival))
    corrected = simex_effect(raw.sample, raw.psi, raw.plan, fits.rng(f"{test.rival}:simex"))
    lower, upper = found.effect.ci_lower or 0.0, found.effect.ci_upper
    span = f"the step lies between {lower:.2f} and {upper:.2f}, above 0 in {found.upward:.0%}"
    told = f"over such scales {span}"
    if test.outcome == "survives" and lower <= 0 < (raw.fit["effect"].ci_lower or 0.0):
        # Error blurs a step and makes none: that it can be hidden is no evidence against it.
        told = f"that decides, though as much error again can hide the step: with it {span}"
    reason = f"{test.reason}; {told}"
    low, high = found.thresholds
    threshold = Estimate(
        "threshold_perturbed",
        float(10**raw.psi),
        ci_lower=float(10**low),
        ci_upper=float(10**high),
        level=0.90,
    )
    return replace(test, reason=reason, estimates=(found.effect, corrected, threshold))


def _beside(fits: Fits, scale: str) -> Observation | None:
    """The raw condition with another axis as a covariate; None where it is not another one."""
    observation = fits.raw_observation
    sample = observation.sample
    if sample is None:
        return None
    cells = fits.cells()
    values = cells[cells[scale] > 0].groupby("model")[scale].median()
    other = np.log10([values.get(model, np.nan) for model in sample.models])
    rows = np.flatnonzero(np.isfinite(other))
    kept, other = sample.take(rows), other[rows]
    if kept.why_not() is not None:
        return None
    basis = np.column_stack([np.ones(len(kept)), kept.x])
    rest = other - basis @ np.linalg.lstsq(basis, other, rcond=None)[0]
    if float(rest.std()) < DISTINCT:
        return None
    further = [] if kept.covariates is None else list(kept.covariates.T)
    beside = replace(
        kept,
        covariates=np.column_stack([other - other.mean(), *further]),
        covariate_names=(scale, *kept.covariate_names),
    )
    return replace(observation, sample=beside, condition={**observation.condition, "beside": scale})


RIVAL = ScaleChoice()
