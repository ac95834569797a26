"""How long a report takes to write, and how large it is, from 5 tasks to 200.

`python benchmarks/report.py` prints the table and writes `benchmarks/results/report.json`. Audits
are made up: models x conditions scores a task, three rivals with a controlled fit each, fourteen
untested, and all around the verdict: shares, 48 specifications, power, three slices of items.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from confounds.claim import Claim
from confounds.exploration import (
    Attribution,
    Design,
    DifficultySlice,
    Exploration,
    Multiverse,
    PowerPoint,
    Specification,
)
from confounds.report import write_report
from confounds.results import (
    Audit,
    CurvePoint,
    Estimate,
    Part,
    RivalTest,
    ThresholdFit,
    Verdict,
)
from confounds.text import Table

RIVALS = ("in_context", "metric_choice", "prompt_format")
UNTESTED = tuple(f"rival_{number}" for number in range(14))
SIZES = ((5, 24, 3), (25, 24, 3), (200, 100, 8))
OUT = Path(__file__).parent / "results" / "report.json"


def line(top: float, slope: float) -> tuple[CurvePoint, ...]:
    """A logistic in log scale up to `top`."""
    scales = 10 ** np.linspace(8, 12, 60)
    heights = 0.25 + (top - 0.25) / (1 + np.exp(-slope * (np.log10(scales) - 10)))
    return tuple(CurvePoint(float(x), float(y)) for x, y in zip(scales, heights, strict=True))


def fit(condition: dict[str, Any], effect: float) -> ThresholdFit:
    """A fit with everything that a report draws."""
    estimates = (
        Estimate("threshold", 1e10, ci_lower=5e9, ci_upper=3e10),
        Estimate("effect", effect, ci_lower=effect - 0.1, ci_upper=effect + 0.1),
        Estimate("width", 0.6, ci_lower=0.3, ci_upper=1.2),
    )
    sharpness = tuple((width / 4, math.exp(-width / 4)) for width in range(1, 17))
    null = "the score grows along a logistic curve whose transition takes at least 2 decades"
    top = 0.25 + effect
    curves = (line(top, 2.2), line(top, 9.0))
    return ThresholdFit(
        condition,
        estimates,
        p_two_level=0.01,
        p_fixed_effect=0.02,
        significant=True,
        models=24,
        families=6,
        null=null,
        smooth=curves[0],
        fitted=curves[1],
        sharpness=sharpness,
    )


def scores(models: int, conditions: int, seed: int) -> tuple[dict[str, Any], ...]:
    """One score for each model and condition; the first condition is the raw one."""
    random = np.random.default_rng(seed)
    scales = 10 ** random.uniform(8, 12, models)
    return tuple(
        {
            "role": "raw" if index == 0 else RIVALS[(index - 1) % len(RIVALS)],
            "condition": {"shots": 5 - (index - 1) % len(RIVALS) - (index > 0)},
            "model": f"model-{model}",
            "family": f"family-{model % 6}",
            "scale": float(scale),
            "score": float(random.uniform(0.2, 0.8)),
            "n": 200,
            "chance": 0.25,
            "majority": 0.3,
            "tuning": "base",
        }
        for model, scale in enumerate(scales)
        for index in range(conditions)
    )


def around(models: int, seed: int) -> Exploration:
    """What stands around a verdict, with everything that a report draws."""
    random = np.random.default_rng(seed)
    scales = 10 ** random.uniform(8, 12, models)
    total = Estimate("effect", 0.3, ci_lower=0.2, ci_upper=0.4)
    names = ("shots", "tuning", "prompt", "unexplained")
    shares = tuple(Estimate(name, 0.08, ci_lower=0.0, ci_upper=0.2) for name in names)
    levels = (("compute", "parameters", "tokens"), ("a", "b"), ("gradual", "spline"), ("x", "y"))
    dimensions = ("scale", "metric", "null", "baseline", "prompt")
    made = []
    for index, choices in enumerate(itertools.product(*levels, ("open", "closed"))):
        value = float(random.normal(0.2, 0.1))
        effect = Estimate("effect", value, ci_lower=value - 0.1, ci_upper=value + 0.1)
        chosen = dict(zip(dimensions, choices, strict=True))
        made.append(Specification(chosen, effect, float(random.uniform()), index == 0))
    steps = tuple(PowerPoint(models, step / 20, step / 9, 0.02) for step in range(1, 9))
    sizes = tuple(PowerPoint(size, 0.1, size / 200, 0.02) for size in (10, 20, 40, 80, 160))
    part = Part("shape", "passed", "both lines rise", (Estimate("slope_low", 0.1, p_value=0.01),))
    slices = tuple(
        DifficultySlice(
            name,
            66,
            tuple(CurvePoint(float(x), float(random.uniform(0.2, 0.8))) for x in scales),
            part,
        )
        for name in ("easiest third", "middle third", "hardest third")
    )
    return Exploration(
        (Attribution("shapley", total, shares), Attribution("gelbach", total, shares)),
        Multiverse(tuple(made), (Estimate("median_effect", 0.2, p_value=0.01),)),
        Design(steps, sizes, (), 0.3, 120, ("200 simulations a point",)),
        slices,
        part,
    )


def audit(number: int, models: int, conditions: int) -> Audit:
    """An inconclusive audit, the most wordy one."""
    tests = tuple(
        RivalTest(
            rival,
            "tested",
            "inconclusive",
            "without it the step is smaller than the smallest effect of interest",
            "the controlled interval holds both 0 and the smallest effect of interest",
            effect=Estimate("effect", 0.1, ci_lower=-0.1, ci_upper=0.3, level=0.9),
            change=Estimate("change", 0.2, ci_lower=0.0, ci_upper=0.4),
            p_adjusted=0.2,
            fits=(fit({"shots": 4 - index}, 0.1),),
            models_needed=40,
        )
        for index, rival in enumerate(RIVALS)
    )
    tests += tuple(
        RivalTest(name, "not_testable", "not_testable", "", "the table lacks its column")
        for name in UNTESTED
    )
    parts = {
        name: Part(name, "passed", f"{name} is shown", (Estimate("score", 0.6, p_value=0.001),))
        for name in ("presence", "absence", "departure")
    }
    return Audit(
        Claim(f"claim-{number}", f"task_{number:03d}", "exact_match", condition={"shots": 5}),
        Verdict("inconclusive", "three rivals are left open", (), UNTESTED),
        parts,
        tests,
        (fit({"shots": 5}, 0.3),),
        scores(models, conditions, number),
        manifest={"seed": 1, "replicates": 999},
        exploration=around(models, number),
    )


def measure(tasks: int, models: int, conditions: int) -> dict[str, Any]:
    """Write one report; seconds by the wall and of the processor, and its size.

    On a machine that has other work, its load says why the wall took longer than the processor.
    """
    audits = [audit(number, models, conditions) for number in range(tasks)]
    with tempfile.TemporaryDirectory() as folder:
        wall, work = time.perf_counter(), time.process_time()
        path = write_report(audits, Path(folder) / "report.html")
        return {
            "tasks": tasks,
            "models": models,
            "conditions": conditions,
            "seconds": time.perf_counter() - wall,
            "processor_seconds": time.process_time() - work,
            "load": os.getloadavg()[0],
            "megabytes": path.stat().st_size / 1e6,
        }


def main() -> None:
    """Measure every size, print the table, write the JSON."""
    rows = [measure(*size) for size in SIZES]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(Table(tuple(rows[0]), tuple(rows), "Writing a report").text())


if __name__ == "__main__":
    main()
