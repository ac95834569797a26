"""Size and power of the tests of shape: two lines, dip and mixture over training runs.

Every cell is a truth; the table gives how often each answer is given. Resumable.

    python benchmarks/shapes.py --simulations 300
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from _resumable import Table, fill
from _simulated import CENTRE, FLOOR, ITEMS, draw_effects, layout

from confounds import plugins
from confounds.claim import Claim
from confounds.inference.fits import Fits, Settings
from confounds.inference.sample import Sample
from confounds.inference.two_lines import two_lines, why_no_lines
from confounds.outcomes import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from _simulated import Floats

SMALLEST = 0.10
CURVES: dict[str, Callable[[Floats], Floats]] = {
    "flat": lambda z: -1 + 0 * z,
    "rises": lambda z: z,
    "levels off": lambda z: 1.5 * np.minimum(z, 0),
    "wakes up": lambda z: 1.5 * np.maximum(z, 0) - 1,
    "sharp": lambda z: 8 * z,
    "u": lambda z: 1.2 * np.abs(z) - 1,
    "inverted_u": lambda z: 1.5 - 1.2 * np.abs(z),
}
"""Logit above chance against decades from the centre."""
ANSWERS = ("u", "inverted_u", "monotone", "undecided")
RUNS = ("luck 1", "luck 2", "step", "failures", "noisy")
VERDICTS = ("explained", "survives", "inconclusive")
THRESHOLD = 9.7


@dataclass(frozen=True, slots=True)
class LinesCell:
    """One truth for the two lines."""

    curve: str
    models: int
    disjoint: bool

    @property
    def key(self) -> str:
        """Name of the cell, and the seed of its draws."""
        place = "disjoint" if self.disjoint else "overlap"
        return f"lines/{self.models}/{place}/{self.curve}"


def lines_rates(cell: LinesCell, simulations: int, seed: int) -> dict[str, float]:
    """How often each shape is answered."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    found = dict.fromkeys(ANSWERS, 0)
    for _ in range(simulations):
        x, family = layout(cell.models, cell.disjoint, rng)
        eta = CURVES[cell.curve](x - CENTRE) + draw_effects(family, rng)
        score = rng.binomial(ITEMS, FLOOR + (1 - FLOOR) / (1 + np.exp(-eta))) / ITEMS
        sample = sample_of(x, score, family)
        shape = "undecided" if why_no_lines(sample) else two_lines(sample, SMALLEST).shape
        found[shape] += 1
    return {name: count / simulations for name, count in found.items()}


def sample_of(x: Floats, score: Floats, family: Floats) -> Sample:
    """Scores with the floor and the items of the benchmarks' world."""
    filled = (np.full(len(x), float(value)) for value in (ITEMS, FLOOR))
    names = tuple(f"m{index}" for index in range(len(x)))
    return Sample(x, score, *filled, family.astype(np.int64), names)


@dataclass(frozen=True, slots=True)
class RunsCell:
    """One truth for training runs of one size."""

    kind: str
    sizes: int
    runs: int

    @property
    def key(self) -> str:
        """Name of the cell, and the seed of its draws."""
        return f"runs/{self.sizes}x{self.runs}/{self.kind}"


def runs_rates(cell: RunsCell, simulations: int, seed: int) -> dict[str, float]:
    """How often `seed_luck` gives each answer."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    claim, settings = Claim("runs", "made", "accuracy"), Settings(replicates=199, sharpness=False)
    rival = plugins.load("rivals", "seed_luck")
    found = dict.fromkeys(VERDICTS, 0)
    for _ in range(simulations):
        outcomes = Outcomes(draw_runs(cell, rng))
        found[rival.test(claim, outcomes, Fits(claim, outcomes, settings)).outcome] += 1
    return {name: count / simulations for name, count in found.items()}


def draw_runs(cell: RunsCell, rng: np.random.Generator) -> pd.DataFrame:
    """Runs of every size: luck that grows over one or two decades, or runs that agree.

    `failures`: a step at which 15 % of the runs fail; `noisy`: a step from above chance, with three
    times the spread between runs.
    """
    x = np.repeat(np.linspace(7, 12.5, cell.sizes), cell.runs)
    family = np.repeat(np.arange(cell.sizes) % 4, cell.runs)
    above = 1.0 * (x > THRESHOLD)
    chances = {
        "luck 1": 1 / (1 + np.exp(-4.394 * (x - THRESHOLD))),
        "luck 2": 1 / (1 + np.exp(-2.197 * (x - THRESHOLD))),
        "failures": 0.85 * above,
    }
    lucky = rng.random(len(x)) < chances.get(cell.kind, above)
    share = np.where(lucky, 0.65, 0.15 if cell.kind == "noisy" else 0.01)
    spread = 0.9 if cell.kind == "noisy" else 0.3
    eta = np.log(share / (1 - share)) + spread * rng.standard_normal(len(x))
    eta += 0.2 * rng.standard_normal(4)[family]
    return pd.DataFrame(
        {
            "task": "made",
            "metric": "accuracy",
            "model": [f"m{row}" for row in range(len(x))],
            "family": [f"f{code}" for code in family],
            "parameters": 10**x,
            "tuning": "base",
            "score": rng.binomial(ITEMS, FLOOR + (1 - FLOOR) / (1 + np.exp(-eta))) / ITEMS,
            "n": ITEMS,
            "chance": FLOOR,
        }
    )


def cells() -> list[LinesCell | RunsCell]:
    """All cells, the quick ones first."""
    lines = [
        LinesCell(curve, models, disjoint)
        for models in (8, 12, 20, 50)
        for disjoint in (False, True)
        for curve in CURVES
    ]
    runs = [RunsCell(kind, *shape) for shape in ((12, 4), (20, 4), (12, 8)) for kind in RUNS]
    return [*lines, *runs]


def run_cell(cell: LinesCell | RunsCell, simulations: int, seed: int) -> dict[str, float]:
    """How often each answer is given."""
    rates = lines_rates if isinstance(cell, LinesCell) else runs_rates
    return rates(cell, simulations, seed)


if __name__ == "__main__":
    fill(Table(name="shapes", cells=cells(), run=run_cell, simulations=300), __doc__)
