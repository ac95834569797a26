"""Phases of training: when each model of a table learns a task, and whether it memorised first.

What `confounds phases` tells of a table with checkpoints; see `inference.training_course` for what
is read as train and held-out, and `inference.change_points` for the estimates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.errors import NothingSelectedError
from confounds.inference.change_points import ModelPhases, pool_phases
from confounds.inference.fits import Fits, Settings
from confounds.inference.multiplicity import benjamini_hochberg
from confounds.inference.training_course import phases_of
from confounds.pipeline import default_claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.claim import Claim
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate


@dataclass(frozen=True, slots=True)
class TaskPhases:
    """What the models of one task went through.

    Attributes:
        claim: task, metric, condition, smallest effect of interest.
        models: one answer a model with enough checkpoints.
        pooled: change points and lag over the models that learnt.
        reason: why there is none, else None.
    """

    claim: Claim
    models: tuple[ModelPhases, ...] = ()
    pooled: tuple[Estimate, ...] = ()
    reason: str | None = None

    def counts(self) -> dict[str, int]:
        """Phase -> number of models."""
        return dict(Counter(item.phase for item in self.models))

    def certain(self) -> int:
        """How many models learnt it, once every model and task that was looked at is counted."""
        return sum(item.certain for item in self.models)


def find_phases(
    outcomes: Outcomes,
    *,
    claims: Sequence[Claim] | None = None,
    settings: Settings | None = None,
) -> tuple[TaskPhases, ...]:
    """When the models learn each task, along their checkpoints.

    Args:
        outcomes: the table.
        claims: task, metric and condition; by default one claim a task.
        settings: seed.

    Raises:
        NothingSelectedError: no model of any task has enough checkpoints.
    """
    settings = settings or Settings()
    claims = claims or [default_claim(outcomes, task) for task in outcomes.tasks]
    found = tuple(_find(Fits(claim, outcomes, settings)) for claim in claims)
    if all(item.reason is not None for item in found):
        raise NothingSelectedError(found[0].reason or "no claim to look at")
    return _adjust(found)


def _adjust(found: tuple[TaskPhases, ...]) -> tuple[TaskPhases, ...]:
    """P-values of all held-out rises, every model of every task, at one false discovery rate."""
    p = np.array([_p_value(model) for task in found for model in task.models])
    adjusted = iter(benjamini_hochberg(p))
    return tuple(
        replace(
            task, models=tuple(replace(m, p_adjusted=float(next(adjusted))) for m in task.models)
        )
        for task in found
    )


def _p_value(model: ModelPhases) -> float:
    p = model.heldout.rise.p_value
    return 1.0 if p is None else p


def _find(fits: Fits) -> TaskPhases:
    models = phases_of(fits)
    if not models:
        reason = "no model has six checkpoints or more (column checkpoint)"
        return TaskPhases(fits.claim, reason=reason)
    return TaskPhases(fits.claim, models, pool_phases(models))
