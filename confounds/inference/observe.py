"""From cells to one row a model: what a curve is fitted to.

Cells of one model under several prompts, seeds or other pooled conditions are repeated
measures of that model: they are averaged, and never add items. A pooled column whose levels
are not shared evenly among the models keeps its own effect, as the share of each level in the
model's cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from confounds.inference.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.claim import Scale
    from confounds.inference.sample import Floats
    from confounds.measures import Measure

POOLED = (
    "tuning",
    "adaptation",
    "shots",
    "demonstrations",
    "reasoning",
    "prompt",
    "exposure",
    "distribution",
)
SPARE_FREEDOM = 5
"""Degrees of freedom that further fixed effects must leave."""
MIN_LEVEL = 2
"""Models that a level of a between-model factor needs for an effect of its own."""
EQUAL = 1e-9
BELOW_FLOOR = 2
"""Models significantly below chance that show that chance is no floor here."""


@dataclass(frozen=True, eq=False)
class Observation:
    """The models of one condition, and what was done to get them.

    Attributes:
        sample: one row a model, or None where no model of known scale is left.
        frame: the same rows as a table, with `model family scale score n chance majority`.
        condition: column -> value held fixed.
        unplaced: models left out because their scale is unknown.
        notes: what the reader of the numbers must know.
        flipped: True where a lower score is better and the sign was turned.
    """

    sample: Sample | None
    frame: pd.DataFrame
    condition: dict[str, Any]
    unplaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flipped: bool = False

    def why_not(self) -> str | None:
        """Why no threshold can be tested here, or None."""
        if self.sample is None:
            return "no model of known scale was run in this condition"
        return self.sample.why_not()


@dataclass
class _Draft:
    """Notes gathered on the way."""

    notes: list[str] = field(default_factory=list)


def in_condition(cells: pd.DataFrame, condition: Mapping[str, Any]) -> pd.DataFrame:
    """The cells whose columns are at the levels that are held fixed.

    Args:
        cells: has every column of the condition.
        condition: column -> value, or several of them.
    """
    kept = cells
    for name, value in condition.items():
        levels = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        kept = kept[kept[name].isin(list(levels))]
    return kept


def observe(
    cells: pd.DataFrame, measure: Measure, scale: Scale, condition: Mapping[str, Any]
) -> Observation:
    """One row a model for a task and metric under a condition.

    Args:
        cells: `Outcomes.cells()` of one task and one metric.
        measure: the metric's declaration.
        scale: the axis.
        condition: column -> value (or list of values) held fixed.
    """
    draft = _Draft()
    kept = _last_checkpoint(in_condition(cells, condition), condition, draft)
    unplaced = tuple(sorted(kept.loc[~(kept[scale] > 0), "model"].unique()))
    kept = kept[kept[scale] > 0]
    if kept.empty:
        return Observation(None, _empty_frame(), dict(condition), unplaced)
    models = _average(kept, scale)
    covariates, names = _covariates(kept, models, condition, draft)
    floor = _floor(models, measure, draft)
    flipped = not measure.higher_is_better
    score = models["score"].to_numpy(np.float64)
    binomial = measure.likelihood == "binomial"
    if flipped:
        score = 1 - score if binomial else -score
    sample = Sample(
        x=np.log10(models["scale"].to_numpy(np.float64)),
        score=score,
        n=models["n"].to_numpy(np.float64),
        floor=floor,
        family=pd.factorize(models["family"])[0].astype(np.int64),
        models=tuple(models["model"]),
        binomial=binomial,
        covariates=covariates,
        covariate_names=names,
        variance=_known_variance(models, binomial=binomial),
    )
    return Observation(sample, models, dict(condition), unplaced, tuple(draft.notes), flipped)


def _last_checkpoint(
    cells: pd.DataFrame, condition: Mapping[str, Any], draft: _Draft
) -> pd.DataFrame:
    """Checkpoints of one training run are one unit: keep the last, unless one is asked for."""
    known = cells["checkpoint"].notna()
    if "checkpoint" in condition or not known.any():
        return cells
    last = cells.groupby("model")["checkpoint"].transform("max")
    kept = cells[~known | (cells["checkpoint"] == last)]
    if len(kept) < len(cells):
        draft.notes.append("of each model the last checkpoint is used; earlier ones are no models")
    return kept


def _average(cells: pd.DataFrame, scale: str) -> pd.DataFrame:
    grouped = cells.groupby("model", sort=True, dropna=False)
    return pd.DataFrame(
        {
            "model": grouped["model"].first(),
            "family": grouped["family"].first(),
            "scale": grouped[scale].median(),
            "score": grouped["score"].mean(),
            "n": grouped["n"].median(),
            "chance": grouped["chance"].mean(),
            "majority": grouped["majority"].mean(),
            "variance": grouped["variance"].mean(),
            "tuning": grouped["tuning"].first(),
        }
    ).reset_index(drop=True)


def _covariates(
    cells: pd.DataFrame, models: pd.DataFrame, condition: Mapping[str, Any], draft: _Draft
) -> tuple[Floats | None, tuple[str, ...]]:
    """Centred shares of the levels of pooled columns that differ between models."""
    columns: list[Floats] = []
    names: list[str] = []
    x = np.log10(models["scale"].to_numpy(np.float64))
    basis = np.column_stack([np.ones(len(x)), x])
    for name in POOLED:
        if name in condition and not isinstance(condition[name], (list, tuple)):
            continue
        for level, share in _level_shares(cells, models, name).items():
            candidate = np.column_stack([basis, *columns, share])
            if np.linalg.matrix_rank(candidate, tol=1e-6) < candidate.shape[1]:
                draft.notes.append(f"the effect of {name} = {level} cannot be told from scale")
                continue
            if len(models) - candidate.shape[1] < SPARE_FREEDOM:
                draft.notes.append(f"{name} is pooled without an effect of its own: too few models")
                break
            columns.append(share)
            names.append(f"{name}={level}")
    return (np.column_stack(columns) if columns else None), tuple(names)


def _level_shares(cells: pd.DataFrame, models: pd.DataFrame, name: str) -> dict[str, Floats]:
    """Level -> (M,) centred share of the model's cells; only levels that differ between models."""
    values = cells[name].to_numpy()
    known = ~pd.isna(values)
    names = [f"{item:g}" if isinstance(item, float) else str(item) for item in values[known]]
    levels, codes = np.unique(names, return_inverse=True)
    if len(levels) < MIN_LEVEL:
        return {}
    place = {model: row for row, model in enumerate(models["model"])}
    rows = np.array([place[model] for model in cells["model"].to_numpy()[known]])
    counts = np.zeros((len(models), len(levels)))
    np.add.at(counts, (rows, codes), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    used = (shares > 0).sum(axis=0)
    most = int(used.argmax())
    return {
        str(level): shares[:, column] - shares[:, column].mean()
        for column, level in enumerate(levels)
        if column != most and used[column] >= MIN_LEVEL and np.ptp(shares[:, column]) > EQUAL
    }


def _floor(models: pd.DataFrame, measure: Measure, draft: _Draft) -> Floats:
    """Chance floor of the link: chance where a guesser earns it and no model lies below it."""
    none = np.zeros(len(models))
    if measure.likelihood != "binomial" or measure.chance != "uniform":
        return none
    chance = models["chance"].to_numpy(np.float64)
    if np.isnan(chance).all():
        draft.notes.append("chance is unknown; the curve's floor is 0")
        return none
    chance = np.where(np.isnan(chance), np.nanmean(chance), chance)
    n = np.maximum(models["n"].to_numpy(np.float64), 1)
    score = models["score"].to_numpy(np.float64)
    if not measure.higher_is_better:
        chance, score = 1 - chance, 1 - score
    successes = np.rint(score * n)
    below = int(np.sum(stats.binom.cdf(successes, n, chance) < 0.005))
    if below >= BELOW_FLOOR:
        draft.notes.append(
            f"{below} models lie significantly below chance (failures of scoring or "
            "of format); the curve's floor is 0, the baseline stays at chance"
        )
        return none
    floor: Floats = np.clip(chance, 0.0, 0.95)
    return floor


def _known_variance(models: pd.DataFrame, *, binomial: bool) -> Floats | None:
    """Sampling variance of the mean from item scores, where they exist and are not 0/1."""
    variance = models["variance"].to_numpy(np.float64)
    if np.isnan(variance).any():
        return None if binomial else np.zeros(len(models))
    if binomial:
        score = models["score"].to_numpy(np.float64)
        if np.all(variance >= 0.9 * score * (1 - score)):
            return None
    n = np.maximum(models["n"].to_numpy(np.float64), 1)
    known: Floats = variance / n + (0.25 / n**2 if binomial else 0.0)
    return known


def _empty_frame() -> pd.DataFrame:
    return pd.DataFrame(
        columns=[
            "model",
            "family",
            "scale",
            "score",
            "n",
            "chance",
            "majority",
            "variance",
            "tuning",
        ]
    )
