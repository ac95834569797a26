"""What other tasks of a table add to the threshold test: size and power, beside the plain test.

Several tasks of the same models; half of the variance of model and family effects is common to
all tasks. Four tests of the first task: plain, with a control from the other tasks, with the
variance between models pooled over them, with both. A control is also tried without its search
for a threshold in common, to show what that search is for. The other tasks either grow
smoothly or all have a step at the scale of the first one's.

Resumable.

    python benchmarks/control_variates.py --simulations 200
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from _resumable import Table, fill
from _simulated import CENTRE, FLOOR, Truth, draw_effects, draw_sample, layout, middle

from confounds.inference import _link
from confounds.inference._null import Slopes
from confounds.inference._plan import TestPlan
from confounds.inference._reference import bootstrap, fit_levels, p_value
from confounds.inference.borrowing import Borrowing, Neighbours, borrow
from confounds.inference.control_variate import control_variate, with_control
from confounds.inference.sample import Sample, threshold_columns
from confounds.inference.threshold import effect_at

if TYPE_CHECKING:
    from _simulated import Floats

REPLICATES = 99
BOUND = Slopes(upper=_link.TRANSITION / 2)
TASKS = 6
COMMON = 0.5
STEP = 0.30
VARIANTS = {
    "plain": None,
    "control": Borrowing(control=True, variance=False),
    "variance": Borrowing(control=False, variance=True),
    "both": Borrowing(),
}
POWER_SHARE = 0.5
"""Of the simulations, for cells with a true step: power needs fewer than size."""
NAMES = (*VARIANTS, "unscreened")
TRUTHS = ("slope 1", "flat", "at the bound", "step .30")


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table.

    Attributes:
        models: number of models.
        disjoint: families in blocks of scale.
        truth: of the task that is tested.
        others: `smooth`, or `step` where every other task has one at the same scale.
        spread: SD between tasks of the log of their effects' SD.
    """

    models: int
    disjoint: bool
    truth: str
    others: str
    spread: float = 0.0

    @property
    def key(self) -> str:
        """Name of the cell in the JSON file, and the seed of its draws."""
        place = "disjoint" if self.disjoint else "overlap"
        unequal = "/unequal" if self.spread else ""
        return f"{self.models}/{place}/{self.truth}/others {self.others}{unequal}"


def cells() -> list[Cell]:
    """All cells, the ones that decide first."""
    found = []
    for models in (8, 20, 12):
        found += of_size(models)
    found += [Cell(8, False, "flat", "smooth"), Cell(8, False, "at the bound", "smooth")]
    found += [Cell(8, False, "slope 1", "smooth", 0.4)]
    found += [Cell(20, True, truth, "smooth") for truth in ("slope 1", "step .30")]
    return found + of_size(50)


def of_size(models: int) -> list[Cell]:
    """Null and step, with and without a step in the other tasks."""
    return [
        Cell(models, False, truth, others)
        for others in ("smooth", "step")
        for truth in ("slope 1", "step .30")
    ]


def draw_table(cell: Cell, rng: np.random.Generator) -> tuple[Sample, ...]:
    """Every task's scores of the same models, the tested one first."""
    x, family = layout(cell.models, cell.disjoint, rng)
    common = draw_effects(family, rng)
    found = []
    for task in range(TASKS):
        own = draw_effects(family, rng)
        effects = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own
        effects = effects * np.exp(cell.spread * rng.standard_normal())
        truth = _first(cell.truth, x) if task == 0 else _other(cell.others, x, rng)
        found.append(draw_sample(truth, x, family, effects, rng))
    return tuple(found)


def _first(name: str, x: Floats) -> Truth:
    if name == "step .30":
        return Truth(slope=0.7, level=-1.0 - 0.7 * (middle(x) - CENTRE), step=STEP)
    return Truth(slope=_link.TRANSITION / 2 if name == "at the bound" else 1.0, flat=name == "flat")


