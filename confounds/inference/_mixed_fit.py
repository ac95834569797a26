"""Fitting the crossed mixed model and saying what came out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import special

from confounds.errors import InputError
from confounds.inference._mixed_design import Booleans, Floats, MixedDesign
from confounds.inference._mixed_information import BOUNDARY, Uncertainty
from confounds.inference._mixed_kernel import expected_score
from confounds.inference._mixed_laplace import usable_curvature
from confounds.inference._mixed_optimum import (
    SD_START,
    Summit,
    climb_full,
    climb_restricted,
    observed_covariance,
)
from confounds.inference._mixed_problem import Columns, Problem, State, prepare
from confounds.notebook import Shown
from confounds.results import TIDY_COLUMNS, Estimate

# A standard error beyond this many logits (at its column's largest value): the fixed effect
# has run off to where the likelihood is flat.
RUNAWAY = 50.0
# A standard deviation known no better than by this multiple of itself has no interval.
UNKNOWN = 3.0
# A climb that starts at 0 would not leave it.
SD_LEAST_START = 0.05
# Degrees of freedom beyond which Student's t is the normal.
MANY = 1e6


@dataclass(frozen=True, eq=False)
class MixedFit(Shown):
    """One fitted mixed model.

    Attributes:
        design: what was fitted.
        estimates: fixed effects in the order of the terms (logit units), maximum likelihood,
            with t intervals on Satterthwaite degrees of freedom.
        components: standard deviations `sd_item`, `sd_model`, ... (logit units), maximum
            likelihood; one at the boundary 0, or hardly known, has no interval.
        restricted_sd: the same by restricted likelihood, which standard errors rest on.
        degrees: degrees of freedom per term; infinite where many.
        covariance: of the fixed effects, shape [terms, terms].
        covariance_ml: the same from the Hessian of the full likelihood, as lme4 reports it:
            too small with few models.
        log_likelihood: Laplace, binomial coefficients of the rows included.
        restricted_log_likelihood: the same with the fixed effects integrated out, at
            `restricted_sd`; for comparing designs of the same terms.
        effects: predicted effects per component: `item` [items], `model` [models], `family`
            [families], `model:condition` [conditions, models].
        converged: whether both climbs came to rest off infinity.
        notes: what the reader of the numbers must know.
        uncertainty: from which contrasts get their variance and degrees of freedom.
    """

    design: MixedDesign = field(repr=False)
    estimates: tuple[Estimate, ...]
    components: tuple[Estimate, ...]
    restricted_sd: tuple[float, ...]
    degrees: tuple[float, ...]
    covariance: Floats = field(repr=False)
    covariance_ml: Floats = field(repr=False)
    log_likelihood: float
    restricted_log_likelihood: float
    effects: dict[str, Floats] = field(repr=False)
    converged: bool
    notes: tuple[str, ...]
    uncertainty: Uncertainty = field(repr=False)

    def __getitem__(self, term: str) -> Estimate:
        for estimate in (*self.estimates, *self.components):
            if estimate.term == term:
                return estimate
        known = ", ".join(item.term for item in (*self.estimates, *self.components))
        msg = f"no estimate '{term}'; there are: {known}"
        raise KeyError(msg)

    @property
    def coefficients(self) -> Floats:
        """The fixed effects, shape [terms]."""
        return np.array([item.estimate for item in self.estimates], dtype=np.float64)

    @property
    def parameters(self) -> int:
        """Number of fixed effects and standard deviations."""
        return len(self.estimates) + len(self.components)

    def tidy(self) -> pd.DataFrame:
        """A row per fixed effect, then a row per standard deviation."""
        rows = [
            {name: getattr(item, name) for name in TIDY_COLUMNS}
            for item in (*self.estimates, *self.components)
        ]
        return pd.DataFrame(rows, columns=list(TIDY_COLUMNS))

    def glance(self) -> pd.DataFrame:
        """One row; BIC counts models, the sampling unit, not rows."""
        models = len(np.unique(self.design.model))
        deviance = -2.0 * self.log_likelihood
        row = {
            "log_likelihood": self.log_likelihood,
            "aic": deviance + 2.0 * self.parameters,
            "bic": deviance + float(np.log(models)) * self.parameters,
            "models": models,
            "families": self.design.families,
            "items": len(np.unique(self.design.item)),
            "rows": self.design.rows,
            "converged": self.converged,
        }
        return pd.DataFrame([row])

    def predict(self, *, conditional: bool = True) -> Floats:
        """The expected score of every row, shape [rows].

        Args:
            conditional: with the predicted effects of its model, family and item; otherwise
                with effects of 0, the typical model on the typical item.
        """
        eta = linear_predictor(self.design, self.coefficients)
        if conditional:
            eta = eta + row_effects(self.design, self.effects)
        return expected_score(eta, self.design.floor, self.design.ceiling)


def fit_mixed(design: MixedDesign, *, start: MixedFit | None = None) -> MixedFit:
    """What do scale, conditions and items do to the chance of success, and how surely?

    The model is that of `MixedDesign`. Two climbs with exact gradients: the restricted
    Laplace likelihood gives the standard deviations on which standard errors and degrees of
    freedom rest; the full one gives the estimates and the log-likelihood (at floor 0 and
    ceiling 1 those of lme4's `glmer` with nAGQ = 1), and its Hessian. Standard errors carry the
    uncertainty of the standard deviations; intervals are t on Satterthwaite degrees of
    freedom, which come to the number of models less the between-model terms where an effect
    varies between models only, also where no variance between them was found.

    What would break it: model or family effects far from normal with few models; an effect
    of a condition that differs between models when `model_by_condition` is off (its
    interval is then too narrow).

    Args:
        design: rows, indices, terms, bounds.
        start: a fit of a similar design to start from, such as the last psi of a profile.

    Raises:
        InputError: terms that are linear combinations of one another.
    """
    scale, problem = standardised(prepare(design))
    return _describe(design, problem, _climb(design, problem, start, scale), scale)


def maximum_log_likelihood(
    design: MixedDesign, *, start: MixedFit | None = None, restricted: bool = False
) -> float:
    """The log-likelihood of `fit_mixed`, restricted or not, and nothing else of the fit."""
    scale, problem = standardised(prepare(design))
    if restricted:
        _check_rank(problem, design)
        state, sd = starting_values(problem, design, start, scale)
        return climb_restricted(problem, state, sd)[0].point.value
    return _climb(design, problem, start, scale)[1].point.value


def _climb(
    design: MixedDesign, problem: Problem, start: MixedFit | None, scale: Floats
) -> tuple[Summit, Summit, Uncertainty]:
    _check_rank(problem, design)
    state, sd = starting_values(problem, design, start, scale)
    restricted, known = climb_restricted(problem, state, sd)
    return restricted, climb_full(problem, restricted.point.mode, known), known


def linear_predictor(design: MixedDesign, beta: Floats) -> Floats:
    """The fixed part of eta per row, shape [rows]."""
    eta = np.zeros(design.rows)
    for term, value in zip(design.terms, beta, strict=True):
        column: float | Floats = float(value)
        if term.model is not None:
            column = column * term.model[design.model]
        if term.item is not None:
            column = column * term.item[design.item]
        if term.condition is not None and design.condition is not None:
            column = column * term.condition[design.condition]
        eta += column
    return eta


def row_effects(design: MixedDesign, effects: dict[str, Floats]) -> Floats:
    """The sum of all effects per row, shape [rows]."""
    total = effects["item"][design.item] + effects["model"][design.model]
    if design.family is not None:
        total = total + effects["family"][design.family[design.model]]
    if design.model_by_condition and design.condition is not None:
        total = total + effects["model:condition"][design.condition, design.model]
    return np.asarray(total)


def standardised(problem: Problem) -> tuple[Floats, Problem]:
    """Column scales, shape [terms], and the problem with every column divided by its own."""
    columns = problem.columns
    unit, item = np.abs(columns.unit).max(axis=0), np.abs(columns.item).max(axis=0)
    unit[unit == 0.0] = 1.0
    item[item == 0.0] = 1.0
    scaled = Columns(columns.unit / unit, columns.item / item)
    return unit * item, replace(problem, columns=scaled)


def _check_rank(problem: Problem, design: MixedDesign) -> None:
    gram = problem.gram(problem.cells.counts.trials)
    for j, term in enumerate(design.terms):
        before = gram[:j, :j]
        fitted = np.linalg.lstsq(before, gram[:j, j], rcond=None)[0] if j else np.zeros(0)
        if gram[j, j] - gram[:j, j] @ fitted <= 1e-9 * max(gram[j, j], 1.0):
            others = ", ".join(item.name for item in design.terms[:j]) or "nothing"
            msg = (
                f"term '{term.name}' is constant 0 or a linear combination of the terms before "
                f"it ({others}) on these rows; leave one of them out"
            )
            raise InputError(msg)


def starting_values(
    problem: Problem, design: MixedDesign, start: MixedFit | None, scale: Floats
) -> tuple[State, Floats]:
    """Effects and standard deviations to climb from: those of `start` where they fit."""
    if start is None or start.design.components != design.components:
        return problem.start(), np.array(SD_START[: len(design.components)])
    sd = np.maximum(np.array(start.restricted_sd), SD_LEAST_START)
    group, item = _group_effects(start), start.effects["item"]
    if not start.converged or group.shape != (problem.groups,) or len(item) != problem.items:
        return problem.start(), sd
    held = dict(zip((term.name for term in start.design.terms), start.coefficients, strict=True))
    beta = np.array([held.get(term.name, 0.0) for term in design.terms])
    return State(beta * scale, group, item), sd


def _group_effects(fit: MixedFit) -> Floats:
    group = fit.effects["model"]
    if fit.design.family is not None:
        group = group + fit.effects["family"][fit.design.family]
    if fit.design.model_by_condition:
        group = (group + fit.effects["model:condition"]).ravel()
    return np.asarray(group)


def _describe(
    design: MixedDesign,
    problem: Problem,
    climbs: tuple[Summit, Summit, Uncertainty],
    scale: Floats,
) -> MixedFit:
    restricted, full, known = climbs
    terms = problem.terms
    scaled_beta, sd = full.point.place[:terms], full.point.place[terms:]
    runaway = np.sqrt(np.diag(known.covariance)) > RUNAWAY
    known, observed = _stretched(problem, full, known)
    known = known.in_units(scale)
    degrees = tuple(known.degrees(axis) for axis in np.eye(terms))
    beta = scaled_beta / scale
    errors = np.sqrt(np.diag(known.covariance))
    notes = _notes(design, runaway, sd, climbs=(restricted, full))
    return MixedFit(
        design=design,
        estimates=tuple(
            _estimate(term.name, float(beta[j]), float(errors[j]), degrees[j])
            for j, term in enumerate(design.terms)
        ),
        components=_components(design, sd, known),
        restricted_sd=tuple(float(value) for value in restricted.point.place),
        degrees=degrees,
        covariance=known.covariance,
        covariance_ml=observed / np.outer(scale, scale),
        log_likelihood=full.point.value,
        restricted_log_likelihood=restricted.point.value,
        effects=_effects(design, problem, full),
        converged=restricted.converged and full.converged and not runaway.any(),
        notes=notes,
        uncertainty=known,
    )


def _stretched(problem: Problem, full: Summit, known: Uncertainty) -> tuple[Uncertainty, Floats]:
    """The restricted uncertainty with the curvature of the full likelihood, and the latter's.

    Standard errors of the working linear model are a little short of those of the likelihood's
    Hessian; the ratio at the maximum (standard deviations known) is carried over.
    """
    observed, alone = observed_covariance(problem, full, known)
    mode = full.point.mode
    shape, _ = usable_curvature(problem, mode.prior, (mode.eta, mode.weight), terms=True)
    working = np.diag(shape.covariance())[problem.groups :]
    return known.in_units(np.sqrt(working / np.diag(alone))), observed


def _estimate(term: str, value: float, error: float, degrees: float) -> Estimate:
    statistic = value / error
    known = min(degrees, MANY)
    half = float(special.stdtrit(known, 0.975)) * error
    return Estimate(
        term=term,
        estimate=value,
        std_error=error,
        statistic=statistic,
        p_value=float(2.0 * special.stdtr(known, -abs(statistic))),
        ci_lower=value - half,
        ci_upper=value + half,
    )


def _components(design: MixedDesign, sd: Floats, known: Uncertainty) -> tuple[Estimate, ...]:
    errors = np.sqrt(np.diag(known.of_sd))
    rows = []
    for name, value, error in zip(design.components, sd, errors, strict=True):
        if value <= BOUNDARY or not 0.0 < error < UNKNOWN * value:
            rows.append(Estimate(f"sd_{name}", float(value)))
            continue
        ratio = float(np.exp(1.959964 * error / value))
        rows.append(
            Estimate(
                f"sd_{name}",
                float(value),
                std_error=float(error),
                ci_lower=float(value) / ratio,
                ci_upper=float(value) * ratio,
            )
        )
    return tuple(rows)


def _effects(design: MixedDesign, problem: Problem, full: Summit) -> dict[str, Floats]:
    mode = full.point.mode
    weighted = mode.prior.precision @ mode.state.group
    effects = {"item": mode.state.item}
    for name, sd, kernel in zip(
        design.components[1:], mode.prior.sd[1:], problem.kernels, strict=True
    ):
        group = sd**2 * (kernel @ weighted)
        if name == "model":
            effects[name] = group[: design.models]
        elif name == "family":
            family = np.asarray(design.family)
            first = [int(np.argmax(family == f)) for f in range(design.families)]
            effects[name] = group[first]
        else:
            effects[name] = group.reshape(design.conditions, design.models)
    return effects


def _notes(
    design: MixedDesign, runaway: Booleans, sd: Floats, *, climbs: tuple[Summit, Summit]
) -> tuple[str, ...]:
    notes = []
    far = [term.name for term, gone in zip(design.terms, runaway, strict=True) if gone]
    if far:
        notes.append(
            f"{', '.join(far)} ran off to infinity: scores lie at the floor, at the ceiling or "
            "are separated by a term, and the logit scale identifies nothing there"
        )
    elif not all(climb.converged for climb in climbs):
        notes.append("the likelihood's maximum was not reached; the numbers are approximate")
    at_zero = [n for n, s in zip(design.components, sd, strict=True) if s <= BOUNDARY]
    if at_zero:
        notes.append(f"no variance was found between levels of {', '.join(at_zero)}")
    return tuple(notes)
