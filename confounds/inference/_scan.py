"""The supremum F statistic over candidate thresholds, for many data sets at once.

U = h'V^-1 e, S = h'V^-1 h - h'V^-1 X (X'V^-1 X)^-1 X'V^-1 h and
F = (U^2 / S) / (Q - U^2 / S) (M - p - 1), maximised over the thresholds with an upward jump
(Davies 1987; Andrews 1993; Hansen 1996). Where the null's slope sits at its bound, the alternative
is fitted under the same bound: the slope may fall once the jump is there, and stays where it is
(only the other columns are projected out) where it would rise further.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference._batches import joined, parts, put, taken
from confounds.inference._moments import Weighted, solve_small
from confounds.inference._supremum import Supremum
from confounds.inference._variances import pooled_squares

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference._null import NullFit
    from confounds.inference.sample import Flags, Floats, Sample

SHARPEN_STEPS = 5
SETTLED = 1e-3
"""Relative change of the weights that is not worth another scan."""


@dataclass(frozen=True, eq=False)
class Scan(Supremum):
    """Statistics of every candidate threshold.

    Attributes:
        delta: (B, K) one-step estimate of the threshold's coefficient on the link scale.
        squares: (B,) Q, the generalised sum of squares of the null, with that of pooled variance.
        explained: (B, K) fall of Q, signed by the direction of the jump.
    """

    delta: Floats
    squares: Floats
    explained: Floats


def scan(fit: NullFit, sample: Sample, columns: Floats, freedom: int) -> Scan:
    """Scan all thresholds.

    Args:
        fit: B null fits.
        sample: the models they were fitted to.
        columns: (M, K) threshold columns.
        freedom: residual degrees of freedom of a fit whose slope is free; one more is
            granted where the slope stays at its bound.
    """
    e = fit.residual
    weighted = Weighted(sample.products, fit.weight, fit.phi2)
    inner = weighted.whiten(e)
    information, cross = _information(weighted, columns)
    gram, moment, score = weighted.gram(), inner @ sample.design, inner @ columns
    free = _jump(gram, cross, moment, score, information)
    rest = [column for column in range(gram.shape[1]) if column != 1]
    held = _jump(gram[:, rest][:, :, rest], cross[:, rest], moment[:, rest], score, information)
    bounded = fit.bounded[:, None]
    stays = bounded & ~_turns_back(free)
    U, S = np.where(stays, held.U, free.U), np.where(stays, held.S, free.S)
    by_slope = np.maximum(free.taken - held.taken, 0.0)[:, None]
    explained = U * U / S + np.where(bounded & ~stays, by_slope, 0.0)
    squares = (e * inner).sum(axis=1) - np.where(fit.bounded, held.taken, free.taken)
    squares = np.maximum(squares, 1e-12)
    explained = np.minimum(explained, squares[:, None] * (1 - 1e-9))
    squares = squares + pooled_squares(fit.tau2, sample.pooled)
    df = freedom + sample.pooled_freedom + stays - 1
    f = np.where(U > 0, explained / (squares[:, None] - explained) * df, 0.0)
    return Scan(f, U / S, squares, np.sign(U) * explained)


@dataclass(frozen=True, eq=False)
class _Jump:
    """A jump at each threshold beside some of the smooth columns.

    Attributes:
        U: (B, K) its score with the smooth columns projected out.
        S: (B, K) its information.
        taken: (B,) what the smooth columns alone take of e'e.
        alone: (B, p) how far they move without the jump.
        beside: (B, p, K) and with it.
    """

    U: Floats
    S: Floats
    taken: Floats
    alone: Floats
    beside: Floats


def _jump(gram: Floats, cross: Floats, moment: Floats, score: Floats, information: Floats) -> _Jump:
    solved = solve_small(gram, np.concatenate([cross, moment[:, :, None]], axis=2))
    of_column, alone = solved[:, :, :-1], solved[:, :, -1]
    U = score - (cross * alone[:, :, None]).sum(axis=1)
    S = np.maximum(information - (cross * of_column).sum(axis=1), 1e-9 * information)
    beside = alone[:, :, None] - of_column * (U / S)[:, None, :]
    return _Jump(U, S, (moment * alone).sum(axis=1), alone, beside)


def _turns_back(free: _Jump) -> Flags:
    """(B, K) where the slope, once the jump is there, moves back inside the bound."""
    back: Flags = free.beside[:, 1] * free.alone[:, 1:2] <= 0
    return back


def sharpen(fit: NullFit, sample: Sample, columns: Floats, freedom: int) -> Scan:
    """Scan with tau^2 estimated under the best threshold instead of under the null.

    Under the null, tau^2 swallows the very misfit that the threshold would explain, most of
    all where few models straddle it; the reference distribution repeats this on every
    replicate, so the size is the bootstrap's.
    """
    return in_parts(_sharpen, fit, sample, columns, freedom)


def in_parts(
    method: Callable[[NullFit, Sample, Floats, int], Scan],
    fit: NullFit,
    sample: Sample,
    columns: Floats,
    freedom: int,
) -> Scan:
    """A scan of many data sets, a part of them at a time."""
    found = [method(taken(fit, rows), sample, columns, freedom) for rows in parts(*fit.eta.shape)]
    return joined(found)


def _sharpen(fit: NullFit, sample: Sample, columns: Floats, freedom: int) -> Scan:
    """The same of one part; what has settled is not scanned again."""
    found = scan(fit, sample, columns, freedom)
    left, here = np.arange(len(fit.tau2)), found
    sampling = 1 / fit.weight - fit.tau2[:, None]
    for _ in range(SHARPEN_STEPS):
        rest = here.squares - np.maximum(here.explained.max(axis=1), 0.0)
        df = np.asarray(freedom + sample.pooled_freedom + fit.bounded - 1.0, dtype=np.float64)
        tau2 = _shrink_tau(fit.tau2, rest, df, sampling)
        weight = 1 / (sampling + tau2[:, None])
        moving = np.flatnonzero(np.abs(weight / fit.weight - 1).max(axis=1) > SETTLED)
        if not len(moving):
            break
        fit = taken(replace(fit, weight=weight, tau2=tau2), moving)
        left, sampling = left[moving], sampling[moving]
        here = scan(fit, sample, columns, freedom)
        put(found, left, here)
    return found


def _shrink_tau(tau2: Floats, rest: Floats, freedom: Floats, sampling: Floats) -> Floats:
    """One multiplicative step towards rest = freedom, never above the null's tau^2."""
    ratio = np.clip(rest / np.maximum(freedom, 1.0), 0.1, 1.0)
    share = (tau2[:, None] / (sampling + tau2[:, None])).mean(axis=1)
    shrunk: Floats = tau2 * ratio ** (1 / np.maximum(share, 0.2))
    return shrunk


