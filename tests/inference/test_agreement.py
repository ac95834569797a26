"""Agreement of tuned models with their bases: found, not made by chance, held against scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from confounds.inference.agreement import measure_agreement
from confounds.outcomes import Outcomes

TASKS = 24
FAMILIES = 6


def table(*, child=0.0, tasks=TASKS, chance_only=False, seed=3):
    """Families of three base models, the larger two with tuned children.

    Args:
        child: share of a tuned model's zero-shot skill that is its base's few-shot skill; the rest
            is noise of its own.
        tasks: number of tasks.
        chance_only: nobody has any skill, and tasks differ in chance alone.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    chance = rng.choice([0.1, 0.25, 0.5], tasks)
    rows = []

    def add(model, family, size, tuning, shots, skill):
        score = chance + (1 - chance) * (0.0 if chance_only else 1.0) * skill
        rows.extend(
            {
                "task": f"t{task:02}",
                "metric": "accuracy",
                "model": model,
                "family": family,
                "parameters": size,
                "tuning": tuning,
                "shots": shots,
                "score": float(rng.binomial(300, np.clip(score[task], 0, 1)) / 300),
                "n": 300,
                "chance": chance[task],
            }
            for task in range(tasks)
        )

    for family in range(FAMILIES):
        for index, size in enumerate((1e8, 1e9, 1e10)):
            few = rng.uniform(0.1, 0.7, tasks)
            name = f"b{family}-{index}"
            add(name, f"f{family}", size, "base", 5, few)
            add(name, f"f{family}", size, "base", 0, rng.uniform(0.1, 0.7, tasks))
            if index:
                own = child * few + (1 - child) * rng.uniform(0.1, 0.7, tasks)
                add(f"{name}-tuned", f"f{family}", size, "instruct", 0, own)
    return Outcomes(pd.DataFrame(rows))


def measured(outcomes):
    return measure_agreement(outcomes.cells(), np.random.default_rng(0))


def named(found, term):
    return next(item for item in found.estimates if item.term == term)


def test_children_that_do_what_their_bases_do_with_examples_agree_beyond_scale():
    found = measured(table(child=0.8))
    assert (len(found.pairs), found.tasks) == (12, TASKS)
    assert named(found, "agreement").ci_lower > 0.7
    assert named(found, "excess_over_scale").ci_lower > 0.5
    assert named(found, "excess_over_zero_shot").ci_lower > 0.5


def test_children_of_their_own_mind_do_not():
    found = measured(table())
    assert abs(named(found, "agreement").estimate) < 0.2
    for term in ("excess_over_scale", "excess_over_zero_shot"):
        assert named(found, term).ci_lower < 0 < named(found, term).ci_upper


def test_chance_levels_alone_make_no_agreement():
    """Raw scores correlate at nearly 1 here; skill above chance does not."""
    outcomes = table(chance_only=True)
    measure = measured(outcomes)
    found = named(measure, "agreement")
    assert found.ci_lower < 0.1
    assert abs(found.estimate) < 0.25
    assert named(measure, "uncorrected").ci_lower > 0.8
    scores = outcomes.cells().pivot_table(index="task", columns="model", values="score")
    assert scores["b0-1"].corr(scores["b0-1-tuned"]) > 0.9


def test_pairs_are_of_one_family_and_size():
    found = measured(table(child=0.5))
    assert all(pair.tuned == f"{pair.base}-tuned" for pair in found.pairs)
    assert all(pair.tasks == TASKS for pair in found.pairs)


def test_too_few_pairs_or_tasks_are_said():
    assert "8 tasks or more" in measured(table(tasks=5)).reason
    base = table().select(tuning="base")
    assert measured(base).reason.startswith("0 tuned models have a base model")


def test_the_order_of_rows_changes_nothing():
    outcomes = table(child=0.5)
    shuffled = Outcomes(outcomes.frame.sample(frac=1, random_state=2).reset_index(drop=True))
    first, second = measured(outcomes), measured(shuffled)
    assert named(first, "agreement").estimate == pytest.approx(named(second, "agreement").estimate)
