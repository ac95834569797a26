"""The pages that are made from sources: complete, with numbers, and asking nothing of a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import audit_pages
import cost_tables
import pytest
import reference_pages
import result_tables
import rival_pages
import verdict_tables
from result_figures import FIGURES, HEIGHT, WIDTH, draw
from result_tables import cells, markdown

from confounds import plugins

TABLES = result_tables.TABLES | verdict_tables.TABLES | cost_tables.TABLES
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
METHOD = (DOCS / "method.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", plugins.names("rivals"))
def test_a_rival_says_what_it_estimates_how_and_what_would_break_it(name):
    path = ROOT / "confounds" / "rivals" / f"{name}.py"
    words = rival_pages.parts(rival_pages.docstring_of(path))
    assert words.missing == ()
    assert words.question.endswith("?")


MACHINERY = {
    "baseline", "blocks", "borrowing", "companions", "explore", "factors", "fits",
    "identifiability", "needed", "observe", "sample", "scale_alias", "training_course",
}  # fmt: skip
"""Modules of `inference` that estimate nothing themselves."""
TESTS = sorted(
    {path.stem for path in (ROOT / "confounds" / "inference").glob("[!_]*.py")} - MACHINERY
)


@pytest.mark.parametrize("name", TESTS)
def test_a_test_says_what_it_estimates_how_and_what_would_break_it(name):
    path = ROOT / "confounds" / "inference" / f"{name}.py"
    assert rival_pages.parts(rival_pages.docstring_of(path)).missing == ()


@pytest.mark.parametrize("name", plugins.names("rivals"))
def test_the_page_of_a_rival_has_its_null_and_needs(name):
    page = rival_pages.pages()[f"rivals/{name}.md"]
    assert f"*Null:* {plugins.load('rivals', name).null}" in page
    assert f"*Needs:* {plugins.load('rivals', name).needs}" in page
    assert f"]({name}.md)" in rival_pages.rivals_index()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_shown_and_has_numbers(name):
    assert f"<!-- table: {name} -->" in METHOD
    if name == "whole_decision" and not any(map(verdict_tables.kept, verdict_tables.WHOLE)):
        pytest.skip("hours of simulation, no result of which is kept")
    header, rule, *rows = TABLES[name]().split("\n\n")[0].splitlines()
    assert len(rows) >= 2
    assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}
    assert name == "every_benchmark" or re.search(r"\d", rows[0])


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_shown_and_stays_in_its_frame(name):
    assert f"<!-- figure: {name} -->" in METHOD
    figure = ET.fromstring(draw(FIGURES[name]()))  # noqa: S314  made by our own
    circles = figure.findall(".//circle")
    assert len(circles) >= 8
    assert all(0 < float(one.get("cx", "0")) < WIDTH for one in circles)
    assert all(0 < float(one.get("cy", "0")) < HEIGHT for one in circles)


def test_every_table_and_figure_asked_for_is_made():
    asked = set(re.findall(r"<!-- (?:table|figure): (\w+) -->", METHOD))
    assert asked == {*TABLES, *FIGURES}


def test_verdicts_are_counted_by_their_label(tmp_path, monkeypatch):
    monkeypatch.setattr(result_tables, "BENCHMARKS", tmp_path)
    monkeypatch.setattr(verdict_tables, "BENCHMARKS", tmp_path)
    assert "no result is kept" in verdict_tables.whole_decision()
    (tmp_path / "results").mkdir()
    verdicts = {"explained in_context": 6, "explained exposure": 2, "survives": 2, "wrong": 4}
    document = {
        "settings": {"block": 5},
        "cells": {"threshold + exposure/12": {"blocks": [0, 1], "verdicts": verdicts}},
    }
    (tmp_path / "results" / "calibration.json").write_text(json.dumps(document))
    row = "| threshold + exposure | 12 | 10 | 0.200 | 0.800 | 0.000 | 0.000 | 0.400 |"
    assert row in verdict_tables.whole_decision()


def test_a_result_that_lacks_what_is_shown_is_an_error():
    with pytest.raises(LookupError, match=r"threshold_size\.json has no cells of kind 'absent'"):
        cells("threshold_size", "absent")


def test_numbers_are_shown_with_the_digits_that_they_have():
    assert markdown(("a", "b"), [("x", 0.5), ("y", 12), ("z", 1.0)]).splitlines()[2:] == [
        "| x | 0.500 |",
        "| y | 12 |",
        "| z | 1.000 |",
    ]


def test_every_report_is_a_page_that_links_to_nothing_outside(tmp_path, monkeypatch):
    pages = audit_pages.titles()
    assert {"audits/ladder/README.md", "audits/literature/README.md"} <= set(pages)
    assert all(f"[{title}](" in audit_pages.index() for title in pages.values())
    text = (
        "# A report\n[card](../confounds/CARD.md) [claims](a.toml) [web](https://a.b) ![f](f.svg)\n"
    )
    (tmp_path / "a.md").write_text(text)
    for name in ("a.toml", "f.svg"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(audit_pages, "REPORTS", tmp_path)
    shown = "# A report\ncard [claims](a.toml) [web](https://a.b) ![f](f.svg)\n"
    assert audit_pages.page("audits/a.md") == shown


def test_the_reference_covers_every_public_name():
    shown = "\n".join(text for _, text in reference_pages.pages().values())
    assert all(f"`{name}`" in shown for name in reference_pages.public_names())
    for folder in reference_pages.FOLDERS:
        assert reference_pages.folder_modules(folder)


def test_the_site_asks_nothing_of_another_host():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert "https://" not in settings
    assert "iframe-worker" in settings  # without it, the plugin would name one
    for path in DOCS.rglob("*.md"):
        assert not re.search(r"<(?:script|img|link)|!\[[^]]*\]\(http", path.read_text()), path


def test_every_example_is_included_in_a_page_by_a_line_that_the_site_reads():
    written = [path.read_text(encoding="utf-8") for path in (DOCS / "extend").glob("*.md")]
    included = set(re.findall(r'^--8<-- "examples/(\S+)"$', "\n".join(written), re.MULTILINE))
    examples = {path.name for path in (DOCS / "examples").glob("*.py")}
    beside = {"terse/study.toml", "terse/items.jsonl", "board/scoreboard.json", "board/models.csv"}
    assert examples | beside == included
