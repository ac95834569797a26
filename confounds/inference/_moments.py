"""Weighted moments of B data sets of the same models, where models of a family share an effect.

The covariance of each data set is V = diag(1 / w) + phi^2 ZZ' with family indicators Z, so that
V^-1 = diag(w) less, in each family, ww' phi^2 / (1 + phi^2 sum w).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, Ints


class Products:
    """Products of design columns that every moment is a weighted sum of.

    Attributes:
        X: (M, p) design.
        Z: (M, F) indicators of families.
    """

    def __init__(self, X: Floats, Z: Floats) -> None:
        self.X = X
        self.Z = Z

    @cached_property
    def squared(self) -> Floats:
        """(M, p p) every column times every other."""
        return _crossed(self.X, self.X)

    @cached_property
    def members(self) -> list[slice | Ints]:
        """The models of each family; a slice where they stand together."""
        found: list[slice | Ints] = []
        for member in self.Z.T:
            rows = np.flatnonzero(member)
            together = rows[-1] - rows[0] + 1 == len(rows)
            found.append(slice(int(rows[0]), int(rows[-1]) + 1) if together else rows)
        return found

    @cached_property
    def by_family(self) -> Floats:
        """(M, p F) every column within every family."""
        return _crossed(self.X, self.Z)


def _crossed(left: Floats, right: Floats) -> Floats:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


class Weighted:
    """The moments under one set of weights.

    Attributes:
        w: (B, M) weights.
        shrink: (B, F) phi^2 / (1 + phi^2 sum w), or None where no family shares anything.
    """

    def __init__(self, products: Products, w: Floats, phi2: Floats) -> None:
        self.products = products
        self.w = w
        self.shrink = None
        if products.Z.shape[1] > 1 and np.any(phi2 > 0):
            self.shrink = shrinkage(w @ products.Z, phi2)

    @cached_property
    def spread(self) -> Floats:
        """(B, p, F) sums of the weighted design within families."""
        X, Z = self.products.X, self.products.Z
        found: Floats = (self.w @ self.products.by_family).reshape(-1, X.shape[1], Z.shape[1])
        return found

    def gram(self) -> Floats:
        """(B, p, p) X'V^-1X."""
        p = self.products.X.shape[1]
        gram: Floats = (self.w @ self.products.squared).reshape(-1, p, p)
        if self.shrink is None:
            return gram
        return gram - (self.spread * self.shrink[:, None, :]) @ self.spread.transpose(0, 2, 1)

    def moment(self, z: Floats) -> Floats:
        """(B, p) X'V^-1z for responses (B, M)."""
        wz = self.w * z
        moment: Floats = wz @ self.products.X
        if self.shrink is None:
            return moment
        inner = self.shrink * (wz @ self.products.Z)
        return moment - (self.spread @ inner[:, :, None])[:, :, 0]

    def family_effects(self, r: Floats) -> Floats:
        """(B, M) best linear predictions of the family effects from residuals (B, M)."""
        if self.shrink is None:
            return np.zeros_like(r)
        Z = self.products.Z
        effects: Floats = (self.shrink * ((self.w * r) @ Z)) @ Z.T
        return effects

    def whiten(self, r: Floats) -> Floats:
        """(B, M) V^-1 r."""
        if self.shrink is None:
            return self.w * r
        return self.w * (r - self.family_effects(r))


def shrinkage(family_weight: Floats, phi2: Floats) -> Floats:
    """(B, F) phi^2 / (1 + phi^2 W_f)."""
    shrink: Floats = phi2[:, None] / (1 + phi2[:, None] * family_weight)
    return shrink


def solve_small(gram: Floats, right: Floats) -> Floats:
    """Batched solve; up to three unknowns, nearly all there are, by formula."""
    size = gram.shape[-1]
    if size == 1:
        return right / gram
    if size == 3:
        return _solve_three(gram, right)
    if size > 3:
        solved: Floats = np.linalg.solve(gram, right).astype(np.float64, copy=False)
        return solved
    a, b, c, d = (gram[:, i, j, None] for i in (0, 1) for j in (0, 1))
    first, second = right[:, 0], right[:, 1]
    determinant = a * d - b * c
    found = np.empty_like(right)
    found[:, 0] = (d * first - b * second) / determinant
    found[:, 1] = (a * second - c * first) / determinant
    return found


def _solve_three(gram: Floats, right: Floats) -> Floats:
    """The adjugate over the determinant, of grams scaled to a diagonal of one."""
    scale = 1 / np.sqrt(gram[:, [0, 1, 2], [0, 1, 2]])
    right = right * scale[:, :, None]
    a, b, c = (
        (gram[:, i, j] * scale[:, i] * scale[:, j])[:, None] for i, j in ((0, 1), (0, 2), (1, 2))
    )
    first, second, third = right[:, 0], right[:, 1], right[:, 2]
    aa, bb, cc, ab, ac, bc = 1 - c * c, 1 - b * b, 1 - a * a, b * c - a, a * c - b, a * b - c
    determinant = aa + a * ab + b * ac
    if np.any(determinant == 0):
        msg = "Singular matrix"
        raise np.linalg.LinAlgError(msg)
    found = np.empty_like(right)
    found[:, 0] = aa * first + ab * second + ac * third
    found[:, 1] = ab * first + bb * second + bc * third
    found[:, 2] = ac * first + bc * second + cc * third
    return found * (scale / determinant)[:, :, None]
