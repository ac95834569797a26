"""What makes a page interactive: one bundle for all charts, and their specifications."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import vl_convert
from markupsafe import Markup

from confounds.report._svg import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confounds.results import Audit


_EXPORTED = "window.vegaEmbed = vegaEmbed;"


@cache
def script() -> str:
    """The page's one script: Vega, Vega-Lite and Vega-Embed, then what the page does with them."""
    own = files("confounds.report").joinpath("_interactive.js").read_text(encoding="utf-8")
    return f"{vl_convert.javascript_bundle(_EXPORTED)}\n{own}"


def embedded(spec: dict[str, Any]) -> Markup:
    """A specification as a data block that no text in it can end."""
    data = {name: json.loads(rows) for name, rows in spec.get("datasets", {}).items()}
    whole = _rounded(printable({**spec, "datasets": data}))
    shown = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    text = shown.replace("<", "\\u003c")
    # Inside a data block only `<` has a meaning, and there is none left.
    return Markup(f'<script type="application/json">{text}</script>')  # noqa: S704


def _rounded(value: Any) -> Any:
    """The same with five digits a number, which is more than a pointer can tell apart."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if not isinstance(value, float):
        return value
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def families(audits: Iterable[Audit]) -> list[str]:
    """The families that have a score in any of the audits, in order."""
    return sorted({str(point["family"]) for audit in audits for point in audit.points})
