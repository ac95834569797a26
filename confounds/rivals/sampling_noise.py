"""Sampling noise: could so few items show it?

Null: every model lies on the gradual curve, and what departs from it is the luck of the items
alone (no variation between models: the most that items can be blamed for). The statistic is
referred to scores drawn from that null with the items that were really asked.

Estimand: how likely such a departure is under item noise alone; beside it the smallest step that
would stand out from it.

Formula: p = (1 + #{T* >= T}) / (B + 1), with T the largest U^2 / S over psi, U the score and S the
information of an upward step once the smooth curve is projected out, weights those of item noise
alone; the smallest step is 3.29 sqrt(2 v), v the median over models of the items' variance.

Assumption that would break it: items are independent (not several questions on one text).

Source: Davies 1987 (a threshold that is searched for); Miller 2024 (arXiv 2411.00640) on the noise
of items, and on questions that hang together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._link import mean, sampling_variance
from confounds.inference._null import fit_two_level
from confounds.inference._reference import draw_scores, p_value, staged
from confounds.inference._scan import scan
from confounds.inference._variances import Scatter
from confounds.inference.sample import threshold_columns
from confounds.results import Estimate
from confounds.rivals._decision import not_testable
from confounds.rivals._raw import of_raw, raw_curve

if TYPE_CHECKING:
    from confounds.claim import Claim
    from confounds.inference._null import NullFit
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Sample
    from confounds.inference.threshold import FittedThreshold
    from confounds.outcomes import Outcomes
    from confounds.results import RivalOutcome, RivalTest

LEVEL = 0.05
VISIBLE = 3.29
"""Standard errors of a difference that a step must reach to be seen at 5 % with power .95."""


class SamplingNoise:
    """The threshold is the luck of few items."""

    name = "sampling_noise"
    null = "all models lie on the gradual curve; departures are the luck of the items"
    needs = "n, the items behind each score"

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:
        """Refer the raw departure to item noise alone."""
        del claim, outcomes
        raw = raw_curve(fits)
        if not isinstance(raw, str) and not _noise_known(raw.sample):
            raw = "the sampling variance of this unbounded metric is unknown"
        if isinstance(raw, str):
            return not_testable(self.name, self.null, raw)
        p, smallest_step = self._items_alone(fits, raw)
        effect = replace(raw.fit["effect"], p_value=p)
        survives = p < LEVEL and (effect.ci_lower or 0.0) > 0
        reason = (
            f"item noise alone gives such a departure with p = {p:.3f}; "
            f"steps below {smallest_step:.2f} would drown in it"
        )
        outcome: RivalOutcome = "survives" if survives else "inconclusive"
        found = of_raw(self.name, self.null, fits, outcome, reason, effect)
        return replace(found, estimates=(Estimate("smallest_visible_step", smallest_step),))

    def _items_alone(self, fits: Fits, raw: FittedThreshold) -> tuple[float, float]:
        """p-value under item noise alone, and the step that it would hide at psi."""
        sample, rng = raw.sample, fits.rng(self.name)
        observed = _fit_items(sample.score[None], raw)
        statistic = float(_supremum(observed, raw)[0])

        def draw(count: int) -> Floats:
            eta = np.repeat(observed.eta, count, axis=0)
            y = draw_scores(eta, Scatter.none(count), sample, rng)
            return _supremum(_fit_items(y, raw), raw)

        noise = sampling_variance(
            mean(observed.eta[0], sample.floor, binomial=sample.binomial), sample
        )
        visible = VISIBLE * float(np.sqrt(2 * np.median(noise)))
        return p_value(statistic, staged(statistic, draw, raw.plan.replicates)), visible


def _noise_known(sample: Sample) -> bool:
    """Whether the items' noise follows from their number, or from the scores of the items."""
    return sample.binomial or (sample.variance is not None and bool(sample.variance.any()))


def _fit_items(y: Floats, raw: FittedThreshold) -> NullFit:
    """The smooth null with item noise as the only variance."""
    slopes = raw.plan.slopes(raw.sample)
    fit = fit_two_level(y, raw.sample, slopes, Scatter.none(len(y)))
    return replace(fit, phi2=np.zeros(len(y)))


def _supremum(fit: NullFit, raw: FittedThreshold) -> Floats:
    """(B,) largest U^2 / S of an upward jump."""
    sample = raw.sample
    columns = threshold_columns(sample.x, sample.grid, raw.plan.shape)
    freedom = len(sample) - sample.design.shape[1]
    largest: Floats = scan(fit, sample, columns, freedom).explained.max(axis=1)
    return largest


RIVAL = SamplingNoise()
