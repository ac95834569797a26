"""What all charts share: colours, axes, fonts, and the scale axis of powers of ten."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from confounds import text
from confounds.report._svg import printable

FONT = "Helvetica, Arial, Liberation Sans, sans-serif"
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
MOST_MARKS = 1500
FAMILY = "family_picked"
"""The parameter of a chart that holds the family picked on the page, empty for any."""


@dataclass(frozen=True)
class Palette:
    """Colours of a chart.

    Attributes:
        ink: text, axes and neutral lines.
        accent: the fitted curve and its threshold.
        rest: whatever has no colour of its own.
        series: families, in order.
        labels: verdict label -> colour.
    """

    ink: str
    accent: str
    rest: str
    series: tuple[str, ...]
    labels: dict[str, str]


PAPER = Palette(
    ink="#1b1f24",
    accent="#b3261e",
    rest="#6b7280",
    series=("#0b62a8", "#b35900", "#1f7a4d", "#8e3a97", "#7a6400", "#0f766e", "#c02672"),
    labels={
        "survives": "#1f7a4d",
        "explained": "#6b3fa0",
        "inconclusive": "#9a5b00",
        "absent": "#5b6470",
    },
)
# On a page the style sheet decides, so that one drawing serves light, dark and print.
PAGE = Palette(
    ink="currentColor",
    accent="var(--accent)",
    rest="var(--rest)",
    series=tuple(f"var(--series-{i})" for i in range(1, 8)),
    labels={label: f"var(--{label})" for label in PAPER.labels},
)


def layered(
    layers: Sequence[Any], size: tuple[int, int], palette: Palette, independent: Sequence[str] = ()
) -> alt.LayerChart:
    """Layers as one chart, with the fonts, axes and legends that all charts share.

    Args:
        layers: from back to front.
        size: width and height of the plot in pixels.
        palette: colours.
        independent: channels of which every layer has a scale of its own.
    """
    width, height = size
    return alt.LayerChart(
        layer=list(layers),
        width=width,
        height=height,
        resolve=alt.Resolve(scale=dict.fromkeys(independent, "independent")),
        config=_config(palette.ink),
        params=[_picked()],
    )


def _picked() -> alt.VariableParameter:
    return alt.VariableParameter(name=FAMILY, value="")


def of_family(field: str) -> Any:
    """An opacity that fades all families but the one picked on the page; still charts fade none."""
    picked = f"!{FAMILY} || datum[{field!r}] === {FAMILY}"
    return alt.condition(picked, alt.value(1), alt.value(0.1))


Panels = Sequence[tuple[Sequence[Any], tuple[int, int]]]
"""Layers with the width and height of their plot, a panel each."""


def stacked(panels: Panels, palette: Palette) -> alt.VConcatChart:
    """Panels below each other, aligned, with one legend."""
    made = [_panel(*panel) for panel in panels]
    config = _config(palette.ink)
    return alt.VConcatChart(vconcat=made, spacing=8, config=config, params=[_picked()])


def beside(panels: Panels, palette: Palette) -> alt.HConcatChart:
    """Panels beside each other."""
    made = [_panel(*panel) for panel in panels]
    config = _config(palette.ink)
    return alt.HConcatChart(hconcat=made, spacing=16, config=config, params=[_picked()])


def _panel(layers: Sequence[Any], size: tuple[int, int]) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers), width=size[0], height=size[1])


def _config(ink: str) -> alt.Config:
    quiet = {"labelColor": ink, "titleColor": ink, "labelFontSize": 11, "titleFontSize": 12}
    return alt.Config(
        background="transparent",
        font=FONT,
        axis={
            **quiet,
            "titleFontWeight": "normal",
            "domainColor": ink,
            "domainOpacity": 0.5,
            "tickColor": ink,
            "tickOpacity": 0.5,
            "gridColor": ink,
            "gridOpacity": 0.1,
            "labelLimit": 150,
        },
        legend={
            **quiet,
            "orient": "bottom",
            "title": None,
            "labelLimit": 130,
            "symbolOpacity": 0.9,
            "columns": 4,
            "rowPadding": 3,
        },
        view={"stroke": None},
    )


def scale_axis(name: str, values: Sequence[float]) -> alt.X:
    """The x encoding of a scale axis (field `scale`), ticks at 1, 2 and 5 or powers of ten."""
    lower, upper = scale_domain(values)
    ticks = scale_ticks(lower, upper)
    texts = {f"{tick:g}": text.scale(tick, name) for tick in ticks}
    choices = " : ".join(
        f"abs(datum.value / {key} - 1) < 0.01 ? '{shown}'" for key, shown in texts.items()
    )
    axis = alt.Axis(values=ticks, labelExpr=f"{choices} : ''", grid=False, title=scale_title(name))
    scale = alt.Scale(type="log", domain=[lower, upper], nice=False)
    return alt.X("scale:Q", axis=axis, scale=scale)


def scale_title(name: str) -> str:
    """The title of a scale axis, with its unit."""
    titles = {"tokens": "training tokens", "compute": "training compute (FLOP)"}
    return titles.get(name, name)


def scale_domain(values: Sequence[float]) -> tuple[float, float]:
    """The range of positive scales with a little room on both sides."""
    known = [value for value in values if value > 0] or [1.0, 10.0]
    low, high = math.log10(min(known)), math.log10(max(known))
    room = max(0.04 * (high - low), 0.05)
    return 10 ** (low - room), 10 ** (high + room)


def scale_ticks(lower: float, upper: float) -> list[float]:
    """Round numbers in a range: powers of ten, and 2 and 5 times them where few would do."""
    powers = range(math.floor(math.log10(lower)), math.ceil(math.log10(upper)) + 1)
    inside: list[float] = []
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        inside = [tick for tick in ticks if lower <= tick <= upper]
        if len(inside) >= 4:
            break
    return inside[:: max(1, math.ceil(len(inside) / 8))]


def score_axis(title: str, values: Sequence[float], *, bounded: bool) -> alt.Y:
    """The y encoding of a score (field `score`); a proportion starts at 0 and ends by 1."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = max(0.06 * (high - low), 0.02)
    domain = [0.0, min(1.0, high + room)] if bounded else [low - room, high + room]
    scale = alt.Scale(domain=domain, nice=False, clamp=False)
    return alt.Y("score:Q", axis=alt.Axis(title=title, tickCount=6), scale=scale)


def rows(values: Sequence[dict[str, Any]]) -> alt.InlineData:
    """Rows as inline data, as JSON text: altair copies a chart's data at every step."""
    return alt.InlineData(json.dumps(printable(values)), format=alt.JsonDataFormat(type="json"))


def specification(chart: Any) -> dict[str, Any]:
    """A chart as a Vega-Lite specification, unchecked: the tests check every kind of chart."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return spec
