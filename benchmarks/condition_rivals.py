"""Error rates of three rivals that have no factor of the truth table, and of two intervals.

`training_mix`, `training_phase` and `adaptation` on tables made by their confound (wrong:
survives), with a true step (wrong: explained), and with gradual growth alone (wrong: either);
coverage of 95 % intervals of the crossing point and of the change point, and how often a flat curve
of training is said to rise. Resumable.

    python benchmarks/condition_rivals.py --simulations 200 [--only training_mix]
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _resumable import Table, fill

from confounds import plugins
from confounds.claim import Claim
from confounds.inference.change_points import Course, find_change
from confounds.inference.crossing_point import Gains, crossing_point
from confounds.inference.fits import Fits, Settings
from confounds.outcomes import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SETTINGS = Settings(replicates=99, sharpness=False)
MODELS, FAMILIES, ITEMS, CHANCE = 24, 6, 500, 0.25
STEP = 4.0
WRONG = {"confound": ("survives",), "step": ("explained",), "gradual": ("survives", "explained")}


def layout(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64], Floats]:
    """log10 scale, family and effect of every model."""
    family = np.repeat(np.arange(FAMILIES), MODELS // FAMILIES)
    x = np.tile(np.linspace(7.5, 12.5, MODELS // FAMILIES), FAMILIES)
    x = x + rng.uniform(-0.6, 0.6, MODELS)
    effect = 0.3 * rng.standard_normal(MODELS) + 0.3 * rng.standard_normal(FAMILIES)[family]
    return x, family, effect


def rows(x: Floats, family: Any, eta: Floats, rng: np.random.Generator, **more: Any) -> Any:
    """One row a model with a score around chance + (1 - chance) logistic(eta)."""
    mean = CHANCE + (1 - CHANCE) / (1 + np.exp(-eta))
    return pd.DataFrame(
        {
            "task": "made",
            "metric": "accuracy",
            "model": [f"m{index}" for index in range(len(x))],
            "family": [f"f{code}" for code in family],
            "parameters": 10**x,
            "score": rng.binomial(ITEMS, mean) / ITEMS,
            "n": ITEMS,
            "chance": CHANCE,
            **more,
        }
    )


def curve(kind: str, x: Floats) -> Floats:
    """The linear predictor of a true step, of gradual growth, and of nothing."""
    if kind == "step":
        return -3.0 + STEP * (x > 10)
    return np.full(len(x), -6.0) if kind == "nothing" else 1.2 * (x - 10.5)


def training_mix(truth: str, rng: np.random.Generator) -> tuple[Claim, Any]:
    """Confound: three families of one recipe lie flat, pairs of two recipes jump."""
    x, family, effect = layout(rng)
    if truth != "confound":
        return Claim("c", "made", "accuracy"), rows(x, family, curve(truth, x) + effect, rng)
    flat = rows(x[:12], family[:12], curve("nothing", x[:12]), rng)
    far = rng.uniform(7, 13, 36)
    pair = np.argsort(np.argsort(far)) % 18
    jump = rows(far, pair + 100, curve("step", far) + 0.2 * rng.standard_normal(36), rng)
    jump["model"] = jump["model"] + "-p"
    return Claim("c", "made", "accuracy"), pd.concat([flat, jump])


def training_phase(truth: str, rng: np.random.Generator) -> tuple[Claim, Any]:
    """Confound: large models were trained longer, and any model jumps late in training."""
    x, family, effect = layout(rng)
    frames = []
    for step in (100, 1000, 10_000, 100_000):
        late = step > 1000
        kind = {"confound": "nothing"}.get(truth, truth)
        eta = curve(kind, x) + effect
        if truth == "confound" and late:
            eta = effect + 1.0
        table = rows(x, family, eta, rng, checkpoint=step)
        frames.append(table[(x > 10) | (not late)])
    return Claim("c", "made", "accuracy"), pd.concat(frames)


def adaptation(truth: str, rng: np.random.Generator) -> tuple[Claim, Any]:
    """Confound: prompted models jump; fine-tuned, every size can do it."""
    x, family, effect = layout(rng)
    kind = "step" if truth == "confound" else truth
    prompted = rows(x, family, curve(kind, x) + effect, rng, adaptation="prompted")
    tuned = np.full(MODELS, 1.0) if truth == "confound" else curve(truth, x)
    other = rows(x, family, tuned + 0.5 * effect, rng, adaptation="finetuned")
    claim = Claim("c", "made", "accuracy", condition={"adaptation": "prompted"})
    return claim, pd.concat([prompted, other])


@dataclass(frozen=True, slots=True)
class Cell:
    """A rival under one truth, or an interval."""

    what: str
    truth: str

    @property
    def key(self) -> str:
        """Name of the cell."""
        return f"{self.what}/{self.truth}"


def run_cell(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """How often each outcome is given, and the share that is wrong; or how often truth is held."""
    if cell.what in COVERAGES:
        return COVERAGES[cell.what](simulations, seed)
    tested = plugins.load("rivals", cell.what)
    found: Counter[str] = Counter()
    for number in range(simulations):
        claim, frame = MAKERS[cell.what](cell.truth, np.random.default_rng([number, 10 + seed]))
        table = Outcomes(frame.reset_index(drop=True))
        found[tested.test(claim, table, Fits(claim, table, SETTINGS)).outcome] += 1
    rates = {label: found[label] / simulations for label in OUTCOMES}
    return {**rates, "wrong": sum(rates[label] for label in WRONG[cell.truth])}


def crossing_coverage(simulations: int, seed: int) -> dict[str, float]:
    """A gain that rises by a logistic from -.05 to .35, 20 models of five families."""
    truth, held = 10 + np.log(0.25 / 0.75) / 4.394, 0
    for number in range(simulations):
        rng = np.random.default_rng([number, 11 + seed])
        x, family = rng.uniform(8, 12, 20), np.arange(20) % 5
        gain = -0.05 + 0.40 / (1 + np.exp(-4.394 * (x - 10)))
        gain = gain + 0.05 * rng.standard_normal(20) + 0.04 * rng.standard_normal(5)[family]
        names = tuple(map(str, range(20)))
        found = crossing_point(Gains(x, gain, np.full(20, 1e-3), family, names), 0.05, rng)
        held += (found.ci_lower or 0.0) <= 10**truth <= (found.ci_upper or np.inf)
    return {"coverage": held / simulations}


def change_coverage(
    steps: Floats, alike: float, height: float, simulations: int, seed: int
) -> dict[str, float]:
    """A rise over one decade of steps (or none), neighbouring checkpoints correlated `alike`.

    `rises`: share of the curves whose rise is significant; `coverage` of the change point among
    those that are learnt.
    """
    held, learnt, rises = 0, 0, 0
    x = np.log10(1 + steps)
    for number in range(simulations):
        rng = np.random.default_rng([number, 12 + seed])
        truth = rng.uniform(*np.quantile(x, [0.25, 0.8]))
        noise = rng.standard_normal(len(x))
        for place in range(1, len(x)):
            noise[place] = alike * noise[place - 1] + np.sqrt(1 - alike**2) * noise[place]
        score = 0.25 + height / (1 + np.exp(-4.394 * (x - truth))) + 0.02 * noise
        found = find_change(Course(steps, score), 0.1, rng)
        if found is None:
            continue
        rises += (found.rise.p_value or 0.0) < 0.05
        if found.learnt:
            learnt += 1
            low, high = found.point.ci_lower or 0.0, found.point.ci_upper or np.inf
            held += low <= 10**truth - 1 <= high
    rates = {"rises": rises / simulations, "learnt": learnt / simulations}
    return rates | ({"coverage": held / learnt} if learnt else {})


OUTCOMES = ("explained", "survives", "inconclusive", "not_testable")
MAKERS = {
    "training_mix": training_mix,
    "training_phase": training_phase,
    "adaptation": adaptation,
}
LOG_STEPS = np.unique(np.round(10 ** np.linspace(0, 5, 27)))
EVEN_STEPS = np.linspace(1000, 143_000, 15)
COURSES = {
    f"change point, {name} steps, {alike:g}, rise {height:g}": partial(
        change_coverage, steps, alike, height
    )
    for name, steps in (("log", LOG_STEPS), ("even", EVEN_STEPS))
    for alike in (0.0, 0.5, 0.8)
    for height in (0.0, 0.15, 0.5)
}
COVERAGES: dict[str, Callable[[int, int], dict[str, float]]] = {
    "crossing point": crossing_coverage,
    **COURSES,
}
CELLS = [Cell(name, "interval") for name in COVERAGES]
CELLS += [Cell(rival, truth) for rival in MAKERS for truth in WRONG]


if __name__ == "__main__":
    fill(Table(name="condition_rivals", cells=CELLS, run=run_cell), __doc__)
