"""More power from the same table: what the other tasks tell of the models of one task.

Two things are borrowed, each where it applies: where every model stands beside the trend
(`control_variate`) and how much models differ at all (`pooled_variance`). Size and power of
each, alone and together: `benchmarks/control_variates.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from confounds.inference.control_variate import (
    NAME,
    Departure,
    control_variate,
    departure_of,
    with_control,
)
from confounds.inference.pooled_variance import pool_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from confounds.inference.sample import Sample


@dataclass(frozen=True, slots=True)
class Borrowing:
    """What is borrowed from other tasks.

    Attributes:
        control: models' departures there, as a covariate.
        variance: the variance between models, pooled.
    """

    control: bool = True
    variance: bool = True


NOTHING = Borrowing(control=False, variance=False)


class Neighbours:
    """The other tasks of a table, under one metric, scale and condition.

    Attributes:
        samples: one a task; those that cannot be tested themselves are left out.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = tuple(item for item in samples if item.why_not() is None)

    @cached_property
    def departures(self) -> tuple[Departure, ...]:
        """Where the models lie beside the trend of each task."""
        return tuple(departure_of(item) for item in self.samples)


@dataclass(frozen=True, eq=False)
class Borrowed:
    """A sample with what other tasks tell of it.

    Attributes:
        sample: the sample, unchanged where nothing could be borrowed.
        notes: what was borrowed, or why not.
    """

    sample: Sample
    notes: tuple[str, ...]


def borrow(
    sample: Sample, others: Neighbours, what: Borrowing, rng: np.random.Generator
) -> Borrowed:
    """Give a sample what the same models' other tasks tell of them.

    Args:
        sample: the task that is tested.
        others: the other tasks.
        what: what to borrow.
        rng: source of randomness.
    """
    control = control_variate(sample, others.departures, rng)
    if control is None:
        return Borrowed(sample, ("nothing is borrowed: the table has no two other tasks",))
    notes = []
    found = sample
    if what.control:
        reason = control.why_not()
        notes.append(f"no control from other tasks: {reason}" if reason else _said(control.tasks))
        found = sample if reason else with_control(sample, control)
    if what.variance and sample.binomial:
        controlled = found is not sample
        pooled_from = _controlled(others, rng) if controlled else others.samples
        pooled = pool_variance(pooled_from, 0.0 if controlled else control.share, rng)
        found = replace(found, pooled=pooled)
        notes.append(_said_of_variance(found))
    return Borrowed(found, tuple(notes))


def on_its_own(sample: Sample) -> Sample:
    """The sample without what it borrowed, for a paired contrast, where models cancel."""
    if NAME not in sample.covariate_names:
        return sample if sample.pooled is None else replace(sample, pooled=None)
    kept = [column for column, name in enumerate(sample.covariate_names) if name != NAME]
    covariates = sample.covariates[:, kept] if kept and sample.covariates is not None else None
    names = tuple(sample.covariate_names[column] for column in kept)
    return replace(sample, covariates=covariates, covariate_names=names, pooled=None)


def _controlled(others: Neighbours, rng: np.random.Generator) -> list[Sample]:
    """Every other task with the control that the rest of them give it."""
    found = []
    for place, item in enumerate(others.samples):
        rest = [*others.departures[:place], *others.departures[place + 1 :]]
        control = control_variate(item, rest, rng)
        found.append(item if control is None else with_control(item, control))
    return found


def _said(tasks: int) -> str:
    return f"adjusted for where each model stands beside the trend of {tasks} other tasks"


def _said_of_variance(sample: Sample) -> str:
    if sample.pooled is None:
        return "too few other tasks to pool the variance between models"
    return (
        "the variance between models is pooled with that of other tasks, "
        f"worth {sample.pooled.freedom:.0f} degrees of freedom"
    )
