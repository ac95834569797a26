"""A mixed model reduced to its models: one working score per model and condition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from confounds.inference._mixed_design import Floats, Integers, MixedDesign
from confounds.inference._mixed_fit import MixedFit, standardised, starting_values
from confounds.inference._mixed_laplace import find_mode
from confounds.inference._mixed_problem import Problem, prepare

LEAST_INFORMATION = 1e-2
"""A unit's logit is known to 10 logits at worst."""


@dataclass(frozen=True, eq=False)
class WorkingUnits:
    """What the items say of each model under each condition, items integrated out.

    To second order the log-likelihood of the units' logits is that of a normal `response`
    with mean (unit terms + model and family effects) and covariance `sampling`: a linear mixed
    model with as many rows as units, on which a search over thresholds costs nothing. Its
    generalised least squares are the fixed effects at the restricted mode.

    Attributes:
        response: working logit per unit, net of item effects and of terms over items.
        sampling: covariance of its sampling error, shape [units, units]; off the diagonal
            because units share items.
        effects: covariance of the model, family and model-by-condition effects at the
            restricted standard deviations, shape [units, units].
        model: index of the unit's model.
        condition: index of the unit's condition.
    """

    response: Floats
    sampling: Floats
    effects: Floats
    model: Integers
    condition: Integers


def working_units(fit: MixedFit) -> WorkingUnits:
    """The units of a fit: those (model, condition) pairs that have rows.

    Example:
        >>> from confounds.inference.mixed import MixedDesign, Term, fit_mixed
        >>> block = np.random.default_rng(0).binomial(1, 0.6, (6, 30, 2)).astype(float)
        >>> design = MixedDesign.from_block(block, terms=(Term("intercept"),))
        >>> working_units(fit_mixed(design)).response.shape
        (12,)
    """
    design = fit.design
    scale, problem = standardised(prepare(design))
    state, _ = starting_values(problem, design, fit, scale)
    prior = problem.prior(np.array(fit.restricted_sd))
    mode = find_mode(problem, prior, state, terms=True)
    layout, columns = problem.cells.layout, problem.columns
    ones = np.ones((problem.items, 1))
    asked = np.flatnonzero(layout.over_items(problem.cells.counts.trials, ones)[:, 0] > 0.0)
    of_units = np.ix_(asked, asked)
    information = _information(problem, mode.weight, prior.item_precision)[of_units]
    sampling = _inverse(information)
    slope = layout.over_items(mode.score, ones)[asked, 0]
    own = columns.unit_own
    eta = problem.by_unit(mode.state.group) + columns.unit[:, own] @ mode.state.beta[own]
    covariance: Floats = np.asarray(np.linalg.inv(prior.precision), dtype=np.float64)
    group = np.arange(problem.units) % problem.groups
    return WorkingUnits(
        response=eta[asked] + sampling @ slope,
        sampling=sampling,
        effects=covariance[np.ix_(group, group)][of_units],
        model=asked % design.models,
        condition=asked // design.models,
    )


def unit_terms(units: WorkingUnits, design: MixedDesign) -> Floats:
    """The terms that do not vary over items, at every unit, shape [units, those terms]."""
    columns = []
    for term in design.terms:
        if term.item is not None:
            continue
        column = np.ones(len(units.model))
        if term.model is not None:
            column = column * term.model[units.model]
        if term.condition is not None:
            column = column * term.condition[units.condition]
        columns.append(column)
    return np.column_stack(columns) if columns else np.zeros((len(units.model), 0))


def unit_kernels(units: WorkingUnits, design: MixedDesign) -> dict[str, Floats]:
    """Covariance of each component but `item` at unit variance, shape [units, units]."""
    groups = {"model": units.model}
    if design.family is not None:
        groups["family"] = design.family[units.model]
    if design.model_by_condition:
        groups["model:condition"] = np.arange(len(units.model))
    return {
        name: (group[:, None] == group[None, :]).astype(np.float64)
        for name, group in groups.items()
    }


def _inverse(information: Floats) -> Floats:
    """Inverse with every direction worth something: below a chance floor curvature can be negative.

    There the items say next to nothing, and the unit's logit gets a variance to match.
    """
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    kept = np.maximum(values, LEAST_INFORMATION)
    inverse: Floats = np.asarray((vectors / kept) @ vectors.T, dtype=np.float64)
    return inverse


def _information(problem: Problem, weight: Floats, item_precision: float) -> Floats:
    layout, columns = problem.cells.layout, problem.columns
    over = columns.over_items
    block = np.hstack(
        [
            layout.groups(weight, problem.units),
            (columns.item * layout.over_units(weight, columns.unit))[:, over],
        ]
    )
    item = layout.over_units(weight, np.ones((problem.units, 1)))[:, 0] + item_precision
    unit = layout.over_items(weight, np.ones((problem.items, 1)))[:, 0]
    cross = (layout.over_items(weight, columns.item) * columns.unit)[:, over]
    fixed = problem.gram(weight)[np.ix_(over, over)]
    inner = np.block([[np.diag(unit), cross], [cross.T, fixed]])
    schur = inner - block.T @ (block / item[:, None])
    units = problem.units
    if len(over) == 0:
        return np.asarray(schur)
    gone = schur[:units, units:] @ np.linalg.solve(schur[units:, units:], schur[units:, :units])
    return np.asarray(schur[:units, :units] - gone)
