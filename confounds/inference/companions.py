"""What else changes where a control changes its own factor?

A control takes one factor to a level at which it cannot act (zero shots) and is meant to leave all
else as it was. Where the models asked at zero shots were asked directly and those at five with a
chain of thought, it is a control of both factors at once: what it takes away is what the two carry
together, and no analysis can say whose it is (aliasing).

The share of each level is averaged over models, each model's rows counting as one, in both
conditions; a factor changes by the total variation distance of its shares. Another factor is a
*companion* where it changes at least half as far as the control's own factor does: full aliasing is
1, no matter how many levels are pooled, and rows that are missing here and there cancel out.

Assumption that would break it: what was asked of models in one condition only matters no more than
what was asked of those in both. Nothing here looks at a score.

Source: Box, Hunter & Hunter 2005, Statistics for Experimenters, on aliases of fractional designs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.inference.factors import CONTROLLED, Factor, confounded_models
from confounds.inference.observe import POOLED, in_condition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation

MOST = 0.5
"""Of the change in the control's own factor, from which another factor's is one with it."""
SHARED = 6
"""Models in both conditions from which they alone are compared."""
BY_DESIGN = {
    "shots": {"demonstrations"},
    "demonstrations": {"shots"},
    "dose": {"exposure"},
    "adaptation": {"shots", "demonstrations", "reasoning"},
}
"""Column -> columns that its control changes by its nature, such as no examples at zero shots."""
NOT_ACTING = {**CONTROLLED, "shots": (0,), "demonstrations": ("none", "shuffled")}
"""Column -> levels at which it cannot act."""
EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a column changes between two conditions.

    Attributes:
        column: which.
        size: total variation distance of its levels' shares, 0 to 1.
        level: the level whose share falls most.
        risen: the level whose share rises most.
        before: share of `level` in the confounded condition, averaged over models.
        after: the same in the controlled one.
    """

    column: str
    size: float
    level: object
    risen: object
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Companions:
    """A control, and the factors that change along with it.

    Attributes:
        own: the column that the control is of.
        shifts: the columns that change along, each with its shares.
        confounded: own level in the confounded condition, in words; empty for another metric.
        controlled: own level in the controlled condition, in words.
    """

    own: str
    shifts: tuple[Shift, ...]
    confounded: str
    controlled: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that change along."""
        return tuple(item.column for item in self.shifts)

    @property
    def switched_on(self) -> tuple[str, ...]:
        """The columns that can act in the controlled condition and could not before."""
        return tuple(
            item.column
            for item in self.shifts
            if (off := NOT_ACTING.get(item.column)) is not None
            and item.level in off
            and item.risen not in off
        )

    @property
    def message(self) -> str:
        """What changes along with what, in one sentence."""
        names = " and ".join([self.own, *self.columns])
        shares = "; ".join(
            f"{item.column} = {word(item.level)} in {_share(item.before)} of the rows of the "
            f"claim's condition and in {_share(item.after)} of those of the controlled one"
            for item in self.shifts
        )
        return f"{names} change together in this table ({shares})"

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows that would tell the factors apart."""
        return tuple(
            row
            for item in self.shifts
            for row in (
                f"{self.controlled} with {item.column} = {word(item.level)}",
                f"{self.confounded} with {item.column} = {word(item.risen)}",
            )
        )


