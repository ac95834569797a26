"""Do the intervals cover? Threshold, effect, effect at a known threshold, change, width.

Models around a step of .30, .11 or none at the middle of the scale; the effect that the intervals
must cover is the step in the mean score over models, not that of the median model. The change is
from a controlled condition that has no step, at the known threshold and at the one found; its
smooth part is as steep as the raw one, or steeper, or less steep. `from chance`: all models guess
below the step and score .90 to .99 above it, in both conditions, so that nothing changes. `effect
kept`: the interval over the thresholds that are not rejected, before it is made to reach 0 where
the test does not exclude that. Resumable.

    python benchmarks/interval_coverage.py --simulations 200
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, fill
from _simulated import (
    CENTRE,
    FAMILY_SD,
    FLOOR,
    MODEL_SD,
    Truth,
    draw_effects,
    draw_sample,
    layout,
    logit_step,
    middle,
)

from confounds.inference.change import Place, estimate_change
from confounds.inference.contrast import Pair
from confounds.inference.threshold import TestPlan, effect_at, effect_estimate, test_threshold

if TYPE_CHECKING:
    from confounds.results import Estimate

LEVEL = -1.0
SLOPE = 0.7
STEPS = (0.0, 0.11, 0.3)
# .11 for the median model is .10 in the mean: the smallest effect of interest.
HIGH_STEPS = (0.65, 0.74)
AT_CHANCE = -8.0
OTHER_SLOPES = ((1.5, 0.3), (0.3, 1.5))
MODELS = (8, 12, 20)
REPLICATES = 99


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table.

    Attributes:
        models: number of models.
        step: for the median model, in score points.
        disjoint: families in blocks of scale.
        raw: slope of the smooth part, a decade.
        controlled: the same in the other condition.
        level: of the median model below the step, on the logit; at chance both conditions step.
    """

    models: int
    step: float
    disjoint: bool = False
    raw: float = SLOPE
    controlled: float = SLOPE
    level: float = LEVEL

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file."""
        place = "disjoint" if self.disjoint else "overlap"
        key = f"step {self.step:.2f} / {self.models} models / {place}"
        if self.level == AT_CHANCE:
            return f"{key} / from chance"
        if self.raw == self.controlled:
            return key
        return f"{key} / slopes {self.raw:g}, {self.controlled:g}"


def cells() -> list[Cell]:
    """All cells."""
    found = [Cell(m, step, place) for m in MODELS for step in STEPS for place in (False, True)]
    for models in MODELS:
        for step in (0.0, 0.3):
            found += [Cell(models, step, False, *slopes) for slopes in OTHER_SLOPES]
        found += [Cell(models, step, False, 0.0, 0.0, AT_CHANCE) for step in HIGH_STEPS]
    return found


def marginal_step(step: float, level: float = LEVEL) -> float:
    """The step in the mean score over models, by quadrature over their effects."""
    if not step:
        return 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    effect = np.hypot(MODEL_SD, FAMILY_SD) * nodes
    before = level + effect
    after = before + logit_step(level, step)
    rise = 1 / (1 + np.exp(-after)) - 1 / (1 + np.exp(-before))
    return float((1 - FLOOR) * (weights * rise).sum() / weights.sum())


def covers(estimate: Estimate, truth: float) -> bool:
    """Whether the interval holds the truth."""
    return bool(estimate.ci_lower - 1e-9 <= truth <= estimate.ci_upper + 1e-9)


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Coverage rates and mean widths of one cell."""
    place = [int(cell.step * 100), cell.models, int(cell.disjoint)]
    if cell.level != LEVEL:
        place.append(int(-cell.level))
    if cell.raw != cell.controlled:
        place += [int(cell.raw * 10), int(cell.controlled * 10)]
    rng = np.random.default_rng([seed, *place])
    found = [measure(cell, rng) for _ in range(simulations)]
    rates = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    if not cell.step:
        del rates["threshold"]  # there is none to cover
        rates["rightly below .10"] = rates.pop("wrongly below .10")
    return rates


def measure(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    """Which intervals of one simulated pair of curves cover, and how wide they are."""
    truth = marginal_step(cell.step, cell.level)
    other_step = cell.step if cell.level == AT_CHANCE else 0.0
    moved = truth - marginal_step(other_step, cell.level)
    x, family = layout(cell.models, cell.disjoint, rng)
    effects = draw_effects(family, rng)
    psi = middle(x)
    raw, other = (
        draw_sample(
            Truth(slope, cell.level - slope * (psi - CENTRE), step), x, family, effects, rng
        )
        for slope, step in ((cell.raw, cell.step), (cell.controlled, other_step))
    )
    plan = TestPlan(replicates=REPLICATES, detailed=False)
    fitted = test_threshold(raw, plan)
    kept = effect_estimate(fitted.curve, fitted.profile)
    known, profile = effect_at(raw, psi, plan)
    pair, growth = Pair(raw, other), plan.growth(raw)
    change = estimate_change(pair, Place(psi, np.array([psi]), "step"), growth, rng)
    searched = estimate_change(pair, Place(fitted.psi, fitted.kept, "step"), growth, rng)
    return {
        "threshold": covers(fitted.fit["threshold"], 10**psi),
        "effect": covers(fitted.fit["effect"], truth),
        "effect kept": covers(kept, truth),
        "effect at psi": covers(known, truth),
        "change": covers(change, moved),
        "change searched": covers(searched, moved),
        "wrongly below .10": profile.interval(0.90)[1] < 0.10,
        "width of effect at psi": known.ci_upper - known.ci_lower,
        "width of change": change.ci_upper - change.ci_lower,
        "width of change searched": searched.ci_upper - searched.ci_lower,
    }


if __name__ == "__main__":
    fill(
        Table(
            name="interval_coverage",
            cells=cells(),
            run=run_cell,
            seed=7,
            record={"replicates": REPLICATES},
        ),
        __doc__,
    )
