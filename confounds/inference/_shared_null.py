"""One smooth null for many specifications: every score of the claim's task, drawn together.

Each metric and prompt of the task is a source with a smooth null of its own, fitted on the claim's
axis. Model and family effects are drawn with the correlation that they have between sources, so
that specifications hang together in the draws as they do in the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference import _link
from confounds.inference._crossing import correlation_root
from confounds.inference._nested import fit_nested
from confounds.inference._null import NullFit
from confounds.inference._plan import with_null
from confounds.inference._reference import draw_items

if TYPE_CHECKING:
    import pandas as pd

    from confounds.inference._plan import TestPlan
    from confounds.inference.sample import Floats, Ints, Sample


SMOOTH_PARAMETERS = 2


@dataclass(frozen=True, eq=False)
class Source:
    """The models under one metric and prompt.

    Attributes:
        sample: one row a model, on the claim's axis.
        frame: the same rows as a table.
        null: the smooth null, fitted.
        unit: score points that count as the whole range of the metric.
    """

    sample: Sample
    frame: pd.DataFrame
    null: NullFit
    unit: float


def source_of(sample: Sample, frame: pd.DataFrame, plan: TestPlan, unit: float) -> Source:
    """Fit the claim's smooth null to one source."""
    fitted = with_null(sample, plan.null)
    null = fit_nested(sample.score[None], fitted, plan.slopes(fitted)).two_level
    return Source(sample, frame, null, unit)


def draw_sources(sources: list[Source], replicates: int, rng: np.random.Generator) -> list[Floats]:
    """Scores (B, M) of every source under its null, effects correlated between sources."""
    models = sorted({name for item in sources for name in item.sample.models})
    place = {name: row for row, name in enumerate(models)}
    rows = [np.array([place[name] for name in item.sample.models]) for item in sources]
    family = np.zeros(len(models), dtype=np.int64)
    names = sorted({str(name) for item in sources for name in item.frame["family"]})
    for item, at in zip(sources, rows, strict=True):
        family[at] = [names.index(str(name)) for name in item.frame["family"]]
    root = correlation_root(_correlation(sources, rows))
    scale = np.sqrt(_variance_ratio(sources, replicates, rng))[:, None, None]
    own = scale * (root @ rng.standard_normal((replicates, len(root), len(models))))
    shared = scale * (root @ rng.standard_normal((replicates, len(root), len(names))))
    shared = shared[:, :, family]
    found = []
    for index, (item, at) in enumerate(zip(sources, rows, strict=True)):
        fit, sample = item.null, item.sample
        eta = fit.eta[0] + np.sqrt(fit.tau2[0]) * own[:, index, at]
        eta = eta + np.sqrt(fit.phi2[0]) * shared[:, index, at]
        mu = _link.mean(eta, sample.floor, binomial=sample.binomial)
        found.append(draw_items(mu, sample, rng, np.repeat(fit.rho, replicates)))
    return found


def _variance_ratio(sources: list[Source], replicates: int, rng: np.random.Generator) -> Floats:
    """(B,) true over estimated variance of the effects, as far as so many models can tell.

    The median effect is not in units of its error, so that drawing with the estimated variances
    as if they were known would reject a smooth truth too often; the size with them drawn is in
    `benchmarks/multiverse.py`.
    """
    freedom = max(max(len(item.sample) for item in sources) - SMOOTH_PARAMETERS, 3)
    ratio: Floats = freedom / rng.chisquare(freedom, replicates)
    return ratio


def _correlation(sources: list[Source], rows: list[Ints]) -> Floats:
    """Correlation of the effects, from residuals weighted by precision and freed of item noise."""
    found = np.eye(len(sources))
    for a, b in combinations(range(len(sources)), 2):
        _, at_a, at_b = np.intersect1d(rows[a], rows[b], return_indices=True)
        first, second = sources[a].null, sources[b].null
        weights = first.weight[0, at_a], second.weight[0, at_b]
        residuals = first.residual[0, at_a], second.residual[0, at_b]
        w = np.sqrt(weights[0] * weights[1])
        product = float((w * residuals[0] * residuals[1]).sum())
        moments = [
            float((w * (r**2 - 1 / own + fit.tau2[0])).sum())
            for r, own, fit in zip(residuals, weights, (first, second), strict=True)
        ]
        ceiling = np.sqrt(max(moments[0], 0.0) * max(moments[1], 0.0))
        found[a, b] = found[b, a] = np.clip(product / ceiling, 0, 1) if ceiling > 0 else 0.0
    return found
