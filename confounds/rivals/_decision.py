"""The decision rule of one rival, and what every rival computes on the way to it.

A rival names its controlled condition. Here the controlled curve is tested for a threshold of
its own, its effect is estimated at the raw threshold (no second search), and the change raw
minus controlled is estimated with both conditions drawn together.

* survives: controlled significant and the lower bound of its effect above 0 (strong: above s).
* explained: the confounded condition departs from gradual growth, the controlled effect is shown
  to lie below s (upper end of the 90 % interval), and the change is above 0. The departure is
  shown by the raw test or by the paired one, in which the model effects cancel (a .30 step among
  12 models is seen in .97 of tables against .42, `benchmarks/threshold_size.py`). It need not be
  shown where the raw step and the change are estimated at s or more, and the controlled effect
  lies below s at every threshold that the raw data keep, not at the likeliest alone (`_left`). For
  either the raw curve has a threshold, among those; or it has none, and there is no emergence to
  survive. A controlled curve with a significant step of its own elsewhere explains nothing.
* inconclusive otherwise.

Only the upper end decides equivalence: a claim of emergence is a claim about an upward step,
and a downward one in the controlled condition does not support it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._plan import with_null
from confounds.inference.ceiling import best_ceiling, under_ceiling
from confounds.inference.change import Place, estimate_change, independent_change
from confounds.inference.contrast import Pair, contrast_test, pair_samples
from confounds.inference.needed import models_needed
from confounds.inference.sample import MIN_SIDE
from confounds.inference.threshold import effect_at
from confounds.results import Estimate, RivalOutcome, RivalTest, ThresholdFit
from confounds.rivals._difference import mean_difference, with_difference
from confounds.rivals._left import effect_left
from confounds.rivals._reasons import (
    explained_reason,
    inconclusive_reason,
    rests_on,
    survives_reason,
)
from confounds.rivals._together import with_companions

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Sample
    from confounds.inference.threshold import FittedThreshold

LEVEL = 0.05
MIN_EFFECT_MODELS = 6
OTHER_METRIC = "metric_choice"
"""The rival whose controlled scores are in other units; other rivals compare like with like."""


@dataclass(frozen=True, eq=False)
class Controlled:
    """The controlled condition, tested and estimated.

    Attributes:
        fit: its own threshold test, None where it has too few models or a flat curve.
        effect: effect at the raw threshold, 95 % interval.
        equivalence: the same with the 90 % interval that decides "explained".
        change: raw minus controlled.
        models: models in the controlled condition.
        smallest: smallest effect of interest, in the units of the controlled metric.
        why_no_fit: why there is no test of its own.
        paired: threshold of the within-model difference, with the p-value of its test.
        other_units: where the two metrics have no common unit, the lower bound of the raw
            effect in smallest effects of interest.
        among_kept: the effect with its 90 % interval over the thresholds that the raw data keep,
            and the p-value of one as large as the smallest; None where nothing rests on it.
    """

    fit: ThresholdFit | None
    effect: Estimate
    equivalence: Estimate
    change: Estimate | None
    models: int
    smallest: float
    why_no_fit: str | None = None
    paired: Estimate | None = None
    other_units: float | None = None
    among_kept: Estimate | None = None

    @property
    def survives(self) -> bool:
        """Significant, and an upward effect."""
        return self.fit is not None and self.fit.significant and (self.effect.ci_lower or 0.0) > 0

    def departs(self, raw: ThresholdFit, doubt: str | None) -> bool:
        """The confounded condition departs from gradual growth, alone or within models.

        Args:
            raw: its own threshold test.
            doubt: why a significant test may be no departure (`Fits.doubt`), None where nothing is.
        """
        return self.departs_within_models or (raw.significant and doubt is None)

    @property
    def departs_within_models(self) -> bool:
        """The threshold of the within-model difference is significant."""
        return self.paired is not None and is_paired_departure(self.paired)

    @property
    def strong(self) -> bool:
        """Survives with a lower bound above the smallest effect, checked within families."""
        checked = self.fit is not None and self.fit.p_fixed_effect is not None
        large = bool((self.effect.ci_lower or 0.0) > self.smallest)
        return self.survives and checked and large

    @property
    def negligible(self) -> bool:
        """The effect is shown to lie below the smallest effect of interest."""
        upper = self.equivalence.ci_upper
        return upper is not None and upper < self.smallest

    @property
    def has_its_own(self) -> bool:
        """A significant upward step of interest, if elsewhere than the raw one."""
        if self.fit is None or not self.fit.significant:
            return False
        own = self.fit["effect"]
        return (own.ci_lower or 0.0) > 0 and (own.estimate or 0.0) >= self.smallest

    def leaves_nothing(self, raw: ThresholdFit) -> bool:
        """Raw step and change are of interest, the effect negligible at every threshold kept."""
        if self.among_kept is None or self.change is None:
            return False
        found = min(raw["effect"].estimate or 0.0, self.change.estimate or 0.0)
        upper = self.among_kept.ci_upper
        return found >= self.smallest and upper is not None and upper < self.smallest

    @property
    def changed(self) -> bool:
        """The change from the raw condition is shown to be above 0.

        Effects on two kinds of scale have no difference. There the raw effect must lie above
        the controlled one, each interval in units of its own smallest effect of interest.
        """
        if self.other_units is not None:
            upper = self.equivalence.ci_upper
            return upper is not None and self.other_units > upper / self.smallest
        return self.change is not None and (self.change.ci_lower or 0.0) > 0


def not_testable(rival: str, null: str, reason: str) -> RivalTest:
    """The table lacks what the rival needs."""
    return RivalTest(rival, "not_testable", "not_testable", null, reason)


def why_no_raw(fits: Fits) -> str | None:
    """Why the raw condition itself cannot be tested, or None."""
    return fits.raw_observation.why_not()


def compare(
    rival: str,
    null: str,
    fits: Fits,
    observation: Observation,
    smallest: float | None = None,
    against: Sample | None = None,
) -> RivalTest:
    """Test one controlled condition and decide; the whole of most rivals.

    Args:
        rival: name of the rival.
        null: its null as a sentence.
        fits: the claim's fits.
        observation: the models in the controlled condition.
        smallest: smallest effect of interest, by default the claim's.
        against: other models in the confounded condition, where the controlled models were
            run in one condition only; by default the raw condition of the same models.
    """
    reason = why_no_raw(fits) or why_no_effect(fits, observation.sample)
    if reason is not None or observation.sample is None:
        reason = reason or "no model in the controlled condition"
        differs = None if against is not None else mean_difference(fits, observation)
        return with_difference(not_testable(rival, null, reason), differs)
    if fits.settings.only_testable:
        return RivalTest(rival, "tested", "inconclusive", null, "it can be tested")
    size = smallest_effect(fits) if smallest is None else smallest
    found = control(fits, observation, size, rival, against)
    test = decide(rival, null, fits, found)
    if against is None and test.change is not None and fits.raw is not None:
        rests = rests_on(fits.raw.sample, observation.sample, paired=found.paired is not None)
        test = replace(test, reason=test.reason + rests)
    test = _of_like_items(test, fits, observation, size)
    return with_companions(test, fits, observation, against)


def _of_like_items(
    test: RivalTest, fits: Fits, observation: Observation, smallest: float
) -> RivalTest:
    """Nothing is explained where items that differ between models can make or hide the step."""
    if test.outcome != "explained":
        return test
    for seen in (fits.raw_observation, observation):
        reason = seen.sample and fits.unlike_items(seen.sample, seen.condition, smallest / 2)
        if reason:
            return replace(test, outcome="inconclusive", reason=f"{reason}; {test.reason}")
    return test


def why_no_effect(fits: Fits, controlled: Sample | None) -> str | None:
    """Why the controlled effect cannot be estimated at the raw threshold, or None."""
    if controlled is None:
        return "no model of known scale in the controlled condition"
    if fits.raw is None:
        return "the raw condition cannot be tested"
    if len(controlled) < MIN_EFFECT_MODELS:
        return (
            f"the controlled condition has {len(controlled)} models of known scale; "
            f"{MIN_EFFECT_MODELS} are needed"
        )
    above = int((controlled.x > fits.raw.psi).sum())
    if min(above, len(controlled) - above) < MIN_SIDE:
        side = "above" if above < MIN_SIDE else "below"
        return (
            f"the controlled condition has fewer than {MIN_SIDE} models {side} the raw threshold "
            f"({10**fits.raw.psi:.2g}): there it cannot be told from scale"
        )
    return None


def smallest_effect(fits: Fits) -> float:
    """The claim's smallest effect of interest, in the units of its metric.

    Score points on [0, 1]; on an unbounded metric, that share of the range over the models.
    """
    raw = _raw(fits).sample
    unit = 1.0 if raw.binomial else float(np.ptp(raw.score))
    return fits.claim.smallest_effect * unit


def control(
    fits: Fits, observation: Observation, smallest: float, name: str, against: Sample | None
) -> Controlled:
    """Test and estimate the controlled condition; see `compare` for the arguments."""
    raw, controlled = _raw(fits), observation.sample
    if controlled is None:
        msg = "the controlled condition has no models; ask why_no_effect first"
        raise ValueError(msg)
    reason = controlled.why_not()
    fit = None if reason else fits.fit(controlled, observation.condition).fit
    effect, profile = effect_at(controlled, raw.psi, fits.plan)
    low, high = profile.interval(0.90)
    equivalence = replace(effect, ci_lower=low, ci_upper=high, level=0.90)
    if "metric" in observation.condition and name == OTHER_METRIC:
        bound = (raw.fit["effect"].ci_lower or 0.0) / smallest_effect(fits)
        return Controlled(
            fit, effect, equivalence, None, len(controlled), smallest, reason, None, bound
        )
    change, paired = _change(fits, controlled, against, name)
    found = Controlled(fit, effect, equivalence, change, len(controlled), smallest, reason, paired)
    if not (found.negligible and found.changed):
        return found
    return replace(found, among_kept=effect_left(fits, controlled, against, smallest))


def _change(
    fits: Fits, controlled: Sample, against: Sample | None, name: str
) -> tuple[Estimate | None, Estimate | None]:
    """Raw minus controlled at the raw threshold, and the paired threshold test of it."""
    raw, plan = _raw(fits), fits.plan
    slopes = plan.growth(controlled)
    place = Place(raw.psi, raw.kept, plan.shape)
    controlled = with_null(controlled, plan.null)
    pair = None if against is not None else pair_samples(raw.sample, controlled)
    if pair is None:
        other = raw.sample if against is None else against
        if why_no_effect(fits, other) is not None:
            return None, None
        other = with_null(other, plan.null)
        return independent_change(other, controlled, place, slopes), None
    change = estimate_change(pair, place, slopes, fits.rng(f"change:{name}"))
    rng = fits.rng(f"paired:{name}")
    paired = contrast_test(pair, plan.shape, plan.slopes(controlled), plan.replicates, rng)
    if is_paired_departure(paired):
        paired = _under_ceiling(fits, pair, paired)
    return change, replace(paired, estimate=10 ** (paired.estimate or 0.0))


def _under_ceiling(fits: Fits, pair: Pair, paired: Estimate) -> Estimate:
    """The paired test with the larger p-value: as it is, or under the raw curve's best ceiling."""
    plan = fits.plan
    ceiling = plan.ceiling or best_ceiling(pair.raw, plan)
    if ceiling >= 1 or not pair.controlled.binomial:
        return paired
    scaled = replace(
        pair,
        raw=under_ceiling(pair.raw, ceiling),
        controlled=under_ceiling(pair.controlled, ceiling),
    )
    rng = fits.rng("paired under a ceiling")
    other = contrast_test(scaled, plan.shape, plan.slopes(scaled.raw), plan.replicates, rng)
    worst = max(paired.p_value or 0.0, other.p_value or 0.0)
    return replace(paired, p_value=worst)


