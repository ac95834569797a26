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

MANY = 16
"""Matrices of three columns that are faster by formula, and inverses of two."""


class Products:
    """Products of design columns that every moment is a weighted sum of.

    Attributes:
        X: (M, p) design, of which the first column is ones.
        Z: (M, F) indicators of families; every model is of one.
    """

    def __init__(self, X: Floats, Z: Floats) -> None:
        self.X = X
        self.Z = Z

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Floats]:
        """Every pair of columns once, and (pairs, 1) how often it counts in a quadratic form."""
        first, second = np.triu_indices(self.X.shape[1])
        return first, second, np.where(first == second, 1.0, 2.0)[:, None]

    @cached_property
    def squared(self) -> Floats:
        """(M, p (p + 1) / 2) the products of `pairs`."""
        first, second, _ = self.pairs
        return self.X[:, first] * self.X[:, second]

    @cached_property
    def place(self) -> Ints:
        """(p, p) where in `squared` the product of two columns is."""
        p = self.X.shape[1]
        place = np.empty((p, p), dtype=np.int64)
        first, second, _ = self.pairs
        place[first, second] = place[second, first] = np.arange(len(first))
        return place

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
    def code(self) -> Ints:
        """(M,) the family of each model."""
        code: Ints = self.Z.argmax(axis=1)
        return code

    @cached_property
    def within(self) -> Floats:
        """(M, p F + p (p + 1) / 2) every column within every family, then `squared`."""
        by_family = (self.X[:, :, None] * self.Z[:, None, :]).reshape(len(self.X), -1)
        return np.hstack([by_family, self.squared])

    @cached_property
    def beside(self) -> Floats:
        """(M, F + p) the indicators, then the design."""
        return np.hstack([self.Z, self.X])


