"""The threshold test: is the curve sharper than gradual growth, and by how much?

Null: score follows a smooth curve of log10 scale (by default a logistic with chance floor
whose 10-90 % transition takes at least `gradual` decades), with random models and families.
Alternative: a step (or a change of slope) somewhere. The supremum F over all thresholds is
referred to two parametric bootstraps (`_reference`); "significant" is two-level p < .05 and,
where families have enough models, family-fixed-effect p < .10.

The curve goes on to 1, or to the ceiling that the claim declares; one that levels off below reads
as a step, so whoever calls a departure shown asks `ceiling.over_ceilings` too.

Estimand: psi, the scale at which a step adds most beyond gradual growth, and that step in score
points, mu(eta + delta) - mu(eta) at psi.

Formula: eta = a + b x + delta h(x; psi) + u_family + v_model with b <= 4.394 / gradual. F = (Q0 -
Q1) / max(Q1 / (M - p - 1), 1) with the sums of squares Q1 of the curve with a step at psi and Q0 of
the nearest smooth curve of p coefficients, on the score scale under the covariance of the former
(`_refit`); of more than 48 models, and on an unbounded metric, F of delta in weighted least squares
(`_scan`). The statistic is the
supremum over psi, upward steps only for a claim of emergence, and p = (1 + #{F* >= F}) / (B + 1).

Assumption that would break it: the random effects are normal on the link scale, and scale is known.
Size at .05 where the smooth curve is as steep as it may be: both tests together at most .06; where
no check is possible, .04 to .08, most where each of 12 models is its own family
(`benchmarks/threshold_size.py`).

Source: Davies 1977, 1987; Andrews 1993; Hansen 1996, 2000 (threshold tests and the inversion for
psi); Gallant 1975 (F of nested nonlinear regressions); Patterson & Thompson 1971 (variances).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._effect import Profile, ThresholdCurve, own_curve, own_profile
from confounds.inference._inversion import invert, kink_and_excess, threshold_estimate
from confounds.inference._lines import smooth_line, threshold_line
from confounds.inference._nested import has_fixed_effects
from confounds.inference._null import Slopes
from confounds.inference._plan import PRIMARY_LEVEL, TestPlan, is_significant, with_null
from confounds.inference._reference import (
    bootstrap,
    bootstrap_two_level,
    own_levels,
    p_value,
)
from confounds.inference._width import width_estimate
from confounds.inference.ceiling import p_values, with_declared
from confounds.inference.sample import Sample, threshold_columns
from confounds.results import Estimate, ThresholdFit

if TYPE_CHECKING:
    from confounds.inference.change import Place
    from confounds.inference.sample import Floats

SHARPNESS_REPLICATES = 99
SHARPNESS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, eq=False)
class FittedThreshold:
    """A threshold test with what later steps need of it.

    Attributes:
        sample: the models tested, with the null's extra columns as covariates.
        fit: the frozen answer.
        psi: log10 scale of the threshold.
        kept: candidate thresholds that are not rejected.
        curve: the fitted curve at psi.
        profile: sum of squares as a function of the effect.
        plan: how it was run.
    """

    sample: Sample
    fit: ThresholdFit
    psi: float
    kept: Floats
    curve: ThresholdCurve
    profile: Profile
    plan: TestPlan

    def no_surer_than(self, p: float, note: str) -> FittedThreshold:
        """The same test where a further one gives the p-value `p`: the larger counts."""
        p = max(p, self.fit.p_two_level)
        effect = _searched(self.fit["effect"], p)
        fit = replace(
            self.fit,
            estimates=tuple(effect if one.term == "effect" else one for one in self.fit.estimates),
            p_two_level=p,
            significant=is_significant(p, self.fit.p_fixed_effect),
            notes=(*self.fit.notes, note),
        )
        return replace(self, fit=fit)


def test_threshold(
    sample: Sample,
    plan: TestPlan,
    condition: dict[str, object] | None = None,  # noqa: PT028  no test of pytest's
) -> FittedThreshold:
    """Test for a threshold at an unknown scale.

    Args:
        sample: one row a model; `sample.why_not()` must be None.
        plan: null, shape, replicates, seed.
        condition: what was held fixed, for the record.

    Returns:
        p-values, the threshold with its interval (inverted test, calibrated by simulation
        from the fitted threshold curve), the effect in score points with its interval over
        all thresholds in that set, width, kink and excess.

    Raises:
        ValueError: the sample cannot be tested; ask `why_not` first.
    """
    reason = sample.why_not()
    if reason is not None:
        raise ValueError(reason)
    rng = np.random.default_rng(plan.seed)
    sample = with_null(sample, plan.null)
    columns = threshold_columns(sample.x, sample.grid, plan.shape)
    slopes, growth = plan.slopes(sample), plan.growth(sample)
    observed = own_levels(sample, columns, slopes)
    draws = bootstrap(observed, sample, columns, slopes, plan.replicates, rng)
    p, check, level = with_declared(sample, plan, p_values(observed, *draws))
    psi = float(sample.grid[observed.two_level_search.best[0]])
    curve = own_curve(sample, psi, plan.shape, growth)
    found = invert(sample, plan, observed, columns, curve, rng)
    profile = own_profile(sample, sample.grid[found.kept], psi, plan.shape, growth)
    fit = ThresholdFit(
        condition=dict(condition or {}),
        estimates=(
            threshold_estimate(sample, psi, found.kept, observed, p),
            _searched(effect_estimate(curve, profile), p),
            width_estimate(sample),
            *(kink_and_excess(sample, plan, curve, found.scores) if plan.detailed else ()),
        ),
        p_two_level=p,
        p_fixed_effect=check,
        significant=is_significant(p, check),
        models=len(sample),
        families=sample.families,
        null=plan.sentence(sample),
        smooth=smooth_line(sample, observed.two_level),
        fitted=threshold_line(sample, curve, sample.grid[found.kept], plan.shape, growth),
        sharpness=sharpness_curve(sample, plan) if plan.detailed else (),
        notes=(*_notes(sample), *level),
    )
    return FittedThreshold(sample, fit, psi, sample.grid[found.kept], curve, profile, plan)


def _searched(effect: Estimate, p: float) -> Estimate:
    """The interval reaches to 0 where the test does not exclude that there is no step.

    The threshold was searched for: without a step, the interval over the thresholds that are kept
    leaves out 0 in a tenth of tables of 8 and 12 models and a fifth of 20, and this one in .02 to
    .06 (`benchmarks/interval_coverage.py`: `effect kept`, `effect`).
    """
    if p < PRIMARY_LEVEL or effect.ci_lower is None or effect.ci_upper is None:
        return effect
    return replace(effect, ci_lower=min(effect.ci_lower, 0.0), ci_upper=max(effect.ci_upper, 0.0))


def effect_estimate(curve: ThresholdCurve, profile: Profile, level: float = 0.95) -> Estimate:
    """The effect in score points with its inverted interval."""
    lower, upper = profile.interval(level)
    return Estimate(
        "effect",
        float(curve.effect[0]),
        p_value=profile.p_value(),
        ci_lower=lower,
        ci_upper=upper,
        level=level,
    )


def effect_at(
    sample: Sample, psi: float, plan: TestPlan, level: float = 0.95
) -> tuple[Estimate, Profile]:
    """The effect at a threshold fixed beforehand: no second search, any number of models >= 4."""
    sample = with_null(sample, plan.null)
    slopes = plan.growth(sample)
    curve = own_curve(sample, psi, plan.shape, slopes)
    profile = own_profile(sample, np.array([psi]), psi, plan.shape, slopes)
    return effect_estimate(curve, profile, level), profile


def effect_among(sample: Sample, place: Place, plan: TestPlan, smallest: float) -> Estimate:
    """The effect at psi, with the interval over every threshold that another condition keeps.

    Args:
        sample: a condition in which no threshold was searched for.
        place: threshold of the other condition, and those that its data do not reject.
        plan: null and shape.
        smallest: smallest effect of interest.

    Returns:
        `effect_among_kept` with the 90 % interval at whichever threshold it reaches furthest; its
        p-value is that of an effect of at least `smallest` there, below .05 where the interval
        ends below it.
    """
    sample = with_null(sample, plan.null)
    slopes = plan.growth(sample)
    curve = own_curve(sample, place.psi, place.shape, slopes)
    profiles = [
        own_profile(sample, np.array([psi]), place.psi, place.shape, slopes)
        for psi in place.searched(sample)
    ]
    ends = np.array([profile.interval(0.90) for profile in profiles])
    return replace(
        effect_estimate(curve, profiles[0], 0.90),
        term="effect_among_kept",
        p_value=max(profile.p_value(smallest) for profile in profiles) / 2,
        ci_lower=float(ends[:, 0].min()),
        ci_upper=float(ends[:, 1].max()),
    )


def sharpness_curve(sample: Sample, plan: TestPlan) -> tuple[tuple[float, float], ...]:
    """Two-level p-value as a function of `gradual`; inverts to an upper limit of the width."""
    if not sample.binomial or plan.null != "gradual":
        return ()
    columns = threshold_columns(sample.x, sample.grid, plan.shape)
    points = []
    for gradual in SHARPNESS:
        slopes = Slopes(upper=_link.TRANSITION / gradual)
        rng = np.random.default_rng(plan.seed)
        observed = own_levels(sample, columns, slopes)
        draws = bootstrap_two_level(observed, sample, columns, slopes, SHARPNESS_REPLICATES, rng)
        points.append((gradual, p_value(float(observed.two_level_search.sup[0]), draws)))
    return tuple(points)


def _notes(sample: Sample) -> tuple[str, ...]:
    notes = []
    if sample.families > 1 and not has_fixed_effects(sample):
        notes.append(
            "families have too few models for the family-fixed-effect check, and for a variance "
            "of their own: each model counts as independent, and nothing is called strong"
        )
    if sample.families == 1:
        notes.append("one family only: nothing is known about other families")
    return tuple(notes)
