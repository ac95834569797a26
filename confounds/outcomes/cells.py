"""From rows to cells: items are averaged within a run, runs within a cell.

A run (one seed, one evaluation) is the mean over its items. A cell (task x metric x model x
condition) is the mean over its runs. Repeated runs over the same items never add items. For
scores in [0, 1] the mean and n are sufficient, so nothing is lost by the aggregation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.outcomes.schema import CELL_KEYS, NAMES, REPLICATE_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MEASURED = ("score", "n", "rows", "seeds", "chance", "majority", "variance", "seed_sd")
_RECODE_ABOVE = 2**40


def group_ids(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Number the distinct combinations of some columns (nulls are equal to each other).

    Returns:
        ids: (rows,) from 0 in order of first appearance.
        count: how many there are.
    """
    ids = np.zeros(len(frame), dtype=np.int64)
    size = 1
    for name in columns:
        codes, levels = pd.factorize(frame[name].to_numpy())
        if len(levels) + int((codes < 0).any()) <= 1:
            continue
        size *= len(levels) + 1
        ids = ids * (len(levels) + 1) + codes + 1
        if size > _RECODE_ABOVE:
            ids, kept = pd.factorize(ids)
            size = len(kept)
    ids, kept = pd.factorize(ids)
    return ids.astype(np.int64), len(kept)


def average_items(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a run: the mean over its items, with n = items; averages pass through.

    Args:
        frame: a frame with the columns of the table.

    Returns:
        The same columns; `item` is null, `variance` the sample variance of the item scores.
    """
    rows = frame["item"].notna().to_numpy()
    if not rows.any():
        return frame
    items = frame[rows]
    ids, count = group_ids(items, REPLICATE_KEYS)
    n = np.bincount(ids, minlength=count)
    score = items["score"].to_numpy()
    mean = np.bincount(ids, score, count) / n
    spread = np.bincount(ids, (score - mean[ids]) ** 2, count)
    out = _first_rows(items, ids, count)
    out["item"] = pd.Series(np.full(count, None, dtype=object), dtype=object)
    out["n"] = n
    out["score"] = mean
    out["variance"] = np.divide(spread, n - 1, out=np.full(count, np.nan), where=n > 1)
    for name in ("chance", "majority", "ceiling"):
        out[name] = _known_mean(items[name].to_numpy(), ids, np.ones(len(items)), count)
    averages = frame[~rows]
    together = pd.concat([out, averages], ignore_index=True) if len(averages) else out
    return together[list(NAMES)].reset_index(drop=True)


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task x metric x model x condition, sorted; see `Outcomes.cells`."""
    runs = average_items(frame)
    weights = _rows_behind(frame, runs)
    ids, count = group_ids(runs, CELL_KEYS)
    replicates = np.bincount(ids, minlength=count)
    score = runs["score"].to_numpy()
    mean = np.bincount(ids, score, count) / replicates
    spread = np.bincount(ids, (score - mean[ids]) ** 2, count)
    out = _first_rows(runs, ids, count)[list(CELL_KEYS)]
    out["score"] = mean
    out["n"] = _median(runs["n"].to_numpy(), ids, count)
    out["rows"] = np.bincount(ids, weights, count).astype(np.int64)
    out["seeds"] = _distinct(runs, ids, count)
    items = runs["n"].to_numpy(dtype=np.float64)
    for name in ("chance", "majority"):
        out[name] = _known_mean(runs[name].to_numpy(), ids, items, count)
    known = runs["variance"].to_numpy()
    out["variance"] = _known_mean(known, ids, np.ones(len(runs)), count)
    deviation = np.full(count, np.nan)
    several = replicates > 1
    deviation[several] = np.sqrt(spread[several] / (replicates[several] - 1))
    out["seed_sd"] = deviation
    ordered = out.sort_values(list(CELL_KEYS), na_position="first", kind="stable")
    return ordered.reset_index(drop=True)


def _first_rows(frame: pd.DataFrame, ids: NDArray[np.int64], count: int) -> pd.DataFrame:
    first = np.full(count, len(frame), dtype=np.int64)
    np.minimum.at(first, ids, np.arange(len(frame)))
    return frame.take(first).reset_index(drop=True)


def _known_mean(
    values: NDArray[Any], ids: NDArray[np.int64], weights: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    total = np.bincount(ids[known], weights[known], count)
    summed = np.bincount(ids[known], values[known] * weights[known], count)
    mean: NDArray[np.float64] = np.full(count, np.nan)
    np.divide(summed, total, out=mean, where=total > 0)
    return mean


def _median(values: NDArray[Any], ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    order = np.lexsort((values, ids))
    size = np.bincount(ids, minlength=count)
    start = np.cumsum(size) - size
    ordered = values[order]
    low, high = ordered[start + (size - 1) // 2], ordered[start + size // 2]
    return np.asarray((low + high) // 2, dtype=np.int64)


def _distinct(runs: pd.DataFrame, ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    seeds, _ = pd.factorize(runs["seed"].to_numpy())
    pairs = np.unique(np.stack([ids, seeds.astype(np.int64)]), axis=1)
    return np.bincount(pairs[0], minlength=count).astype(np.int64)


def _rows_behind(frame: pd.DataFrame, runs: pd.DataFrame) -> NDArray[np.float64]:
    if runs is frame:
        return np.ones(len(runs))
    averaged = int(frame["item"].isna().sum())
    items = len(runs) - averaged
    behind = runs["n"].to_numpy(dtype=np.float64).copy()
    behind[items:] = 1.0
    return behind
