"""The page: its structure, that it needs nothing outside itself, and that names are inert."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from explored import exploration

pytest.importorskip("altair")

from confounds.exploration import Exploration
from confounds.report import _tasks
from confounds.report._write import page
from confounds.results import Audit, Estimate, Finding

pytestmark = pytest.mark.report

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}</svg></style>"


class Outline(HTMLParser):
    """Tags, attributes, and text by tag, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def html(audits) -> str:
    return page(audits)


@pytest.fixture(scope="module")
def outline(html) -> Outline:
    return Outline(html)


def test_the_page_needs_no_network_and_no_script(html, outline) -> None:
    assert "script" not in outline.tags
    assert not {"iframe", "object", "embed", "base", "form"} & set(outline.tags)
    links = outline.values("href") + outline.values("src") + outline.values("xlink:href")
    assert all(link.startswith("#") or link == "data:," for link in links)
    assert not re.findall(r"https?://(?!www\.w3\.org)", html)


def test_the_policy_allows_the_style_of_the_page_and_nothing_else(html) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'")
    assert "unsafe" not in policy[1]


def test_nothing_carries_a_style_or_a_handler_of_its_own(outline) -> None:
    names = {name for _, name, _ in outline.attributes}
    assert "style" not in names
    assert not {name for name in names if name.startswith("on")}


def test_ids_are_unique_and_links_arrive(outline) -> None:
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    targets = [link[1:] for link in outline.values("href") if link.startswith("#")]
    targets += outline.values("aria-labelledby")
    assert set(targets) <= set(ids)


def test_headings_descend_one_level_at_a_time(outline) -> None:
    levels = [int(tag[1]) for tag in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_every_drawing_says_what_it_shows_and_has_a_table(html) -> None:
    drawings = re.findall(r"<svg [^>]*>", html)
    assert len(drawings) >= 20
    assert all('role="img"' in drawing and 'aria-label="' in drawing for drawing in drawings)
    panels = html.count('<p class="panel-title">')
    contrasts = html.count('<div class="panels">')
    assert html.count("<summary>Data") == len(drawings) - panels + contrasts


def hostile_exploration(name: str) -> Exploration:
    """What stands around a verdict, with every text in it ending in `name`."""
    whole = exploration()
    assert whole.multiverse is not None
    assert whole.design is not None
    assert whole.shape is not None
    shares = tuple(
        replace(item, reason=item.reason and item.reason + name, notes=(name,))
        for item in whole.attribution
    )
    made = tuple(
        replace(item, choices={f"{key}{name}": value + name for key, value in item.choices.items()})
        for item in whole.multiverse.specifications
    )
    added = tuple(replace(item, added=name) for item in whole.design.additions)
    return replace(
        whole,
        attribution=shares,
        multiverse=replace(whole.multiverse, specifications=made, left_out=(name,), notes=(name,)),
        design=replace(whole.design, additions=added, assumptions=(name,)),
        slices=tuple(replace(item, label=item.label + name) for item in whole.slices),
        shape=replace(whole.shape, reason=name),
    )


def test_sections_stand_in_the_order_of_the_design(html) -> None:
    order = [
        "Verdicts at a glance",
        "Task by task",
        "Curve",
        "Apparent emergence",
        "Effects under control",
        "Sharpness",
        "Rival explanations",
        "What each confound carries",
        "Specification curve",
        "Raw beside controlled",
        "Shape and item difficulty",
        "Residuals by family",
        "Power and design",
        "What could not be tested",
        "Findings about the data",
        "Method",
        "Manifest",
    ]
    # The second task is the one that carries everything.
    shown = html[: html.index('id="task-1"')] + html[html.index('id="task-2"') :]
    places = [re.search(f"<h[1-6][^>]*>{title}</h", shown) for title in order]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts)


def test_the_first_screen_says_what_was_found(html) -> None:
    first = Outline(html[: html.index('id="tasks"')]).text
    assert "Of 5 claims, 1 survived every rival explanation that could be tested" in first
    assert "1 was explained, by in context." in first
    assert "The table cannot decide 2 and in 1 there is nothing to explain." in first
    assert "by in context (left: 0.01 [-0.04, 0.05])" in " ".join(first.split())
    assert "only 4 models have a known size; 8 are needed" in first
    assert "0.31 [0.21, 0.40]" in first


def test_a_rival_without_a_control_says_what_it_measured(audits) -> None:
    fit = audits[0].fits[0]
    growth = replace(
        audits[1].tests[0],
        rival="smooth_growth",
        effect=fit["effect"],
        change=None,
        estimates=(fit["width"],),
    )
    verdict = replace(audits[1].verdict, explained_by=("smooth_growth",))
    audit = replace(audits[1], tests=(growth,), verdict=verdict)
    flat = " ".join(Outline(page((audit,))).text.split())
    assert "by smooth growth (width: 0.55 [0.20, 1.10] decades)" in flat


def test_what_was_not_tested_is_listed_with_what_would_decide(outline) -> None:
    flat = " ".join(outline.text.split())
    assert "exposure the table has no levels of exposure; two are needed all" in flat
    assert "strategyqa in context about 34 models would decide" in flat


