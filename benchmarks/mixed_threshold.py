"""Size and power of the threshold search inside the mixed model, where items differ.

Small and large models share a few items; the rest each side answers alone, and items differ in
difficulty as models differ in ability. In `easier` the large models' own items are easier by
one logit; in `scattered` every model lacks three items in ten, whichever they are. `mixed` is told
whose items are easier; `means` is the threshold test on the models' mean scores, which takes easier
items for a step; `audit` is what an audit makes of the two (`inference.asked_items`), which is told
nothing.

Resumable.

    python benchmarks/mixed_threshold.py --simulations 200
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _resumable import Table, fill
from _simulated import FAMILY_SD, MODEL_SD, layout, middle

from confounds.inference import _link
from confounds.inference._null import Slopes
from confounds.inference._plan import TestPlan
from confounds.inference._reference import bootstrap_two_level, fit_levels, p_value
from confounds.inference.asked_items import Answers, beside_items
from confounds.inference.mixed import MixedDesign, Term
from confounds.inference.mixed_threshold import MixedSearch, search_threshold
from confounds.inference.sample import Sample, threshold_columns

REPLICATES = 99
ITEM_SD = 1.0
LINKS, OWN = 12, 24
"""Items that all models answer, and items that one side alone answers."""
EASIER = 1.0
SCATTERED = 0.3
LEVEL = 0.05
STEP = 2.0
"""Logits; about .30 to .35 in score points from floor 0 or .25."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    models: int
    truth: str
    floor: float

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        return f"{self.models}/{self.truth}/floor {self.floor:g}"


def cells() -> list[Cell]:
    """All cells."""
    return [
        Cell(models, truth, floor)
        for floor in (0.0, 0.25)
        for truth in ("null", "easier", "step", "scattered", "scattered step")
        for models in (12, 20)
    ]


def draw(cell: Cell, rng: np.random.Generator) -> tuple[MixedDesign, Sample]:
    """The item rows, and the mean scores of the same models."""
    x, family = layout(cell.models, disjoint=False, rng=rng)
    large = x > middle(x)
    families = FAMILY_SD * rng.standard_normal(family.max() + 1)
    ability = MODEL_SD * rng.standard_normal(len(x)) + families[family]
    eta = 0.5 * (x - x.mean()) + ability
    if cell.truth.endswith("step"):
        eta = eta - STEP / 2 + STEP * large
    difficulty = ITEM_SD * rng.standard_normal(LINKS + 2 * OWN)
    theirs = (np.arange(len(difficulty)) >= LINKS).astype(np.float64)
    theirs[LINKS + OWN :] = 0.0
    terms = [Term("intercept")]
    if cell.truth == "easier":
        difficulty = difficulty - EASIER * theirs
        terms.append(Term("theirs", item=theirs))
    chance = cell.floor + (1 - cell.floor) / (1 + np.exp(-eta[:, None] + difficulty))
    block = (rng.random(chance.shape) < chance).astype(np.float64)
    if cell.truth.startswith("scattered"):
        block[rng.random(block.shape) < SCATTERED] = np.nan
    else:
        block[np.ix_(~large, np.arange(LINKS, LINKS + OWN))] = np.nan
        block[np.ix_(large, np.arange(LINKS + OWN, LINKS + 2 * OWN))] = np.nan
    design = MixedDesign.from_block(
        block[:, :, None], terms=tuple(terms), family=family, floor=cell.floor
    )
    sample = Sample(
        x=x,
        score=np.nanmean(block, axis=1),
        n=np.isfinite(block).sum(axis=1).astype(np.float64),
        floor=np.full(len(x), cell.floor),
        family=family.astype(np.int64),
        models=tuple(f"m{row}" for row in range(len(x))),
    )
    return design, sample


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates of the search inside the mixed model, of the test on means, and of both."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    rejected = np.zeros(3)
    for draw_seed in range(simulations):
        design, sample = draw(cell, rng)
        how = MixedSearch(replicates=REPLICATES, seed=draw_seed)
        found = search_threshold(design, sample.x, how)
        p, psi = on_means(sample, draw_seed)
        both = p
        if p <= LEVEL:
            plan = TestPlan(replicates=REPLICATES, seed=draw_seed)
            answers = Answers(
                design.model, design.item, design.successes, np.full(design.rows, np.nan)
            )
            both = max(p, beside_items(answers, sample, psi, plan)[0] or 0.0)
        rejected += [found.threshold.p_value <= LEVEL, p <= LEVEL, both <= LEVEL]
    return dict(zip(("mixed", "means", "audit"), (rejected / simulations).tolist(), strict=True))


def on_means(sample: Sample, seed: int) -> tuple[float, float]:
    """Two-level p-value of the threshold test on mean scores, and the threshold."""
    slopes = Slopes(upper=_link.TRANSITION / 2)
    columns = threshold_columns(sample.x, sample.grid, "step")
    observed = fit_levels(sample.score[None], sample, columns, slopes)
    rng = np.random.default_rng(seed)
    draws = bootstrap_two_level(observed, sample, columns, slopes, REPLICATES, rng)
    psi = float(sample.grid[observed.two_level_search.best[0]])
    return p_value(float(observed.two_level_search.sup[0]), draws), psi


if __name__ == "__main__":
    fill(
        Table(
            name="mixed_threshold",
            cells=cells(),
            run=run_cell,
            record={"replicates": REPLICATES},
        ),
        __doc__,
    )
