"""Everything a rival may ask of one claim and table: conditions observed and fitted, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from confounds.claim import CONDITIONS
from confounds.errors import NothingSelectedError, UsageError
from confounds.inference._plan import TestPlan
from confounds.inference.asked_items import (
    Answers,
    answers_of,
    beside_items,
    has_own_items,
    item_rows,
    least_linked,
    unlike_items,
    why_unlinked,
)
from confounds.inference.blocks import with_blocks
from confounds.inference.borrowing import NOTHING, Borrowing, Neighbours, borrow
from confounds.inference.ceiling import over_ceilings
from confounds.inference.observe import Observation, observe
from confounds.inference.scale_alias import with_aliases
from confounds.inference.threshold import FittedThreshold, test_threshold

if TYPE_CHECKING:
    import pandas as pd

    from confounds.claim import Claim
    from confounds.inference.sample import Ints, Sample
    from confounds.measures import Measure
    from confounds.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Settings:
    """How an audit is computed; the same settings and input give the same bytes.

    Attributes:
        seed: of every random generator.
        replicates: bootstrap replicates of each p-value.
        sharpness: draw the p-value against `gradual`.
        workers: processes to spread claims over; the results do not depend on it.
        explore: also compute what stands around a verdict (`confounds.exploration`).
        borrowing: what the threshold test of a task takes from the other tasks of the table.

    Raises:
        UsageError: a seed below 0, or no replicate or worker.
    """

    seed: int = 20230922
    replicates: int = 999
    sharpness: bool = True
    workers: int = 1
    explore: bool = False
    borrowing: Borrowing = NOTHING
    only_testable: bool = False

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("replicates", 1), ("workers", 1)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                msg = f"{name} is {value!r}; it must be a whole number of at least {least}"
                raise UsageError(msg)


class Fits:
    """Observes and fits conditions of one claim; each is computed once.

    Attributes:
        claim: the claim.
        outcomes: the table (all tasks).
        settings: seed and replicates.
    """

    def __init__(self, claim: Claim, outcomes: Outcomes, settings: Settings) -> None:
        self.claim = claim
        self.outcomes = outcomes
        self.settings = settings
        self._cells: dict[str, pd.DataFrame] = {}
        self._items: dict[str, Ints] = {}
        self._observed: dict[tuple[str, ...], Observation] = {}
        self._fitted: dict[tuple[Any, ...], FittedThreshold] = {}
        self._neighbours: dict[tuple[str, ...], Neighbours] = {}

    @cached_property
    def raw_observation(self) -> Observation:
        """The condition in which the ability was seen."""
        return self.observe({})

    @cached_property
    def raw(self) -> FittedThreshold | None:
        """The threshold test of the raw condition, or None where it cannot be tested."""
        observation = self.raw_observation
        if observation.sample is None or observation.why_not() is not None:
            return None
        return self.fit(observation.sample, observation.condition, detailed=True)

    @cached_property
    def doubt(self) -> str | None:
        """Why the raw departure may be none: chance unknown, or a ceiling below 1; else None."""
        if self.raw is None:
            return None
        measure = self.measure(self.claim.metric)
        if measure.likelihood == "binomial" and measure.chance == "uniform":
            known = self.raw_observation.frame["chance"].notna()
            if not known.all():
                return "chance is not known, and a floor that is left out makes a bend by itself"
        fit = self.raw.fit
        plain = fit.p_two_level, fit.p_fixed_effect
        return over_ceilings(self.raw.sample, self.raw.plan, plain)[2]

    @cached_property
    def own(self) -> Outcomes:
        """The rows of the claim's task."""
        return self.outcomes.select(task=self.claim.task)

    def measure(self, metric: str) -> Measure:
        """The declaration of a metric of this table."""
        return self.outcomes.measures[metric]

    def metrics(self) -> tuple[str, ...]:
        """The metrics that this task was scored with."""
        return self.own.metrics

    def cells(self, metric: str | None = None) -> pd.DataFrame:
        """Cells of the claim's task under one metric, by default the claim's."""
        metric = metric or self.claim.metric
        if metric not in self._cells:
            self._cells[metric] = self.own.select(metric=metric).cells()
        return self._cells[metric]

    def item_rows(self, metric: str, condition: dict[str, Any]) -> pd.DataFrame:
        """The item rows of the claim's task under one metric and condition."""
        frame = self.own.frame
        if metric not in self._items:
            mine = (frame["metric"] == metric) & frame["item"].notna()
            self._items[metric] = np.flatnonzero(mine)
        held = {name: value for name, value in condition.items() if name in CONDITIONS}
        return item_rows(frame, self._items[metric], held)

    def has_metric(self, metric: str) -> bool:
        """Whether the task has scores of this metric."""
        try:
            self.cells(metric)
        except NothingSelectedError:
            return False
        return True

    def observe(self, changes: dict[str, Any], metric: str | None = None) -> Observation:
        """The models under the claim's condition with some columns changed.

        Args:
            changes: column -> value; None lifts the restriction of that column.
            metric: another metric than the claim's.
        """
        condition = {**self.claim.condition, **changes}
        condition = {name: value for name, value in condition.items() if value is not None}
        metric = metric or self.claim.metric
        key = (metric, *sorted(map(repr, condition.items())))
        if key not in self._observed:
            self._observed[key] = self._observe(condition, metric)
        return self._observed[key]

    def _observe(self, condition: dict[str, Any], metric: str) -> Observation:
        found = observe(self.cells(metric), self.measure(metric), self.claim.scale, condition)
        found = self._with_borrowed(found, metric)
        if metric == self.claim.metric:
            return found
        return replace(found, condition={**found.condition, "metric": metric})

    def _with_borrowed(self, found: Observation, metric: str) -> Observation:
        """The observation with what the other tasks tell of its models, where that is wanted."""
        what = self.settings.borrowing
        if not (what.control or what.variance) or found.why_not() is not None:
            return found
        sample = cast("Sample", found.sample)
        lent = borrow(sample, self.neighbours(metric, found.condition), what, self.rng("borrow"))
        return replace(found, sample=lent.sample, notes=(*found.notes, *lent.notes))

    def neighbours(self, metric: str, condition: dict[str, Any]) -> Neighbours:
        """The other tasks scored with a metric, under the condition as far as they know it.

        A level that another task was never run at (shots differ by task) is not asked of it.
        """
        key = (metric, *sorted(map(str, condition.items())))
        if key not in self._neighbours:
            found = []
            for task in self.outcomes.tasks:
                if task == self.claim.task or metric not in self.outcomes.select(task=task).metrics:
                    continue
                cells = self.outcomes.select(task=task, metric=metric).cells()
                held = {
                    name: value
                    for name, value in condition.items()
                    if name in cells and np.isin(cells[name].to_numpy(object), value).any()
                }
                seen = observe(cells, self.measure(metric), self.claim.scale, held)
                if seen.sample is not None:
                    found.append(seen.sample)
            self._neighbours[key] = Neighbours(found)
        return self._neighbours[key]

    def levels(self, column: str, metric: str | None = None) -> tuple[Any, ...]:
        """Sorted levels of one column under the claim's other conditions."""
        cells = self.cells(metric)
        for name, value in self.claim.condition.items():
            if name != column:
                cells = cells[cells[name] == value]
        return tuple(sorted(cells[column].dropna().unique()))

    @property
    def plan(self) -> TestPlan:
        """The threshold test that the claim registers."""
        claim = self.claim
        return TestPlan(
            null=claim.null,
            gradual=claim.gradual,
            shape=claim.shape,
            replicates=self.settings.replicates,
            seed=self.settings.seed,
            detailed=False,
            ceiling=claim.ceiling,
        )

    def fit(
        self, sample: Sample, condition: dict[str, Any], *, detailed: bool = False
    ) -> FittedThreshold:
        """The threshold test of one sample, kept for the next rival that asks."""
        key = (sample.key, tuple(sorted(map(str, condition.items()))), detailed)
        if key not in self._fitted:
            plan = replace(self.plan, detailed=detailed and self.settings.sharpness)
            if condition.get("metric", self.claim.metric) != self.claim.metric:
                plan = replace(plan, ceiling=None)
            found = self._beside_items(test_threshold(sample, plan, condition))
            cells = self.cells(condition.get("metric"))
            self._fitted[key] = with_aliases(with_blocks(found), cells, self.claim.scale)
        return self._fitted[key]

    def unlike_items(self, sample: Sample, condition: dict[str, Any], most: float) -> str | None:
        """Why the mean scores of a condition say little of a step at the raw threshold, or None.

        Args:
            sample: the models of the condition.
            condition: column -> value held fixed.
            most: difference in mean difficulty between models above and below that is too large.
        """
        answers = self._answers(sample, condition)
        if self.raw is None or answers is None:
            return None
        return unlike_items(answers, sample, self.raw.psi, most)

    def items_apart(self) -> str | None:
        """Why a step in the raw condition could not be told from the items at some scale, or None.

        Where no item is shared by the models on both sides, larger models may have had easier ones.
        """
        sample = self.raw_observation.sample
        if sample is None or self.raw_observation.why_not() is not None:
            return None
        answers = self._answers(sample, self.raw_observation.condition)
        if answers is None:
            return None
        return why_unlinked(answers, sample, least_linked(answers, sample))

    def _answers(self, sample: Sample, condition: dict[str, Any]) -> Answers | None:
        """The item rows behind a sample, where models were asked different items."""
        if not has_own_items(sample, condition):
            return None
        metric = condition.get("metric", self.claim.metric)
        flipped = not self.measure(metric).higher_is_better
        return answers_of(self.item_rows(metric, condition), sample, flipped=flipped)

    def _beside_items(self, found: FittedThreshold) -> FittedThreshold:
        """The test as it stands once items that differ between models have their difficulty."""
        if not found.fit.significant:
            return found
        answers = self._answers(found.sample, found.fit.condition)
        if answers is None:
            return found
        p, note = beside_items(answers, found.sample, found.psi, found.plan)
        told = found.no_surer_than(0.0 if p is None else p, note)
        block = why_unlinked(answers, found.sample, found.psi)
        return told if block is None else replace(told, fit=replace(told.fit, blocks=(block,)))

    def rng(self, name: str) -> np.random.Generator:
        """A generator of its own for each use, so that no rival shifts another's draws."""
        return np.random.default_rng([self.settings.seed, *name.encode()])
