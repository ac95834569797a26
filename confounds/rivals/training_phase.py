"""The phase of training: is the threshold that of training longer, not of being larger?

A model memorises, stays on a plateau and then generalises (grokking, Power et al. 2022); where
the large models of a table were trained for more steps, the small ones may stand before a
transition that the large have behind them. Controlled condition: every model at the same step,
the latest that enough of them were scored at.

Estimand: the step at the raw threshold at equal training; beside it, over the models with
checkpoints, the change points of the train and held-out curves and the lag between them.

Formula: mu(eta + delta) - mu(eta) at the raw psi, with mu(eta) = c + (1 - c) logistic(eta), eta the
smooth curve at the common step and delta its step; a change point is the log10 training step at
which a rise is half done (`inference/change_points.py`).

Assumption that would break it: the common step is late enough for the ability to have shown, and a
step is the same amount of data for every model.

Source: Power et al. 2022 (arXiv 2201.02177).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from confounds.inference.change_points import pool_phases
from confounds.inference.sample import MIN_MODELS
from confounds.inference.training_course import phases_of
from confounds.rivals._decision import compare, not_testable, why_no_raw

if TYPE_CHECKING:
    import pandas as pd

    from confounds.claim import Claim
    from confounds.inference.fits import Fits
    from confounds.outcomes import Outcomes
    from confounds.results import RivalTest

ENOUGH = 0.8
"""Share of the claim's models that a common step must have."""


class TrainingPhase:
    """The threshold is that of how long the models were trained."""

    name = "training_phase"
    null = "at the same training step for all models the step in score is below the smallest effect"
    needs = "checkpoints, of models whose last ones differ (checkpoint; exposure for grokking)"
    columns = ("checkpoint",)

    def test(self, claim: Claim, outcomes: Outcomes, fits: Fits) -> RivalTest:  # noqa: ARG002
        """Compare the last checkpoints with a common one."""
        changes = why_no_raw(fits) or self.controlled(claim, fits)
        if isinstance(changes, str):
            return not_testable(self.name, self.null, changes)
        found = compare(self.name, self.null, fits, fits.observe(changes))
        if found.status == "not_testable":
            return found
        reason = f"all models at step {changes['checkpoint']:g}: {found.reason}"
        pooled = pool_phases(phases_of(fits))
        return replace(found, reason=reason, estimates=(*found.estimates, *pooled))

    def controlled(self, claim: Claim, fits: Fits) -> dict[str, Any] | str:
        """What to change for the controlled condition, or why it cannot be had."""
        if "checkpoint" in claim.condition:
            return "the claim was made at one training step: all models were trained equally long"
        cells = _cells(claim, fits)
        if cells.empty:
            return "the table has no checkpoints"
        last = cells.groupby("model")["checkpoint"].max()
        if last.min() == last.max():
            return f"every model was read at the same step ({last.iloc[0]:g}): training is equal"
        models = cells.groupby("checkpoint")["model"].nunique()
        everyone = max(cells["model"].nunique(), len(fits.raw_observation.frame))
        needed = max(ENOUGH * everyone, MIN_MODELS)
        common = models[models >= needed].index
        if not len(common):
            return (
                f"no training step has {needed:.0f} of the models: "
                "they cannot be compared at equal training"
            )
        return {"checkpoint": common.max()}


def _cells(claim: Claim, fits: Fits) -> pd.DataFrame:
    """The claim's cells that belong to a checkpoint, of models of known scale."""
    cells = fits.cells()
    for name, value in claim.condition.items():
        cells = cells[cells[name] == value]
    return cells[cells["checkpoint"].notna() & (cells[claim.scale] > 0)]


RIVAL = TrainingPhase()
