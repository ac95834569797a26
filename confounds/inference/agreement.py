"""Do tuned models succeed without examples where their base models succeed with them?

Lu et al. (2024) hold that instruction tuning enables implicit in-context learning: a tuned model at
zero shots solves the tasks that its base model solves with examples. Raw scores would agree by
their chance levels alone: tasks with two options lie above tasks with ten, whoever answers.

Two models of one size agree on which tasks are hard anyway. So the agreement is held against the
one expected from scale alone: of the tuned model with the skill that models of other families
predict for a base model of its size with examples (a line in log10 scale a task), and against its
agreement with its own base at zero shots. Beside them stands the correlation of the scores as they
are, chance left in: what a comparison without correction would report. Intervals draw families and
tasks anew, both (the pigeonhole bootstrap, Owen 2007), which errs on the wide side.

Estimand: the correlation over tasks between a tuned model at zero shots and its base model with
examples, averaged over such pairs.

Formula: mean over pairs of cor_t(s_tuned, s_base), with skill s = (score - chance) / (1 - chance)
of task t; the expected one puts in place of s_base the line in log10 scale that other families
give.

Assumption that would break it: a tuned model of the same family and size is the child of that base
model.

Source: Lu et al. 2024 (arXiv 2309.01809); Owen 2007, Annals of Applied Statistics 1(2) (pigeonhole
bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.results import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from confounds.inference.sample import Floats, Ints

MIN_TASKS = 8
MIN_PAIRS = 2
MIN_OTHERS = 3
"""Base models of other families that a prediction from scale takes."""
REPLICATES = 999
SAME_SIZE = 0.01
"""Relative difference of parameters within which two models have one size."""


@dataclass(frozen=True, slots=True)
class AgreementPair:
    """One tuned model and its base.

    Attributes:
        tuned: the tuned model, at zero shots.
        base: its base model, with examples.
        family: of both.
        tasks: number of tasks that both were run on.
        agreement: correlation over tasks.
        expected: the same with the skill predicted from scale; None where too few others are known.
        zero_shot: the same with the base model at zero shots.
    """

    tuned: str
    base: str
    family: str
    tasks: int
    agreement: float
    expected: float | None
    zero_shot: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of tuned models at zero shots with base models with examples.

    Attributes:
        pairs: one a tuned model.
        estimates: means over pairs: `agreement`, `expected_from_scale`, `zero_shot`, and the two
            differences `excess_over_scale` and `excess_over_zero_shot`.
        tasks: number of tasks.
        reason: why there is none, else None.
    """

    pairs: tuple[AgreementPair, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    tasks: int = 0
    reason: str | None = None


def measure_agreement(cells: pd.DataFrame, rng: np.random.Generator) -> Agreement:
    """Agreement over the tasks of one metric.

    Args:
        cells: `Outcomes.cells()` of several tasks and one metric.
        rng: source of randomness.
    """
    skills = _Skills(cells)
    pairs = skills.pairs()
    if len(pairs) < MIN_PAIRS:
        reason = (
            f"{len(pairs)} tuned models have a base model of their family and size on "
            f"{MIN_TASKS} tasks or more; {MIN_PAIRS} are needed"
        )
        return Agreement(reason=reason)
    every = np.arange(len(skills.tasks))
    found = [skills.compare(pair, every) for pair in pairs]
    names, families = np.unique([pair[2] for pair in pairs], return_inverse=True)
    draws = np.array([_means(skills, pairs, families, len(names), rng) for _ in range(REPLICATES)])
    terms = ("agreement", "expected_from_scale", "zero_shot", "uncorrected")
    centre = np.nanmean(np.array(found, dtype=np.float64), axis=0)
    estimates = [_estimate(term, centre[i], draws[:, i]) for i, term in enumerate(terms)]
    for term, place in (("excess_over_scale", 1), ("excess_over_zero_shot", 2)):
        gap = draws[:, 0] - draws[:, place]
        estimates.append(_estimate(term, centre[0] - centre[place], gap))
    told = tuple(
        AgreementPair(*pair, skills.shared(pair), *map(_known, values[:3]))  # type: ignore[arg-type]
        for pair, values in zip(pairs, found, strict=True)
    )
    return Agreement(told, tuple(estimates), len(skills.tasks))


def _means(
    skills: _Skills,
    pairs: list[tuple[str, str, str]],
    families: Ints,
    count: int,
    rng: np.random.Generator,
) -> Floats:
    """The four means over one draw of families and of tasks."""
    tasks = rng.integers(len(skills.tasks), size=len(skills.tasks))
    drawn = np.bincount(rng.integers(count, size=count), minlength=count)[families]
    values = np.array(
        [
            skills.compare(pair, tasks) if times else (np.nan,) * 4
            for pair, times in zip(pairs, drawn, strict=True)
        ]
    )
    known = np.isfinite(values) & (drawn > 0)[:, None]
    weights = np.where(known, drawn[:, None], 0)
    total = np.where(known, values, 0.0) * weights
    means: Floats = total.sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-300)
    return np.where(weights.sum(axis=0) > 0, means, np.nan)


