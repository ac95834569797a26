"""The moments are those of the covariance matrix written out."""

from __future__ import annotations

import numpy as np
import pytest

from confounds.inference._moments import Products, Weighted, inverse_small

MODELS, RIDGE = 24, 0.1


def made(count, columns, families, seed=0):
    rng = np.random.default_rng(seed)
    further = rng.standard_normal((MODELS, columns - 1))
    design = np.column_stack([np.ones(MODELS), further])
    family = rng.permutation(np.arange(MODELS) % families)
    member = (family[:, None] == np.arange(families)).astype(np.float64)
    weight = rng.uniform(0.2, 5.0, (count, MODELS))
    jump = (rng.standard_normal((count, MODELS)) > 0).astype(np.float64)
    return Products(design, member), weight, jump, rng.standard_normal((count, MODELS))


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize("phi2", [0.0, 0.3, 25.0])
@pytest.mark.parametrize("jumps", [False, True])
def test_moments_are_those_of_the_covariance_written_out(count, columns, phi2, jumps):
    products, weight, jump, z = made(count, columns, families=6)
    given = jump if jumps else None
    found = Weighted(products, weight, np.full(count, phi2), given)
    gram, moment, whitened = found.gram(), found.moment(z), found.whiten(z)
    ridged = gram + RIDGE * np.eye(gram.shape[-1])
    own, effects = found.own_information(ridged), found.family_effects(z)
    for row in range(count):
        covariance = np.diag(1 / weight[row]) + phi2 * products.Z @ products.Z.T
        inverse = np.linalg.inv(covariance)
        X = np.column_stack([products.X, jump[row]]) if jumps else products.X
        np.testing.assert_allclose(gram[row], X.T @ inverse @ X, atol=1e-9)
        np.testing.assert_allclose(moment[row], X.T @ inverse @ z[row], atol=1e-9)
        np.testing.assert_allclose(whitened[row], inverse @ z[row], atol=1e-9)
        between = phi2 * products.Z @ products.Z.T @ inverse @ z[row]
        np.testing.assert_allclose(effects[row], between, atol=1e-9)
        hat = inverse @ X @ np.linalg.inv(ridged[row]) @ X.T @ inverse
        np.testing.assert_allclose(own[row], np.diag(inverse - hat), atol=1e-9)


def test_one_family_shares_nothing():
    products, weight, _, z = made(3, 2, families=1)
    found = Weighted(products, weight, np.full(3, 0.5))
    assert found.shrink is None
    np.testing.assert_array_equal(found.whiten(z), weight * z)
    np.testing.assert_array_equal(found.family_effects(z), 0.0)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 40])
def test_inverses_are_those_of_a_general_solver(size, count):
    rng = np.random.default_rng(size)
    root = rng.standard_normal((count, size, size + 2))
    units = np.logspace(-2, 2, size)
    gram = (root @ root.transpose(0, 2, 1)) * units * units[:, None]
    shown = inverse_small(gram) @ gram
    np.testing.assert_allclose(shown, np.broadcast_to(np.eye(size), gram.shape), atol=1e-6)
