"""False alarms on smooth curves that level off below 1, and the power that guarding costs.

A smooth curve that saturates at .75 (wrong labels, ambiguous items) bends more than any logistic
that goes on to 1, and a step at the bend fits better. Three ways: the curve taken to go on to 1;
the ceiling declared; and the default, every ceiling that the scores allow. On true thresholds the
curve does go on to 1. Resumable.

    python benchmarks/saturation.py --simulations 200
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, fill
from _simulated import CENTRE, FLOOR, ITEMS, Truth, draw_effects, draw_sample, layout, middle

from confounds.inference import _link
from confounds.inference._null import Slopes
from confounds.inference._plan import TestPlan, is_significant
from confounds.inference._reference import bootstrap, fit_levels
from confounds.inference.ceiling import over_ceilings, p_values, with_declared
from confounds.inference.sample import Sample, threshold_columns

if TYPE_CHECKING:
    from _simulated import Floats

REPLICATES = 99
CEILING = 0.75
SLOPES = Slopes(upper=_link.TRANSITION / 2)
# Logits a decade, logit at the centre of the scale: from a curve that is up early to one that
# is half way at the centre.
CURVES = {"early": (1.5, 2.0), "middle": (1.5, 0.0)}

THRESHOLDS = {
    "sharp, slope 8": Truth(slope=8.0),
    "step .30": Truth(slope=0.7, step=0.30, level=-1.0),
}
WAYS = {"ceiling 1": 1.0, "ceiling declared": CEILING, "any ceiling": None}


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    models: int
    truth: str

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        return f"{self.models}/{self.truth}"


CELLS = [Cell(models, truth) for models in (8, 12, 20) for truth in (*CURVES, *THRESHOLDS)]


def draw(models: int, curve: str, rng: np.random.Generator) -> Sample:
    """Scores around a smooth curve with a ceiling."""
    slope, level = CURVES[curve]
    x, family = layout(models, False, rng)
    eta = level + slope * (x - CENTRE) + draw_effects(family, rng)
    score = rng.binomial(ITEMS, FLOOR + (CEILING - FLOOR) / (1 + np.exp(-eta))) / ITEMS
    return Sample(
        x=x,
        score=score,
        n=np.full(models, float(ITEMS)),
        floor=np.full(models, FLOOR),
        family=family.astype(np.int64),
        models=tuple(f"m{row}" for row in range(models)),
    )


def draw_step(models: int, truth: str, rng: np.random.Generator) -> Sample:
    """Scores around a true threshold whose curve goes on to 1."""
    x, family = layout(models, False, rng)
    drawn = THRESHOLDS[truth]
    if drawn.step:
        drawn = replace(drawn, level=drawn.level - drawn.slope * (middle(x) - CENTRE))
    return draw_sample(drawn, x, family, draw_effects(family, rng), rng)


def decide(sample: Sample, seed: int, ceiling: float | None) -> Floats:
    """Rejections by the two-level test and by the decision."""
    rng = np.random.default_rng(seed)
    plan = TestPlan(replicates=REPLICATES, seed=seed, ceiling=ceiling)
    columns = threshold_columns(sample.x, sample.grid, "step")
    observed = fit_levels(sample.score[None], sample, columns, SLOPES)
    draws = bootstrap(observed, sample, columns, SLOPES, REPLICATES, rng)
    p, check, _ = with_declared(sample, plan, p_values(observed, *draws))
    p, check, _ = over_ceilings(sample, plan, (p, check))
    return np.array([p <= 0.05, is_significant(p, check)])


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, dict[str, float]]:
    """Rejection rates each way, on the same samples."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    make = draw if cell.truth in CURVES else draw_step
    samples = [make(cell.models, cell.truth, rng) for _ in range(simulations)]
    rates = {}
    for name, ceiling in WAYS.items():
        found = [decide(sample, at, ceiling) for at, sample in enumerate(samples)]
        two_level, decision = np.mean(found, axis=0)
        rates[name] = {"two_level": float(two_level), "decision": float(decision)}
    return rates


def describe(cell: Cell, rates: dict[str, dict[str, float]]) -> str:
    """Both rates each way."""
    del cell
    return "  ".join(
        f"{name}: two-level {rate['two_level']:.3f} decision {rate['decision']:.3f}"
        for name, rate in rates.items()
    )


if __name__ == "__main__":
    fill(Table("saturation", CELLS, run_cell, describe, record={"replicates": REPLICATES}), __doc__)
