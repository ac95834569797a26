"""Size and power of the threshold tests, beside the figures the design was drawn from.

Rejection rates of the two-level test, the family-fixed-effect test and the decision (two-level
p < .05 and family-fixed-effect p < .10), under smooth nulls and under true thresholds.
Resumable.

    python benchmarks/threshold_size.py --simulations 500
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from _resumable import Table, as_columns, fill
from _simulated import CENTRE, FLOOR, ITEMS, Truth, draw_effects, draw_sample, layout, middle

from confounds.inference import _link, _refit
from confounds.inference._null import Slopes
from confounds.inference._reference import bootstrap, fit_levels, p_value
from confounds.inference.contrast import Pair, contrast_test
from confounds.inference.sample import Sample, threshold_columns

if TYPE_CHECKING:
    from _simulated import Floats

REPLICATES = 199
SIZES = (8, 12, 20, 40, 50)
NEAR_LIMIT = (31, 40, 48, 60)
"""About the number of models above which the scan's F serves: by both statistics, same data."""
BOUND = _link.TRANSITION / 2
OVERLAP = False
SCATTER = 0.025
CLEAN = {"step to .67": 0.67, "scattered at chance": FLOOR}
ALONE = ("one family", "every model its own")
PAIRED = ("null", "flat null", "step .30")
NAMES = {
    "paired": ("paired", "unpaired"),
    "limit": ("fitted", "fitted_decision", "scan", "scan_decision"),
}
NULLS = {"slope 1": 1.0, "at the bound": BOUND, "strict": 1.0}
# Design, section 4.2: (M, disjoint) -> FE, two-level, decision, under slope 8.
DESIGN_POWER = {
    (8, False): (0.39, 0.44, 0.38),
    (12, False): (0.60, 0.73, 0.65),
    (20, False): (0.86, 0.95, 0.92),
    (40, False): (0.98, 0.99, 0.98),
    (8, True): (0.21, 0.33, 0.23),
    (12, True): (0.34, 0.61, 0.41),
    (20, True): (0.36, 0.80, 0.47),
    (40, True): (0.48, 0.97, 0.61),
}
# Design, section 4.3: M -> paired, unpaired, for a .30 step.
DESIGN_PAIRED = {8: (0.51, 0.18), 12: (0.74, 0.28), 20: (0.97, 0.54)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table."""

    kind: str
    models: int
    disjoint: bool
    shape: str
    truth: str

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        place = "disjoint" if self.disjoint else "overlap"
        return f"{self.kind}/{self.models}/{place}/{self.shape}/{self.truth}"


def cells() -> list[Cell]:
    """All cells, the quick ones first."""
    found = []
    for models in SIZES:
        for disjoint in (False, True):
            for shape in ("step", "hinge"):
                found += [Cell("null", models, disjoint, shape, name) for name in NULLS]
        if models in DESIGN_PAIRED:
            found += [Cell("paired", models, OVERLAP, "step", name) for name in PAIRED]
    found += [Cell("power", *place, "step", "slope 8") for place in DESIGN_POWER]
    for models in SIZES:
        found += [Cell("clean", models, OVERLAP, "step", name) for name in CLEAN]
        found += [Cell("alone", models, OVERLAP, "step", name) for name in ALONE]
    for models in NEAR_LIMIT:
        found += [Cell("limit", models, place, "step", "step .30") for place in (OVERLAP, True)]
    return found


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Rejection rates of one cell."""
    names = NAMES.get(cell.kind, ("two_level", "fixed", "decision"))
    rng = np.random.default_rng([seed, *cell.key.encode()])
    rejected = np.zeros(len(names))
    for _ in range(simulations):
        x, family = layout(cell.models, cell.disjoint, rng)
        effects = draw_effects(family, rng)
        if cell.kind == "paired":
            rejected += paired(cell, x, family, effects, rng)
        elif cell.kind == "limit":
            rejected += either(stepped(x, family, effects, rng), rng)
        elif cell.kind == "clean":
            sample = clean(CLEAN[cell.truth], x, family, rng)
            rejected += unpaired(sample, cell.shape, Slopes(upper=BOUND), rng)
        elif cell.kind == "alone":
            codes = np.arange(cell.models) if cell.truth != "one family" else 0 * family
            sample = draw_sample(Truth(slope=BOUND), x, codes, draw_effects(codes, rng), rng)
            rejected += unpaired(sample, cell.shape, Slopes(upper=BOUND), rng)
        else:
            slope = NULLS.get(cell.truth, 8.0)
            sample = draw_sample(Truth(slope=slope), x, family, effects, rng)
            slopes = Slopes() if cell.truth == "strict" else Slopes(upper=BOUND)
            rejected += unpaired(sample, cell.shape, slopes, rng)
    rates = zip(names, rejected / simulations, strict=True)
    return {name: float(rate) for name, rate in rates if np.isfinite(rate)}


def unpaired(sample: Sample, shape: str, slopes: Slopes, rng: np.random.Generator) -> Floats:
    """Rejections by the two-level test, the check and the decision."""
    columns = threshold_columns(sample.x, sample.grid, shape)
    observed = fit_levels(sample.score[None], sample, columns, slopes)
    draws, check_draws = bootstrap(observed, sample, columns, slopes, REPLICATES, rng)
    p = p_value(float(observed.two_level_search.sup[0]), draws)
    if check_draws is None:
        return np.array([p <= 0.05, np.nan, p <= 0.05])
    check = p_value(float(observed.fixed_search.sup[0]), check_draws)
    return np.array([p <= 0.05, check <= 0.05, p <= 0.05 and check <= 0.10])


def clean(top: float, x: Floats, family: Floats, rng: np.random.Generator) -> Sample:
    """Models at chance up to the middle and at `top` beyond it, scattered by .025 score points.

    At chance that is more than the luck of the items, as of guessers who prefer one letter.
    """
    mean = np.where(x > middle(x), top, FLOOR) + SCATTER * rng.standard_normal(len(x))
    count = np.full(len(x), ITEMS)
    score = rng.binomial(count, np.clip(mean, 0, 1)) / count
    names = tuple(f"m{index}" for index in range(len(x)))
    floor = np.full(len(x), FLOOR)
    return Sample(x, score, count.astype(float), floor, family.astype(np.int64), names)


def either(sample: Sample, rng: np.random.Generator) -> Floats:
    """Rejections by the two-level test and by the decision, threshold fitted and by scan alone."""
    found = []
    for most in (len(sample), 0):
        with mock.patch.object(_refit, "MOST_FITTED", most):
            found.append(unpaired(replace(sample), "step", Slopes(upper=BOUND), rng)[[0, 2]])
    return np.concatenate(found)


def stepped(x: Floats, family: Floats, effects: Floats, rng: np.random.Generator) -> Sample:
    """Scores that grow, with a step of .30 in the middle."""
    level = -1.0 - 0.7 * (middle(x) - CENTRE)
    return draw_sample(Truth(slope=0.7, level=level, step=0.30), x, family, effects, rng)


def paired(
    cell: Cell, x: Floats, family: Floats, effects: Floats, rng: np.random.Generator
) -> Floats:
    """Rejections by the paired contrast and by the two-level test of the raw curve."""
    step = 0.30 if cell.truth == "step .30" else 0.0
    level = -1.0 - 0.7 * (middle(x) - CENTRE)
    raw = draw_sample(Truth(slope=0.7, level=level, step=step), x, family, effects, rng)
    other = Truth(slope=0.7, level=level, flat=cell.truth == "flat null")
    pair = Pair(raw, draw_sample(other, x, family, effects, rng))
    slopes = Slopes(upper=BOUND)
    found = contrast_test(pair, "step", slopes, REPLICATES, rng)
    return np.array([found.p_value <= 0.05, unpaired(raw, "step", slopes, rng)[0]])


def describe(cell: Cell, rates: dict[str, float]) -> str:
    """The rates, with the design's figures where there are any."""
    line = as_columns(cell, rates)
    if cell.kind == "power":
        line += "   design: FE {:.2f} two-level {:.2f} decision {:.2f}".format(
            *DESIGN_POWER[cell.models, cell.disjoint]
        )
    if cell.kind == "paired" and cell.truth == "step .30":
        line += "   design: paired {:.2f} unpaired {:.2f}".format(*DESIGN_PAIRED[cell.models])
    return line


if __name__ == "__main__":
    fill(
        Table(
            name="threshold_size",
            cells=cells(),
            run=run_cell,
            describe=describe,
            simulations=500,
            record={"replicates": REPLICATES},
        ),
        __doc__,
    )
