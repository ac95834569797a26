"""What comes of a data set does not depend on those that are worked on beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from _simulated import Truth
from inference.samples import drawn, sample_of, stepped, unbounded

from confounds.inference import _batches, _null
from confounds.inference._batches import joined, parts, put, taken
from confounds.inference._constrained import Constrained, least_squares
from confounds.inference._effect import (
    curves_beside,
    fit_threshold,
    own_curve,
    working_covariance,
)
from confounds.inference._moments import solve_small
from confounds.inference._nested import fit_nested
from confounds.inference._null import Slopes, fit_fixed_effect, fit_two_level
from confounds.inference._reference import draw_scores, two_level_search
from confounds.inference._variances import Scatter
from confounds.inference.sample import threshold_columns

GROWTH = Slopes(lower=0.0, upper=2.0)


@dataclass(frozen=True, eq=False)
class Two:
    first: np.ndarray
    second: np.ndarray


def scores(sample, count, seed=0):
    rng = np.random.default_rng(seed)
    one = Scatter(np.full(1, 0.2), np.full(1, 0.1), np.full(1, 0.001))
    fit = fit_two_level(sample.score[None], sample, GROWTH, one)
    return draw_scores(np.repeat(fit.eta, count, axis=0), one.repeated(count), sample, rng)


def test_parts_cover_every_row_once_and_are_never_empty():
    for rows, columns in ((1, 8), (999, 100), (5, 10**9), (0, 8)):
        covered = [row for part in parts(rows, columns) for row in range(rows)[part]]
        assert covered == list(range(rows))
    assert parts(0, 8) == []


def test_rows_are_taken_put_and_joined_in_their_order():
    both = Two(np.arange(4.0), np.arange(8.0).reshape(4, 2))
    halves = [taken(both, slice(0, 2)), taken(both, np.array([2, 3]))]
    again = joined(halves)
    np.testing.assert_array_equal(again.second, both.second)
    put(again, np.array([3, 0]), halves[0])
    np.testing.assert_array_equal(again.first, [1, 1, 2, 0])


@pytest.mark.parametrize("sample", [drawn(Truth(), models=16), unbounded(16)], ids=["logit", "own"])
def test_a_fit_is_the_same_alone_in_a_small_part_and_in_a_large_one(monkeypatch, sample):
    y = sample.score[None] + np.zeros((7, 1)) if not sample.binomial else scores(sample, 7)
    together = fit_two_level(y, sample, GROWTH, fit_fixed_effect(y, sample, GROWTH).scatter)
    monkeypatch.setattr(_batches, "CELLS", 3 * len(sample))
    apart = fit_two_level(y, sample, GROWTH, fit_fixed_effect(y, sample, GROWTH).scatter)
    for item in fields(together):
        left, right = getattr(together, item.name), getattr(apart, item.name)
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


def test_a_scan_is_the_same_alone_and_among_others():
    sample = drawn(Truth(step=0.3, level=-1.0), models=16)
    y = scores(sample, 9)
    columns = threshold_columns(sample.x, sample.grid, "step")
    together = two_level_search(y, sample, columns, GROWTH)
    for row in (0, 4, 8):
        alone = two_level_search(y[row : row + 1], sample, columns, GROWTH)
        np.testing.assert_allclose(together.f[row], alone.f[0], rtol=1e-8, atol=1e-10)


def test_rows_that_settle_early_have_the_sum_of_squares_of_those_that_go_on(monkeypatch):
    sample = stepped(20)
    psi = np.array([9.5, 10.0])
    effects = np.linspace(0.2, 0.8, 25)
    curve = own_curve(sample, 9.5, "step", GROWTH)
    covariance = working_covariance(curve.fit, sample)
    problem = Constrained(sample, psi, "step", effects)
    start = np.repeat(curve.fit.theta[:, :-1], len(problem.effects), axis=0)
    found = least_squares(problem, sample.score, start, covariance, GROWTH)
    monkeypatch.setattr("confounds.inference._constrained.GAIN", 0.0)
    full = least_squares(problem, sample.score, start, covariance, GROWTH)
    near = full < full.min() + 20
    assert near.sum() > 3
    np.testing.assert_allclose(found[near], full[near], atol=1e-3)


def test_what_a_sample_remembers_is_not_carried_to_one_with_other_scores():
    sample = stepped(20)
    first = own_curve(sample, 9.5, "step", GROWTH)
    assert own_curve(sample, 9.5, "step", GROWTH) is first
    assert sample.take(np.arange(20)) is sample
    other = sample.with_score(sample.score[::-1].copy())
    assert own_curve(other, 9.5, "step", GROWTH).effect[0] != first.effect[0]


@pytest.mark.parametrize("models", [12, 40])
def test_from_a_fit_nearby_a_few_iterations_end_where_many_do(models):
    sample = stepped(models, seed=3)
    curve = own_curve(sample, 9.5, "step", GROWTH)
    rng = np.random.default_rng(0)
    moved = replace(sample, x=sample.x + 0.3 * rng.standard_normal(models))
    cold = fit_threshold(moved.score[None], moved, 9.5, "step", GROWTH)
    warm = fit_threshold(moved.score[None], moved, 9.5, "step", GROWTH, curve.fit)
    assert abs(warm.effect[0] - cold.effect[0]) < 0.005
    assert abs(warm.effect[0] - curve.effect[0]) > 0.004


def test_curves_beside_are_nearly_those_fitted_on_their_own():
    sample = stepped(20)
    thresholds = np.array([9.2, 9.8])
    near = own_curve(sample, 9.5, "step", GROWTH)
    found = curves_beside(sample, near, thresholds, "step", GROWTH)
    for curve, psi in zip(found, thresholds, strict=True):
        alone = own_curve(sample, float(psi), "step", GROWTH)
        assert curve.psi == psi
        assert abs(curve.effect[0] - alone.effect[0]) < 0.02
    assert curves_beside(sample, near, thresholds[:0], "step", GROWTH) == []


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_small_systems_are_solved_as_by_numpy(size):
    rng = np.random.default_rng(size)
    factor = rng.standard_normal((50, size + 3, size)) * 10.0 ** np.arange(size)
    gram = factor.transpose(0, 2, 1) @ factor
    right = rng.standard_normal((50, size, 3))
    expected = np.linalg.solve(gram, right)
    np.testing.assert_allclose(solve_small(gram, right), expected, rtol=1e-7, atol=1e-12)


def test_a_fit_goes_on_until_its_variances_have_settled_too(monkeypatch):
    """Where families lie at like scales the predictor stands still long before phi^2 does."""
    rng = np.random.default_rng(5)
    family = np.repeat(np.arange(6), 5)
    x = np.tile(np.linspace(8, 11.5, 5), 6)
    eta = -0.3 + 0.8 * rng.standard_normal((100, 6))[:, family]
    eta += 0.3 * rng.standard_normal((100, 30))
    y = rng.binomial(200, 1 / (1 + np.exp(-eta))) / 200
    sample = sample_of(x, y[0], family=family, items=200)
    found = fit_nested(y, sample, GROWTH).two_level.phi2
    monkeypatch.setattr(_null, "TOLERANCE", 0.0)
    monkeypatch.setattr(_null, "ITERATIONS", 60)
    exact = fit_nested(y, sample, GROWTH).two_level.phi2
    assert np.mean(np.abs(found - exact) > 0.02 * (exact + 0.01)) < 0.02
