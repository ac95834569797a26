"""Constant answers: is the score that of one answer given every time?

A model that always says "yes" scores the share of "yes", which can lie well above 1/k. On two
classes a run is a constant answer if macro-F1 = acc / (1 + acc) (one class recalled fully, the
other never). Where there is no macro-F1, it is one if its score equals that of the best constant
answer to within half an item and another model's does too: one model may be there by ability.
Controlled condition: such models are given chance, since they show no ability.

Estimand: the step at the raw threshold once constant answers are put at chance.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), of the
scores with c in place of acc where |macro-F1 - acc / (1 + acc)| < .002, or else where
|acc - majority| < 1 / (2n). Recall 1 of a class with share acc, and 0 of
the other, give F1 = 2 acc / (1 + acc) and 0.

Assumption that would break it: a model at that very score knows nothing; one that has the ability
and scores the same by coincidence is put at chance too.

Source: the identity follows from the definition of F1; Lu et al. 2024 (arXiv 2309.01809) publish
macro-F1 beside accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.rivals._decision import compare, not_testable, why_no_raw

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Flags, Floats
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest

F1_OF = {"exact_match": "exact_match_macro_f1", "bert_score_accuracy": "macro_f1"}
F1_TOLERANCE = 0.002
TWO_CLASSES = 0.5
COINCIDENCE = 2
"""Models at the very score of the best constant answer: one may be there by ability."""


class ConstantAnswer:
    """The threshold is that of models that found the best constant answer."""

    name = "constant_answer"
    null = "without constant answers the step in score is smaller than the smallest effect"
    needs = "the majority score, or macro-F1 beside accuracy on two classes"
    columns = ("majority",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Give constant answers their chance score and test again."""
        reason = why_no_raw(fits)
        if reason is not None:
            return not_testable(self.name, self.null, reason)
        observation = fits.raw_observation
        flags = self._flags(claim, fits, observation)
        if isinstance(flags, str):
            return not_testable(self.name, self.null, flags)
        sample = observation.sample
        if sample is None:
            return not_testable(self.name, self.null, "no model of known scale")
        chance = observation.frame["chance"].to_numpy(np.float64)
        if np.isnan(chance[flags]).any():
            return not_testable(self.name, self.null, "chance is unknown for constant answers")
        guessed = 1 - chance if observation.flipped else chance
        score = np.where(flags, guessed, sample.score)
        changed = replace(
            observation,
            sample=sample.with_score(score),
            condition={**observation.condition, "constant_answers": "at chance"},
        )
        found = compare(self.name, self.null, fits, changed)
        count = int(flags.sum())
        said = "no model answers constantly" if count == 0 else f"{count} models answer constantly"
        return replace(found, reason=f"{said}; {found.reason}")

    def _flags(self, claim: Claim, fits: Fits, observation: Observation) -> Flags | str:
        """(M,) True where a model's answer is constant, or why it cannot be known."""
        frame = observation.frame
        score, n = (frame[name].to_numpy(np.float64) for name in ("score", "n"))
        majority = frame["majority"].to_numpy(np.float64)
        f1 = self._f1(claim, fits, observation)
        two = frame["chance"].to_numpy(np.float64) == TWO_CLASSES
        if np.isnan(majority).all() and (f1 is None or not two.any()):
            return "neither the majority score nor macro-F1 on two classes is known"
        with np.errstate(invalid="ignore"):
            flags: Flags = np.abs(score - majority) < 0.5 / n
            if flags.sum() < COINCIDENCE:
                flags[:] = False
            if f1 is not None:
                one_class = np.abs(f1 - score / (1 + score)) < F1_TOLERANCE
                flags = np.where(two & ~np.isnan(f1), one_class & (score > 0), flags)
        return flags

    def _f1(self, claim: Claim, fits: Fits, observation: Observation) -> Floats | None:
        """(M,) macro-F1 of the same models, NaN where missing."""
        metric = F1_OF.get(claim.metric, "macro_f1")
        if not fits.has_metric(metric):
            return None
        other = fits.observe({}, metric).frame
        values = dict(zip(other["model"], other["score"], strict=True))
        return np.array([values.get(model, np.nan) for model in observation.frame["model"]])


RIVAL = ConstantAnswer()
