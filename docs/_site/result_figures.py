"""Figures of what was measured, as SVG that follows the page: no script, no picture file.

Each is a panel of lines over the number of models, or over the true step, drawn from
`benchmarks/results` each time the site is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from result_tables import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT = 520.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 150.0, 14.0, 44.0
DASHES = ("", "6 3", "2 3", "8 3 2 3")


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        description: what is seen, for those who do not see it.
        x_title: title of the horizontal axis.
        y_title: title of the vertical axis, which runs from 0 to `top`.
        lines: name -> points.
        top: end of the vertical axis.
        mark: value of a horizontal reference line, None for none.
    """

    description: str
    x_title: str
    y_title: str
    lines: Mapping[str, Points]
    top: float = 1.0
    mark: float | None = None


def draw(panel: Panel) -> str:
    """The chart as a `<figure>` with an `<svg>` whose ink is that of the text around it."""
    values = sorted({x for points in panel.lines.values() for x, _ in points})
    low, high = values[0], values[-1]

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low) / (high - low) * (WIDTH - LEFT - RIGHT) + LEFT
        return across, TOP + (1 - y / panel.top) * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
            f'aria-label="{escape(panel.description)}" font-size="11" fill="currentColor">'
        ),
        *_axes(panel, values, place),
        *_lines(panel, place),
        "</svg>",
    ]
    caption = f"<figcaption>{escape(panel.description)}</figcaption>"
    return "<figure>" + "".join(parts) + caption + "</figure>"


Place = Callable[[float, float], tuple[float, float]]


def _axes(panel: Panel, values: Sequence[float], place: Place) -> list[str]:
    left, bottom = place(values[0], 0.0)
    right, top = place(values[-1], panel.top)
    parts = []
    for step in range(5):
        level = panel.top * step / 4
        _, y = place(values[0], level)
        parts.append(_rule((left, y, right, y), opacity=0.15))
        parts.append(_text(left - 6, y + 4, f"{level:.2g}", "end"))
    parts += [_text(place(x, 0)[0], bottom + 16, f"{x:g}", "middle") for x in _spread(values)]
    parts.append(_text((left + right) / 2, bottom + 34, panel.x_title, "middle"))
    turned = f'transform="rotate(-90 14 {(top + bottom) / 2:g})"'
    parts.append(_text(14, (top + bottom) / 2, panel.y_title, "middle", turned))
    if panel.mark is not None:
        _, y = place(values[0], panel.mark)
        parts.append(_rule((left, y, right, y), opacity=0.9, dash="1 3"))
        parts.append(_text(right + 6, y + 4, f"nominal {panel.mark:g}", "start"))
    return parts


def _spread(values: Sequence[float]) -> list[float]:
    """The values whose labels do not touch."""
    gap = (values[-1] - values[0]) / 12
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] >= gap:
            kept.append(value)
    return kept


def _lines(panel: Panel, place: Place) -> list[str]:
    parts = []
    for number, (name, points) in enumerate(panel.lines.items()):
        colour, dash = f"var(--series-{number + 1})", DASHES[number]
        placed = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{path}" {style}/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        y = TOP + 12 + 18 * number
        parts.append(
            f'<line x1="{WIDTH - RIGHT + 8:g}" x2="{WIDTH - RIGHT + 30:g}" y1="{y:g}" y2="{y:g}" '
            f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        parts.append(_text(WIDTH - RIGHT + 36, y + 4, name, "start"))
    return parts


def _rule(ends: tuple[float, float, float, float], opacity: float, dash: str = "") -> str:
    x1, y1, x2, y2 = ends
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}" stroke-dasharray="{dash}"/>'
    )


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def size() -> Panel:
    """Rejection rates of a smooth curve against the number of models."""
    lines = {}
    for disjoint, families in ((False, "overlap"), (True, "blocks")):
        found = cells(
            "threshold_size", "null", shape="step", truth="at the bound", disjoint=disjoint
        )
        for key, name in (("two_level", "two-level"), ("decision", "decision")):
            lines[f"{name}, {families}"] = [(cell["models"], cell[key]) for cell in found]
    words = (
        "Share of smooth curves, as steep as gradual growth may be, that are called a step, by "
        "number of models; families overlap in scale or occupy blocks of it."
    )
    return Panel(words, "models", "called a step", lines, top=0.2, mark=0.05)


def power() -> Panel:
    """Power for a transition of half a decade against the number of models."""
    lines = {}
    for disjoint, families in ((False, "overlap"), (True, "blocks")):
        found = cells("threshold_size", "power", shape="step", truth="slope 8", disjoint=disjoint)
        for key, name in (("two_level", "two-level"), ("decision", "decision")):
            lines[f"{name}, {families}"] = [(cell["models"], cell[key]) for cell in found]
    words = "Share of transitions of half a decade that are found, by number of models."
    return Panel(words, "models", "found", lines)


def step_power() -> Panel:
    """Power for a true step of the same models, alone and paired."""
    lines = {}
    for kind, name in (("threshold", "one curve"), ("paired", "paired")):
        for models in (12, 20):
            found = cells("power", kind, models=models, disjoint=False)
            points = sorted((cell["effect"], cell["full"]) for cell in found)
            lines[f"{name}, {models} models"] = points
    words = "Share of true steps that are found, by their height in score points."
    return Panel(words, "true step", "found", lines)


FIGURES: Mapping[str, Callable[[], Panel]] = {
    "size": size,
    "power": power,
    "step_power": step_power,
}
