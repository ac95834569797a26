"""The training mix: does scale still matter among models of one recipe?

Large models are not only larger: they were trained on other data, some on code, and models as
large as GPT-3 from other recipes lack what it has (Fu et al. 2022: scale is necessary, not
sufficient). Controlled conditions: models within families of at least three sizes, every family
at a level of its own; and, where code-tuned models are told, the models that are not.

Survives only if it remains in each, within families at the full level of the test within them;
there it explains where the raw two-level test alone is significant, since its check within
families is this rival's own. The interval of the change takes the raw and the controlled effect as
independent; they share models, which can only make it too wide.

Estimand: the step at the raw threshold within families (family fixed effects), and without
code-tuned models.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta) and
eta = a_f + b x + delta h(x; psi), a free level a_f for every family f.

Assumption that would break it: one family is one recipe, whatever its size.

Source: Fu et al. 2022, A closer look at large language models' emergent abilities.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._plan import with_null
from confounds.inference.change import Place, independent_change
from confounds.inference.threshold import effect_at
from confounds.rivals._combine import all_survive
from confounds.rivals._decision import (
    Controlled,
    compare,
    decide,
    not_testable,
    smallest_effect,
    why_no_effect,
)
from confounds.rivals._raw import raw_curve
from confounds.text import plural

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Sample
    from confounds.inference.threshold import FittedThreshold
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest, ThresholdFit

MIN_SIZES = 3
MIN_SPANNING = 2
LEVEL = 0.05


class _WithinFamilies(Controlled):
    """Families at levels of their own: the departure to explain is the one across them."""

    def departs(self, raw: ThresholdFit, doubt: str | None) -> bool:
        """The raw curve departs from gradual growth, families being draws of one kind.

        The check within families is left out: where it fails, this rival is what fails it.
        """
        return raw.p_two_level < LEVEL and doubt is None


class TrainingMix:
    """The threshold lies between recipes, not within any of them."""

    name = "training_mix"
    null = "within families of one recipe the step is smaller than the smallest effect"
    needs = f"families of at least {MIN_SIZES} sizes on both sides of the threshold"
    columns = ("family",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Test for the threshold within families, and without code-tuned models."""
        raw = raw_curve(fits)
        if isinstance(raw, str):
            return not_testable(self.name, self.null, raw)
        tests = {"within families": self._within(fits, raw)}
        tuning = fits.levels("tuning")
        if "code" in tuning and len(tuning) > 1:
            others = [level for level in tuning if level != "code"]
            observation, code = fits.observe({"tuning": others}), fits.observe({"tuning": "code"})
            tests["without code"] = compare(
                self.name, self.null, fits, observation, against=code.sample or raw.sample
            )
        return all_survive(self.name, self.null, "models", tests)

    def _within(self, fits: Fits, raw: FittedThreshold) -> RivalTest:
        sample = _several_sizes(raw.sample)
        reason = _why_not_within(sample, raw.psi) or why_no_effect(fits, sample)
        if reason is not None:
            return not_testable(self.name, self.null, reason)
        plan = fits.plan
        controlled = with_family_levels(with_null(sample, plan.null))
        effect, profile = effect_at(controlled, raw.psi, plan)
        low, high = profile.interval(0.90)
        slopes = plan.growth(controlled)
        place = Place(raw.psi, raw.kept, plan.shape)
        change = independent_change(raw.sample, controlled, place, slopes)
        why_no_fit = sample.why_not()
        condition = {**fits.raw_observation.condition, "families": "several sizes"}
        fit = None if why_no_fit else _checked(fits.fit(sample, condition).fit)
        found = _WithinFamilies(
            fit,
            effect,
            replace(effect, ci_lower=low, ci_upper=high, level=0.90),
            change,
            len(sample),
            smallest_effect(fits),
            why_no_fit,
        )
        test = decide(self.name, self.null, fits, found)
        if test.outcome != "explained":
            return test
        reason = (
            f"within families the step is below {found.smallest:g} (90 % interval up to {high:.2f}"
            f"), and across families the raw curve departs (p = {raw.fit.p_two_level:.3f})"
        )
        return replace(test, reason=reason)


def with_family_levels(sample: Sample) -> Sample:
    """The sample with a free level for every family, as fixed effects."""
    member = sample.membership[:, 1:]
    levels: Floats = member - member.mean(axis=0)
    names = tuple(f"family:{index}" for index in range(levels.shape[1]))
    covariates = levels if sample.covariates is None else np.hstack([sample.covariates, levels])
    free = replace(
        sample,
        family=np.zeros_like(sample.family),
        covariates=covariates,
        covariate_names=sample.covariate_names + names,
    )
    return free.take(np.arange(len(sample)))


def _several_sizes(sample: Sample) -> Sample:
    """The models of families with at least `MIN_SIZES` distinct scales."""
    sizes = {code: len(np.unique(sample.x[sample.family == code])) for code in sample.family}
    return sample.take([row for row, code in enumerate(sample.family) if sizes[code] >= MIN_SIZES])


def _why_not_within(sample: Sample, psi: float) -> str | None:
    """Why scale cannot be told from family, or None."""
    if len(sample) == 0:
        return f"no family has {MIN_SIZES} sizes: scale cannot be told from recipe"
    codes = np.unique(sample.family)
    if len(codes) == 1:
        return f"one family only has {MIN_SIZES} sizes: there is no other recipe to hold beside it"
    both = [0 < (sample.x[sample.family == code] > psi).mean() < 1 for code in codes]
    if sum(both) < MIN_SPANNING:
        return (
            f"{plural(sum(both), 'family')} of {MIN_SIZES} sizes with models on both sides of the "
            f"raw threshold ({10**psi:.2g}), {MIN_SPANNING} are needed: there, scale and recipe "
            "cannot be told apart"
        )
    return None


def _checked(fit: ThresholdFit) -> ThresholdFit:
    """Significant only where the test within families is, at the full level: it is the claim here.

    Elsewhere that test is a check beside the two-level one, at .10.
    """
    within = fit.p_fixed_effect is not None and fit.p_fixed_effect < LEVEL
    return replace(fit, significant=fit.significant and within)


RIVAL = TrainingMix()
