"""Scales known to within a factor of two: is a gradual curve called a threshold, is a step found?

Models are drawn at their true scale and tested at one that is wrong by up to .3 decades. Rejection
rates at 5 % of the two-level test, and of the test whose null has the same error in scale. Steep
gradual growth and little variation between models are the hardest case: there error in scale is
most of the scatter. In `simex` cells, at the true threshold: how far the step that is estimated
without regard to the error, and the one that SIMEX gives, lie from the step in the mean score over
models (means over tables), and how often 1.96 standard errors about SIMEX hold it. Resumable.

    python benchmarks/scale_error.py --simulations 300
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, fill
from _simulated import CENTRE, FLOOR, Truth, draw_sample, layout, logit_step, middle

from confounds.inference._effect import own_curve
from confounds.inference._link import TRANSITION
from confounds.inference._plan import TestPlan
from confounds.inference._reference import bootstrap_two_level, fit_levels, p_value
from confounds.inference.sample import threshold_columns
from confounds.inference.scale_error import HALF_WIDTH, gradual_with_error, simex_effect

if TYPE_CHECKING:
    from _simulated import Floats

    from confounds.inference.sample import Sample

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
    simex: bool = False

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file."""
        return f"{self.truth}/{self.models}/SD {self.spread:g}" + "/simex" * self.simex


CELLS = [
    Cell(truth, models, spread)
    for models in (12, 20, 50)
    for truth in TRUTHS
    for spread in (0.1, 0.5)
]
CELLS += [Cell(one.truth, one.models, one.spread, simex=True) for one in CELLS]


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates of one cell, or what SIMEX gives back."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    if cell.simex:
        found = np.array([_corrected(cell, rng) for _ in range(simulations)])
        names = ("naive_error", "simex_error", "simex_covers")
        return dict(zip(names, map(float, found.mean(axis=0)), strict=True))
    found = np.array([_p_values(cell, rng) for _ in range(simulations)])
    stated, with_error = (found < 0.05).mean(axis=0)
    return {"stated": float(stated), "with_error": float(with_error)}


def _drawn(cell: Cell, rng: np.random.Generator) -> tuple[Sample, float]:
    """Models at scales in error, and the log10 scale of the true threshold."""
    x, family = layout(cell.models, disjoint=False, rng=rng)
    shared = rng.standard_normal(int(family.max()) + 1)[family.astype(int)]
    effects = cell.spread * (shared + rng.standard_normal(len(x)))
    error = rng.uniform(-HALF_WIDTH, HALF_WIDTH, len(x))
    true = draw_sample(TRUTHS[cell.truth], x, family, effects, rng)
    return replace(true, x=x + error), middle(x)


def _corrected(cell: Cell, rng: np.random.Generator) -> tuple[float, float, bool]:
    """Errors of the plain estimate and of SIMEX, and whether its interval holds the step."""
    sample, psi = _drawn(cell, rng)
    step = _marginal_step(TRUTHS[cell.truth], psi, cell.spread * 2**0.5)
    plain = float(own_curve(sample, psi, PLAN.shape, PLAN.growth(sample)).effect[0])
    found = simex_effect(sample, psi, PLAN, rng)
    missed = (found.estimate or 0.0) - step
    return plain - step, missed, abs(missed) <= 1.96 * (found.std_error or 0.0)


def _marginal_step(truth: Truth, psi: float, spread: float) -> float:
    """The step in the mean score over models at psi, by quadrature over their effects."""
    if not truth.step:
        return 0.0
    before = truth.level + truth.slope * (psi - CENTRE)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    ends = before + spread * nodes, before + spread * nodes + logit_step(before, truth.step)
    low, high = (1 / (1 + np.exp(-eta)) for eta in ends)
    return float((1 - FLOOR) * (weights * (high - low)).sum() / weights.sum())


def _p_values(cell: Cell, rng: np.random.Generator) -> Floats:
    sample, _ = _drawn(cell, rng)
    columns = threshold_columns(sample.x, sample.grid, PLAN.shape)
    slopes = PLAN.slopes(sample)
    observed = fit_levels(sample.score[None], sample, columns, slopes)
    draws = bootstrap_two_level(observed, sample, columns, slopes, PLAN.replicates, rng)
    plain = p_value(float(observed.two_level_search.sup[0]), draws)
    return np.array([plain, gradual_with_error(sample, PLAN, rng)])


if __name__ == "__main__":
    fill(Table("scale_error", CELLS, run_cell, simulations=300), __doc__)