def _estimate(term: str, centre: float, draws: Floats) -> Estimate:
    kept = draws[np.isfinite(draws)]
    if not np.isfinite(centre) or not len(kept):
        return Estimate(term, None)
    low, high = np.quantile(kept, [0.025, 0.975])
    return Estimate(
        term, float(centre), float(kept.std(ddof=1)), ci_lower=float(low), ci_upper=float(high)
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


class _Skills:
    """Skill of every model on every task, with examples and without."""

    def __init__(self, cells: pd.DataFrame) -> None:
        known = cells[cells["chance"].notna() & cells["shots"].notna()]
        known = known.assign(skill=(known["score"] - known["chance"]) / (1 - known["chance"]))
        shots = known["shots"].astype(float)
        self.few = known[shots > 0].pivot_table(index="model", columns="task", values="skill")
        self.none = known[shots == 0].pivot_table(index="model", columns="task", values="skill")
        self.tasks = sorted(set(self.few.columns) & set(self.none.columns))
        self.few, self.none = self.few[self.tasks], self.none[self.tasks]
        self.scores = {
            given: known[(shots > 0) == given]
            .pivot_table(index="model", columns="task", values="score")
            .reindex(columns=self.tasks)
            for given in (True, False)
        }
        facts = known.groupby("model")[["family", "tuning", "parameters"]].first()
        self.facts = facts[facts["parameters"].notna()]
        base = self.facts[self.facts["tuning"] == "base"].index.intersection(self.few.index)
        self.base = self.facts.loc[base]
        self._skills: dict[tuple[str, str, str], tuple[Floats, ...]] = {}

    def pairs(self) -> list[tuple[str, str, str]]:
        """(tuned, base, family) of every tuned model whose base was run on enough tasks."""
        found = []
        tuned = self.facts[self.facts["tuning"].notna() & (self.facts["tuning"] != "base")]
        for name, row in tuned.iterrows():
            size = row["parameters"]
            near = (self.base["parameters"] / size - 1).abs() < SAME_SIZE
            parents = self.base[near & (self.base["family"] == row["family"])].index
            if len(parents) != 1 or name not in self.none.index:
                continue
            pair = (str(name), str(parents[0]), str(row["family"]))
            if self.shared(pair) >= MIN_TASKS:
                found.append(pair)
        return found

    def shared(self, pair: tuple[str, str, str]) -> int:
        """Number of tasks that both were run on."""
        both = self.none.loc[pair[0]].notna() & self.few.loc[pair[1]].notna()
        return int(both.to_numpy().sum())

    def compare(self, pair: tuple[str, str, str], tasks: Ints) -> tuple[float, ...]:
        """Correlation with the base's few-shot skill, the predicted, its zero-shot; of scores."""
        if pair not in self._skills:
            self._skills[pair] = self._skills_of(pair)
        own, few, expected, none, *scores = (row[tasks] for row in self._skills[pair])
        return (
            _correlate(own, few),
            _correlate(own, expected),
            _correlate(own, none),
            _correlate(*scores),
        )

    def _skills_of(self, pair: tuple[str, str, str]) -> tuple[Floats, ...]:
        """(tasks,) skill: tuned, base with examples, predicted, base without; two scores."""
        tuned, base, family = pair
        none: Floats = np.full(len(self.tasks), np.nan)
        if base in self.none.index:
            none = self.none.loc[base].to_numpy(np.float64)
        own, few = (
            self.none.loc[tuned].to_numpy(np.float64),
            self.few.loc[base].to_numpy(np.float64),
        )
        scores = (
            self.scores[given].loc[name].to_numpy(np.float64)
            for given, name in ((False, tuned), (True, base))
        )
        return own, few, self._from_scale(tuned, family), none, *scores

    def _from_scale(self, tuned: str, family: str) -> Floats:
        """(tasks,) few-shot skill that base models of other families predict for this size."""
        others = self.base[self.base["family"] != family]
        x = np.log10(others["parameters"].to_numpy(np.float64))
        at = float(np.log10(self.facts["parameters"].to_dict()[tuned]))
        columns = self.few.loc[others.index].to_numpy(np.float64).T
        return np.array([_line(x, y, at) for y in columns])


def _line(x: Floats, y: Floats, at: float) -> float:
    """A straight line through what is known, read off at one scale and kept within [-1, 1]."""
    known = np.isfinite(y)
    if known.sum() < MIN_OTHERS or np.ptp(x[known]) == 0:
        return float("nan")
    slope, level = np.polyfit(x[known], y[known], 1)
    return float(np.clip(level + slope * at, -1, 1))


def _correlate(first: Floats, second: Floats) -> float:
    """Pearson correlation over tasks known to both, NaN where they are few or without spread."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < MIN_TASKS:
        return float("nan")
    a, b = first[known], second[known]
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0 else float("nan")