def companions(
    fits: Fits, raw: Observation, controlled: Observation, against: Collection[str] | None = None
) -> Companions | None:
    """What else changes from one condition of a claim to another, or None where nothing does.

    Args:
        fits: the claim's fits.
        raw: the confounded condition.
        controlled: the controlled one.
        against: the models of the confounded condition that are compared, where they are others
            than the controlled ones; by default those that both conditions have.
    """
    own = _own(raw.condition, controlled.condition)
    if not own or raw.sample is None or controlled.sample is None:
        return None
    sides = (set(against or raw.sample.models), set(controlled.sample.models))
    shared = sides[0] & sides[1]
    if against is None and len(shared) >= SHARED:
        sides = (shared, shared)
    before, after = (
        rows_of(fits.cells(seen.condition.get("metric")), seen.condition, models)
        for seen, models in zip((raw, controlled), sides, strict=True)
    )
    changed = [found for name in own if (found := _shift(before, after, name)) is not None]
    size = max((item.size for item in changed), default=1.0)
    spared = {*own, *(name for column in own for name in BY_DESIGN.get(column, ()))}
    shifts = tuple(
        found
        for name in POOLED
        if name not in spared
        and (found := _shift(before, after, name)) is not None
        and found.size >= MOST * size - EQUAL
    )
    return _named(own, changed, shifts, controlled.condition) if shifts else None


def companions_of(fits: Fits, factor: Factor) -> Companions | None:
    """What else changes where a factor alone is switched off, or None where nothing does."""
    controlled = fits.observe(dict(factor.changes), factor.metric)
    against = confounded_models(fits.cells(), factor) if factor.between else None
    return companions(fits, fits.raw_observation, controlled, against)


def word(level: object) -> str:
    """A level in words: numbers without needless digits."""
    return f"{level:g}" if isinstance(level, float) else str(level)


def _own(raw: Mapping[str, Any], controlled: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns held at another level, the pooled ones first and in their order."""
    differing = [name for name in {**raw, **controlled} if raw.get(name) != controlled.get(name)]
    return tuple(sorted(differing, key=lambda name: (name not in POOLED, differing.index(name))))


def rows_of(cells: pd.DataFrame, condition: Mapping[str, Any], models: set[str]) -> pd.DataFrame:
    """The cells of some models in a condition, as `observe` selects them."""
    held = {name: value for name, value in condition.items() if name in cells}
    return in_condition(cells[cells["model"].isin(models)], held)


def _shift(before: pd.DataFrame, after: pd.DataFrame, name: str) -> Shift | None:
    """How far a column changes; None where it is unknown on a side, or does not."""
    if name not in before or name not in after:
        return None
    levels = pd.unique(pd.concat([before[name], after[name]]).dropna())
    if len(levels) < 2:
        return None
    levels = np.array(sorted(levels, key=str), dtype=object)
    first, second = _shares(before, name, levels), _shares(after, name, levels)
    if first is None or second is None or np.allclose(first, second, atol=EQUAL):
        return None
    fallen, risen = int((second - first).argmin()), int((second - first).argmax())
    return Shift(
        name,
        float(np.abs(second - first).sum() / 2),
        levels[fallen],
        levels[risen],
        float(first[fallen]),
        float(second[fallen]),
    )


def _shares(cells: pd.DataFrame, name: str, levels: Iterable[object]) -> Any:
    """Share of each level, the mean over models; None where no row knows it."""
    known = cells[cells[name].notna()]
    if known.empty:
        return None
    by_model = known["model"].to_numpy()
    values = known[name].to_numpy()
    weight = 1 / known.groupby("model")["model"].transform("size").to_numpy()
    models = len(np.unique(by_model))
    return np.array([float(weight[values == level].sum()) / models for level in levels])


def _named(
    own: tuple[str, ...],
    changed: list[Shift],
    shifts: tuple[Shift, ...],
    condition: Mapping[str, Any],
) -> Companions:
    if not changed:
        controlled = f"{own[0]} = {word(condition.get(own[0], 'any'))}"
        return Companions(own[0], shifts, f"another {own[0]}", controlled)
    most = max(changed, key=lambda item: item.size)
    confounded = f"{most.column} = {word(most.level)}"
    return Companions(most.column, shifts, confounded, f"{most.column} = {word(most.risen)}")


def _share(value: float) -> str:
    """A share of rows in words."""
    if value > 1 - EQUAL:
        return "all"
    return "none" if value < EQUAL else f"{value:.0%}"
