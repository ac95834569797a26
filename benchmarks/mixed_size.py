"""Size of every p-value that the mixed model prints: how often a true null is rejected at .05.

Half of the models are tuned, which has no effect in either condition; growth with scale is the
same in both conditions. Forty items. In `plain` models and items vary; in `families` also families
of four models; in `varying` the effect of the condition varies between models too, and the fit
allows for it. By Wald F, by likelihood ratio, and by likelihood ratio as if models were many
(`naive`, `p_chi_squared`: what the correction is for):

- `between`: `tuned`, an effect between models;
- `within`: `scale:few`, an effect within models;
- `both`: `tuned` and `tuned:few` jointly, one between and one within.

By likelihood ratio, among 8 and 20 models, where the components are zero: `varying`, the standard
deviation of model-by-condition effects; `family`, that of families; `components`, the two jointly;
`tuned and varying`, a term and a component jointly. In `bootstrap` cells, `between` by a parametric
bootstrap of 19 replicates.

Resumable.

    python benchmarks/mixed_size.py --simulations 500
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from _mixed_world import PER_FAMILY, World, draw_design, without
from _resumable import Table, fill

from confounds.inference.mixed import (
    MixedDesign,
    MixedFit,
    Term,
    compare_mixed,
    fit_mixed,
    wald_test,
)

ITEMS = 40
LEVEL = 0.05
REPLICATES = 19
WITH_COMPONENTS = (8, 20)
FEW = np.array([0.0, 1.0])
NULLS = {"between": ("tuned",), "within": ("scale:few",), "both": ("tuned", "tuned:few")}


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    varies: str
    models: int
    floor: float

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        return f"{self.varies}/{self.models}/floor {self.floor:g}"


def cells() -> list[Cell]:
    """All cells."""
    return [
        Cell(varies, models, floor)
        for varies, numbers in {
            "plain": (8, 12, 20, 50),
            "varying": (8, 20),
            "families": (8, 20),
            "bootstrap": (8,),
        }.items()
        for models in numbers
        for floor in (0.0, 0.25)
    ]


def draw(cell: Cell, rng: np.random.Generator) -> MixedDesign:
    """Answers of new models to new items."""
    scale = np.linspace(-1.5, 1.5, cell.models)
    tuned = rng.permutation(np.arange(cell.models) % 2).astype(float)
    eta = 0.3 + 0.8 * scale[:, None, None] + 0.5 * FEW
    terms = (
        Term("intercept"),
        Term("scale", model=scale),
        Term("tuned", model=tuned),
        Term("few", condition=FEW),
        Term("scale:few", model=scale, condition=FEW),
        Term("tuned:few", model=tuned, condition=FEW),
    )
    world = World(ITEMS, cell.floor, cell.varies == "families", cell.varies == "varying")
    return draw_design(eta, terms, world, rng)


def p_values(cell: Cell, design: MixedDesign, seed: int) -> dict[str, float]:
    """All of one simulation."""
    fit = fit_mixed(design)
    if cell.varies == "bootstrap":
        test = compare_mixed(without(fit, ("tuned",)), fit, replicates=REPLICATES, seed=seed)
        return {"bootstrap between": float(test.p_bootstrap or 1.0)}
    found = {}
    for null, names in NULLS.items():
        ratio = compare_mixed(without(fit, names), fit)
        found[f"wald {null}"] = wald_test(fit, names).p_value
        found[f"ratio {null}"] = ratio.p_value
        found[f"naive {null}"] = float(ratio.p_chi_squared or 0.0)
    if cell.varies == "plain" and cell.models in WITH_COMPONENTS:
        found |= of_components(cell, fit)
    return found


def of_components(cell: Cell, fit: MixedFit) -> dict[str, float]:
    """P-values of the components that the fit, rightly, does without."""
    design, family = fit.design, np.arange(cell.models) % (cell.models // PER_FAMILY)
    varying = fit_mixed(replace(design, model_by_condition=True), start=fit)
    families = fit_mixed(replace(design, family=family), start=fit)
    both = fit_mixed(replace(design, family=family, model_by_condition=True), start=fit)
    return {
        "ratio varying": compare_mixed(fit, varying).p_value,
        "ratio family": compare_mixed(fit, families).p_value,
        "ratio components": compare_mixed(fit, both).p_value,
        "ratio tuned and varying": compare_mixed(without(fit, ("tuned",)), varying).p_value,
    }


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    rejected: dict[str, int] = {}
    for simulation in range(simulations):
        for name, p_value in p_values(cell, draw(cell, rng), simulation).items():
            rejected[name] = rejected.get(name, 0) + (p_value <= LEVEL)
    return {name: count / simulations for name, count in rejected.items()}


if __name__ == "__main__":
    fill(
        Table(
            name="mixed_size",
            cells=cells(),
            run=run_cell,
            simulations=500,
            record={"items": ITEMS, "bootstrap_replicates": REPLICATES},
        ),
        __doc__,
    )