def _information(weighted: Weighted, columns: Floats) -> tuple[Floats, Floats]:
    """h'V^-1h (B, K) and X'V^-1h (B, p, K)."""
    w, X = weighted.w, weighted.products.X
    count = columns.shape[1]
    information = w @ (columns * columns)
    cross = (w @ (X[:, :, None] * columns[:, None, :]).reshape(len(X), -1)).reshape(
        -1, X.shape[1], count
    )
    if weighted.shrink is None:
        return information, cross
    by_family = _by_family(weighted, columns)
    root = np.sqrt(weighted.shrink)[:, :, None]
    by_family *= root
    information = information - np.einsum("bfk,bfk->bk", by_family, by_family)
    cross = cross - (weighted.spread * root[:, None, :, 0]) @ by_family
    return information, cross


def _by_family(weighted: Weighted, columns: Floats) -> Floats:
    """(B, F, K) sums of the weighted columns within families, each over its own models only."""
    w, Z = weighted.w, weighted.products.Z
    if len(w) == 1:
        found: Floats = ((Z * w.T).T @ columns)[None]
        return found
    found = np.empty((len(w), Z.shape[1], columns.shape[1]))
    for place, rows in enumerate(weighted.products.members):
        np.matmul(w[:, rows], columns[rows], out=found[:, place])
    return found