def decide(rival: str, null: str, fits: Fits, controlled: Controlled) -> RivalTest:
    """Apply the decision rule to one controlled condition."""
    raw = _raw(fits)
    needed = None
    left = controlled.among_kept if controlled.leaves_nothing(raw.fit) else None
    outcome: RivalOutcome
    if controlled.survives:
        outcome = "survives"
        reason = survives_reason(controlled)
    elif (
        not controlled.has_its_own
        and controlled.changed
        and (
            (controlled.departs(raw.fit, fits.doubt) and controlled.negligible) or left is not None
        )
    ):
        outcome = "explained"
        reason = explained_reason(raw.fit, controlled, fits.doubt)
    else:
        outcome = "inconclusive"
        reason = inconclusive_reason(raw, controlled, fits.doubt)
        if not raw.fit.blocks:
            needed = models_needed(controlled.effect, controlled.models, controlled.smallest)
    return RivalTest(
        rival,
        "tested",
        outcome,
        null,
        reason,
        effect=_with_p(controlled, controlled.equivalence if outcome == "explained" else None),
        change=controlled.change,
        strong=controlled.strong,
        fits=(controlled.fit,) if controlled.fit else (),
        estimates=tuple(item for item in (controlled.paired, left) if item),
        models_needed=needed,
    )


def _raw(fits: Fits) -> FittedThreshold:
    if fits.raw is None:
        msg = "the raw condition cannot be tested; ask why_no_raw first"
        raise ValueError(msg)
    return fits.raw


def _with_p(controlled: Controlled, interval: Estimate | None) -> Estimate:
    """The effect with the p-value of the condition's own threshold test, 1 if it has none."""
    p = controlled.fit.p_two_level if controlled.fit else 1.0
    return replace(interval or controlled.effect, p_value=p)


def is_paired_departure(paired: Estimate) -> bool:
    """Whether the threshold of the within-model difference is significant."""
    return paired.p_value is not None and paired.p_value < LEVEL
