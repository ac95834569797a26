"""The answer parser: is the threshold that of answers in a form that the parser finds?

Controlled condition, in this order of preference: the score among answers that were parsed
(metric `answer_parsed` beside the score), or a lenient rule for the same answers beside the
strict one (exact match against the nearest option by BERTScore, or a flexible extraction).

Estimand: the step at the raw threshold in the score among parsed answers, or under the lenient
rule.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), of the
scores r / a, where r is the share of right and a that of parsed answers of a model, on n a items;
models with too few parsed answers are left out.

Assumption that would break it: unparsed answers would have been right as often as parsed.

Source: Lu et al. 2024 (arXiv 2309.01809) score the same answers by exact match and by the option
nearest in BERTScore.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.rivals._decision import compare, not_testable, why_no_raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Ints, Sample
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest

LENIENT = ("flexible-extract", "flexible")
"""Rules of extraction that find an answer wherever it stands; read as `METRIC:RULE` from lm-eval's
filters. Any other rule of the same metric, and none, is stricter."""
NEAREST = {"exact_match": "bert_score_accuracy"}
PARSED = "answer_parsed"
FEWEST_PARSED = 5


class AnswerParsing:
    """The threshold is that of the answer's form."""

    name = "answer_parsing"
    null = "among parsed answers the step in score is smaller than the smallest effect"
    needs = "the metric answer_parsed, or a lenient extraction rule beside a strict one"
    columns = ("metric",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare with parsed answers only, or with a lenient rule."""
        reason = why_no_raw(fits)
        if reason is not None:
            return not_testable(self.name, self.null, reason)
        if fits.has_metric(PARSED) and claim.metric != PARSED:
            return compare(self.name, self.null, fits, self._among_parsed(fits))
        for metric in more_lenient(claim.metric):
            if fits.has_metric(metric):
                found = compare(self.name, self.null, fits, fits.observe({}, metric))
                return replace(found, reason=f"extraction rule {metric}: {found.reason}")
        return not_testable(
            self.name, self.null, "no parsed flag and no second extraction rule for these answers"
        )

    def _among_parsed(self, fits: Fits) -> Observation:
        """Scores divided by the share of answers that were parsed; too few parsed: left out."""
        observation = fits.raw_observation
        other = fits.observe({}, PARSED).frame
        share = dict(zip(other["model"], other["score"], strict=True))
        if observation.sample is None:
            return observation
        rows, kept = among_parsed(observation.sample, share)
        return replace(
            observation,
            sample=kept,
            condition={**observation.condition, "answers": "parsed"},
            frame=observation.frame.iloc[rows].reset_index(drop=True),
        )


def among_parsed(sample: Sample, share: Mapping[str, float]) -> tuple[Ints, Sample]:
    """The models with enough parsed answers, and their scores among these.

    Args:
        sample: scores over all answers.
        share: of the answers that were parsed, by model.
    """
    parsed = np.array([share.get(model, np.nan) for model in sample.models])
    rows = np.flatnonzero(parsed * sample.n >= FEWEST_PARSED)
    kept, parsed = sample.take(rows), parsed[rows]
    score = np.clip(kept.score / parsed, 0, 1)
    return rows, replace(kept, score=score, n=kept.n * parsed, variance=None)


def more_lenient(metric: str) -> tuple[str, ...]:
    """Metrics that score the same answers by a more lenient rule, in the order of preference."""
    asked, _, rule = metric.partition(":")
    if rule in LENIENT:
        return ()
    nearest = (NEAREST[metric],) if metric in NEAREST else ()
    return (*nearest, *(f"{asked}:{one}" for one in LENIENT))


RIVAL = AnswerParsing()
