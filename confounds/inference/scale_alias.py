"""Which factor changes just where scale passes a threshold, so that a step there could be its own?

Where every base model is smaller than every chat model, a step between them and an effect of tuning
are one column of the design: no number of further models of the same kind tells which it is. A
factor that is pooled has an effect of its own in the curve (`observe`), so the test sees no step
there, however large.

Assumption: levels are named alike where they are alike. Nothing here looks at a score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference.companions import rows_of, word
from confounds.inference.observe import POOLED
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    import pandas as pd

    from confounds.claim import Scale
    from confounds.inference.sample import Sample
    from confounds.inference.threshold import FittedThreshold

EQUAL = 1e-6


def with_aliases(found: FittedThreshold, cells: pd.DataFrame, scale: Scale) -> FittedThreshold:
    """The test with factors aliased with scale as notes, and as `blocks` where it shows nothing.

    Args:
        found: the test of a condition.
        cells: `Outcomes.cells()` of its task and metric.
        scale: the axis.
    """
    reasons = scale_aliases(found, cells, scale)
    if not reasons:
        return found
    fit = replace(found.fit, notes=(*found.fit.notes, *reasons))
    if not fit.significant:
        fit = replace(fit, blocks=(*fit.blocks, *reasons))
    return replace(found, fit=fit)


def scale_aliases(found: FittedThreshold, cells: pd.DataFrame, scale: Scale) -> tuple[str, ...]:
    """A sentence for each pooled factor that is one with a step: what it is, and what would tell.

    The arguments are those of `with_aliases`.
    """
    sample, places = found.sample, aliased_factors(found.sample)
    rows = rows_of(cells, found.fit.condition, set(sample.models))
    return tuple(_sentence(rows, sample, (name, scale), psi) for name, psi in places.items())


def aliased_factors(sample: Sample) -> dict[str, float]:
    """Pooled factor -> log10 scale of the step that it is one with."""
    return {name: psi for name in POOLED if (psi := _aliased_at(sample, name)) is not None}


def _aliased_at(sample: Sample, name: str) -> float | None:
    """The first candidate threshold whose step the factor's covariates make up, or None."""
    columns = [
        place for place, own in enumerate(sample.covariate_names) if own.startswith(f"{name}=")
    ]
    if not columns or sample.covariates is None:
        return None
    basis = np.column_stack([np.ones(len(sample)), sample.covariates[:, columns]])
    steps = threshold_columns(sample.x, sample.grid, "step")
    left = steps - basis @ np.linalg.lstsq(basis, steps, rcond=None)[0]
    alike = np.flatnonzero(np.abs(left).max(axis=0) < EQUAL)
    return float(sample.grid[alike[0]]) if len(alike) else None


def _sentence(rows: pd.DataFrame, sample: Sample, names: tuple[str, str], psi: float) -> str:
    name, scale = names
    place = dict(zip(sample.models, sample.x, strict=True))
    larger = np.array([place[model] > psi for model in rows["model"]])
    below, above = (
        sorted(set(rows.loc[side, name].dropna()), key=str) for side in (~larger, larger)
    )
    wanted = [
        f"models with {name} = {word(level)} above it" for level in below if level not in above
    ]
    wanted += [
        f"models with {name} = {word(level)} below it" for level in above if level not in below
    ]
    told = " or ".join(wanted) or f"models with the same mix of {name} on both sides of it"
    levels = [", ".join(map(word, side)) for side in (below, above)]
    return (
        f"{name} and {scale} change together ({name} is {levels[0]} below {10**psi:.2g} and "
        f"{levels[1]} above): a step there cannot be told from an effect of {name}; {told} "
        "would tell"
    )
