"""Draw a chart as SVG that can stand inside a page: small, inert, and the same every time.

Vega writes roles, labels and empty groups for every mark, and numbers its ids by a counter
that lives as long as the process. A page holds a hundred drawings, so each is pruned to what
is seen, its ids are renumbered within the drawing, and one label stands for the whole.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree as ET

import vl_convert

from confounds import text
from confounds.report import _symbols

DISPLAYED = 1.25
TOLERANCE = 0.1
SVG = "{http://www.w3.org/2000/svg}"

_VERSION = re.compile(r"/v(\d+\.\d+)")
_LINES = re.compile(r"M[-\d.,]+(L[-\d.,]+){2,}")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
# The PDF writer lists the resources of a page in no order; each entry is a line of its own.
_RESOURCES = re.compile(rb"(?<=<<\n)(?: +/[A-Za-z]+\d+ \d+ 0 R\n)+")
_DROPPED = frozenset({"role", "class", "pointer-events", "version", "aria-roledescription"})
_INHERITED = (
    "fill",
    "fill-opacity",
    "font-size",
    "font-weight",
    "stroke",
    "stroke-dasharray",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
)
_DEFAULTS = {
    ("opacity", "1"),
    ("fill-opacity", "1"),
    ("stroke-opacity", "1"),
    ("stroke-dasharray", "1,0"),
    ("stroke-width", "1"),
    ("font-weight", "normal"),
    ("stroke-miterlimit", "10"),
    ("transform", "translate(0,0)"),
}


def draw(spec: dict[str, Any]) -> str:
    """A Vega-Lite specification as a complete SVG document, as Vega draws it."""
    return str(vl_convert.vegalite_to_svg(printable(spec), vl_version=_version(spec)))


def draw_pdf(svg: str) -> bytes:
    """An SVG document as a PDF of one page, the same every time."""
    return _RESOURCES.sub(_sorted, bytes(vl_convert.svg_to_pdf(svg)))


def inline(spec: dict[str, Any], name: str, description: str) -> str:
    """A Vega-Lite specification as an `<svg>` element to be put into HTML.

    Args:
        spec: the specification, data included.
        name: prefix of ids, unique on the page.
        description: what is seen, for those who do not see it.

    Returns:
        The element; it is `DISPLAYED` times its own size where the page has room for that, and
        takes its ink from `currentColor`.
    """
    root, size = _pruned(spec, name)
    _leave_to_page(root)
    root.attrib.update(
        {
            "role": "img",
            "aria-label": printable(description),
            "viewBox": f"0 0 {size[0]:g} {size[1]:g}",
            "width": f"{DISPLAYED * size[0]:.0f}",
        }
    )
    return ET.tostring(root, encoding="unicode")


def document(spec: dict[str, Any], name: str, title: str) -> str:
    """A Vega-Lite specification as an SVG file, the same every time it is drawn."""
    root, size = _pruned(spec, name)
    root.attrib.update(
        {
            "xmlns": SVG[1:-1],
            "viewBox": f"0 0 {size[0]:g} {size[1]:g}",
            "width": f"{size[0]:g}",
            "height": f"{size[1]:g}",
            "font-family": spec["config"]["font"],
        }
    )
    heading = ET.Element("title")
    heading.text = printable(title)
    root.insert(0, heading)
    return ET.tostring(root, encoding="unicode") + "\n"


def printable(value: Any) -> Any:
    """Every text in it as a page may hold it; at much of the rest the renderer ends the process."""
    if isinstance(value, str):
        return text.printable(value)
    if isinstance(value, dict):
        return {printable(key): printable(one) for key, one in value.items()}
    return [printable(one) for one in value] if isinstance(value, list | tuple) else value


def _pruned(spec: dict[str, Any], name: str) -> tuple[ET.Element, tuple[float, float]]:
    """A drawing without attributes on its root, ids numbered, and its width and height."""
    root = ET.fromstring(draw(spec))  # noqa: S314  our own renderer wrote it
    size = float(root.get("width", "0")), float(root.get("height", "0"))
    _share_clips(root)
    _prune(root)
    for element in root.iter():
        element[:] = [_symbols.without_place(child) for child in element]
    _number_ids(root, name)
    root.attrib.clear()
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
    return root, size


def _leave_to_page(root: ET.Element) -> None:
    """Drop from text what the style sheet of the page says of all text in a figure."""
    usual = (("fill", "currentColor"), ("font-size", "11px"))
    for element in root.iter():
        if element.tag == "text" or (len(element) and all(part.tag == "text" for part in element)):
            for key, value in usual:
                if element.get(key) == value:
                    del element.attrib[key]


def marks(spec_svg: str) -> int:
    """How many shapes a drawing holds: what a browser must paint."""
    root = ET.fromstring(spec_svg)  # noqa: S314  our own renderer wrote it
    shapes = {f"{SVG}{tag}" for tag in ("path", "line", "rect", "text")}
    shapes |= {tag.removeprefix(SVG) for tag in shapes}
    return sum(element.tag in shapes for element in root.iter())


def _sorted(entries: re.Match[bytes]) -> bytes:
    return b"".join(sorted(entries[0].splitlines(keepends=True)))


def _version(spec: dict[str, Any]) -> str:
    """The Vega-Lite version that wrote the specification."""
    found = _VERSION.search(spec["$schema"])
    if found is None:
        msg = f"a Vega-Lite specification without version: {spec['$schema']!r}"
        raise ValueError(msg)
    return found[1]


def _prune(element: ET.Element) -> None:
    """Drop what is not seen, depth first; groups that say nothing give way to their content."""
    kept: list[ET.Element] = []
    for child in element:
        if _unseen(child):
            continue
        _prune(child)
        _tidy(child)
        if child.tag == f"{SVG}g" and (not child.attrib or not len(child)):
            kept.extend(child)
        else:
            kept.append(child)
    element[:] = _gathered(_joined(kept))


def _joined(children: list[ET.Element]) -> list[ET.Element]:
    """Neighbours behind one clip, in one group."""
    found: list[ET.Element] = []
    for child in children:
        clip = child.get("clip-path")
        if found and clip and found[-1].attrib == child.attrib == {"clip-path": clip}:
            found[-1].extend(child)
        else:
            found.append(child)
    return found


def _gathered(children: list[ET.Element]) -> list[ET.Element]:
    """Neighbours that look alike, put into a group that says so once."""
    found: list[ET.Element] = []
    for _, run in itertools.groupby(children, key=_look):
        alike = list(run)
        shared = {name: alike[0].attrib[name] for name in _INHERITED if name in alike[0].attrib}
        if len(alike) < 2 or not shared or alike[0].tag == f"{SVG}g":
            found.extend(alike)
            continue
        drawn = _symbols.merged(alike)
        if len(drawn) == 1:
            found.extend(drawn)
            continue
        for child in drawn:
            for name in shared:
                del child.attrib[name]
        group = ET.Element(f"{SVG}g", shared)
        group.extend(drawn)
        found.append(group)
    return found


def _look(element: ET.Element) -> tuple[str | None, ...]:
    return (element.tag, *(element.get(name) for name in _INHERITED))


def _unseen(element: ET.Element) -> bool:
    background = element.get("fill") == "transparent" and element.get("stroke") is None
    if background or element.get("display") == "none" or element.get("d") == "":
        return True
    decoration = element.get("class") in ("background", "foreground")
    return decoration and element.get("fill") is None and element.get("stroke") is None


def _tidy(element: ET.Element) -> None:
    place = _symbols.PLACE.fullmatch(element.get("transform", ""))
    if element.tag == f"{SVG}text" and place and not {"x", "y"} & set(element.attrib):
        del element.attrib["transform"]
        element.attrib.update({"x": place[1], "y": place[2]})
    unstroked = element.get("stroke") is None
    for key, value in list(element.attrib.items()):
        hidden = unstroked and key.startswith("stroke-") and element.tag != f"{SVG}g"
        hidden |= key in _DROPPED or key.startswith("aria-") or (key, value) in _DEFAULTS
        if hidden or (key == "font-family" and element.tag == f"{SVG}text"):
            del element.attrib[key]
        elif key in ("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"):
            element.set(key, _straightened(_NUMBER.sub(_rounded, value)))


def _straightened(path: str) -> str:
    """A path of straight lines without the points that lie on the line between others."""
    if not _LINES.fullmatch(path):
        return path
    points = [tuple(map(float, pair.split(","))) for pair in path[1:].split("L")]
    kept = [points[0]]
    for place, following in itertools.pairwise(points[1:]):
        if _off(kept[-1], place, following) > TOLERANCE:
            kept.append(place)
    kept.append(points[-1])
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in kept)


def _off(before: tuple[float, ...], place: tuple[float, ...], after: tuple[float, ...]) -> float:
    """How far a point lies from the line between its neighbours."""
    run, rise = after[0] - before[0], after[1] - before[1]
    length = math.hypot(run, rise)
    across = run * (place[1] - before[1]) - rise * (place[0] - before[0])
    return (
        abs(across) / length if length else math.hypot(place[0] - before[0], place[1] - before[1])
    )


def _rounded(match: re.Match[str]) -> str:
    value = round(float(match[0]), 1)
    return f"{math.floor(value)}" if value == math.floor(value) else f"{value:g}"


def _share_clips(root: ET.Element) -> None:
    """Keep one of several equal clips; Vega writes one for every layer."""
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for definitions in root.iter(f"{SVG}defs"):
        for clip in list(definitions):
            content = b"".join(ET.tostring(shape) for shape in clip)
            name = clip.get("id", "")
            same[name] = first.setdefault(content, name)
            if same[name] != name:
                definitions.remove(clip)
    for element in root.iter():
        clipped = element.get("clip-path", "")
        if clipped:
            element.set("clip-path", f"url(#{same[clipped[5:-1]]})")


def _number_ids(root: ET.Element, name: str) -> None:
    """Number ids from one, in the order of the drawing, under `name`."""
    found = [element for element in root.iter() if element.get("id")]
    new = {element.get("id", ""): f"{name}-{i}" for i, element in enumerate(found, 1)}
    for element in found:
        element.set("id", new[element.get("id", "")])
    for element in root.iter():
        for key, value in element.attrib.items():
            if value.startswith("url(#"):
                element.set(key, f"url(#{new[value[5:-1]]})")
