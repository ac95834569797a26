"""The observations behind one curve: one row a model, as plain arrays.

The sampling unit of a claim about scale is the model. Whatever else was repeated for one
model (prompts, seeds, decoding) is averaged before it gets here, see `observe`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.inference._moments import Products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MIN_MODELS = 8
MIN_SCALES = 5
MIN_SIDE = 2
MAX_GRID = 48


@dataclass(frozen=True, slots=True)
class PooledVariance:
    """What the other tasks of a table say of the variance between models, on the link scale.

    Attributes:
        tau2: variance between models of one family.
        noise: sampling variance of a model's score beside it, on the link scale.
        freedom: degrees of freedom that this is worth.
    """

    tau2: float
    noise: float
    freedom: float


@dataclass(frozen=True, eq=False)
class Sample:
    """One score a model, with what is needed to judge it.

    Attributes:
        x: (M,) log10 of scale.
        score: (M,) mean score over the items.
        variance: (M,) sampling variance of `score`; NaN where `n` serves instead.
        n: (M,) distinct items behind the score.
        floor: (M,) chance floor of the link, 0 where a guesser scores nothing.
        family: (M,) integer code of the model's family.
        models: names, in the same order.
        binomial: True for scores in [0, 1]; False for an unbounded metric, whose link is
            the identity.
        covariates: (M, q) further fixed effects, centred.
        covariate_names: their names.
        pooled: variance between models pooled over other tasks, or None.
    """

    x: Floats
    score: Floats
    n: Floats
    floor: Floats
    family: Ints
    models: tuple[str, ...]
    binomial: bool = True
    covariates: Floats | None = None
    covariate_names: tuple[str, ...] = ()
    variance: Floats | None = None
    pooled: PooledVariance | None = None

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What tells this sample from every other, for remembering what was computed of it."""
        arrays = (self.x, self.score, self.n, self.floor, self.family)
        further = (self.covariates, self.variance)
        return (
            self.models,
            self.binomial,
            self.pooled,
            *(item.tobytes() for item in arrays),
            *(None if item is None else item.tobytes() for item in further),
        )

    @property
    def pooled_freedom(self) -> float:
        """Degrees of freedom that the pooled variance adds."""
        return 0.0 if self.pooled is None else self.pooled.freedom

    @cached_property
    def families(self) -> int:
        """Number of families."""
        return len(np.unique(self.family))

    @cached_property
    def scales(self) -> int:
        """Number of distinct scales."""
        return len(np.unique(self.x))

    @cached_property
    def half_item(self) -> Floats:
        """(M,) half an item's share of the score."""
        half: Floats = 0.5 / self.n
        return half

    @cached_property
    def centre(self) -> float:
        """Mean log10 scale, about which the design is centred."""
        return float(self.x.mean())

    @cached_property
    def design(self) -> Floats:
        """(M, 2 + q) fixed effects: one, centred log10 scale, covariates."""
        columns = [np.ones(len(self)), self.x - self.centre]
        if self.covariates is not None:
            columns.extend(self.covariates.T)
        return np.column_stack(columns)

    @cached_property
    def membership(self) -> Floats:
        """(M, F) indicator of families."""
        codes = np.unique(self.family)
        member: Floats = (self.family[:, None] == codes[None, :]).astype(np.float64)
        return member

    @cached_property
    def products(self) -> Products:
        """Products of design columns, within families and over all."""
        return Products(self.design, self.membership)

    @cached_property
    def grid(self) -> Floats:
        """(K,) candidate thresholds: midpoints of scales with two models or more on each side."""
        return threshold_grid(self.x)

    @cached_property
    def remembered(self) -> dict[tuple[object, ...], Any]:
        """What was computed of this sample and may be asked again."""
        return {}

    def take(self, rows: Ints | Sequence[int]) -> Sample:
        """The sample of some rows, in the given order; itself where that is all as they are."""
        rows = np.asarray(rows, dtype=np.int64)
        if np.array_equal(rows, np.arange(len(self))):
            return self
        covariates, names = self._told_apart(rows)
        return replace(
            self,
            x=self.x[rows],
            score=self.score[rows],
            n=self.n[rows],
            floor=self.floor[rows],
            family=self.family[rows],
            models=tuple(self.models[row] for row in rows),
            covariates=covariates,
            covariate_names=names,
            variance=None if self.variance is None else self.variance[rows],
        )

    def _told_apart(self, rows: Ints) -> tuple[Floats | None, tuple[str, ...]]:
        """The covariates that these rows can still tell from level, scale and each other."""
        if self.covariates is None:
            return None, ()
        basis = np.column_stack([np.ones(len(rows)), self.x[rows] - self.centre])
        kept: list[int] = []
        for column in range(self.covariates.shape[1]):
            wider = np.column_stack([basis, self.covariates[rows, column]])
            if np.linalg.matrix_rank(wider, tol=1e-6) == wider.shape[1]:
                basis = wider
                kept.append(column)
        if not kept:
            return None, ()
        chosen = self.covariates[rows][:, kept]
        return chosen - chosen.mean(axis=0), tuple(self.covariate_names[item] for item in kept)

    def with_score(self, score: Floats) -> Sample:
        """The same models with other scores."""
        return replace(self, score=score)

    def why_not(self) -> str | None:
        """Why a threshold cannot be tested here, or None."""
        if len(self) < MIN_MODELS:
            return (
                f"a threshold test needs {MIN_MODELS} models of known scale; there are {len(self)}"
            )
        if self.scales < MIN_SCALES:
            return f"a threshold test needs {MIN_SCALES} distinct scales; there are {self.scales}"
        if not len(self.grid):
            return "no scale has two models on each side of it"
        if np.ptp(self.score) == 0:
            return "every model has the same score"
        return None


def threshold_grid(x: Floats) -> Floats:
    """Midpoints of neighbouring scales with `MIN_SIDE` models a side, at most `MAX_GRID`."""
    levels, counts = np.unique(x, return_counts=True)
    below = np.cumsum(counts)[:-1]
    middle = (levels[1:] + levels[:-1]) / 2
    usable: Floats = middle[(below >= MIN_SIDE) & (len(x) - below >= MIN_SIDE)]
    if len(usable) > MAX_GRID:
        picked = np.unique(np.linspace(0, len(usable) - 1, MAX_GRID).round().astype(int))
        usable = usable[picked]
    return usable


def threshold_columns(x: Floats, grid: Floats, shape: str) -> Floats:
    """(M, K) step or hinge columns, one a candidate threshold."""
    distance = x[:, None] - grid[None, :]
    if shape == "hinge":
        return np.maximum(distance, 0.0)
    above: Floats = (distance > 0).astype(np.float64)
    return above
