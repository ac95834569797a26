"""Do other defensible choices agree? The specification curve and its joint test.

Every combination of scale axis, metric, smooth null, shape, chance floor, prompt and exclusion
(`_choices`) gives an effect, a step in shares of its metric's range, and a p-value. Whether the
curve as a whole is more than its choices could make of a smooth truth is tested as Simonsohn,
Simmons & Nelson (2020, Nature Human Behaviour 4:1208-1214) do: data are drawn under the null,
once per replicate for all specifications, every specification is run on them, and the observed
median effect and share of significant specifications are referred to those of the draws.

Null: score follows the claim's smooth null on the claim's axis, for every metric and prompt, with
model and family effects correlated between them (`_shared_null`). All p-values here are ranks among
the observed and the drawn data sets alike, so that specifications are valid under the same null
whatever axis or curve they take for granted.

Assumption that would break it: the specifications answer one question. A linear metric under which
nothing emerges is a choice here and a rival explanation elsewhere (`metric_choice`): the curve
shows both, and says which.

Estimand: the median effect over specifications and the share that are significant, with their joint
p-values.

Formula: p = (1 + #{median* >= median}) / (B + 1) over draws of one smooth null on which every
specification is run; likewise for the share.

Source: Simonsohn, Simmons & Nelson 2020, Nature Human Behaviour 4:1208-1214.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from confounds.exploration import Multiverse, Specification
from confounds.inference._choices import MAJORITY, Choices, Garden, choose, lay_out
from confounds.inference._effect import effect_profile, fit_threshold
from confounds.inference._nested import fit_nested
from confounds.inference._own_threshold import Scanned, own_effects
from confounds.inference._plan import with_null
from confounds.inference._scan import sharpen
from confounds.inference._shared_null import Source, draw_sources, source_of
from confounds.inference.sample import threshold_columns
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.claim import Shape, SmoothNull
    from confounds.inference._plan import TestPlan
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Floats, Sample

REPLICATES = 199
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Run:
    """One specification on the observed and all drawn data sets.

    Attributes:
        choices: what was chosen.
        statistic: (B + 1,) supremum F, of the observed data first.
        effect: (B + 1,) step as a share of the range.
        sample: the models analysed.
        plan: null and shape.
        psi: log10 scale of the observed threshold.
        unit: score points that count as the whole range.
    """

    choices: Choices
    statistic: Floats
    effect: Floats
    sample: Sample
    plan: TestPlan
    psi: float
    unit: float


def specification_curve(fits: Fits) -> Multiverse:
    """Run every defensible specification, and test them jointly.

    Returns:
        specifications sorted by effect, `median_effect` (over specifications of the claim's own
        shape: what a step and a hinge add are not one quantity) and `share_significant` with
        their joint p-values, and what could not be varied; a reason instead where the raw
        condition cannot be tested.
    """
    if fits.raw is None:
        reason = fits.raw_observation.why_not() or "the raw condition cannot be tested"
        return Multiverse(reason=reason)
    garden = lay_out(fits)
    rng = fits.rng("multiverse")
    chosen, how = choose(garden, fits, rng)
    runs = run_all(fits, garden, chosen, rng)
    left_out = list(garden.left_out)
    if len(runs) < len(chosen):
        left_out.append(
            f"{len(chosen) - len(runs)} specifications have too few scales to be tested"
        )
    p = ranks(runs)[:, 0]
    shown = [_specification(fits, garden, run, float(p[row])) for row, run in enumerate(runs)]
    shown.sort(key=lambda item: (item.effect.estimate or 0.0, sorted(item.choices.items())))
    median, share = joint_test(runs, fits.claim.shape)
    own = [item.effect.estimate for item in shown if item.choices["shape"] == fits.claim.shape]
    joint = (replace(median, estimate=float(np.median(np.array(own, np.float64)))), share)
    notes = (how, _error_note(len(runs[0].statistic) - 1))
    return Multiverse(tuple(shown), joint, tuple(left_out), notes=notes)


def run_all(
    fits: Fits, garden: Garden, chosen: list[Choices], rng: np.random.Generator
) -> list[Run]:
    """Every specification that can be tested, on the observed and on the same drawn data sets."""
    keys = sorted({(item["metric"], item["prompt"]) for item in chosen})
    sources = {key: _source(fits, key[0], garden.observed[key]) for key in keys}
    replicates = min(REPLICATES, fits.settings.replicates)
    drawn = draw_sources(list(sources.values()), replicates, rng)
    data = {
        key: np.vstack([source.sample.score[None], y])
        for (key, source), y in zip(sources.items(), drawn, strict=True)
    }
    runs: list[Run] = []
    for group in _groups(chosen):
        key = (group[0]["metric"], group[0]["prompt"])
        runs += _run_group(fits, garden, group, sources[key], data[key])
    return runs


def joint_test(runs: list[Run], shape: str) -> tuple[Estimate, ...]:
    """The median effect and the share significant, referred to those of the drawn data sets.

    The median is over quicker fits than are shown, the same for observed and drawn data.

    Args:
        runs: specifications on the observed and the drawn data.
        shape: of the specifications whose median effect is taken.
    """
    alike = np.array([run.effect for run in runs if run.choices["shape"] == shape])
    significant = (ranks(runs) <= LEVEL + 1e-9).mean(axis=0)
    return (
        _joint("median_effect", np.median(alike, axis=0)),
        _joint("share_significant", significant),
    )


def ranks(runs: list[Run]) -> Floats:
    """(S, B + 1) p-values: share of the data sets whose statistic is at least as large."""
    found = []
    for run in runs:
        below = np.searchsorted(np.sort(run.statistic), run.statistic - 1e-12)
        found.append((len(below) - below) / len(below))
    return np.array(found)


def _joint(term: str, values: Floats) -> Estimate:
    """The observed value, the first, among those drawn under the null."""
    p = float((values >= values[0] - 1e-12).mean())
    return Estimate(term, float(values[0]), p_value=p)


def _source(fits: Fits, metric: str, observation: Observation) -> Source:
    """The models under one metric and prompt, with the claim's smooth null."""
    sample = cast("Sample", observation.sample)
    measure = fits.measure(metric)
    unit = measure.upper - measure.lower if measure.bounded else float(np.ptp(sample.score))
    return source_of(sample, observation.frame, fits.plan, unit)