def _other(others: str, x: Floats, rng: np.random.Generator) -> Truth:
    slope, level = rng.uniform(0.4, 1.2), rng.uniform(-1.0, 1.0)
    if others == "smooth":
        return Truth(slope=slope, level=level)
    before = 1 / (1 + np.exp(-level - slope * (middle(x) - CENTRE)))
    return Truth(slope=slope, level=level, step=min(STEP, 0.7 * (1 - FLOOR) * (1 - before)))


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, dict[str, float]]:
    """Rejection rates of every variant; for a true step, coverage of the 95 % interval."""
    rng = np.random.default_rng([seed, *cell.key.encode()])
    rejected = {name: np.zeros(3) for name in NAMES}
    widths: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    used = 0
    for _ in range(simulations):
        table = draw_table(cell, rng)
        draws = int(rng.integers(2**32))
        samples = variants(table, rng)
        used += "control" in samples and samples["control"] is not table[0]
        known: dict[object, tuple[Floats, tuple[float, float] | None]] = {}
        for name in NAMES:
            sample = samples[name]
            if sample.key not in known:
                interval = _interval(sample) if cell.truth == "step .30" else None
                known[sample.key] = (decide(sample, draws), interval)
            rejection, interval = known[sample.key]
            rejected[name] += rejection
            if interval is not None:
                widths[name].append(interval)
    rates = {}
    for name in NAMES:
        two_level, fixed, decision = (rejected[name] / simulations).tolist()
        rates[name] = {"two_level": two_level, "fixed": fixed, "decision": decision}
        if widths[name]:
            low, high = np.array(widths[name]).T
            rates[name]["coverage"] = float(((low <= STEP) & (high >= STEP)).mean())
            rates[name]["width"] = float(np.median(high - low))
    rates["control"]["used"] = used / simulations
    return rates


def variants(table: tuple[Sample, ...], rng: np.random.Generator) -> dict[str, Sample]:
    """The tested task as it is, and with what the others lend it."""
    sample, others = table[0], Neighbours(table[1:])
    seed = int(rng.integers(2**32))
    found = {"plain": sample}
    for name, what in VARIANTS.items():
        if what is not None:
            found[name] = borrow(sample, others, what, np.random.default_rng(seed)).sample
    control = control_variate(sample, others.departures, rng)
    found["unscreened"] = with_control(sample, control)
    return found


def decide(sample: Sample, seed: int) -> Floats:
    """Rejections by the two-level test, the check and the decision."""
    rng = np.random.default_rng(seed)
    columns = threshold_columns(sample.x, sample.grid, "step")
    observed = fit_levels(sample.score[None], sample, columns, BOUND)
    draws, check_draws = bootstrap(observed, sample, columns, BOUND, REPLICATES, rng)
    p = p_value(float(observed.two_level_search.sup[0]), draws)
    check = 0.0
    if check_draws is not None:
        check = p_value(float(observed.fixed_search.sup[0]), check_draws)
    return np.array([p <= 0.05, check <= 0.05, p <= 0.05 and check <= 0.10])


def _interval(sample: Sample) -> tuple[float, float]:
    """95 % interval of the step at its true scale."""
    effect, _ = effect_at(sample, middle(sample.x), replace(TestPlan(), detailed=False))
    return effect.ci_lower, effect.ci_upper


def describe(cell: Cell, rates: dict[str, dict[str, float]]) -> str:
    """One line of the printed table: the decision, and coverage where there is a step."""
    del cell
    line = ""
    for name in NAMES:
        line += f" {name} {rates[name]['decision']:.3f}"
        if "coverage" in rates[name]:
            line += f" ({rates[name]['coverage']:.2f}, {rates[name]['width']:.2f} wide)"
    return line + f"  control used {rates['control']['used']:.2f}"


def share(cell: Cell) -> float:
    """Power needs fewer simulations than size."""
    return POWER_SHARE if cell.truth == "step .30" else 1.0


if __name__ == "__main__":
    fill(
        Table(
            name="control_variates",
            cells=cells(),
            run=run_cell,
            describe=describe,
            share=share,
            record={"replicates": REPLICATES},
        ),
        __doc__,
    )
