"""How a count, a range and a way out of a wrong score are put in messages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confounds.measures import Measure

_PERCENT = 100


def way_out(value: float, measure: Measure, written: float | None = None) -> str:
    """What to do about a score outside its range, in a sentence.

    Args:
        value: the score.
        measure: of its metric.
        written: as it stands in the file, where a map multiplies it.
    """
    written = value if written is None else written
    if written < 0 and written.is_integer():
        return (
            f"List {written:g} under 'missing' in map.toml if it stands for a missing score; else "
            "rescale it, or name the metric's range."
        )
    proportion = (measure.lower, measure.upper) == (0.0, 1.0)
    if proportion and written == value and 1 < value <= _PERCENT:
        return (
            "Rescale it (percent: multiply = 0.01 in [[scores]] of map.toml), or name the metric's "
            "range."
        )
    return "Rescale it, or name the metric's range."


def counted(count: int, noun: str) -> str:
    """A count with its noun, which takes an s.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def interval(measure: Measure) -> str:
    """The range of a metric's scores, as text."""
    left = "(" if math.isinf(measure.lower) else "["
    right = ")" if math.isinf(measure.upper) else "]"
    return f"{left}{measure.lower:g}, {measure.upper:g}{right}"