def _groups(chosen: list[Choices]) -> list[list[Choices]]:
    """Specifications that differ in shape only share one fit of the null."""
    groups: dict[tuple[tuple[str, str], ...], list[Choices]] = {}
    for item in chosen:
        key = tuple((name, value) for name, value in item.items() if name != "shape")
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def _run_group(
    fits: Fits, garden: Garden, group: list[Choices], source: Source, y: Floats
) -> list[Run]:
    first = group[0]
    plan = replace(fits.plan, null=cast("SmoothNull", first["null"]))
    sample, rows = _analysed(fits, first, garden.excluded[first["excluded"]], source)
    if sample.why_not() is not None:
        return []
    sample = with_null(sample, plan.null)
    y = y[:, rows]
    null = fit_nested(y, sample, plan.slopes(sample)).two_level
    found = []
    for choices in group:
        plan = replace(plan, shape=cast("Shape", choices["shape"]))
        columns = threshold_columns(sample.x, sample.grid, plan.shape)
        scan = sharpen(null, sample, columns, len(sample) - sample.design.shape[1])
        scanned = Scanned(y, sample, null, scan, columns)
        effect = own_effects(scanned, plan.shape, plan.growth(sample)) / source.unit
        psi = float(sample.grid[scan.best[0]])
        found.append(Run(choices, scan.sup, effect, sample, plan, psi, source.unit))
    return found


def _analysed(
    fits: Fits, choices: Choices, excluded: frozenset[str], source: Source
) -> tuple[Sample, list[int]]:
    """The sample of one specification, and its rows in the source."""
    sample = source.sample
    if choices["scale"] != fits.claim.scale:
        scale = fits.cells(choices["metric"]).groupby("model")[choices["scale"]].median()
        sample = replace(sample, x=np.log10(scale[list(sample.models)].to_numpy(np.float64)))
    if choices["floor"] == MAJORITY:
        majority = source.frame["majority"].to_numpy(np.float64)
        higher = np.fmax(sample.floor, np.minimum(majority, 0.95))
        sample = replace(sample, floor=higher)
    rows = [row for row, name in enumerate(sample.models) if name not in excluded]
    return sample.take(rows), rows


def _specification(fits: Fits, garden: Garden, run: Run, p: float) -> Specification:
    """One point of the curve; the claim's own choices show the effect reported of them."""
    default = run.choices == garden.default
    if default and fits.raw is not None and run.sample.binomial:
        return Specification(run.choices, replace(fits.raw.fit["effect"], p_value=p), p, default)
    return Specification(run.choices, replace(_effect(run), p_value=p), p, default)


def _effect(run: Run) -> Estimate:
    """The observed effect at its threshold, with the interval that effects have elsewhere."""
    slopes = run.plan.growth(run.sample)
    score = run.sample.score[None]
    curve = fit_threshold(score, run.sample, run.psi, run.plan.shape, slopes)
    place = np.array([run.psi])
    profile = effect_profile(run.sample, place, run.plan.shape, slopes, curve)
    low, high = profile.interval(0.95)
    estimate = float(curve.effect[0]) / run.unit
    return Estimate("effect", estimate, ci_lower=low / run.unit, ci_upper=high / run.unit)


def _error_note(replicates: int) -> str:
    error = float(np.sqrt(LEVEL * (1 - LEVEL) / replicates))
    return (
        f"p-values are ranks among {replicates} draws of one smooth null shared by all "
        f"specifications: simulation error {error:.3f} at {LEVEL:g}, none below "
        f"{1 / (replicates + 1):.3f}"
    )
