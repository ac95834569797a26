"""Which factors of a table cannot be told apart, from scale or from each other.

Two factors are *aliased* where knowing one tells the other in every cell that was run (every tuned
model is larger than every base model; every few-shot row is of a tuned model): no analysis can
tell their effects apart. *Positivity* fails where a combination that a comparison needs was never
run (Rosenbaum & Rubin 1983 call it strong ignorability's second half, 0 < pr(z = 1 | x) < 1): the
effect there is extrapolated, not observed. Each tie names the rows, models times conditions, that
would break it.

Assumption: levels are named alike where they are alike. Nothing here looks at a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Literal

import numpy as np

from confounds.inference.observe import POOLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from confounds.claim import Scale
    from confounds.inference.sample import Floats

Kind = Literal["aliased", "positivity"]
FACTORS = ("family", *POOLED)
STRUCTURAL = {frozenset({"shots", "demonstrations"})}
"""Pairs with combinations that cannot exist: no demonstrations at zero shots."""
MIN_SIDE = 2
NAMED = 4


@dataclass(frozen=True, slots=True)
class Tie:
    """Two factors that the table ties together.

    Attributes:
        first: a column.
        second: another column, or the scale axis.
        kind: `aliased` (one tells the other) or `positivity` (a combination is missing).
        message: what is tied, in one sentence.
        rows: rows to run that would break the tie, the first few.
    """

    first: str
    second: str
    kind: Kind
    message: str
    rows: tuple[str, ...] = ()


def find_ties(cells: pd.DataFrame, scale: Scale, at: float | None = None) -> tuple[Tie, ...]:
    """Aliasing and missing combinations among the factors of one task and metric.

    Args:
        cells: `Outcomes.cells()` of one task and metric.
        scale: the axis.
        at: log10 scale of the raw threshold, on both sides of which a level needs models.

    Returns:
        ties with scale first, then ties of two factors, aliased before positivity.
    """
    placed = cells[cells[scale] > 0]
    varying = [name for name in FACTORS if placed[name].dropna().unique().size > 1]
    found: list[Tie] = []
    for name in varying:
        if name == "family":
            found += _families(placed, scale, at)
        else:
            found += _with_scale(placed, name, scale, at)
    for first, second in combinations(varying, 2):
        if _comparable(placed, first, second):
            found += _pair(placed, first, second)
    return tuple(sorted(found, key=lambda tie: (tie.second != scale, tie.kind)))


def _comparable(cells: pd.DataFrame, first: str, second: str) -> bool:
    """Whether a missing combination of two columns says anything.

    A kind of model (tuning) is never crossed with families, which are draws; nor is anything
    where each model is a family of its own.
    """
    if frozenset({first, second}) in STRUCTURAL:
        return False
    if first != "family":
        return True
    repeated = bool(cells.groupby("family")["model"].nunique().gt(1).any())
    return repeated and bool(cells.groupby("model")[second].nunique().gt(1).any())


def _with_scale(cells: pd.DataFrame, name: str, scale: str, at: float | None) -> Iterator[Tie]:
    """A level whose models all lie above, or all below, those of the other levels; or nearly."""
    place = np.log10(cells.groupby("model")[scale].median())
    levels = sorted(cells[name].dropna().unique(), key=str)
    for level in levels:
        has = cells[name] == level
        here = place[sorted(set(cells.loc[has, "model"]))]
        others = place[sorted(set(cells.loc[cells[name].notna() & ~has, "model"]))]
        word = f"{name} = {_word(level)}"
        side = _apart(here.to_numpy(), others.to_numpy())
        if side is None:
            yield from _lacking(place, here, (name, word, scale), at)
            continue
        spans = _range(here.to_numpy()), _range(others.to_numpy())
        message = (
            f"every model with {word} ({spans[0]}) is {side} than every model with another "
            f"{name} ({spans[1]})"
        )
        rows = (f"models of {spans[1]} {scale} with {word}", f"models of {spans[0]} without")
        yield Tie(name, scale, "aliased", message, rows)
        if len(levels) == MIN_SIDE:
            return


def _lacking(
    place: pd.Series[float], here: pd.Series[float], names: tuple[str, str, str], at: float | None
) -> Iterator[Tie]:
    """Sides of the middle of the scales, or of the raw threshold, where a level lacks models."""
    name, word, scale = names
    middle = float(place.median())
    sides = {
        "in the upper half of the scales": place[place > middle],
        "in the lower half of the scales": place[place <= middle],
    }
    if at is not None:
        threshold = f"the raw threshold ({10**at:.2g})"
        sides[f"above {threshold}"] = place[place > at]
        sides[f"below {threshold}"] = place[place <= at]
    told: set[str] = set()
    for where, models in sides.items():
        lacking = sorted(set(models.index) - set(here.index))
        count = len(models) - len(lacking)
        if count < MIN_SIDE <= len(models) and not told.issuperset(lacking):
            told.update(lacking)
            rows = tuple(f"{model} with {word}" for model in lacking[:NAMED])
            message = f"{word} was run on {_count(count)} {where}"
            yield Tie(name, scale, "positivity", message, rows)


def _families(cells: pd.DataFrame, scale: str, at: float | None) -> Iterator[Tie]:
    """Families whose ranges of scale do not overlap: family and scale are one variable."""
    place = np.log10(cells.groupby("model")[scale].median())
    of_model = cells.groupby("model")["family"].first()
    ranges = {
        str(name): (float(values.min()), float(values.max()))
        for name, values in place.groupby(of_model)
    }
    wide = {name: ends for name, ends in ranges.items() if ends[1] > ends[0]}
    if not wide:
        message = "no family has models at two scales: family and scale cannot be told apart"
        yield Tie("family", scale, "aliased", message, _second_sizes(ranges))
        return
    alone = [name for name, ends in wide.items() if not _overlaps(name, ends, ranges)]
    if len(alone) < len(wide) or len(ranges) == 1:
        yield from _spanning(ranges, scale, at)
        return
    yield Tie(
        "family",
        scale,
        "aliased",
        f"families occupy disjoint scales ({_word_list(sorted(ranges, key=lambda f: ranges[f]))})",
        tuple(
            f"a model of {low} near {10 ** ranges[high][0]:.2g}"
            for low, high in _neighbours(ranges)
        )[:NAMED],
    )


def _spanning(
    ranges: dict[str, tuple[float, float]], scale: str, at: float | None
) -> Iterator[Tie]:
    """Too few families with models on both sides of the raw threshold."""
    if at is None or len(ranges) == 1:
        return
    both = [name for name, (low, high) in ranges.items() if low <= at < high]
    if len(both) >= MIN_SIDE:
        return
    one = sorted(set(ranges) - set(both), key=lambda name: ranges[name])
    verb = "family has" if len(both) == 1 else "families have"
    message = (
        f"{len(both) or 'no'} {verb} models on both sides of the raw threshold ({10**at:.2g}): "
        "there, family and scale cannot be told apart"
    )
    sides = {name: "above" if ranges[name][1] <= at else "below" for name in one}
    rows = tuple(f"a model of {name} {sides[name]} {10**at:.2g}" for name in one[:NAMED])
    yield Tie("family", scale, "positivity", message, rows)


def _pair(cells: pd.DataFrame, first: str, second: str) -> Iterator[Tie]:
    """Two columns: does one tell the other, and which combinations were never run?"""
    known = cells[cells[first].notna() & cells[second].notna()]
    levels = [sorted(known[name].unique(), key=str) for name in (first, second)]
    seen = set(zip(known[first], known[second], strict=True))
    missing = [pair for pair in product(*levels) if pair not in seen]
    if min(map(len, levels)) < MIN_SIDE or not missing:
        return
    rows = _missing_rows(known, first, second, missing)
    for name, told in ((first, second), (second, first)):
        if bool(known.groupby(name)[told].nunique().eq(1).all()):
            shown = sorted(seen if name == first else {(b, a) for a, b in seen}, key=str)
            pairs = ", ".join(f"{_word(a)} with {_word(b)} only" for a, b in shown[:NAMED])
            message = f"{name} tells {told} in every row ({pairs}): their effects are one"
            yield Tie(first, second, "aliased", message, rows)
            return
    a, b = missing[0]
    yield Tie(
        first,
        second,
        "positivity",
        f"{len(missing)} of {len(levels[0]) * len(levels[1])} combinations of {first} and "
        f"{second} were never run (such as {_word(a)} with {_word(b)})",
        rows,
    )


def _missing_rows(
    cells: pd.DataFrame, first: str, second: str, missing: list[tuple[object, object]]
) -> tuple[str, ...]:
    rows = []
    for a, b in missing:
        models = sorted(cells.loc[cells[first] == a, "model"].unique())
        own = "" if first == "family" else f"{first} = {_word(a)}, "
        rows += [f"{model} with {own}{second} = {_word(b)}" for model in models]
    return tuple(dict.fromkeys(rows))[:NAMED]


def _apart(here: Floats, others: Floats) -> str | None:
    if not len(here) or not len(others):
        return None
    if here.min() > others.max():
        return "larger"
    return "smaller" if here.max() < others.min() else None


def _overlaps(name: str, ends: tuple[float, float], ranges: dict[str, tuple[float, float]]) -> bool:
    others = [item for other, item in ranges.items() if other != name]
    return any(low <= ends[1] and high >= ends[0] for low, high in others)


def _neighbours(ranges: dict[str, tuple[float, float]]) -> Iterator[tuple[str, str]]:
    ordered = sorted(ranges, key=lambda name: ranges[name])
    yield from pairwise(ordered)


def _second_sizes(ranges: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    names = sorted(ranges, key=lambda name: ranges[name])
    return tuple(f"another size of {name}" for name in names)[:NAMED]


def _range(place: Floats) -> str:
    low, high = 10 ** float(place.min()), 10 ** float(place.max())
    return f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}"


def _word(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _word_list(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def _count(number: int) -> str:
    return "one model" if number == 1 else f"{number or 'no'} models"
