"""Scales known to within a factor of two: is a gradual curve called a threshold, is a step found?

Models are drawn at their true scale and tested at one that is wrong by up to .3 decades. Rejection
rates at 5 % of the two-level test, and of the test whose null has the same error in scale. Steep
gradual growth and little variation between models are the hardest case: there error in scale is
most of the scatter. Resumable.

    python benchmarks/scale_error.py --simulations 300
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, fill
from _simulated import Truth, draw_sample, layout

from confounds.inference._link import TRANSITION
from confounds.inference._plan import TestPlan
from confounds.inference._reference import bootstrap_two_level, fit_levels, p_value
from confounds.inference.sample import threshold_columns
from confounds.inference.scale_error import HALF_WIDTH, gradual_with_error

if TYPE_CHECKING:
    from _simulated import Floats

BOUND = TRANSITION / 2
TRUTHS = {
    "gradual": Truth(slope=1.0),
    "at the bound": Truth(slope=BOUND),
    "step": Truth(slope=0.6, level=-2.5, step=0.5),
}
PLAN = TestPlan(replicates=199, detailed=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table.

    Attributes:
        truth: name of the truth.
        models: number of models, in families of four.
        spread: SD of the models and of the families on the logit.
    """

    truth: str
    models: int
    spread: float

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file."""
        return f"{self.truth}/{self.models}/SD {self.spread:g}"


CELLS = [
    Cell(truth, models, spread)
    for models in (12, 20, 50)
    for truth in TRUTHS
    for spread in (0.1, 0.5)
]


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates of one cell."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    found = np.array([_p_values(cell, rng) for _ in range(simulations)])
    stated, with_error = (found < 0.05).mean(axis=0)
    return {"stated": float(stated), "with_error": float(with_error)}


def _p_values(cell: Cell, rng: np.random.Generator) -> Floats:
    x, family = layout(cell.models, disjoint=False, rng=rng)
    shared = rng.standard_normal(int(family.max()) + 1)[family.astype(int)]
    effects = cell.spread * (shared + rng.standard_normal(len(x)))
    error = rng.uniform(-HALF_WIDTH, HALF_WIDTH, len(x))
    true = draw_sample(TRUTHS[cell.truth], x, family, effects, rng)
    sample = replace(true, x=x + error)
    columns = threshold_columns(sample.x, sample.grid, PLAN.shape)
    slopes = PLAN.slopes(sample)
    observed = fit_levels(sample.score[None], sample, columns, slopes)
    draws = bootstrap_two_level(observed, sample, columns, slopes, PLAN.replicates, rng)
    plain = p_value(float(observed.two_level_search.sup[0]), draws)
    return np.array([plain, gradual_with_error(sample, PLAN, rng)])


if __name__ == "__main__":
    fill(Table("scale_error", CELLS, run_cell, simulations=300), __doc__)
