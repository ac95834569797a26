"""Climbing the Laplace log-likelihood: restricted over standard deviations, then full.

Both climbs are quasi-Newton with exact gradients from a metric that is already nearly right
(the information of the working linear model), so that a handful of evaluations suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from confounds.inference._mixed_design import Floats, Integers
from confounds.inference._mixed_information import BOUNDARY, Uncertainty, uncertainty
from confounds.inference._mixed_laplace import Mode, find_mode, gradient, laplace
from confounds.inference._mixed_problem import Problem, State

SD_START = (0.8, 0.5, 0.3, 0.3)
SD_LOWEST = 1e-4
# Largest change of a standard deviation, and of a (standardised) fixed effect, in one step.
LARGEST_SD_STEP, LARGEST_BETA_STEP = 1.0, 5.0
# A climb ends when a full step would gain less than this much log-likelihood.
CLIMB_TOLERANCE = 1e-7
CLIMB_STEPS = 60
# Step of the differenced Hessian, in standard errors.
DIFFERENCE = 0.1


@dataclass(frozen=True, eq=False)
class Point:
    """One evaluation: where, how high, how steep, and the mode found there."""

    place: Floats
    value: float
    slope: Floats
    mode: Mode


@dataclass(frozen=True, eq=False)
class Summit:
    """Where a climb ended and whether it came to rest."""

    point: Point
    converged: bool


Objective = Callable[[Floats, State], Point]


def climb_restricted(problem: Problem, start: State, sd: Floats) -> tuple[Summit, Uncertainty]:
    """The restricted maximum over standard deviations, and the uncertainty there."""

    def objective(at: Floats, state: State) -> Point:
        mode = find_mode(problem, problem.prior(at), state, terms=True)
        _, slope = gradient(problem, mode, restricted=True)
        return Point(at, laplace(problem, mode, restricted=True), slope, mode)

    first = objective(sd, start)
    lowest = np.full(len(sd), SD_LOWEST)
    metric = _metric_of_sd(uncertainty(problem, first.mode))
    summit = climb(objective, first, metric, lowest)
    return summit, uncertainty(problem, summit.point.mode)


def climb_full(problem: Problem, restricted: Mode, known: Uncertainty) -> Summit:
    """The maximum over fixed effects and standard deviations, from the restricted one."""
    terms, sd = problem.terms, restricted.prior.sd
    objective = _full_objective(problem)
    first = objective(np.concatenate([restricted.state.beta, sd]), restricted.state)
    metric = np.zeros((terms + len(sd), terms + len(sd)))
    metric[:terms, :terms] = known.conditional
    metric[terms:, terms:] = _metric_of_sd(known)
    lowest = np.concatenate([np.full(terms, -np.inf), np.full(len(sd), SD_LOWEST)])
    return climb(objective, first, metric, lowest)


def observed_covariance(
    problem: Problem, summit: Summit, known: Uncertainty
) -> tuple[Floats, Floats]:
    """Covariance of the fixed effects from the Hessian at the full maximum.

    The Hessian is differenced from exact gradients. Where it is not positive definite (effects
    that ran away) the working linear model's covariance takes its place.

    Returns:
        With the standard deviations estimated, and with them known; both [terms, terms].
    """
    terms, top = problem.terms, summit.point
    objective = _full_objective(problem)
    errors = np.sqrt(np.concatenate([np.diag(known.conditional), np.diag(known.of_sd)]))
    free = np.flatnonzero(
        np.concatenate([np.ones(terms, dtype=bool), known.free & (top.place[terms:] > BOUNDARY)])
    )
    try:
        hessian = _differenced(objective, top, DIFFERENCE * errors, free)
    except np.linalg.LinAlgError:
        return known.conditional, known.conditional
    if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian)[0] <= 0.0:
        return known.conditional, known.conditional
    whole, alone = np.linalg.inv(hessian), np.linalg.inv(hessian[:terms, :terms])
    return np.asarray(whole[:terms, :terms]), np.asarray(alone)


def _differenced(objective: Objective, top: Point, steps: Floats, free: Integers) -> Floats:
    """Minus the Hessian at the top, over the free coordinates."""
    hessian = np.zeros((len(free), len(free)))
    for row, j in enumerate(free):
        step = np.zeros(len(top.place))
        step[j] = steps[j]
        ahead = objective(top.place + step, top.mode.state)
        hessian[row] = (top.slope - ahead.slope)[free] / step[j]
    return 0.5 * (hessian + hessian.T)


def _full_objective(problem: Problem) -> Objective:
    terms = problem.terms

    def objective(at: Floats, state: State) -> Point:
        held = State(at[:terms], state.group, state.item)
        mode = find_mode(problem, problem.prior(at[terms:]), held, terms=False)
        slopes = gradient(problem, mode, restricted=False)
        return Point(at, laplace(problem, mode, restricted=False), np.concatenate(slopes), mode)

    return objective


def climb(objective: Objective, first: Point, metric: Floats, lowest: Floats) -> Summit:
    """Quasi-Newton (BFGS) ascent that keeps every coordinate at or above `lowest`."""
    here = first
    largest = np.where(np.isfinite(lowest), LARGEST_SD_STEP, LARGEST_BETA_STEP)
    for _ in range(CLIMB_STEPS):
        held = (here.place <= lowest) & (here.slope <= 0.0)
        slope = np.where(held, 0.0, here.slope)
        step = np.where(held, 0.0, metric @ slope)
        gain = float(slope @ step)
        if 0.5 * gain < CLIMB_TOLERANCE:
            return Summit(here, here.mode.converged)
        step /= max(1.0, float(np.max(np.abs(step) / largest)))
        ahead = _line_search(objective, here, step, lowest)
        if ahead is None:
            return Summit(here, converged=False)
        metric = _updated(metric, ahead.place - here.place, here.slope - ahead.slope)
        here = ahead
    return Summit(here, converged=False)


def _line_search(objective: Objective, here: Point, step: Floats, lowest: Floats) -> Point | None:
    share = 1.0
    for _ in range(12):
        at = np.maximum(here.place + share * step, lowest)
        ahead = objective(at, here.mode.state)
        promised = float(here.slope @ (at - here.place))
        if ahead.value >= here.value + 1e-4 * promised - 1e-9:
            return ahead
        # The quadratic through both heights and the slope has its top here.
        share *= min(0.5, max(0.1, 0.5 * promised / (promised - (ahead.value - here.value))))
    return None


def _updated(metric: Floats, step: Floats, change: Floats) -> Floats:
    curve = float(step @ change)
    if curve <= 1e-10 * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return metric
    side = np.eye(len(step)) - np.outer(step, change) / curve
    return np.asarray(side @ metric @ side.T + np.outer(step, step) / curve)


def _metric_of_sd(known: Uncertainty) -> Floats:
    information = known.information.copy()
    scale = np.sqrt(np.maximum(np.diag(information), 1.0))
    information[np.diag_indices_from(information)] += 1e-3 * scale**2
    metric = np.asarray(np.linalg.inv(information))
    at_boundary = ~known.free
    metric[at_boundary] = metric[:, at_boundary] = 0.0
    metric[at_boundary, at_boundary] = BOUNDARY
    return metric
