"""Do the intervals of attributed shares cover? Two confounds whose shares are known.

Models in families of four over six decades, chance .25, 500 items, model and family SD .5 on the
logit; the conditions share these effects but for `own` of their variance. `graded`: steps of .33
(both confounds on), .15, .22 and .05 for the median model. `all`: one confound makes the whole
step of .30, and without it the curve is flat at chance. The truth that an interval must cover is
the share of the expected steps, by quadrature over models. At the true threshold, and (`searched`)
at the one that the raw condition picks. Resumable.

    python benchmarks/attribution.py --simulations 300
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, as_columns, fill
from _simulated import (
    FAMILY_SD,
    FLOOR,
    ITEMS,
    MODEL_SD,
    draw_effects,
    layout,
    logit_step,
    middle,
)

from confounds.inference import attribution, omitted_variables
from confounds.inference._crossing import Crossing, Subset, combine, subsets
from confounds.inference._plan import TestPlan
from confounds.inference._reference import fit_levels
from confounds.inference.attribution import Shares
from confounds.inference.factors import Factor
from confounds.inference.sample import Sample, threshold_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from confounds.exploration import Attribution

    Floats = NDArray[np.float64]

LEVEL, SLOPE = -1.0, 0.7
FACTORS = (Factor("shots", "5 shots", "0 shots"), Factor("exposure", "memorized", "unseen"))
NONE, NO_SHOTS, UNSEEN, NEITHER = list(subsets(FACTORS))
FLAT = -1.0
WORLDS: dict[str, dict[Subset, float]] = {
    "graded": {NONE: 0.33, NO_SHOTS: 0.15, UNSEEN: 0.22, NEITHER: 0.05},
    "all": {NONE: 0.30, NO_SHOTS: FLAT, UNSEEN: 0.30, NEITHER: FLAT},
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
SPREAD = float(np.hypot(MODEL_SD, FAMILY_SD))


@dataclass(frozen=True, slots=True)
class Cell:
    """One way to simulate.

    Attributes:
        models: number of models.
        world: which steps.
        own: share of the effects' variance that each condition has of its own.
        disjoint: families in disjoint blocks of scale.
        searched: at the threshold that the raw condition picks.
    """

    models: int
    world: str
    own: float
    disjoint: bool = False
    searched: bool = False

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file."""
        place = "disjoint" if self.disjoint else "overlap"
        place = f"{place}, searched" if self.searched else place
        return f"{self.world} / own {self.own:g} / {self.models} models / {place}"


def cells() -> list[Cell]:
    """All cells."""
    found = []
    for models in (12, 20):
        for world, own in (("graded", 0.0), ("graded", 0.5), ("all", 0.5)):
            found += [Cell(models, world, own, disjoint) for disjoint in (False, True)]
        found += [Cell(models, "graded", 0.5, searched=True)]
    return found


@dataclass(frozen=True, eq=False)
class World:
    """One simulated table: its samples, and the expected score of every model."""

    samples: dict[Subset, Sample]
    expected: dict[Subset, Floats]
    families: dict[str, str]
    psi: float


def draw_world(
    steps: dict[Subset, float],
    own: float,
    place: tuple[Floats, Floats],
    rng: np.random.Generator,
) -> World:
    """Draw all four conditions of the same models."""
    x, family = place
    psi = middle(x)
    shared = draw_effects(family, rng)
    models = tuple(f"m{number:03d}" for number in range(len(x)))
    samples, expected = {}, {}
    for off, step in steps.items():
        eta = np.full(len(x), -40.0)
        if step != FLAT:
            eta = LEVEL + SLOPE * (x - psi) + logit_step(LEVEL, step) * (x > psi)
        effects = np.sqrt(1 - own) * shared + np.sqrt(own) * draw_effects(family, rng)
        score = rng.binomial(ITEMS, FLOOR + (1 - FLOOR) / (1 + np.exp(-eta - effects))) / ITEMS
        n, floor = np.full(len(x), float(ITEMS)), np.full(len(x), FLOOR)
        samples[off] = Sample(x, score, n, floor, family.astype(np.int64), models)
        expected[off] = mean_score(eta)
    names = {name: f"f{code}" for name, code in zip(models, family, strict=True)}
    return World(samples, expected, names, psi)


