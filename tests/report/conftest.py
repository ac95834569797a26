"""Audits as the method would return them, one for every verdict, from simulated scores."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from explored import exploration, refused

from confounds.claim import Claim
from confounds.results import (
    Audit,
    CurvePoint,
    Estimate,
    Finding,
    Part,
    RivalTest,
    ThresholdFit,
    Verdict,
)

FAMILIES = {
    "gpt2": (1.2e8, 1.6e9),
    "gpt-j": (6e9,),
    "davinci": (3.5e8, 1.3e9, 6.7e9, 1.75e11),
    "t5": (6e7, 7.7e8, 3e9, 1.1e10),
    "falcon": (7e9, 4e10),
    "llama": (7e9, 1.3e10, 3e10, 6.5e10),
}
WIDTHS = tuple(w / 4 for w in range(1, 17))
MANIFEST = {
    "command": "confounds audit scores.csv",
    "versions": {"confounds": "0.1.0", "numpy": "2.4.0"},
    "inputs": {"scores.csv": "43159449c7c9a52e25f0f8499441f325ab72fbfdea55f51cf9547f3f24474a99"},
    "settings": {"seed": 20240, "replicates": 999, "multiplicity": "holm"},
}


def points(step: float, *, chance: float = 0.25, seed: int = 1) -> tuple[dict[str, Any], ...]:
    """Scores of every model at 5 shots, where there is a step, and at 0, where there is none."""
    random = np.random.default_rng(seed)
    found = []
    for family, sizes in FAMILIES.items():
        for size in sizes:
            lift = random.normal(0, 0.03)
            for role, shots in (("raw", 5), ("in_context", 0)):
                jump = step / (1 + math.exp(-9 * (math.log10(size) - 10))) if shots else 0
                score = float(np.clip(chance + jump + lift + random.normal(0, 0.02), 0, 1))
                found.append(
                    {
                        "role": role,
                        "condition": {"shots": shots},
                        "model": f"{family}-{size / 1e9:g}B",
                        "family": family,
                        "scale": size,
                        "score": score,
                        "n": 200,
                        "chance": chance,
                        "majority": chance + 0.05,
                        "tuning": None if family == "t5" else "base",
                    }
                )
    return tuple(found)


def line(low: float, high: float, slope: float, band: float = 0.0) -> tuple[CurvePoint, ...]:
    """A logistic in log scale from `low` to `high`, with a band if it has a width."""
    curve = []
    for x in np.linspace(7.7, 11.3, 60):
        score = float(low + (high - low) / (1 + math.exp(-slope * (x - 10))))
        edges = (score - band, score + band) if band else (None, None)
        curve.append(CurvePoint(float(10**x), score, *edges))
    return tuple(curve)


def fit(shots: int, effect: tuple[float, float, float], p: float, **changes: Any) -> ThresholdFit:
    """The threshold fit of one number of shots."""
    top = 0.25 + max(effect[0], 0.02)
    values: dict[str, Any] = {
        "condition": {"shots": shots},
        "estimates": (
            Estimate("threshold", 1.3e10, ci_lower=6.7e9, ci_upper=3.0e10),
            Estimate("effect", effect[0], ci_lower=effect[1], ci_upper=effect[2]),
            Estimate("width", 0.55, ci_lower=0.2, ci_upper=1.1),
            Estimate("kink", 0.21, ci_lower=0.08, ci_upper=0.33),
            Estimate("excess", 0.18, ci_lower=0.02, ci_upper=0.34),
        ),
        "p_two_level": p,
        "p_fixed_effect": min(1.0, p * 1.7),
        "significant": p < 0.05,
        "models": 17,
        "families": 6,
        "null": "growth is a logistic in log10 parameters whose 10-90 % transition takes at "
        "least 2.0 decades",
        "smooth": line(0.25, top, 2.2),
        "fitted": line(0.25, top, 9.0, 0.05),
        "sharpness": tuple((w, min(1.0, p * math.exp(2.2 * (2 - w)))) for w in WIDTHS),
    }
    return ThresholdFit(**{**values, **changes})


def parts(presence: str, absence: str, departure: str) -> dict[str, Part]:
    """The three parts of apparent emergence."""
    reasons = {
        "presence": "davinci-175B scores 0.58 on 200 items, above the baseline 0.30",
        "absence": "the upper bound of the smaller models lies below 0.30 + 0.05",
        "departure": "the threshold test rejects gradual growth",
    }
    statuses = {"presence": presence, "absence": absence, "departure": departure}
    score = Estimate("score", 0.58, p_value=0.0002, ci_lower=0.51, ci_upper=0.65)
    return {
        name: Part(name, status, reasons[name], (replace(score, term=f"{name}_score"),))
        for name, status in statuses.items()
    }


def rival(name: str, outcome: str, left: tuple[float, float, float] | None) -> RivalTest:
    """A test of one rival; without numbers it was not testable."""
    if left is None:
        reason = f"the table has no levels of {name}; two are needed"
        return RivalTest(name, "not_testable", "not_testable", "", reason)
    effect = Estimate("effect", left[0], None, None, 0.03, left[1], left[2], level=0.9)
    change = Estimate("change", 0.31 - left[0], ci_lower=0.21 - left[0], ci_upper=0.4 - left[0])
    return RivalTest(
        name,
        "tested",
        outcome,  # type: ignore[arg-type]
        f"under {name} control the curve shows no threshold",
        f"at 0 shots the step is {left[0]:.2f}",
        effect=effect,
        change=change,
        p_adjusted=0.09,
        strong=left[1] > 0.1,
        fits=(fit(0, left, 0.6),),
        models_needed=34 if outcome == "inconclusive" else None,
    )


def audit(task: str, label: str, reason: str, tests: tuple[RivalTest, ...], **more: Any) -> Audit:
    """An audit with a raw effect of 0.31 unless told otherwise."""
    values: dict[str, Any] = {
        "claim": Claim(
            task, task, "exact_match", condition={"shots": 5}, statement=f"{task} emerges"
        ),
        "verdict": Verdict(
            label,  # type: ignore[arg-type]
            reason,
            tuple(test.rival for test in tests if test.outcome == "explained"),
            tuple(test.rival for test in tests if test.outcome == "not_testable"),
        ),
        "apparent": parts("passed", "passed", "passed"),
        "tests": tests,
        "fits": (fit(5, (0.31, 0.21, 0.4), 0.0004),),
        "points": points(0.31),
        "descriptions": (
            Estimate("breakthroughness", 12.3, ci_lower=4.2, ci_upper=30.0),
            Estimate("linearity", 1.2, ci_lower=0.8, ci_upper=1.7),
        ),
        "findings": (
            Finding("duplicate_rows", "exact duplicates were dropped", 3, ("scores.csv:12",)),
            Finding("constant_answer", f"one run of {task} answers a constant", 1, (task,)),
        ),
        "manifest": MANIFEST,
    }
    return Audit(**{**values, **more})


UNTESTED = (rival("exposure", "not_testable", None), rival("seed_luck", "not_testable", None))
STRONG, GONE, OPEN = (0.29, 0.2, 0.37), (0.01, -0.04, 0.05), (0.12, -0.05, 0.28)


def decided() -> tuple[Audit, ...]:
    """One that survives, one that is explained, one left open."""
    survives = (rival("in_context", "survives", STRONG), rival("smooth_growth", "survives", STRONG))
    explained = (
        rival("in_context", "explained", GONE),
        rival("metric_choice", "inconclusive", OPEN),
        rival("instruction_tuning", "survives", STRONG),
    )
    left = (rival("in_context", "inconclusive", OPEN), rival("prompt_format", "survives", STRONG))
    reasons = (
        "it survives smooth growth and in-context learning",
        "at zero shots nothing of the step is left",
        "in-context learning is left open",
    )
    return (
        audit("modified_arithmetic", "survives", reasons[0], (*survives, *UNTESTED)),
        audit(
            "hindu_knowledge",
            "explained",
            reasons[1],
            (*explained, *UNTESTED),
            exploration=exploration(),
        ),
        audit(
            "strategyqa",
            "inconclusive",
            reasons[2],
            (*left, *UNTESTED),
            verdict=Verdict(
                "inconclusive",
                reasons[2],
                untested=("exposure", "seed_luck"),
                certain=(
                    "at least 0.12 of the 0.31 is in_context's",
                    "at most 0.05 of the 0.31 is prompt_format's",
                ),
            ),
        ),
    )


@pytest.fixture(scope="session")
def audits() -> tuple[Audit, ...]:
    """Survives, explained, inconclusive, absent, and one that no test could be run on."""
    absent = audit(
        "misconceptions",
        "absent",
        "the largest models do not beat the baseline",
        UNTESTED,
        apparent=parts("failed", "passed", "undecided"),
        fits=(fit(5, (0.02, -0.05, 0.09), 0.61),),
        points=points(0.0, chance=0.5, seed=2),
    )
    untestable = audit(
        "codenames",
        "inconclusive",
        "only 4 models have a known size; 8 are needed",
        UNTESTED,
        fits=(),
        apparent={},
        points=points(0.1)[:8],
        descriptions=(),
        exploration=refused(),
    )
    return (*decided(), absent, untestable)
