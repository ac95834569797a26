"""Answers of new models to new items, for what is simulated of the mixed model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.inference.mixed import MixedDesign, MixedFit, Term, fit_mixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MODEL_SD, ITEM_SD, FAMILY_SD, VARYING_SD = 0.5, 1.0, 0.5, 0.4
PER_FAMILY = 4


@dataclass(frozen=True, slots=True)
class World:
    """What varies beside models and items.

    Attributes:
        items: number of items.
        floor: chance floor.
        families: whether families of four models share an effect.
        varying: whether the effect of the condition varies between models; the fit allows for it.
    """

    items: int
    floor: float
    families: bool = False
    varying: bool = False


def draw_design(
    eta: NDArray[np.float64], terms: Sequence[Term], world: World, rng: np.random.Generator
) -> MixedDesign:
    """Answers whose logits without random effects are `eta`, (models, items or 1, conditions)."""
    models = len(eta)
    eta = eta + rng.normal(0, MODEL_SD, (models, 1, 1)) + rng.normal(0, ITEM_SD, (world.items, 1))
    family = None
    if world.families:
        family = np.arange(models) % (models // PER_FAMILY)
        eta = eta + rng.normal(0, FAMILY_SD, models // PER_FAMILY)[family][:, None, None]
    if world.varying:
        eta = eta + rng.normal(0, VARYING_SD, (models, 1, eta.shape[2]))
    score = world.floor + (1 - world.floor) / (1 + np.exp(-eta))
    block = rng.binomial(1, score).astype(float)
    design = MixedDesign.from_block(block, terms=tuple(terms), family=family, floor=world.floor)
    return replace(design, model_by_condition=world.varying)


def without(fit: MixedFit, names: Sequence[str]) -> MixedFit:
    """The fit with some terms left out."""
    terms = tuple(term for term in fit.design.terms if term.name not in names)
    return fit_mixed(replace(fit.design, terms=terms), start=fit)