def test_what_is_certain_stands_at_the_head_of_a_claim_left_open(html) -> None:
    flat = " ".join(Outline(html).text.split())
    assert (
        "Certain, whatever the verdict: at least 0.12 of the 0.31 is in-context's; "
        "at most 0.05 of the 0.31 is prompt-format's."
    ) in flat
    first = " ".join(Outline(html[: html.index('id="tasks"')]).text.split())
    assert "would decide; at least 0.12 of the 0.31 is in-context's" in first


def test_one_number_of_models_is_said_where_the_departure_is_not_shown(audits) -> None:
    wide = replace(
        audits[2].fits[0],
        estimates=(Estimate("effect", 0.05, ci_lower=-0.6, ci_upper=0.7),),
        significant=False,
        smooth=(),
        blocks=(),
    )
    departure = replace(audits[2].apparent["departure"], status="undecided")
    audit = replace(audits[2], fits=(wide,), apparent={"departure": departure})
    flat = " ".join(Outline(page((audit,))).text.split())
    assert "more than 500 models would be needed to decide" in flat
    assert "34 models" not in flat


def test_what_all_open_rivals_begin_with_is_said_once(audits) -> None:
    raw = "the raw departure is not significant (p = 0.570)"
    tests = tuple(
        replace(test, outcome="inconclusive", reason=f"{raw}; controlled effect {number}")
        for number, test in enumerate(audits[2].tests[:2])
    )
    flat = " ".join(Outline(page((replace(audits[2], tests=tests),))).text.split())
    assert flat.count(raw) == 1
    assert f"Of those left open: {raw}." in flat
    assert "controlled effect 0 Null:" in flat


def test_findings_are_said_once(html) -> None:
    assert html.count("exact duplicates were dropped") == 1
    assert html.count("answers a constant") == 5


def test_the_method_names_the_settings_used(audits) -> None:
    other = replace(audits[1], claim=replace(audits[1].claim, smallest_effect=0.2, gradual=1.5))
    flat = " ".join(Outline(page((*audits[:1], other))).text.split())
    assert "999 replicates, seed 20240" in flat
    assert "0.10 (1 claim); 0.20 (1 claim) score points" in flat
    assert "1.5 (1 claim); 2.0 (1 claim) decades" in flat
    assert "43159449c7c9a52e" in flat
    assert "no smooth curve that levels off below 1" in flat
    assert "Ceilings" not in flat
    capped = replace(audits[1], claim=replace(audits[1].claim, ceiling=0.95))
    flat = " ".join(Outline(page((capped,))).text.split())
    assert "Ceilings of the scores, as declared: 0.95." in flat
    assert "levels off below 1" not in flat


def test_a_claim_shows_whether_it_came_out_as_expected(audits) -> None:
    wrong = replace(audits[1], claim=replace(audits[1].claim, expect="survives"))
    flat = " ".join(Outline(page((wrong,))).text.split())
    assert "survives: not as expected" in flat


def test_the_same_audits_give_the_same_bytes(audits, html) -> None:
    assert page(audits) == html


def test_processes_change_nothing(audits, html, monkeypatch):
    monkeypatch.setattr(_tasks, "FEW", 1)
    monkeypatch.setattr(_tasks, "CHUNK", 1)
    assert page(audits, workers=2) == html


def named(audit: Audit, name: str) -> Audit:
    """An audit in which every name that comes from data ends in `name`."""
    points = tuple(
        {**point, "model": point["model"] + name, "family": point["family"] + name, "tuning": name}
        for point in audit.points
    )
    claim = replace(
        audit.claim,
        id=audit.claim.id + name,
        task=audit.claim.task + name,
        metric=audit.claim.metric + name,
        statement=name,
    )
    return replace(
        audit,
        claim=claim,
        verdict=replace(
            audit.verdict, reason=name, untested=(name,), explained_by=(name,), certain=(name,)
        ),
        tests=tuple(
            replace(test, rival=test.rival + name, reason=name, null=name) for test in audit.tests
        ),
        points=points,
        exploration=hostile_exploration(name),
        findings=(Finding(name, name, 1, (name,)),),
        manifest={name: name, "settings": {"multiplicity": name}},
    )


@pytest.mark.parametrize("interactive", [False, True])
def test_hostile_names_change_no_element(audits, interactive) -> None:
    hostile = Outline(page((named(audits[1], HOSTILE),), interactive=interactive))
    benign = Outline(page((named(audits[1], "x"),), interactive=interactive))
    assert hostile.tags == benign.tags
    assert {name for _, name, _ in hostile.attributes} == {name for _, name, _ in benign.attributes}
    assert hostile.values("href") == benign.values("href")
    assert HOSTILE in hostile.text


def test_an_interactive_page_carries_one_script_that_the_policy_names(audits, html) -> None:
    live = page(audits, interactive=True)
    scripts = re.findall(r'<script type="module">(.*?)</script>', live, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', live)
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy[1]
    assert "unsafe" not in policy[1]
    specs = re.findall(r'<script type="application/json">(.*?)</script>', live, re.DOTALL)
    assert len(specs) == html.count('role="img"') - html.count('class="panel-title"')
    assert all(json.loads(spec)["$schema"].startswith("https://vega") for spec in specs)
    without = re.sub(r"(?s)<script.*?</script>|<form.*?</form>", "", live)
    assert len(Outline(without).tags) == len(Outline(html).tags)
