"""What stands around a verdict, as it would be computed, for the pages and files that show it."""

from __future__ import annotations

import itertools
import math

from confounds.exploration import (
    Attribution,
    Design,
    DifficultySlice,
    Exploration,
    Multiverse,
    PowerPoint,
    Specification,
)
from confounds.results import CurvePoint, Estimate, Part

NOT_OFF = "prompt could not be switched off: it has one level"


def share(name: str, value: float, half: float = 0.08) -> Estimate:
    return Estimate(name, value, ci_lower=value - half, ci_upper=value + half)


def attribution() -> tuple[Attribution, ...]:
    """Shapley and Gelbach in score points; KHB refused."""
    total = Estimate("effect", 0.31, ci_lower=0.21, ci_upper=0.40)
    shares = (share("shots", 0.24), share("tuning", 0.02), share("unexplained", 0.05))
    others = (share("shots", 0.22), share("tuning", 0.03), share("unexplained", 0.06))
    return (
        Attribution("shapley", total, shares, notes=(NOT_OFF,)),
        Attribution("gelbach", total, others, notes=(NOT_OFF,)),
        Attribution("khb", None, reason="the metric is no proportion"),
    )


def multiverse() -> Multiverse:
    """Twenty-four combinations, two thirds of them significant; the claim's own the first."""
    levels = {
        "scale": ("compute", "parameters", "tokens"),
        "metric": ("exact_match", "brier"),
        "null": ("gradual", "spline"),
        "baseline": ("chance", "majority"),
    }
    made = []
    for number, choice in enumerate(itertools.product(*levels.values())):
        value = 0.34 - 0.018 * number
        effect = share("effect", value, 0.12)
        choices = dict(zip(levels, choice, strict=True))
        made.append(Specification(choices, effect, 0.004 * (number + 1) ** 1.2, number == 0))
    joint = (
        Estimate("median_effect", 0.13, p_value=0.012),
        Estimate("share_significant", 0.54, p_value=0.02),
    )
    left_out = ("prompt: the table has one prompt format only",)
    notes = ("all 24 specifications were run", "p-values are ranks among 199 draws")
    return Multiverse(tuple(reversed(made)), joint, left_out, notes=notes)


def design() -> Design:
    """Power that grows with the step and with the models."""
    by_effect = tuple(
        PowerPoint(17, step / 20, 1 - math.exp(-((step / 5) ** 2)), 0.02) for step in range(1, 9)
    )
    by_models = tuple(
        PowerPoint(
            models,
            0.1,
            1 - math.exp(-models / 40),
            0.02,
            paired=1 - math.exp(-models / 20),
            equivalence=1 - math.exp(-models / 90),
        )
        for models in (8, 17, 34, 68, 100)
    )
    added = (PowerPoint(23, 0.1, 0.58, 0.02, "two models a family at 70B"),)
    return Design(
        by_effect,
        by_models,
        added,
        minimum_effect=0.32,
        models_needed=64,
        assumptions=("200 simulations a point", "model and family effects as estimated"),
    )


def slices() -> tuple[DifficultySlice, ...]:
    """Easy items fall and rise, hard ones rise late."""
    found = []
    for label, low, turn in (
        ("easiest third", 0.6, -1),
        ("middle third", 0.4, 0),
        ("hardest third", 0.1, 1),
    ):
        points = tuple(
            CurvePoint(
                10 ** (8 + i / 4), low + 0.3 * (i / 12) ** 2 + turn * 0.01 * (i - 6) ** 2 / 6
            )
            for i in range(13)
        )
        lines = (
            Estimate("slope_low", 0.02 * turn, p_value=0.2),
            Estimate("slope_high", 0.3, p_value=0.001),
        )
        shape = Part("shape", "undecided", f"the two lines of the {label} rise", lines)
        found.append(DifficultySlice(label, 66, points, shape))
    return tuple(found)


def exploration() -> Exploration:
    """All of it."""
    shape = Part("shape", "passed", "monotone: both lines rise", (Estimate("slope_low", 0.01),))
    return Exploration(attribution(), multiverse(), design(), slices(), shape)


def refused() -> Exploration:
    """Nothing of it could be computed, each with its reason."""
    reason = "shots and tuning vary together"
    return Exploration(
        (Attribution("shapley", None, reason=reason), Attribution("gelbach", None, reason=reason)),
        Multiverse(reason="only 4 models have a known size"),
        Design(reason="only 4 models have a known size"),
        (),
        Part("shape", "undecided", "the two-lines test needs 8 models; there are 4"),
    )
