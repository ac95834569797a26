"""What Chromium says of a report: in light, dark, print, on a phone and without scripts.

`python benchmarks/browser.py REPORT.html...` prints a row a look and writes
`benchmarks/results/browser.json`. Needs Debian's chromium, playwright and axe-playwright-python.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds.text import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = Path(__file__).parent / "results" / "browser.json"
PHONE = {"width": 360, "height": 740}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "print": {"color_scheme": "light"},
    "360 px": {"color_scheme": "light", "viewport": PHONE},
    "360 px, dark": {"color_scheme": "dark", "viewport": PHONE},
    "no scripts": {"color_scheme": "light", "java_script_enabled": False},
}
_REACHABLE = """[...document.querySelectorAll('a, summary, input, select, [tabindex="0"]')]
    .filter(e => e.offsetParent !== null)"""
_READY = """(() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    const load = performance.getEntriesByType('navigation')[0].loadEventEnd;
    return Math.max(load, paint ? paint.startTime : 0);
})()"""
_OPEN = "document.querySelectorAll('details').forEach(d => d.open = true)"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; playwright is imported here, so that those without it can read this file."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as driver:
        path = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def page_of(browser: Any, url: str, **look: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page, and a list that grows by what it complains of and asks the network for."""
    context = browser.new_context(**look)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    own = (url, "data:,")
    page.on("request", lambda asked: None if asked.url in own else heard.append(asked.url))
    page.goto(url)
    yield page, heard
    context.close()


def ready(browser: Any, url: str, **look: Any) -> float:
    """Milliseconds until the page is loaded and painted: the least of three, on a busy machine."""
    took = []
    for _ in range(3):
        with page_of(browser, url, **look) as (page, _):
            page.wait_for_function(f"{_READY} > 0")
            took.append(float(page.evaluate(_READY)))
    return min(took)


def unseen(page: Any) -> list[str]:
    """Labels of drawings without a size, of those that are to be seen."""
    drawings = page.locator("figure svg[role=img]").all()
    boxes = [(drawing, drawing.bounding_box()) for drawing in drawings]
    return [
        str(drawing.get_attribute("aria-label"))
        for drawing, box in boxes
        if box is None or box["width"] < 150 or box["height"] < 40
    ]


def violations(page: Any) -> list[str]:
    """What axe finds, everything unfolded; the page must let it in (`bypass_csp`)."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    page.evaluate(_OPEN)
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html']}" for item in found]


def unreached(page: Any) -> list[str]:
    """Controls that as many presses of Tab as there are controls do not reach."""
    page.evaluate(_OPEN)
    total = page.evaluate(f"{_REACHABLE}.length")
    page.evaluate("""() => {
        window.reached = new Set();
        document.addEventListener('focusin', event => reached.add(event.target));
    }""")
    for _ in range(total):
        page.keyboard.press("Tab")
    missed: list[str] = page.evaluate(
        f"{_REACHABLE}.filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 90))"
    )
    return missed


def measure(browser: Any, path: Path, name: str) -> dict[str, Any]:
    """One report in one look."""
    url, look = path.resolve().as_uri(), LOOKS[name]
    scripts = look.get("java_script_enabled", True)
    took = ready(browser, url, **look) if scripts else None
    with page_of(browser, url, **look) as (page, heard):
        if name == "print":
            page.emulate_media(media="print")
        drawn = page.locator("figure svg[role=img]").count()
        row = {
            "report": path.name,
            "look": name,
            "megabytes": path.stat().st_size / 1e6,
            "ready_ms": took,
            "drawings": drawn,
            "unseen": len(unseen(page)),
            "sideways": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
        }
        keys = len(unreached(page)) if name == "light" else None
    said = {**row, "unreached": keys, "requests_and_complaints": len(heard)}
    if not scripts:
        return said
    with page_of(browser, url, bypass_csp=True, **look) as (page, _):
        if name == "print":
            page.emulate_media(media="print")
        return {**said, "axe_violations": len(violations(page))}


def main() -> None:
    """Measure every report named, print the table, write the JSON."""
    with chromium() as browser:
        rows = [measure(browser, Path(name), look) for name in sys.argv[1:] for look in LOOKS]
    OUT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(Table(tuple(rows[0]), tuple(rows), "Reports in Chromium").text())


if __name__ == "__main__":
    main()
