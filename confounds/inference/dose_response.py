"""Does the step grow with how often the items were seen in training?

Estimand: the change of the step at psi for a tenfold of (1 + times seen).

Formula: the least-squares slope of the step at each dose on log10(1 + dose), every dose weighing
the same; its variance is (G - 1) / G times the sum of squares of the G slopes with one cluster left
out, about their mean.

A step that the
models owe to items seen often has a positive slope; one that is theirs has a slope of 0.

The same models answer at every dose, so the steps are not independent. The interval is a
delete-one-cluster jackknife of the whole slope with Student's t (Efron & Tibshirani 1993, ch. 11):
whole families are left out where there are at least `MIN_CLUSTERS`, else models.

Assumption that would break it: items seen often differ from items seen rarely in nothing else
(frequent items may be easier), and the step is linear in the logarithm of the dose.

Source: Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 11; Razeghi et al. 2022
(arXiv 2202.07206) relate accuracy to how often terms were seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.inference._effect import fit_threshold
from confounds.inference._plan import with_null
from confounds.inference.sample import MIN_SIDE
from confounds.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.inference._plan import TestPlan
    from confounds.inference.sample import Floats, Sample

MIN_CLUSTERS = 6
MIN_DOSES = 2
TERM = "step_per_tenfold_dose"


def dose_trend(samples: Mapping[float, Sample], psi: float, plan: TestPlan) -> Estimate | None:
    """Slope of the step on log10(1 + dose), in score points, with its 95 % interval.

    Args:
        samples: times seen -> the models' scores on items seen so often.
        psi: log10 scale at which the step is taken.
        plan: the claim's null and shape.

    Returns:
        The slope with its jackknife interval and p-value, or None where fewer than two doses
        have models on both sides of psi.
    """
    kept = {dose: item for dose, item in samples.items() if _has_both_sides(item, psi)}
    if len(kept) < MIN_DOSES:
        return None
    doses = np.array(sorted(kept), dtype=np.float64)
    models = [with_null(kept[dose], plan.null) for dose in doses]
    z = np.log10(1 + doses)
    slope = _slope(z, np.array([_step(item, psi, plan) for item in models]))
    left_out = [_slope_without(names, models, z, psi, plan) for names in _clusters(models)]
    values = np.array([value for value in left_out if value is not None])
    groups = len(values)
    if groups < MIN_CLUSTERS:
        return Estimate(TERM, slope)
    error = float(np.sqrt((groups - 1) / groups * ((values - values.mean()) ** 2).sum()))
    half = float(stats.t.ppf(0.975, groups - 1)) * error
    p = float(2 * stats.t.sf(abs(slope) / error, groups - 1)) if error > 0 else None
    return Estimate(TERM, slope, error, p_value=p, ci_lower=slope - half, ci_upper=slope + half)


def _clusters(samples: list[Sample]) -> list[frozenset[str]]:
    """The models that are left out together: families, or single models where those are few."""
    members: dict[int, set[str]] = {}
    for sample in samples:
        for name, family in zip(sample.models, sample.family, strict=True):
            members.setdefault(int(family), set()).add(name)
    if len(members) >= MIN_CLUSTERS:
        return [frozenset(names) for _, names in sorted(members.items())]
    return [frozenset([name]) for name in sorted(set().union(*members.values()))]


def _slope_without(
    names: frozenset[str], samples: list[Sample], z: Floats, psi: float, plan: TestPlan
) -> float | None:
    """The slope once some models are left out, or None where psi then has a bare side."""
    steps = []
    for sample in samples:
        rest = sample.take([row for row, name in enumerate(sample.models) if name not in names])
        if not _has_both_sides(rest, psi):
            return None
        steps.append(_step(rest, psi, plan))
    return _slope(z, np.array(steps))


def _step(sample: Sample, psi: float, plan: TestPlan) -> float:
    curve = fit_threshold(sample.score[None], sample, psi, plan.shape, plan.growth(sample))
    return float(curve.effect[0])


def _slope(z: Floats, steps: Floats) -> float:
    centred = z - z.mean()
    return float((centred * steps).sum() / (centred**2).sum())


def _has_both_sides(sample: Sample, psi: float) -> bool:
    above = int((sample.x > psi).sum())
    return min(above, len(sample) - above) >= MIN_SIDE
