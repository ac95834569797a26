"""Tables of any size for the benchmarks of speed: item by item, or averages.

Models in families of five over five decades of size, tasks of five kinds in turn (a threshold, one
with examples only, gradual growth, chance throughout, one prompt format only), each put under four
conditions: 0 and 5 shots, crossed with two prompt formats; or under eight, with two levels of
exposure to the items, which changes nothing. So the costly rivals have work to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

CHANCE = 0.25
PER_FAMILY = 5
SMALLEST, DECADES = 7.0, 5.0
CONDITIONS = tuple(product((0, 5), ("open", "closed"), (None,)))
EIGHT = tuple(product((0, 5), ("open", "closed"), ("unseen", "memorized")))
"""Shots, prompt format, exposure."""
TEXTS = ("task", "metric", "model", "family", "prompt", "demonstrations", "exposure")
NUMBERS = ("parameters", "tokens", "chance")
WHOLES = ("n", "shots", "seed")
GROUP_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How large a table is.

    Attributes:
        tasks: tasks.
        models: models, each put to every task under every condition.
        items: items behind each of these scores.
        conditions: shots, prompt format and exposure of each condition.
    """

    tasks: int
    models: int
    items: int = 500
    conditions: tuple[tuple[int, str, str | None], ...] = CONDITIONS

    @property
    def runs(self) -> int:
        """Scores, items averaged."""
        return self.tasks * self.models * len(self.conditions)


def write_items(path: Path, layout: Layout) -> Path:
    """One row an item, run after run, as a harness writes them; Parquet, zstd."""
    rng = np.random.default_rng(0)
    items = pa.array([f"item-{number:07d}" for number in range(layout.items)])
    with pq.ParquetWriter(path, _schema(by_item=True), compression="zstd") as writer:
        waiting, rows = [], 0
        for run, p in _runs(layout, rng):
            score = (rng.random(layout.items) < p).astype(np.float64)
            waiting.append(_table({**run, "n": 1}, score, items))
            rows += layout.items
            if rows >= GROUP_ROWS:
                writer.write_table(pa.concat_tables(waiting))
                waiting, rows = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return path


def write_averages(path: Path, layout: Layout) -> Path:
    """One row a run, with `n` items behind it; Parquet, zstd."""
    rng = np.random.default_rng(0)
    rows = [
        {**run, "n": layout.items, "score": rng.binomial(layout.items, p) / layout.items}
        for run, p in _runs(layout, rng)
    ]
    pq.write_table(pa.Table.from_pylist(rows, _schema(by_item=False)), path, compression="zstd")
    return path


def _runs(layout: Layout, rng: np.random.Generator) -> Iterator[tuple[dict[str, Any], float]]:
    """What is the same in each run, and the probability of a right answer."""
    size = SMALLEST + DECADES * rng.permutation(layout.models) / max(layout.models - 1, 1)
    family = np.arange(layout.models) // PER_FAMILY
    own = 0.4 * rng.standard_normal(layout.models)
    own += 0.4 * rng.standard_normal(int(family.max()) + 1)[family]
    for task in range(layout.tasks):
        here = own + 0.3 * rng.standard_normal(layout.models)
        for shots, prompt, exposure in layout.conditions:
            chances = _curve(task % 5, size, shots, prompt, here)
            for model, p in enumerate(chances):
                yield (
                    {
                        "task": f"task-{task:04d}",
                        "metric": "accuracy",
                        "model": f"model-{model:05d}",
                        "family": f"family-{family[model]:04d}",
                        "prompt": prompt,
                        "demonstrations": "gold" if shots else "none",
                        "exposure": exposure,
                        "parameters": float(10 ** size[model]),
                        "tokens": float(10 ** (11 + 0.1 * (family[model] % 10))),
                        "chance": CHANCE,
                        "shots": shots,
                        "seed": 0,
                    },
                    float(p),
                )


def _curve(
    kind: int, size: NDArray[Any], shots: int, prompt: str, own: NDArray[Any]
) -> NDArray[np.float64]:
    """Probability of a right answer of each model."""
    middle = SMALLEST + DECADES / 2
    threshold = (3.0 * (size > middle)) - 2.5
    flat = np.full(len(size), -2.5)
    here = {
        0: threshold,
        1: threshold if shots else flat,
        2: 0.9 * (size - middle) - 0.5,
        3: np.full(len(size), -8.0),
        4: threshold if prompt == "closed" else flat,
    }[kind]
    p: NDArray[np.float64] = CHANCE + (1 - CHANCE) / (1 + np.exp(-(here + own)))
    return p


def _schema(*, by_item: bool) -> pa.Schema:
    fields = [
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.float64()) for name in (*NUMBERS, "score")),
        *((name, pa.int64()) for name in WHOLES),
    ]
    return pa.schema([*fields, ("item", pa.string())] if by_item else fields)


def _table(run: dict[str, Any], score: NDArray[np.float64], items: pa.Array) -> pa.Table:
    schema = _schema(by_item=True)
    columns = {
        name: pa.repeat(pa.scalar(run[name], schema.field(name).type), len(items))
        for name in (*TEXTS, *NUMBERS, *WHOLES)
    }
    return pa.table({**columns, "score": score, "item": items}, schema=schema)
