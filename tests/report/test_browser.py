"""The page as a browser shows it; skipped where there is no browser to ask.

Needs Debian's `chromium`, and `playwright` and `axe-playwright-python` from the package index.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("altair")

from browser import LOOKS, chromium, page_of, ready, unreached, unseen, violations

from confounds.report import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.report,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def url(audits, tmp_path_factory) -> str:
    return write_report(audits, tmp_path_factory.mktemp("report") / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_asked_for_nothing_complains_everything_is_drawn(browser, url, look) -> None:
    with page_of(browser, url, **LOOKS[look]) as (page, heard):
        if look == "print":
            page.emulate_media(media="print")
        assert page.locator("figure svg[role=img]").count() >= 20
        assert unseen(page) == []
        assert heard == []


def test_the_page_is_ready_within_a_second(browser, url) -> None:
    assert ready(browser, url) < 1000


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_the_page_never_scrolls_sideways(browser, url, width) -> None:
    with page_of(browser, url, viewport={"width": width, "height": 800}) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ink_and_paper_follow_the_reader(browser, url) -> None:
    ink = "getComputedStyle(document.querySelector('svg text')).fill"
    paper = "getComputedStyle(document.body).backgroundColor"
    with page_of(browser, url, color_scheme="dark") as (page, _):
        assert page.evaluate(ink) == "rgb(230, 233, 236)"
        assert page.evaluate(paper) == "rgb(20, 23, 26)"
        page.emulate_media(media="print")
        assert page.evaluate(ink) == "rgb(0, 0, 0)"
        assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_printing_keeps_the_verdicts_and_drops_the_controls(browser, url) -> None:
    with page_of(browser, url) as (page, _):
        page.emulate_media(media="print")
        assert page.locator("table.glance").is_visible()
        assert page.locator("svg").first.is_visible()
        assert not page.locator("nav").is_visible()
        assert not page.locator("details").first.is_visible()


def test_the_keyboard_reaches_every_link_and_table(browser, url) -> None:
    with page_of(browser, url) as (page, _):
        assert unreached(page) == []


@pytest.fixture(scope="module")
def small_url(audits, tmp_path_factory) -> str:
    """The claim that carries every section, and the one that carries none."""
    path = tmp_path_factory.mktemp("small") / "report.html"
    return write_report((audits[1], audits[4]), path).as_uri()


@pytest.mark.parametrize("look", [name for name in LOOKS if name != "no scripts"])
def test_axe_finds_no_violation(browser, small_url, look) -> None:
    pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    with page_of(browser, small_url, bypass_csp=True, **LOOKS[look]) as (page, _):
        if look == "print":
            page.emulate_media(media="print")
        assert violations(page) == []


@pytest.fixture(scope="module")
def live_url(audits, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("live") / "report.html"
    return write_report(audits, path, interactive=True).as_uri()


def test_an_interactive_page_answers_to_the_pointer(browser, live_url) -> None:
    with page_of(browser, live_url) as (page, heard):
        figure = page.locator("article figure").first
        figure.scroll_into_view_if_needed()
        figure.locator(".live .mark-symbol path").first.hover()
        tooltip = page.locator("#vg-tooltip-element")
        tooltip.wait_for(state="visible")
        assert "davinci-" in tooltip.inner_text()
        assert figure.locator("svg").get_attribute("role") == "img"
        assert heard == []


def test_every_chart_but_small_panels_answers_to_the_family_picked(browser, live_url) -> None:
    with page_of(browser, live_url) as (page, heard):
        article = page.locator("article").nth(1)
        figures = article.locator("figure:has(script)")
        for number in range(figures.count()):
            figure = figures.nth(number)
            figure.scroll_into_view_if_needed()
            figure.locator(".live svg[role=img]").wait_for()
        assert figures.count() == 8
        assert unseen(page) == []
        marks = figures.first.locator(".mark-symbol.role-mark path")
        assert marks.count() == 17
        page.select_option("select[name=family]", "t5")
        faded = figures.first.locator('.mark-symbol.role-mark path[fill-opacity="0.1"]')
        page.wait_for_function("document.querySelectorAll('path[fill-opacity=\"0.1\"]').length > 0")
        assert faded.count() == 17 - 4
        assert heard == []


def test_claims_are_filtered_by_text_verdict_and_family(browser, live_url) -> None:
    with page_of(browser, live_url) as (page, _):
        page.fill("input[name=text]", "hindu")
        assert page.locator("output").inner_text() == "1 of 5 claims"
        assert page.locator("article:visible").count() == 1
        page.fill("input[name=text]", "")
        page.select_option("select[name=verdict]", "inconclusive")
        assert page.locator("table.glance tbody tr:visible").count() == 2
        page.select_option("select[name=family]", "t5")
        assert page.locator("output").inner_text() == "1 of 5 claims"


def test_without_scripts_an_interactive_page_shows_the_same(browser, live_url) -> None:
    with page_of(browser, live_url, java_script_enabled=False) as (page, heard):
        assert page.locator("article:visible").count() == 5
        assert page.locator("svg:visible").count() >= 20
        assert not page.locator("form").is_visible()
        assert heard == []
