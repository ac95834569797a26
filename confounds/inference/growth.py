"""Phase change or log-linear growth: which of the two, and can so few sizes tell?

Fu et al. (2022) ask it of four sizes, by eye. Two hypotheses of equal standing, neither of them the
null: *log-linear*, the claim's smooth null (on the link scale a line in log scale, with the slope
that gradual growth may have), and *phase change*, one level below a threshold and another above it.
Statistic: the supremum F for a step beyond log-linear growth. It is referred to draws of models,
families and items under both (Cox 1961, tests of separate families, by simulation as in Williams
1970): `p_log_linear` is how often log-linear growth gives as large a value, `p_phase_change` how
often a phase change with the levels found gives as small a one.

* phase change: p_log_linear < .05 <= p_phase_change. Log-linear: the reverse.
* neither: both are rejected, as by a jump upon a slope.
* cannot tell: neither is rejected. `power` says how often these very models would reject log-linear
  growth if the phase change were true.

Below eight models or five sizes there is no answer, whatever the curve looks like: through four
sizes a line has two degrees of freedom left and a jump at an unknown size none or one.

Estimand: how often each hypothesis gives a statistic as extreme as the one observed.

Formula: T = sup over psi of F of a step beyond a + b x; p_log_linear = (1 + #{T* >= T}) / (B + 1)
under log-linear growth, p_phase_change = (1 + #{T* <= T}) / (B + 1) under two levels.

Assumption that would break it: effects of models are normal on the link scale.

Source: Fu et al. 2022, A closer look at large language models' emergent abilities; Cox 1961;
Williams 1970.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._effect import fit_threshold
from confounds.inference._plan import with_null
from confounds.inference._reference import (
    bootstrap_two_level,
    draw_scores,
    fit_levels,
    own_levels,
    p_value,
)
from confounds.inference.sample import threshold_columns
from confounds.results import Estimate, Part

if TYPE_CHECKING:
    from confounds.inference._plan import TestPlan
    from confounds.inference._reference import Levels
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Sample
    from confounds.results import PartStatus

LEVEL = 0.05
REPLICATES = 399
POWERFUL = 0.8


def raw_growth(fits: Fits) -> Part:
    """Phase change or log-linear, for the claim's own curve; see `growth_of`."""
    sample = fits.raw_observation.sample
    if sample is None:
        return Part("growth", "undecided", "no model of known scale was run in this condition")
    return growth_of(sample, replace(fits.plan, shape="step"), fits.rng("growth"))


def growth_of(sample: Sample, plan: TestPlan, rng: np.random.Generator) -> Part:
    """Does this curve change phase, or grow along a line?

    Returns:
        `growth`: passed for a phase change, failed for log-linear growth, undecided otherwise.
        Estimates: `p_log_linear` and `p_phase_change` (p-values), `power`.
    """
    reason = sample.why_not()
    if reason is not None:
        sizes = f"{sample.scales} sizes and {len(sample)} models cannot tell"
        return Part("growth", "undecided", f"{sizes} a phase change from a line: {reason}")
    sample = with_null(sample, plan.null)
    columns = threshold_columns(sample.x, sample.grid, "step")
    slopes = plan.slopes(sample)
    count = min(plan.replicates, REPLICATES)
    observed = own_levels(sample, columns, slopes)
    statistic = float(observed.two_level_search.sup[0])
    line = bootstrap_two_level(observed, sample, columns, slopes, count, rng)
    drawn = _phase_change(sample, plan, observed, count, rng)
    phase = fit_levels(drawn, sample, columns, slopes).two_level_search.sup
    p_line = p_value(statistic, line)
    p_phase = float((1 + np.count_nonzero(phase <= statistic + 1e-12)) / (count + 1))
    power = float((phase > np.quantile(line, 1 - LEVEL)).mean())
    status, reason = _say(p_line, p_phase, power, sample)
    shown = (
        Estimate("p_log_linear", None, statistic=statistic, p_value=p_line),
        Estimate("p_phase_change", None, statistic=statistic, p_value=p_phase),
        Estimate("power", power),
    )
    return Part("growth", status, reason, shown)


def _phase_change(
    sample: Sample, plan: TestPlan, observed: Levels, count: int, rng: np.random.Generator
) -> Floats:
    """(B, M) scores under one level below the best threshold and another above it."""
    psi = float(sample.grid[observed.two_level_search.best[0]])
    curve = fit_threshold(sample.score[None], sample, psi, "step", plan.growth(sample))
    above = sample.x > psi
    level = np.where(above, sample.score[above].mean(), sample.score[~above].mean())
    floor = np.full(len(sample), sample.floor.mean())
    eta = np.clip(_link.inverse(level, floor, binomial=sample.binomial), *_limits(sample))
    scatter = curve.fit.scatter.repeated(count)
    return draw_scores(np.repeat(eta[None], count, axis=0), scatter, sample, rng)


def _limits(sample: Sample) -> tuple[float, float]:
    limit = _link.ETA_LIMIT if sample.binomial else np.inf
    return -limit, limit


def _say(p_line: float, p_phase: float, power: float, sample: Sample) -> tuple[PartStatus, str]:
    p = f"log-linear p = {p_line:.3f}, phase change p = {p_phase:.3f}"
    if p_line < LEVEL <= p_phase:
        return "passed", f"a phase change: a line does not give such a jump ({p})"
    if p_phase < LEVEL <= p_line:
        return "failed", f"log-linear growth: a phase change would have shown ({p})"
    if max(p_line, p_phase) < LEVEL:
        return "undecided", f"neither a line nor a phase change, but something of both ({p})"
    text = f"{sample.scales} sizes of {len(sample)} models cannot tell ({p})"
    if power < POWERFUL:
        text += f"; they would show a phase change of these levels with probability {power:.2f}"
    return "undecided", text
