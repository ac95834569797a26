"""General capability: where does a model stand on the other tasks, the claim's own left out?

Two axes. *Components*: the first principal component of the standardised scores on the other tasks,
taken on the logit above chance (Ruan et al. 2024: about 80 % of the variance over benchmarks lies
along it, and within a family it is linear in log compute). *Loss*: the first component of minus the
losses, or log perplexities, on other tasks (Du et al. 2024: absent above a pre-training loss,
present below). The claim's task is never part of its own axis. An axis is expressed in the decades
of scale that models of one family need on average for as much of it, so that `gradual` keeps its
meaning (Ruan et al. use equivalent compute alike).

An axis that is measured with error hides steps along it and leaves steps beside it, so its
reliability is computed for what it says beyond scale: Cronbach's alpha of the tasks' residuals once
level, scale, and the step at the raw threshold are projected out.

Estimand: where each model stands on the first component of the other tasks, in decades of scale;
and how reliable that is beyond scale.

Formula: the score of a model on the first right singular vector of the standardised logits above
chance (models x tasks); alpha = T / (T - 1) (1 - sum of task variances / variance of their sum), of
the T tasks' residuals.

Assumption that would break it: the claim's task shares with the others nothing but general
capability.

Source: Ruan et al. 2024 (arXiv 2405.10938); Du et al. 2024 (arXiv 2403.15796); Cronbach 1951.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from confounds.inference._nested import has_fixed_effects
from confounds.inference.sample import threshold_columns
from confounds.outcomes import Outcomes
from confounds.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.inference.fits import Fits
    from confounds.inference.sample import Flags, Floats, Ints, Sample
    from confounds.measures import Measure

MIN_TASKS = 3
COVERAGE = 0.8
"""Share of the claim's models that a task must have been put to."""
EDGE = 0.02
"""Share of the way from chance to 1 below which a score says nothing on the logit."""
LOSSES = ("loss", "perplexity")


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of capability for the models that have it.

    Attributes:
        name: what it is, for people.
        rows: rows of the claim's sample.
        value: (M',) capability of these models, higher is better.
        scores: (M', J) the standardised logits of the scores behind it.
    """

    name: str
    rows: Ints
    value: Floats
    scores: Floats

    @property
    def measures(self) -> int:
        """Number of scores behind it."""
        return int(self.scores.shape[1])

    def reliability(self, sample: Sample, psi: float) -> float:
        """Cronbach's alpha beyond level, scale and the step at psi; 1 for a single measure."""
        count = self.scores.shape[1]
        if count == 1:
            return 1.0
        x = sample.x[self.rows]
        step = threshold_columns(x, np.array([psi]), "step")
        design = np.column_stack([np.ones(len(x)), x, step])
        rest = self.scores - design @ np.linalg.lstsq(design, self.scores, rcond=None)[0]
        total = float(rest.sum(axis=1).var())
        if total <= 0:
            return 0.0
        alpha = count / (count - 1) * (1 - float(rest.var(axis=0).sum()) / total)
        return float(max(alpha, 0.0))

    def sample_along(self, sample: Sample) -> Sample:
        """The claim's models with the axis, in decades, in place of scale."""
        kept = sample.take(self.rows)
        return replace(kept, x=self.in_decades(kept))

    def sample_beside(self, sample: Sample) -> Sample:
        """The claim's models with the axis as a covariate beside scale."""
        kept = sample.take(self.rows)
        own = self.value - self.value.mean()
        further = [] if kept.covariates is None else list(kept.covariates.T)
        names = ("capability", *kept.covariate_names)
        return replace(kept, covariates=np.column_stack([own, *further]), covariate_names=names)

    def in_decades(self, kept: Sample) -> Floats:
        """(M',) the scale at which models of one family have this capability on average."""
        design = np.column_stack([np.ones(len(kept)), kept.x - kept.x.mean()])
        if has_fixed_effects(kept):
            design = np.hstack([design, kept.membership[:, 1:]])
        slope = float(np.linalg.lstsq(design, self.value, rcond=None)[0][1])
        return np.asarray(kept.x.mean() + (self.value - self.value.mean()) / slope)


def capability_axes(fits: Fits) -> tuple[Axis, ...] | str:
    """The axes that this table gives the claim's models, or why there are none."""
    sample = fits.raw_observation.sample
    if sample is None:
        return "no model of known scale was run in this condition"
    table = _other_tasks(fits, sample.models)
    if not table.columns:
        return "the table has no other task for these models"
    losses = [place for place, column in enumerate(table.columns) if column[1] in LOSSES]
    found = []
    if losses:
        found.append(_axis("the loss on other tasks", table.of(losses)))
    tasks = _one_metric_a_task(table, fits.claim.metric)
    if len(tasks) >= MIN_TASKS:
        name = f"the first principal component of {len(tasks)} other tasks"
        found.append(_axis(name, table.of(tasks)))
    usable = tuple(axis for axis in found if axis is not None and _grows(axis, sample))
    if not usable:
        return (
            f"capability needs a loss, or {MIN_TASKS} other tasks, that grow with scale; "
            f"the table has {plural(len(tasks), 'other task')}"
        )
    return usable


@dataclass(frozen=True, eq=False)
class _Table:
    """Scores on a scale that does not saturate, higher is better.

    Attributes:
        columns: task and metric of each, sorted.
        scores: (columns, M), NaN where unknown.
        varies: (columns,) whether the scores differ between models.
    """

    columns: list[tuple[str, str]]
    scores: Floats
    varies: Flags

    def of(self, places: list[int]) -> Floats:
        """(M, some columns) scores."""
        return self.scores[places].T

    def without(self, task: str) -> _Table:
        """All but one task."""
        kept = [place for place, column in enumerate(self.columns) if column[0] != task]
        if len(kept) == len(self.columns):
            return self
        columns = [self.columns[place] for place in kept]
        return _Table(columns, self.scores[kept], self.varies[kept])


def _other_tasks(fits: Fits, models: tuple[str, ...]) -> _Table:
    """The other tasks' scores in the order of the claim's models.

    The claim's condition holds where a task was run in it; else the task's rows are pooled. Of
    every model the last checkpoint that the other tasks have. Where there are none, the scores are
    of the table, not of the claim: they are worked out once for all claims that ask.
    """
    frame, condition = fits.outcomes.frame, fits.claim.condition
    if frame["checkpoint"].notna().any():
        frame = frame[(frame["task"] != fits.claim.task) & frame["model"].isin(models)]
        last = frame.groupby("model")["checkpoint"].transform("max")
        frame = frame[frame["checkpoint"].isna() | (frame["checkpoint"] == last)]
        return _straight(_averaged(_alike(frame, condition)), _averaged(frame), fits, models)
    kept = _KEPT.setdefault(fits.outcomes, _Kept({}, {}))
    key = tuple(sorted(map(str, condition.items())))
    if () not in kept.means:
        kept.means[()] = _averaged(frame)
    if key not in kept.means:
        kept.means[key] = _averaged(_alike(frame, condition))
    if (key, models) not in kept.tables:
        kept.tables.clear()
        kept.tables[key, models] = _straight(kept.means[key], kept.means[()], fits, models)
    return kept.tables[key, models].without(fits.claim.task)


def _straight(alike: _Means, every: _Means, fits: Fits, models: tuple[str, ...]) -> _Table:
    """Every task and metric that enough of the models were put to."""
    straight = {}
    for column in every.places:
        score, chance = alike.of(column, models)
        if np.isnan(score).all():
            score, chance = every.of(column, models)
        if (~np.isnan(score)).mean() >= COVERAGE:
            straight[column] = _straighten(score, chance, fits.measure(column[1]))
    scores = np.array(list(straight.values())).reshape(-1, len(models))
    varies = pd.DataFrame(scores.T).std().to_numpy() > 0
    return _Table(list(straight), scores, varies)


@dataclass(frozen=True, eq=False)
class _Means:
    """Mean score and chance of every model on every task and metric.

    Attributes:
        rows: model -> row.
        places: (task, metric) -> column, sorted.
        score: (models + 1, columns); the last row is for models that are not there.
        chance: the same.
    """

    rows: dict[str, int]
    places: dict[tuple[str, str], int]
    score: Floats
    chance: Floats

    def of(self, column: tuple[str, str], models: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Scores and chance (M,) of some models on one task and metric; NaN where unknown."""
        place = self.places.get(column)
        if place is None:
            nothing = np.full(len(models), np.nan)
            return nothing, nothing
        rows = [self.rows.get(model, -1) for model in models]
        return self.score[rows, place], self.chance[rows, place]


@dataclass(frozen=True, eq=False)
class _Kept:
    """What was worked out of one table for all claims.

    Attributes:
        means: condition -> means.
        tables: condition and models -> scores on a scale that does not saturate; only the last
            asked for, since tables of models that differ by task would pile up.
    """

    means: dict[tuple[str, ...], _Means]
    tables: dict[tuple[tuple[str, ...], tuple[str, ...]], _Table]


_KEPT: WeakKeyDictionary[Outcomes, _Kept] = WeakKeyDictionary()
"""Table -> what was worked out; of 1,000 tasks every claim asks for the other 999."""


def _alike(frame: pd.DataFrame, condition: Mapping[str, Any]) -> pd.DataFrame:
    for name, value in condition.items():
        frame = frame[frame[name] == value]
    return frame


def _averaged(frame: pd.DataFrame) -> _Means:
    """Means over the rows of a frame, which may have none."""
    if frame.empty:
        return _Means({}, {}, np.empty((1, 0)), np.empty((1, 0)))
    values, keys = ["score", "chance"], ["task", "metric"]
    found = frame.pivot_table(values, "model", keys, "mean", dropna=False).sort_index(axis=1)
    tables = [found[value].to_numpy(np.float64) for value in values]
    unknown = np.full((1, len(found["score"].columns)), np.nan)
    score, chance = (np.vstack([table, unknown]) for table in tables)
    rows = {str(model): row for row, model in enumerate(found.index)}
    names: list[tuple[str, str]] = found["score"].columns.to_list()
    columns = {name: at for at, name in enumerate(names)}
    return _Means(rows, columns, score, chance)


def _straighten(score: Floats, chance: Floats, measure: Measure) -> Floats:
    """(M,) scores on a scale that does not saturate, higher is better.

    The logit of the share of what lies above chance, kept off its ends, for scores in [0, 1]; the
    logarithm of a perplexity; other metrics as they are. A component of saturating scores would
    bend every curve that is drawn against it.
    """
    if measure.name == "perplexity":
        score = np.log(score)
    if not measure.higher_is_better:
        return -score
    if measure.likelihood != "binomial":
        return score
    floor = np.zeros(len(score))
    if measure.chance == "uniform" and not np.isnan(chance).all():
        floor = np.where(np.isnan(chance), np.nanmean(chance), chance)
    share = np.clip((score - floor) / (1 - floor), EDGE, 1 - EDGE)
    straight: Floats = np.log(share / (1 - share))
    return straight


def _one_metric_a_task(table: _Table, metric: str) -> list[int]:
    """The claim's metric where a task has it, else the task's first; only scores that vary."""
    chosen: dict[str, int] = {}
    for place, (task, scored) in enumerate(table.columns):
        if scored in LOSSES or not table.varies[place]:
            continue
        if task not in chosen or scored == metric:
            chosen[task] = place
    return list(chosen.values())


def _axis(name: str, table: Floats) -> Axis | None:
    """First principal component of the standardised columns (M, J) over complete models."""
    complete = ~np.isnan(table).any(axis=1)
    values = table[complete]
    if len(values) < 3 or not np.all(values.std(axis=0) > 0):
        return None
    scores = (values - values.mean(axis=0)) / values.std(axis=0)
    _, _, loadings = np.linalg.svd(scores, full_matrices=False)
    first = loadings[0] * (1.0 if loadings[0].sum() >= 0 else -1.0)
    return Axis(name, np.flatnonzero(complete), scores @ first, scores)


def _grows(axis: Axis, sample: Sample) -> bool:
    """Whether larger models of a family stand higher on it."""
    kept = sample.take(axis.rows)
    along = axis.in_decades(kept)
    return bool(np.isfinite(along).all() and np.cov(along, axis.value)[0, 1] > 0)
