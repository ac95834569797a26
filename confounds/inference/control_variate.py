"""Control variates: how do the same models stand on the other tasks of the table?

A model that lies above the smooth trend on other tasks lies above it on this one, threshold or
not. Its departure there, as a covariate, takes that part of the variance between models away.

The step of a task is its own *only if the other tasks have no common step at the same scale*. No
weighting can lift that: a control residualised on the threshold column is orthogonal to the column,
so the step's coefficient and its noise stay exactly what they were (Frisch & Waugh 1933; Lovell
1963) and nothing is gained; a control that is not residualised takes a shared step away with the
noise. So the control itself is searched for a threshold first and is used only where it shows none,
which is where the two amount to the same.

The weights are those of a one-factor model of the other tasks (regression scores, Thomson 1951),
made without the scores of the task that is tested: nothing of it can leak into its own control,
and the coefficient is estimated again on every replicate. A task that a model lacks has no
weight for it; a model that lacks all has the control 0, the mean.

Estimand: the expected departure of each model on the task that is tested, given its departures on
the others.

Formula: the regression score of one factor: sum_t l_t r_t / sqrt(rho) / (1 + sum_t l_t), with
standardised departures r_t, rho the share that tasks have in common and
l_t = rho / max(1 / precision_t - rho, 1 - rho).

Assumption that would break it: the other tasks have no common step at the same scale.

Source: Thomson 1951 (regression scores); Frisch & Waugh 1933, Lovell 1963; Deng et al. 2013
(control variates in experiments).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._nested import fit_nested
from confounds.inference._null import Slopes
from confounds.inference._reference import p_value
from confounds.inference.sample import threshold_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.inference.sample import Flags, Floats, Sample

NAME = "control:other tasks"
MIN_TASKS = 2
MIN_MODELS = 12
"""Below it the degree of freedom that a control costs is worth what it explains."""
MIN_SHARED = 0.5
"""Of the models that must have a control."""
SCREEN_LEVEL = 0.25
"""Well above .05: a step in common that is overlooked costs this task its own, while a control
that is left out for nothing costs only the gain."""
SCREEN_DRAWS = 199
FURTHEST = 2.5
"""Link units that a departure counts at most: near floor and ceiling one can be any size."""
SHARES = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Departure:
    """Where models lie beside the smooth trend of one task, on the link scale.

    Attributes:
        models: names.
        residual: (M,) distance from the trend.
        sampling: (M,) its sampling variance.
        variance: between models, families included.
    """

    models: tuple[str, ...]
    residual: Floats
    sampling: Floats
    variance: float


@dataclass(frozen=True, eq=False)
class Control:
    """The control of one sample.

    Attributes:
        values: (M,) expected departure on any task, given the other tasks.
        share: of the variance between models that tasks have in common, as estimated.
        tasks: number of tasks behind it.
        covered: (M,) True where the model was seen on another task.
        threshold_p: p-value of a threshold, up or down, in the control itself.
    """

    values: Floats
    share: float
    tasks: int
    covered: Flags
    threshold_p: float

    def why_not(self) -> str | None:
        """Why the control is not used, or None."""
        if len(self.values) < MIN_MODELS:
            return f"a control needs {MIN_MODELS} models; there are {len(self.values)}"
        if self.covered.mean() < MIN_SHARED:
            return "less than half of the models were run on the other tasks"
        if self.threshold_p <= SCREEN_LEVEL:
            return (
                "the other tasks have a threshold of their own in common "
                f"(p = {self.threshold_p:.2g}), which a control would take away here"
            )
        return None


def departure_of(sample: Sample) -> Departure:
    """Where each model lies beside a logistic trend of any steepness."""
    y = sample.score[None]
    fit = fit_nested(y, sample, Slopes()).two_level
    variance = float(fit.tau2[0] + fit.phi2[0])
    sampling = 1 / fit.weight[0] - fit.tau2[0]
    reach = FURTHEST if sample.binomial else FURTHEST * np.sqrt(max(variance, 1e-300))
    return Departure(
        sample.models, np.clip(fit.residual[0], -reach, reach), sampling, max(variance, 1e-12)
    )


def control_variate(
    sample: Sample, departures: Sequence[Departure], rng: np.random.Generator
) -> Control | None:
    """The control of a sample from the departures of the same models on other tasks.

    Args:
        sample: the task that is tested; its scores are not looked at.
        departures: one a task, of two other tasks or more.
        rng: source of randomness of the search for a threshold in the control.

    Returns:
        The control, or None with fewer than two other tasks.
    """
    if len(departures) < MIN_TASKS:
        return None
    residual, precision = _standardised(sample.models, departures)
    share = _common_share(residual, precision)
    loading = share / np.maximum(1 / np.maximum(precision, 1e-12) - share, 1 - share)
    loading = np.where(precision > 0, loading, 0.0)
    values: Floats = (loading * residual).sum(axis=0) / np.sqrt(share) / (1 + loading.sum(axis=0))
    covered = np.asarray((precision > 0).any(axis=0), dtype=np.bool_)
    return Control(values, share, len(departures), covered, _threshold_p(values, sample, rng))


def with_control(sample: Sample, control: Control) -> Sample:
    """The sample with the control as a further fixed effect."""
    column = (control.values - control.values.mean())[:, None]
    covariates = column if sample.covariates is None else np.hstack([sample.covariates, column])
    return replace(sample, covariates=covariates, covariate_names=(*sample.covariate_names, NAME))


def _standardised(
    models: tuple[str, ...], departures: Sequence[Departure]
) -> tuple[Floats, Floats]:
    """(T, M) departures in units of their task's spread, and 1 / (1 + sampling variance).

    Both are 0 where a model was not run on a task.
    """
    place = {model: row for row, model in enumerate(models)}
    residual = np.zeros((len(departures), len(models)))
    precision = np.zeros_like(residual)
    for task, item in enumerate(departures):
        pairs = [(place[name], row) for row, name in enumerate(item.models) if name in place]
        if not pairs:
            continue
        here, there = np.array(pairs).T
        residual[task, here] = item.residual[there] / np.sqrt(item.variance)
        precision[task, here] = 1 / (1 + item.sampling[there] / item.variance)
    return residual, precision


def _common_share(residual: Floats, precision: Floats) -> float:
    """Share of the variance that tasks have in common, from the products of all their pairs."""
    weighted = precision * residual
    products = float((weighted.sum(axis=0) ** 2 - (weighted**2).sum(axis=0)).sum())
    weights = float((precision.sum(axis=0) ** 2 - (precision**2).sum(axis=0)).sum())
    return float(np.clip(products / max(weights, 1e-12), *SHARES))


def _threshold_p(values: Floats, sample: Sample, rng: np.random.Generator) -> float:
    """Whether the control has a threshold of either direction, against independent models."""
    columns = threshold_columns(sample.x, sample.grid, "step")
    drawn = np.vstack([values, rng.standard_normal((SCREEN_DRAWS, len(values)))])
    q, _ = np.linalg.qr(np.column_stack([np.ones(len(sample)), sample.x - sample.centre]))
    rest = drawn - (drawn @ q) @ q.T
    inner = columns - q @ (q.T @ columns)
    explained = ((rest @ inner) ** 2 / np.maximum((inner**2).sum(axis=0), 1e-12)).max(axis=1)
    ratio = explained / np.maximum((rest**2).sum(axis=1), 1e-300)
    return p_value(float(ratio[0]), ratio[1:])
