"""Which scores lie behind a fit, and how many of them a chart can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from confounds.results import Audit, ThresholdFit

MOST_POINTS = 600
MOST_SMALL = 150
OTHER = "other families"
RAW = "raw"

Point = dict[str, Any]


def raw_points(audit: Audit) -> list[Point]:
    """The drawable scores of the claim's own condition."""
    return _drawable(point for point in audit.points if point["role"] == RAW)


def controlled_points(audit: Audit, rival: str, fit: ThresholdFit) -> list[Point]:
    """The drawable scores of one controlled fit; none where the audit does not carry them."""
    return _drawable(
        point
        for point in audit.points
        if point["role"] == rival and point["condition"] == fit.condition
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> tuple[list[Point], bool]:
    """At most `most` points: where there are more, one mean per model and size.

    Returns:
        The points, and whether they are means.
    """
    if len(points) <= most:
        return list(points), False
    groups: dict[tuple[str, float], list[Point]] = {}
    for point in points:
        groups.setdefault((point["model"], point["scale"]), []).append(point)
    means = [{**group[0], "score": _mean(group)} for group in groups.values()]
    return means[:most], True


def name_families(points: Iterable[Point], most: int) -> list[str]:
    """Families in the order of their names; beyond `most`, the smallest become one.

    The points are renamed in place, so that a legend never has more than `most` entries.
    """
    points = list(points)
    counts: dict[str, int] = {}
    for point in points:
        counts[point["family"]] = counts.get(point["family"], 0) + 1
    if len(counts) <= most:
        return sorted(counts)
    kept = sorted(sorted(counts), key=lambda name: -counts[name])[: most - 1]
    for point in points:
        if point["family"] not in kept:
            point["family"] = OTHER
    return [*sorted(kept), OTHER]


def baseline(points: Sequence[Point], name: str) -> float | None:
    """The median of `chance` or `majority` over points that have it, else None."""
    known = sorted(float(point[name]) for point in points if point.get(name) is not None)
    return known[len(known) // 2] if known else None


def _drawable(points: Iterable[Point]) -> list[Point]:
    """Copies of the points that have a size, smallest first.

    `recipe` keeps the family where a legend has room for the largest families only.
    """
    found = [{**point, "recipe": point["family"]} for point in points if point["scale"]]
    return sorted(found, key=lambda point: (point["scale"], point["model"], point["score"]))


def _mean(group: Sequence[Point]) -> float:
    return sum(float(point["score"]) for point in group) / len(group)