class Weighted:
    """The moments under one set of weights.

    What is small is kept with the data sets along the last axis, where arithmetic is fastest.

    Attributes:
        w: (B, M) weights.
        jump: (B, M) a further column, each data set's own, or None.
        spread: (B, p, F) sums of the weighted columns within families, the jump's last; none
            where no family shares anything.
        shrink: (B, F) phi^2 / (1 + phi^2 sum w), or None where no family shares anything.
    """

    def __init__(
        self, products: Products, w: Floats, phi2: Floats, jump: Floats | None = None
    ) -> None:
        self.products = products
        self.w = w
        self.jump = jump
        families, columns = products.Z.shape[1], products.X.shape[1]
        self._shrink: Floats | None = None
        if families > 1 and phi2.any():
            sums = products.within.T @ w.T
            self._spread = sums[: columns * families].reshape(columns, families, -1)
            self._shrink = phi2 / (1 + phi2 * self._spread[0])
            self._plain = sums[columns * families :]
        else:
            self._spread = np.empty((columns, 0, len(w)))
            self._plain = products.squared.T @ w.T
        if jump is not None:
            self._jumps = w * jump
            sums = products.beside.T @ self._jumps.T
            self._crossed = sums[families:]
            if self._shrink is not None:
                self._spread = np.concatenate([self._spread, sums[None, :families]])

    @property
    def shrink(self) -> Floats | None:
        """See above."""
        return None if self._shrink is None else self._shrink.T

    @property
    def spread(self) -> Floats:
        """See above."""
        return self._spread.transpose(2, 0, 1)

    def gram(self) -> Floats:
        """(B, p, p) X'V^-1X."""
        p = self.products.X.shape[1]
        wide = p + (self.jump is not None)
        gram = np.empty((wide, wide, len(self.w)))
        gram[:p, :p] = self._plain[self.products.place]
        if self.jump is not None:
            gram[:p, p] = gram[p, :p] = self._crossed
            gram[p, p] = np.vecdot(self._jumps, self.jump)
        if self._shrink is not None:
            shared = self._spread * self._shrink
            gram -= np.einsum("ifb,jfb->ijb", shared, self._spread)
        return gram.transpose(2, 0, 1)

    def moment(self, z: Floats) -> Floats:
        """(B, p) X'V^-1z for responses (B, M)."""
        wz = self.w * z
        families = 0 if self._shrink is None else len(self._shrink)
        basis = self.products.beside if families else self.products.X
        sums = basis.T @ wz.T
        moment = sums[families:]
        if self.jump is not None:
            moment = np.concatenate([moment, np.vecdot(wz, self.jump)[None]])
        if self._shrink is not None:
            inner = self._shrink * sums[:families]
            moment = moment - np.einsum("pfb,fb->pb", self._spread, inner)
        return moment.T

    def own_information(self, gram: Floats) -> Floats:
        """(B, M) diagonal of V^-1 - V^-1 X (X'V^-1X)^-1 X'V^-1, never below 0.

        It is w - w^2 q, q a quadratic form in the columns less what families share of them; its
        part without the jump is a sum over `within`.
        """
        inverse = inverse_small(gram).transpose(1, 2, 0)
        p, families = self.products.X.shape[1], self.products.Z.shape[1]
        first, second, times = self.products.pairs
        paired = inverse[first, second] * times
        basis, part, moved = self.products.squared, paired, None
        if self._shrink is not None:
            shared = self._spread * self._shrink
            moved = (inverse[:, :, None] * shared).sum(axis=1)
            level = self._shrink + (shared * moved).sum(axis=0)
            moved *= -2
            linear = moved[:p].copy()
            linear[0] += level
            part = np.concatenate([linear.reshape(p * families, -1), paired])
            basis = self.products.within
        q = part.T @ basis.T
        if self.jump is not None:
            q += self._of_jump(self.jump, inverse, None if moved is None else moved[p])
        q *= self.w
        np.subtract(1.0, q, out=q)
        q *= self.w
        return np.maximum(q, 0.0, out=q)

    def _of_jump(self, jump: Floats, inverse: Floats, moved: Floats | None) -> Floats:
        """(B, M) what the jump adds to the quadratic form of `own_information`."""
        p = self.products.X.shape[1]
        slope: Floats = (2 * inverse[p, :p]).T @ self.products.X.T
        slope += inverse[p, p][:, None] * jump
        if moved is not None:
            slope += moved.T[:, self.products.code]
        slope *= jump
        return slope

    def family_effects(self, r: Floats) -> Floats:
        """(B, M) best linear predictions of the family effects from residuals (B, M)."""
        if self._shrink is None:
            return np.zeros_like(r)
        effects = self._shrink.T * ((self.w * r) @ self.products.Z)
        return effects[:, self.products.code]

    def whiten(self, r: Floats) -> Floats:
        """(B, M) V^-1 r."""
        if self._shrink is None:
            return self.w * r
        return self.w * (r - self.family_effects(r))


def inverse_small(gram: Floats) -> Floats:
    """Batched inverse of symmetric matrices; many of two or three columns by formula."""
    size = gram.shape[-1]
    if size not in (2, 3) or len(gram) < MANY:
        return np.linalg.inv(gram).astype(np.float64, copy=False)
    diagonal = np.arange(size)
    scale = 1 / np.sqrt(gram[:, diagonal, diagonal].T)
    found = np.empty((size, size, len(gram)))
    a = gram[:, 0, 1] * scale[0] * scale[1]
    if size == 2:
        determinant = 1 - a * a
        found[0, 0] = found[1, 1] = 1.0
        found[0, 1] = found[1, 0] = -a
    else:
        b, c = gram[:, 0, 2] * scale[0] * scale[2], gram[:, 1, 2] * scale[1] * scale[2]
        found[0, 0], found[1, 1], found[2, 2] = 1 - c * c, 1 - b * b, 1 - a * a
        found[0, 1] = found[1, 0] = b * c - a
        found[0, 2] = found[2, 0] = a * c - b
        found[1, 2] = found[2, 1] = a * b - c
        determinant = found[0, 0] + a * found[0, 1] + b * found[0, 2]
    found *= scale / determinant
    found *= scale[:, None]
    return found.transpose(2, 0, 1)


def solve_small(gram: Floats, right: Floats) -> Floats:
    """Batched solve; many of up to three unknowns, nearly all there are, by formula."""
    size = gram.shape[-1]
    if size == 1:
        return right / gram
    if size > 3 or (size == 3 and len(gram) < MANY):
        solved: Floats = np.linalg.solve(gram, right).astype(np.float64, copy=False)
        return solved
    if size == 3:
        return _solve_three(gram, right)
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
