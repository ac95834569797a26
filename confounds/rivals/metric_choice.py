"""The metric: does the threshold remain under a linear metric?

Schaeffer et al. (2023): a metric that needs several tokens right at once turns smooth growth of
the per-token probability into a jump. Controlled condition: the same models under a linear
metric of the same task. It survives if one linear metric shows the threshold; it is explained
only if every linear metric excludes it. Where no linear metric shows a threshold and none excludes
one, a second question decides: is exact match what smooth growth per token gives over the length
of the target (`inference/composition.py`)?

Estimand: the step at the raw threshold under each linear metric; in the second question, what exact
match has beyond q^L.

Formula: mu(eta + delta) - mu(eta) at the raw psi under the linear metric. The smallest effect of
interest on it is s R_linear / R_claim, where s is the claim's and R the range of a metric over the
models. The second question: the step of (exact match - q(x)^L), with q(x) the smooth null fitted
to a per-token metric and L the tokens of the target.

Assumption that would break it: the linear metric measures the same answer, as precisely, and does
not run into its own end. One that arrives at 1 (or at a log-probability of 0) within the range
bends there, which reads as a step of its own: the rival may then survive where only the metric
made the step (`confounds/ladder/CARD.md` has such a case).

Source: Schaeffer, Miranda & Koyejo 2023 (arXiv 2304.15004).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference.composition import PER_TOKEN, Composition, compose
from confounds.results import Estimate, RivalTest
from confounds.rivals._combine import any_survives
from confounds.rivals._decision import compare, not_testable, smallest_effect, why_no_raw

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes


class MetricChoice:
    """The threshold is made by a discontinuous metric."""

    name = "metric_choice"
    null = "under a linear metric the step in score is smaller than the smallest effect"
    needs = "a linear metric of the same task beside the discontinuous one"
    columns = ("metric",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the claim's metric with every linear metric of the task."""
        reason = why_no_raw(fits)
        if reason is None and fits.measure(claim.metric).kind == "linear":
            reason = f"the claim's metric, {claim.metric}, is linear already"
        linear = [name for name in fits.metrics() if fits.measure(name).kind == "linear"]
        if reason is None and not linear:
            reason = "the task has no linear metric"
        if reason is not None:
            return not_testable(self.name, self.null, reason)
        tests = {}
        for metric in linear:
            observation = fits.observe({}, metric)
            size = claim.smallest_effect
            if observation.sample is not None and fits.raw is not None:
                size *= np.ptp(observation.sample.score) / np.ptp(fits.raw.sample.score)
            tests[metric] = compare(self.name, self.null, fits, observation, size)
        found = any_survives(self.name, self.null, "metric", tests)
        return _composed(fits, found, tuple(tests))


def _composed(fits: Fits, found: RivalTest, metrics: tuple[str, ...]) -> RivalTest:
    """What composition adds where the linear metrics leave the question open."""
    if fits.raw is None or found.outcome != "inconclusive":
        return found
    for metric in (name for name in PER_TOKEN if name in metrics):
        answer = compose(fits, metric)
        if isinstance(answer, str):
            continue
        length = Estimate("target_length", answer.length)
        found = replace(found, estimates=(*found.estimates, answer.rest, answer.change, length))
        upper, lower = answer.rest.ci_upper, answer.change.ci_lower
        small = upper is not None and upper < smallest_effect(fits)
        if fits.raw.fit.significant and small and (lower or 0.0) > 0:
            return replace(
                found,
                outcome="explained",
                reason=_composed_reason(answer, metric),
                effect=replace(answer.rest, term="effect", p_value=1.0),
                change=answer.change,
                models_needed=None,
            )
    return found


def _composed_reason(answer: Composition, metric: str) -> str:
    how = "read from the table" if answer.measured else "fitted"
    return (
        f"smooth growth of {metric}, over {answer.length:.3g} tokens ({how}), leaves a step of at "
        f"most {answer.rest.ci_upper:.2f} (90 % interval), and no linear metric shows a threshold"
    )


RIVAL = MetricChoice()
