"""All combinations of confounds switched on and off: the same models, drawn together.

Every combination is one condition of the claim, observed and fitted at the raw threshold. For
intervals, scores are drawn from all the fitted curves at once: the effects of models and of
families keep the correlation that they have between conditions, and a cell that two combinations
share (base models, with tuning on and off) is drawn once for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._effect import ThresholdCurve, fit_threshold
from confounds.inference._null import FIRST_VARIANCE
from confounds.inference._plan import with_null
from confounds.inference._reference import draw_items
from confounds.inference._variances import moment_step
from confounds.inference.sample import MIN_MODELS, MIN_SIDE
from confounds.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from confounds.inference._plan import TestPlan
    from confounds.inference.factors import Factor
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.inference.sample import Floats, Ints, Sample

Subset = frozenset[str]
MAX_FACTORS = 4
CURVE_PARAMETERS = 3
DIFFERENCE_STEPS = 20
POOLING_STEPS = 3


@dataclass(frozen=True, eq=False)
class Combination:
    """One combination of confounds switched off.

    Attributes:
        off: names of the factors that are off.
        sample: its models, at most those that every combination has.
        block: which of the drawn blocks holds its cells.
        rows: its models' rows in that block.
        curve: fitted with a threshold at the raw psi.
    """

    off: Subset
    sample: Sample
    block: int
    rows: Ints
    curve: ThresholdCurve


@dataclass(frozen=True, eq=False)
class Crossing:
    """Every combination, and what the drawing needs.

    Attributes:
        factors: what is switched.
        combinations: 2^K of them, the raw condition first.
        blocks: position of the combination that each block is drawn from.
        families: model -> family.
        psi: log10 scale of the raw threshold.
        plan: shape and null.
        left_out: models of the raw condition that some combination lacks.
    """

    factors: tuple[Factor, ...]
    combinations: tuple[Combination, ...]
    blocks: tuple[int, ...]
    families: dict[str, str]
    psi: float
    plan: TestPlan
    left_out: tuple[str, ...] = ()

    def __getitem__(self, off: Subset) -> Combination:
        return next(item for item in self.combinations if item.off == off)

    @property
    def drawn(self) -> tuple[Combination, ...]:
        """The combination behind each block of drawn cells."""
        return tuple(self.combinations[item] for item in self.blocks)

    def effects(self, blocks: Sequence[Floats]) -> dict[Subset, Floats]:
        """(B,) effects of each combination for B data sets drawn by `draw`."""
        found = {}
        for item in self.combinations:
            y = blocks[item.block][:, item.rows]
            slopes = self.plan.growth(item.sample)
            start = item.curve.fit.eta
            found[item.off] = fit_threshold(
                y, item.sample, self.psi, self.plan.shape, slopes, start
            ).effect
        return found

    def draw(self, replicates: int, rng: np.random.Generator) -> list[Floats]:
        """Scores (B, M) of every block, from the fitted curves."""
        models = sorted({name for item in self.drawn for name in item.sample.models})
        names = sorted({self.families[name] for name in models})
        family = np.array([names.index(self.families[name]) for name in models])
        place = {name: row for row, name in enumerate(models)}
        rows = [np.array([place[name] for name in item.sample.models]) for item in self.drawn]
        curves = [item.curve for item in self.drawn]
        tau2, phi2 = _pool_variances(curves)
        root = correlation_root(_correlation(curves, rows, tau2 + phi2))
        own = rng.standard_normal((replicates, len(root), len(models)))
        shared = rng.standard_normal((replicates, len(root), len(names)))[:, :, family]
        effects = root @ (np.sqrt(tau2) * own + np.sqrt(phi2) * shared)
        found = []
        for index, item in enumerate(self.drawn):
            eta = item.curve.fit.eta[0] + effects[:, index, rows[index]]
            mu = _link.mean(eta, item.sample.floor, binomial=item.sample.binomial)
            rho = np.repeat(item.curve.fit.rho, replicates)
            found.append(draw_items(mu, item.sample, rng, rho))
        return found


def cross(fits: Fits, factors: tuple[Factor, ...], psi: float) -> Crossing | str:
    """Observe and fit every combination, or say why that cannot be done."""
    samples: dict[Subset, Sample] = {}
    families: dict[str, str] = {}
    for off in subsets(factors):
        found = _observe(fits, factors, off)
        if found.sample is None:
            return f"no model was run with {describe(factors, off)}"
        samples[off] = found.sample
        families |= dict(zip(found.frame["model"], found.frame["family"], strict=True))
    kept = _shared_models(samples, factors)
    cut: dict[Subset, Sample] = {}
    for off, sample in samples.items():
        rows = [row for row, name in enumerate(sample.models) if name in kept[off]]
        reason = _too_few(sample, rows, psi)
        if reason is not None:
            return f"{reason} ({_fewest(samples, factors, off)})"
        cut[off] = with_null(sample.take(rows), fits.plan.null)
    combined, blocks = combine(cut, factors, psi, fits.plan)
    left_out = tuple(sorted(set(samples[frozenset()].models) - set(cut[frozenset()].models)))
    return Crossing(factors, combined, blocks, families, psi, fits.plan, left_out)


def subsets(factors: Sequence[Factor]) -> Iterator[Subset]:
    """Every set of factors to switch off, the empty one first."""
    names = [item.name for item in factors]
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            yield frozenset(chosen)


def describe(factors: Sequence[Factor], off: Subset) -> str:
    """A combination in words, such as `0 shots, exposure = memorized`."""
    words = {f.name: f.controlled if f.name in off else f.confounded for f in factors}
    return ", ".join(
        word if name in word.split() else f"{name} = {word}" for name, word in words.items()
    )


def _fewest(samples: dict[Subset, Sample], factors: Sequence[Factor], off: Subset) -> str:
    """Of the combinations that a block of models has to have, the one with the fewest."""
    between = frozenset(item.name for item in factors if item.between)
    alike = [other for other in samples if other & between == off & between]
    least = min(alike, key=lambda other: len(samples[other]))
    return f"fewest, {len(samples[least])}, with {describe(factors, least)}"


def _observe(fits: Fits, factors: Sequence[Factor], off: Subset) -> Observation:
    changes: dict[str, object] = {}
    metric = None
    for factor in factors:
        if factor.name in off:
            changes |= factor.changes
            metric = factor.metric or metric
    return fits.observe(changes, metric)


def _shared_models(
    samples: dict[Subset, Sample], factors: Sequence[Factor]
) -> dict[Subset, set[str]]:
    """Models that were run in every combination of the factors that act within models."""
    between = frozenset(item.name for item in factors if item.between)
    shared: dict[Subset, set[str]] = {}
    for off, sample in samples.items():
        key = off & between
        models = set(sample.models)
        shared[key] = shared[key] & models if key in shared else models
    return {off: shared[off & between] for off in samples}


def _too_few(sample: Sample, rows: list[int], psi: float) -> str | None:
    above = int((sample.x[rows] > psi).sum())
    if len(rows) < MIN_MODELS:
        were = "was" if len(rows) == 1 else "were"
        return f"{plural(len(rows), 'model')} {were} run in every combination; {MIN_MODELS} needed"
    if min(above, len(rows) - above) < MIN_SIDE:
        side = "above" if above < MIN_SIDE else "below"
        return f"fewer than {MIN_SIDE} models {side} the raw threshold were run in all combinations"
    return None


def combine(
    samples: dict[Subset, Sample], factors: Sequence[Factor], psi: float, plan: TestPlan
) -> tuple[tuple[Combination, ...], tuple[int, ...]]:
    """Fit every combination, and find the block of cells that each is part of."""
    between = frozenset(item.name for item in factors if item.between)
    found: list[Combination] = []
    blocks: list[int] = []
    for off, sample in samples.items():
        slopes = plan.growth(sample)
        curve = fit_threshold(sample.score[None], sample, psi, plan.shape, slopes)
        block, rows = len(blocks), np.arange(len(sample))
        for index, position in enumerate(blocks):
            wide = found[position]
            if wide.off - between == off - between and set(sample.models) <= set(
                wide.sample.models
            ):
                place = {name: row for row, name in enumerate(wide.sample.models)}
                block, rows = index, np.array([place[name] for name in sample.models])
                break
        else:
            blocks.append(len(found))
        found.append(Combination(off, sample, block, rows, curve))
    return tuple(found), tuple(blocks)


def _pool_variances(curves: Sequence[ThresholdCurve]) -> tuple[float, float]:
    """Variance between models and between families, on the link scale, over all blocks.

    Each block's estimate counts by what it tells: a curve flat at chance tells next to nothing.
    Conditions differ less in these variances than a few models can show; kept apart, two
    conditions that share every effect seem to differ (intervals are wider than needed).
    """
    tau2, phi2 = (np.array([getattr(c.fit, name)[0] for c in curves]) for name in ("tau2", "phi2"))
    noise = [1 / curve.fit.weight[0] - curve.fit.tau2[0] for curve in curves]
    pooled = float(np.median(tau2 + phi2))
    information = np.ones(len(curves))
    for _ in range(POOLING_STEPS):
        information = np.array([(1 / (item + pooled + 1e-12) ** 2).sum() for item in noise])
        information = information / information.sum()
        pooled = float(information @ (tau2 + phi2))
    return float(information @ tau2), float(information @ phi2)


def _correlation(curves: Sequence[ThresholdCurve], rows: Sequence[Ints], variance: float) -> Floats:
    """Correlation of model and family effects between blocks, from the working residuals.

    It is had from the variance of the within-model difference, beyond its item noise (Paule &
    Mandel 1982): where two conditions share all of the effects, that variance is known to be
    near 0, while a correlation of noisy residuals is only known to be below 1.
    """
    found = np.eye(len(curves))
    for a, b in combinations(range(len(curves)), 2):
        _, at_a, at_b = np.intersect1d(rows[a], rows[b], return_indices=True)
        if len(at_a) > CURVE_PARAMETERS and variance > 0:
            apart = _difference_variance(curves[a], curves[b], at_a, at_b)
            found[a, b] = found[b, a] = np.clip(1 - apart / (2 * variance), 0, 1)
    return found


def _difference_variance(
    first: ThresholdCurve, second: ThresholdCurve, at_first: Ints, at_second: Ints
) -> float:
    """Variance of the within-model difference of two conditions' effects, on the link scale."""
    pairs = ((first.fit, at_first), (second.fit, at_second))
    difference = np.subtract(*(fit.residual[0, at] for fit, at in pairs))[None]
    noise = sum(1 / fit.weight[0, at] - fit.tau2[0] for fit, at in pairs)
    variance = np.full(1, FIRST_VARIANCE)
    freedom = len(at_first) - CURVE_PARAMETERS
    for _ in range(DIFFERENCE_STEPS):
        w = (1 / np.maximum(noise + variance, 1e-12))[None]
        variance = moment_step(variance, difference**2 * w, w, freedom)
    return float(variance[0])


def correlation_root(correlation: Floats) -> Floats:
    """A square root of the nearest matrix that is a correlation."""
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    size = np.sqrt((root**2).sum(axis=1, keepdims=True))
    scaled: Floats = root / np.maximum(size, 1e-12)
    return scaled