def mean_score(eta: Floats) -> Floats:
    """Expected score over models around `eta`, by quadrature."""
    share = 1 / (1 + np.exp(-(eta[:, None] + SPREAD * NODES)))
    return FLOOR + (1 - FLOOR) * (share @ WEIGHTS) / WEIGHTS.sum()


def expected_step(step: float) -> Floats:
    """The step in the mean score over models."""
    if step == FLAT:
        return np.zeros(1)
    ends = mean_score(np.array([LEVEL, LEVEL + logit_step(LEVEL, step)]))
    return np.array([ends[1] - ends[0]])


def true_shares(world: World, crossing: Crossing, steps: dict[Subset, float]) -> dict[str, Shares]:
    """What each method would give from expected scores."""
    effects = {off: expected_step(step) for off, step in steps.items()}
    stack = attribution.stack(None, crossing)
    y = np.concatenate([world.expected[item.off] for item in crossing.drawn])[None]
    return {
        "shapley": attribution.shapley(FACTORS, effects),
        "gelbach": Shares(*omitted_variables.gelbach(y, stack)),
        "khb": Shares(*omitted_variables.khb(y, stack)),
    }


def cross_at(world: World, psi: float) -> Crossing:
    """The fitted crossing at one threshold."""
    plan = TestPlan()
    combined, blocks = combine(world.samples, FACTORS, psi, plan)
    return Crossing(FACTORS, combined, blocks, world.families, psi, plan)


def search(sample: Sample) -> float:
    """The threshold that the raw condition's own test picks."""
    columns = threshold_columns(sample.x, sample.grid, "step")
    found = fit_levels(sample.score[None], sample, columns, TestPlan().slopes(sample))
    return float(sample.grid[found.two_level_search.best[0]])


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, dict[str, float]]:
    """Coverage, width and bias of every share in one cell."""
    steps = WORLDS[cell.world]
    place = [cell.models, len(cell.world), int(cell.own * 100), int(cell.disjoint)]
    rng = np.random.default_rng([seed, *place])
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(simulations):
        world = draw_world(steps, cell.own, layout(cell.models, cell.disjoint, rng), rng)
        crossing = cross_at(world, world.psi)
        truth = true_shares(world, crossing, steps)
        if cell.searched:
            crossing = cross_at(world, search(world.samples[NONE]))
        for answer in attribution.share_out(None, crossing, rng):
            if answer.reason is None:
                record(found, answer, truth[answer.method])
    names = ("coverage", "width", "bias")
    return {
        term: dict(zip(names, np.mean(values, axis=0).tolist(), strict=True))
        for term, values in found.items()
    }


def record(
    found: dict[str, list[tuple[float, float, float]]], answer: Attribution, truth: Shares
) -> None:
    """Whether each interval holds its truth, its width, and the error of the estimate."""
    parts = truth.parts[0].tolist()
    values = [float(truth.total[0]), *parts, float(truth.total[0]) - sum(parts)]
    for item, value in zip((answer.total, *answer.shares), values, strict=True):
        held = item.ci_lower - 1e-9 <= value <= item.ci_upper + 1e-9
        row = (float(held), item.ci_upper - item.ci_lower, item.estimate - value)
        found.setdefault(f"{answer.method} {item.term}", []).append(row)


def describe(cell: Cell, rates: dict[str, dict[str, float]]) -> str:
    """A line for every share."""
    lines = [f"\n    {term:24s}{as_columns(cell, row)}" for term, row in rates.items()]
    return "".join(lines)


if __name__ == "__main__":
    fill(
        Table("attribution", cells(), run_cell, describe, simulations=300, seed=11),
        __doc__,
    )
