"""Do the mixed model's 95 % intervals cover, and do its tests keep their size?

    python benchmarks/mixed_coverage.py [--simulations 1000] [--out FILE.json]

Per cell (models x chance floor x what varies): coverage of the fixed effects' intervals, and
rejection rates at .05 of two true nulls, one between models (`tuned`) and one within
(`scale:few`). `naive` is what a fit without small-sample correction reports: normal intervals
at the maximum-likelihood variances, chi-squared for the likelihood ratio. A run that was
stopped goes on where it was; every simulation has a seed of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from _mixed_world import World, draw_design, without

from confounds.inference.mixed import MixedDesign, Term, compare_mixed, fit_mixed

RESULTS = Path(__file__).resolve().parent / "results" / "mixed_coverage.json"
SEED = 20_261
BATCH = 50
ITEMS = 100
TRUTH = {
    "intercept": 0.3,
    "scale": 0.8,
    "tuned": 0.0,
    "few": 0.5,
    "exposed:few": 0.4,
    "scale:few": 0.0,
}
BETWEEN, WITHIN = ("scale", "tuned"), ("few", "exposed:few", "scale:few")
TESTED = ("tuned", "scale:few")


@dataclass(frozen=True)
class Cell:
    """One setting: number of models, chance floor, and which effects vary.

    `plain`: models and items; `families`: also families of four models; `heterogeneous`:
    also models within conditions.
    """

    models: int
    floor: float
    varies: str

    @property
    def name(self) -> str:
        """As in the JSON."""
        return f"M={self.models} floor={self.floor} {self.varies}"


CELLS = tuple(
    Cell(models, floor, varies)
    for varies, models, floor in itertools.product(
        ("plain", "families", "heterogeneous"), (20, 50, 8), (0.0, 0.25)
    )
)


def simulate(cell: Cell, simulation: int) -> MixedDesign:
    """Answers of new models to new items; half of the models tuned, half of the items seen."""
    key = (CELLS.index(cell), simulation)
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=key))
    scale = np.linspace(-1.5, 1.5, cell.models)
    tuned = rng.permutation(np.arange(cell.models) % 2).astype(float)
    exposed, few = (np.arange(ITEMS) % 2).astype(float), np.array([0.0, 1.0])
    eta = TRUTH["intercept"] + TRUTH["scale"] * scale[:, None, None] + TRUTH["few"] * few
    eta = eta + TRUTH["exposed:few"] * exposed[:, None] * few
    terms = (
        Term("intercept"),
        Term("scale", model=scale),
        Term("tuned", model=tuned),
        Term("few", condition=few),
        Term("exposed:few", item=exposed, condition=few),
        Term("scale:few", model=scale, condition=few),
    )
    world = World(ITEMS, cell.floor, cell.varies == "families", cell.varies == "heterogeneous")
    return draw_design(eta, terms, world, rng)


def measure(cell: Cell, simulation: int) -> dict[str, Any]:
    """What one simulation adds to each count and sum of its cell."""
    fit = fit_mixed(simulate(cell, simulation))
    naive = 1.959964 * np.sqrt(np.diag(fit.covariance_ml))
    counts: dict[str, Any] = {"simulations": 1, "converged": int(fit.converged)}
    for j, estimate in enumerate(fit.estimates):
        name, truth = estimate.term, TRUTH[estimate.term]
        value, error = float(fit.coefficients[j]), float(estimate.std_error or np.nan)
        low, high = float(estimate.ci_lower or 0.0), float(estimate.ci_upper or 0.0)
        counts[f"covered {name}"] = int(low <= truth <= high)
        counts[f"naive covered {name}"] = int(abs(value - truth) <= naive[j])
        counts[f"sum {name}"] = value
        counts[f"squares {name}"] = value**2
        counts[f"errors {name}"] = error**2
    for name in TESTED:
        test = compare_mixed(without(fit, (name,)), fit)
        counts[f"rejected {name}"] = int(test.p_value < 0.05)
        counts[f"naive rejected {name}"] = int((test.p_chi_squared or 0.0) < 0.05)
    return counts


def read(path: Path) -> dict[str, Any]:
    """The counts so far."""
    if path.exists():
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["seed"] == SEED and document["items"] == ITEMS:
            return document
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    truth = {**TRUTH, "sd_item": 1.0, "sd_model": 0.5, "sd_family": 0.5, "sd_model:condition": 0.4}
    return {"seed": SEED, "items": ITEMS, "truth": truth, "versions": versions, "cells": {}}


def write(path: Path, document: dict[str, Any]) -> None:
    """Replace the file as a whole, so that a stop never leaves half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def advance(cell: Cell, counts: dict[str, Any], upto: int) -> dict[str, Any]:
    """The counts after `upto` simulations."""
    for simulation in range(counts.get("simulations", 0), upto):
        for key, value in measure(cell, simulation).items():
            counts[key] = counts.get(key, 0) + value
    return counts


def summary(counts: dict[str, Any]) -> str:
    """One row of the table."""
    number = counts["simulations"]
    line = f"{number:>5}"
    for name in (*BETWEEN, *WITHIN):
        line += f"  {counts[f'covered {name}'] / number:.3f}"
        line += f"/{counts[f'naive covered {name}'] / number:.3f}"
    for name in TESTED:
        line += f"  {counts[f'rejected {name}'] / number:.3f}"
        line += f"/{counts[f'naive rejected {name}'] / number:.3f}"
    return line


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--cells", default="", help="only cells whose name holds this")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    document = read(asked.out)
    headings = [f"cover {name}" for name in (*BETWEEN, *WITHIN)] + [f"size {n}" for n in TESTED]
    print("each pair: with small-sample correction / naive")
    print(f"{'cell':<32}  sims  " + " | ".join(headings), flush=True)
    for cell in [cell for cell in CELLS if asked.cells in cell.name]:
        counts = document["cells"].setdefault(cell.name, {})
        while counts.get("simulations", 0) < asked.simulations:
            upto = min(asked.simulations, counts.get("simulations", 0) + BATCH)
            document["cells"][cell.name] = counts = advance(cell, counts, upto)
            write(asked.out, document)
        print(f"{cell.name:<32} {summary(counts)}", flush=True)


if __name__ == "__main__":
    main()
