"""Luck of the seed: is the step a change in how many training runs find the better mode?

Zhao et al. (2025): runs of one size differ by their random seed alone, their scores fall into two
modes, and scale changes the probability of the better one, continuously. One run a size then jumps
although within neither mode anything happens at the threshold. Runs of one size are models of one
family, tuning and scale, or levels of `seed`.

* explained: the raw departure is significant; runs of one size fall into two modes (joint mixture
  test p < .05) that lie further apart than the smallest effect; lucky runs below the threshold or
  unlucky ones above it are seen, three at least, in sizes that hold both modes; the probability of
  the upper mode is shown to grow and not to jump (`inference.mode_growth`); within modes the step
  is shown to be smaller than the smallest effect; and the change from raw is above 0.
* survives: the raw departure is significant and upward, no two modes so far apart are shown, and
  runs of one size agree: within half a `gradual` of a threshold that the data keep, less than a
  quarter of the pairs of runs of one size lie in different modes (95 % bound). A lucky mode whose
  probability takes `gradual` decades to grow splits 36 % of them. Agreement takes about 11 pairs.

Estimand: the step at the raw threshold among runs of the same mode.

Formula: the coefficient of h(x; psi) in score = a + b x + g mode + delta h(x; psi) + errors of runs
and families, on the score scale, where mode is 1 for runs in the upper mode.

Assumption that would break it: runs of one size differ by seed alone.

Source: Zhao et al. 2025 (arXiv 2502.17356).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference.change import Place, independent_change
from confounds.inference.mode_growth import ModeGrowth, mode_growth
from confounds.inference.seeds import (
    Modes,
    Runs,
    find_modes,
    item_noise,
    split_rate,
    training_runs,
)
from confounds.inference.threshold import effect_at
from confounds.results import Estimate
from confounds.rivals._decision import not_testable, smallest_effect
from confounds.rivals._raw import of_raw, raw_curve, raw_models_needed

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.inference.threshold import FittedThreshold
    from confounds.outcomes import Outcomes
    from confounds.results import RivalOutcome, RivalTest

LEVEL = 0.05
FEWEST = 3
"""Runs in the other mode than their side of the threshold has, for a step within modes."""
SPLIT = 0.25
"""Share of pairs of runs that a lucky mode whose probability grows gradually splits, or more."""


@dataclass(frozen=True, eq=False)
class Luck:
    """What the runs say of luck at the raw threshold.

    Attributes:
        modes: of all runs.
        within: step within modes, 90 % interval; None where modes are not on both sides.
        change: raw minus within; None likewise.
        upper: 95 % bound of the share of pairs that are split near the threshold.
        pairs: how many pairs that rests on.
        growth: whether the probability of the upper mode grows or jumps.
    """

    modes: Modes
    within: Estimate | None
    change: Estimate | None
    upper: float
    pairs: float
    growth: ModeGrowth

    @property
    def bimodal(self) -> bool:
        """Whether runs of one size are shown to fall into two modes."""
        p = self.modes.p_mixture
        return p is not None and p < LEVEL


class SeedLuck:
    """The step is that of lucky training runs becoming more frequent."""

    name = "seed_luck"
    null = "within the modes that runs of one size fall into, there is no step with scale"
    needs = "two training runs or seeds of one size, whose scores differ"
    columns = ("seed",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:
        """Look within sizes, and within modes across sizes."""
        del outcomes
        raw = raw_curve(fits)
        if isinstance(raw, str):
            return not_testable(self.name, self.null, raw)
        runs = training_runs(fits)
        if isinstance(runs, str):
            return not_testable(self.name, self.null, runs)
        modes = find_modes(runs, fits.settings.replicates, fits.rng(self.name))
        pairs, _, upper = split_rate(modes, raw.kept, claim.gradual / 2)
        within, change = _within(runs, modes, fits)
        growth = mode_growth(runs.sample.x, modes.lucky, fits.rng("mode growth"))
        luck = Luck(modes, within, change, upper, pairs, growth)
        return self._decide(fits, raw, luck)

    def _decide(self, fits: Fits, raw: FittedThreshold, luck: Luck) -> RivalTest:
        outcome, reason = _outcome(raw, luck, smallest_effect(fits))
        if outcome == "explained" and fits.doubt is not None:
            outcome, reason = "inconclusive", f"{fits.doubt}; {reason}"
        effect = replace(raw.fit["effect"], p_value=raw.fit.p_two_level)
        if outcome == "explained" and luck.within is not None:
            effect = replace(luck.within, p_value=1.0)
        reason = f"{_seen(luck)}; {reason}"
        found = of_raw(self.name, self.null, fits, outcome, reason, effect)
        needed = raw_models_needed(fits, outcome)
        return replace(found, change=luck.change, estimates=_numbers(luck), models_needed=needed)


def _within(runs: Runs, modes: Modes, fits: Fits) -> tuple[Estimate | None, Estimate | None]:
    """The step among runs of one mode at the raw threshold, and the change from raw."""
    raw = fits.raw
    if raw is None or _misplaced(modes, raw.psi) < FEWEST:
        return None, None
    mode = modes.lucky.astype(np.float64)
    sample = runs.sample
    further = [] if sample.covariates is None else list(sample.covariates.T)
    inside = replace(
        sample,
        binomial=False,
        floor=np.zeros(len(sample)),
        variance=item_noise(sample) ** 2,
        covariates=np.column_stack([mode - mode.mean(), *further]),
        covariate_names=("mode", *sample.covariate_names),
    )
    effect, profile = effect_at(inside, raw.psi, replace(fits.plan, null="gradual"))
    low, high = profile.interval(0.90)
    slopes = fits.plan.growth(inside)
    place = Place(raw.psi, raw.kept, fits.plan.shape)
    change = independent_change(raw.sample, inside, place, slopes)
    return replace(effect, term="within_modes", ci_lower=low, ci_upper=high, level=0.90), change


def _misplaced(modes: Modes, psi: float) -> int:
    """Lucky runs below and unlucky runs above the threshold, in sizes that hold both modes.

    They are what tells the step within a mode from the mode.
    """
    below = [size.lucky for size in modes.sizes if size.split and size.scale < psi]
    above = [size.runs - size.lucky for size in modes.sizes if size.split and size.scale > psi]
    return sum(below) + sum(above)


def _outcome(raw: FittedThreshold, luck: Luck, smallest: float) -> tuple[RivalOutcome, str]:
    if not raw.fit.significant or (raw.fit["effect"].ci_lower or 0.0) <= 0:
        return "inconclusive", "the raw departure is not significant"
    if luck.bimodal and luck.modes.high - luck.modes.low > smallest:
        return _by_modes(luck, smallest)
    if luck.upper < SPLIT:
        return "survives", (
            f"near the threshold at most {luck.upper:.0%} of the pairs of runs of one size differ "
            "in mode (95 % bound)"
        )
    return "inconclusive", (
        f"near the threshold {luck.pairs:g} pairs of runs of one size do not show that they agree: "
        f"up to {luck.upper:.0%} may differ in mode"
    )


def _by_modes(luck: Luck, smallest: float) -> tuple[RivalOutcome, str]:
    """What runs in two modes explain."""
    if luck.within is None:
        return "inconclusive", "too few runs are in the other mode than their side's"
    if not luck.growth.gradual:
        return "inconclusive", (
            "whether the probability of the upper mode grows or itself jumps is not told apart "
            f"(jump p = {luck.growth.p_jump:.3f})"
        )
    upper, moved = luck.within.ci_upper, luck.change and (luck.change.ci_lower or 0.0) > 0
    if upper is not None and upper < smallest and moved:
        return "explained", (
            f"within them the step is below {smallest:g} (90 % interval up to {upper:.2f})"
        )
    return "inconclusive", f"within them a step of {smallest:g} is not excluded"


def _seen(luck: Luck) -> str:
    modes = luck.modes
    split = sum(size.split for size in modes.sizes)
    text = f"{split} of {len(modes.sizes)} sizes with several runs have runs in both modes"
    p = [
        f"{name} p = {value:.3f}"
        for name, value in (("mixture", modes.p_mixture), ("dip", modes.p_dip))
        if value is not None
    ]
    return f"{text} ({', '.join(p)})" if p else f"{text} (too few runs a size to test for modes)"


def _numbers(luck: Luck) -> tuple[Estimate, ...]:
    modes = luck.modes
    split = sum(size.split for size in modes.sizes) / len(modes.sizes)
    found = [
        Estimate("mode_low", modes.low),
        Estimate("mode_high", modes.high),
        Estimate("sizes_split", split),
        Estimate("pairs_split_bound", luck.upper),
        Estimate("mixture", None, p_value=modes.p_mixture),
        Estimate("dip", None, p_value=modes.p_dip),
        Estimate("mode_jumps", luck.growth.aic_difference, p_value=luck.growth.p_jump),
    ]
    return tuple(found) + ((luck.within,) if luck.within else ())


RIVAL = SeedLuck()
