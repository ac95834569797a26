"""Is the simulated power of `confounds power` that of the procedure it stands for?

Three questions, each answered beside the full procedure on the same simulated data sets:

* *power*: the pooled reference distribution (`inference/_power_draws`) against a bootstrap of
  its own for every data set, threshold test and paired contrast, 8 to 40 models, families that
  overlap in scale or not, steps .1 to .5.
* *equivalence*: how many models show that a controlled curve has no step as large as .10:
  by its own interval, flat at chance or smooth, and by the interval of the paired change.
* *table*: the power that a table of 8 to 40 models tells of itself, with the curve estimated
  from it and variances that it might have had, against that of its truth; and the number of
  models that a verdict extrapolates from the interval of a table that is not significant
  (`models_needed`), against simulation.

Resumable.

    python benchmarks/power.py --simulations 200
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from _resumable import Table, fill

from confounds.inference._effect import effect_profile, fit_threshold
from confounds.inference._power_draws import (
    contrast_found,
    draw_chance,
    draw_pairs,
    draw_world,
    shown_below,
    threshold_found,
)
from confounds.inference._power_world import Layout, World, world_of
from confounds.inference._reference import bootstrap, fit_levels, p_value
from confounds.inference.change import Place, estimate_change
from confounds.inference.contrast import Pair, contrast_test
from confounds.inference.needed import models_needed
from confounds.inference.power import SIMULATIONS, Search, plan_design
from confounds.inference.sample import threshold_columns
from confounds.inference.threshold import test_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confounds.inference.sample import Flags, Floats

REPLICATES = 199
ITEMS = 500
PER_FAMILY = 4
SMALLEST = 0.1
STEPS = (0.1, 0.2, 0.3, 0.4, 0.5)
MANY = 20
"""Null draws a data set behind the fast procedure's decisions on the data sets of the full one."""
TABLES = 200
"""Tables that are asked about themselves."""
FAST = 4000
"""Simulations by the fast procedure alone, for a figure without simulation error to speak of."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    kind: str
    models: int
    disjoint: bool
    effect: float

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        place = "disjoint" if self.disjoint else "overlap"
        return f"{self.kind}/{self.models}/{place}/{self.effect:g}"

    def world(self) -> World:
        """Its models and curve."""
        families = self.models // PER_FAMILY
        return Layout(self.models, families, ITEMS, disjoint=self.disjoint).world()


def cells() -> Iterator[Cell]:
    """All cells."""
    for models in (8, 12, 20, 40):
        for disjoint in (False, True):
            for kind in ("threshold", "paired"):
                for effect in STEPS[: 5 if kind == "threshold" else 3]:
                    yield Cell(kind, models, disjoint, effect)
    for models in (8, 12, 16, 20, 25, 32, 40, 60):
        for kind in ("smooth", "chance", "change"):
            yield Cell(kind, models, disjoint=False, effect=0.0)
    for models, effect in ((8, 0.4), (12, 0.4), (20, 0.3), (20, 0.2), (40, 0.2)):
        yield Cell("table", models, disjoint=False, effect=effect)


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rates by the fast and by the full procedure, and how often they disagree."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    world = cell.world()
    if cell.kind == "table":
        return run_tables(cell, world, rng)
    y = draw(cell, world, simulations, rng)
    if cell.kind == "change":
        return {"full": float(np.mean(full(cell, world, y, rng)))}
    begun = time.process_time()
    fast = quick(cell, world, y, rng, MANY)
    spent = time.process_time() - begun
    begun = time.process_time()
    slow = full(cell, world, y, rng)
    return {
        "fast": float(fast.mean()),
        "full": float(slow.mean()),
        "difference": float(fast.mean() - slow.mean()),
        "disagree": float((fast != slow).mean()),
        "difference_se": float((fast.astype(float) - slow).std() / np.sqrt(simulations)),
        "fast_alone": float(quick(cell, world, draw(cell, world, FAST, rng), rng).mean()),
        "cpu_fast": round(spent, 3),
        "cpu_full": round(time.process_time() - begun, 3),
    }


def run_tables(cell: Cell, world: World, rng: np.random.Generator) -> dict[str, float]:
    """What tables drawn from a known world tell of their power, and of the models needed."""
    plan = replace(world.plan, replicates=19)
    told, needed = [], []
    tables = draw_world(world, cell.effect, TABLES, rng)
    decided = threshold_found(tables, world, rng, MANY).significant
    for y, significant in zip(tables, decided, strict=True):
        fitted = test_threshold(world.sample.with_score(y), plan)
        own = world_of(fitted)
        if cell.effect < own.room:
            scores = draw_world(own, cell.effect, SIMULATIONS, rng)
            told.append(threshold_found(scores, own, rng).power)
        found = models_needed(fitted.fit["effect"], cell.models, SMALLEST)
        if not significant:
            needed.append(np.inf if found is None else found)
    scores = draw_world(world, cell.effect, FAST, rng)
    layout = Layout(cell.models, cell.models // PER_FAMILY, ITEMS)
    design = plan_design(layout, cell.effect, Search(SMALLEST, SIMULATIONS, 1))
    low, middle, high = np.quantile(needed, [0.25, 0.5, 0.75], method="nearest")
    return {
        "power": threshold_found(scores, world, rng).power,
        "told_mean": float(np.mean(told)),
        "told_sd": float(np.std(told, ddof=1)),
        "told_by": len(told) / TABLES,
        "models_needed": float(design.models_needed or np.inf),
        "extrapolated_median": float(min(middle, 1e4)),
        "extrapolated_low": float(min(low, 1e4)),
        "extrapolated_high": float(min(high, 1e4)),
    }


def draw(cell: Cell, world: World, count: int, rng: np.random.Generator) -> Any:
    """Data sets of one cell: scores, or scores in both conditions."""
    if cell.kind in ("paired", "change"):
        return draw_pairs(world, cell.effect, 1.0, count, rng)
    if cell.kind == "chance":
        return draw_chance(world, count, rng)
    return draw_world(world, cell.effect, count, rng)


def quick(cell: Cell, world: World, y: Any, rng: np.random.Generator, draws: int = 1) -> Flags:
    """Decisions as the package simulates them."""
    if cell.kind == "threshold":
        return threshold_found(y, world, rng, draws).significant
    if cell.kind == "paired":
        return contrast_found(y, world, rng).significant
    return shown_below(y, world, SMALLEST)


def full(cell: Cell, world: World, y: Any, rng: np.random.Generator) -> Flags:
    """Decisions as an audit takes them, data set by data set."""
    if cell.kind == "threshold":
        return np.array([by_threshold(row, world, rng) for row in y])
    if cell.kind in ("paired", "change"):
        decide = by_contrast if cell.kind == "paired" else by_change
        return np.array([decide(one, two, world, rng) for one, two in zip(*y, strict=True)])
    return np.array([by_interval(row, world) for row in y])


def by_threshold(y: Floats, world: World, rng: np.random.Generator) -> bool:
    """The threshold test, each data set with bootstraps of its own."""
    sample = world.sample.with_score(y)
    columns = threshold_columns(sample.x, sample.grid, world.plan.shape)
    slopes = world.plan.slopes(sample)
    observed = fit_levels(y[None], sample, columns, slopes)
    draws, check = bootstrap(observed, sample, columns, slopes, REPLICATES, rng)
    found = p_value(float(observed.two_level_search.sup[0]), draws) <= 0.05
    if observed.fixed_search is None or check is None:
        return found
    return found and p_value(float(observed.fixed_search.sup[0]), check) <= 0.10


def by_contrast(raw: Floats, other: Floats, world: World, rng: np.random.Generator) -> bool:
    """The paired contrast, with a bootstrap of its own."""
    pair = Pair(world.sample.with_score(raw), world.sample.with_score(other))
    slopes = world.plan.slopes(world.sample)
    return (contrast_test(pair, "step", slopes, REPLICATES, rng).p_value or 0.0) <= 0.05


def by_interval(y: Floats, world: World) -> bool:
    """Whether the 90 % interval of the effect at psi ends below the smallest of interest."""
    sample, plan = world.sample.with_score(y), world.plan
    slopes = plan.growth(sample)
    curve = fit_threshold(y[None], sample, world.psi, plan.shape, slopes)
    profile = effect_profile(sample, np.array([world.psi]), plan.shape, slopes, curve)
    return profile.interval(0.90)[1] < SMALLEST


def by_change(raw: Floats, other: Floats, world: World, rng: np.random.Generator) -> bool:
    """Whether the 95 % interval of the paired change ends below the smallest of interest."""
    pair = Pair(world.sample.with_score(raw), world.sample.with_score(other))
    slopes = world.plan.growth(world.sample)
    place = Place(world.psi, np.array([world.psi]), "step")
    return (estimate_change(pair, place, slopes, rng).ci_upper or 1.0) < SMALLEST


if __name__ == "__main__":
    fill(
        Table(
            name="power",
            cells=tuple(cells()),
            run=run_cell,
            record={"replicates": REPLICATES},
        ),
        __doc__,
    )
