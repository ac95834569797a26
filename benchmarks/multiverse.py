"""Does the joint test of a specification curve hold its size, and what does it see?

Twenty models in families of four, two metrics of [0, 1] with their own and shared effects, two
scale axes (compute is parameters times tokens, which vary), four smooth nulls, two shapes and the
exclusions: about 200 specifications, of which a random part is run. Rejection rates at .05 of
both joint statistics, and of the smallest of the specifications' own p-values: what picking the
best analysis would report. Resumable.

    python benchmarks/multiverse.py --simulations 200
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from _resumable import Table, fill
from _simulated import Truth, draw_effects, draw_sample, layout, middle

from confounds.claim import Claim
from confounds.inference._choices import choose, lay_out
from confounds.inference.fits import Fits, Settings
from confounds.inference.multiverse import joint_test, ranks, run_all
from confounds.outcomes import Outcomes

SETTINGS = Settings(replicates=99, sharpness=False)
MOST = 48
OWN = 0.3
METRICS = ("accuracy", "choice_accuracy")
MODELS = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    name: str
    truth: Truth
    disjoint: bool = False
    models: int = MODELS

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file."""
        place = "disjoint" if self.disjoint else "overlap"
        return f"{self.models} models, {self.name}, families {place}"


CELLS = (
    Cell("smooth, slope 1", Truth(1.0)),
    Cell("smooth, slope 1", Truth(1.0), disjoint=True),
    Cell("smooth, slope 2.2 (at the bound)", Truth(2.2)),
    Cell("step .30", Truth(0.7, -1.0, 0.3)),
)


def draw_table(cell: Cell, rng: np.random.Generator) -> Outcomes:
    """One table of two metrics on two axes."""
    truth, models = cell.truth, cell.models
    x, family = layout(models, cell.disjoint, rng)
    if truth.step:
        truth = replace(truth, level=truth.level - truth.slope * (middle(x) - 9.0))
    shared = draw_effects(family, rng)
    tokens = rng.normal(11.0, 0.3, models)
    parts = []
    for metric in METRICS:
        effects = np.sqrt(1 - OWN) * shared + np.sqrt(OWN) * draw_effects(family, rng)
        sample = draw_sample(truth, x, family, effects, rng)
        parts.append(
            pd.DataFrame(
                {
                    "task": "made",
                    "metric": metric,
                    "model": sample.models,
                    "family": [f"f{code}" for code in family],
                    "parameters": 10**x,
                    "compute": 6 * 10 ** (x + tokens),
                    "score": sample.score,
                    "n": 500,
                    "chance": 0.25,
                }
            )
        )
    return Outcomes(pd.concat(parts, ignore_index=True))


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates over simulated tables, and the specifications run on the last of them."""
    place = [cell.models, int(cell.disjoint), int(cell.truth.slope * 10)]
    rng = np.random.default_rng([seed, *place])
    claim = Claim("made", "made", "accuracy")
    found = []
    for number in range(simulations):
        fits = Fits(claim, draw_table(cell, rng), SETTINGS)
        garden = lay_out(fits)
        draws = np.random.default_rng([number, cell.models])
        chosen, _ = choose(garden, fits, draws, MOST)
        runs = run_all(fits, garden, chosen, draws)
        median, share = joint_test(runs, claim.shape)
        smallest = ranks(runs)[:, 0].min()
        found.append([median.p_value <= 0.05, share.p_value <= 0.05, smallest <= 0.05])
    rates = np.mean(found, axis=0).tolist()
    names = ("median effect", "share significant", "smallest p of the specifications")
    return {**dict(zip(names, rates, strict=True)), "specifications": len(runs)}


if __name__ == "__main__":
    fill(Table(name="multiverse", cells=CELLS, run=run_cell, seed=17), __doc__)
