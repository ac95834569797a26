"""The sections around a verdict: what they draw, what they conclude, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("altair")

from explored import attribution, design, exploration, multiverse, slices

from confounds.exploration import Attribution, Design, Exploration, Multiverse
from confounds.report import _chart, _references, _svg, untested
from confounds.report._chart_attribution import attribution_chart, attribution_rows
from confounds.report._chart_difficulty import MOST_MEANS, difficulty_chart, mean_rows, slice_rows
from confounds.report._chart_multiverse import multiverse_chart, ranked, thinned, varied
from confounds.report._chart_power import FOUND, NONE, PAIRED, power_chart, power_rows
from confounds.report._section import View
from confounds.report.attribution import conclusion as shared
from confounds.report.attribution import render as attribution_section
from confounds.report.difficulty import render as difficulty_section
from confounds.report.multiverse import conclusion as agreed
from confounds.report.multiverse import render as multiverse_section
from confounds.report.power import conclusion as shown
from confounds.report.power import render as power_section
from confounds.results import Estimate, Part

pytestmark = pytest.mark.report

SECTIONS = (attribution_section, multiverse_section, difficulty_section, power_section)


def datasets(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of every layer, panel by panel."""
    panels = spec.get("vconcat") or spec.get("hconcat") or [spec]
    named = [layer.get("data", panel.get("data")) for panel in panels for layer in panel["layer"]]
    return [json.loads(spec["datasets"][data["name"]]) for data in named]


def with_exploration(audit: Any, found: Exploration | None) -> View:
    return View((replace(audit, exploration=found),), anchor="task-1")


def test_a_bar_stands_for_every_share_the_unexplained_last(audits) -> None:
    found = attribution()[0]
    rows = attribution_rows(found)
    assert [row["name"] for row in rows] == ["shots", "tuning", "unexplained"]
    assert [row["estimate"] for row in rows] == [0.24, 0.02, 0.05]
    drawn = datasets(attribution_chart(found, _chart.PAGE).to_dict())
    assert drawn[0] == drawn[1] == rows


def test_the_shares_are_said(audits) -> None:
    assert shared(attribution()[0]) == (
        "Of the raw effect of 0.31 [0.21, 0.40], shots carries 0.24 [0.16, 0.32] and tuning "
        "carries 0.02 [-0.06, 0.10] (its interval holds 0); 0.05 [-0.03, 0.13] stays unexplained."
    )


def test_notes_on_shares_and_specifications_are_printed_once(audits) -> None:
    view = with_exploration(audits[0], exploration())
    shares = attribution_section(view)
    assert shares.count("Note: prompt could not be switched off: it has one level.") == 1
    choices = multiverse_section(view)
    assert "Note: all 24 specifications were run." in choices
    assert "Note: p-values are ranks among 199 draws." in choices


def test_a_refused_attribution_is_one_line(audits) -> None:
    refused = tuple(
        Attribution(method, None, reason="shots and tuning vary together.")
        for method in ("shapley", "gelbach")
    )
    html = attribution_section(with_exploration(audits[0], Exploration(refused)))
    assert "<svg" not in html
    assert html.count("No attribution") == 1
    assert "No attribution: shots and tuning vary together." in html


def test_every_specification_is_drawn_with_its_choices(audits) -> None:
    found = multiverse()
    assert [rank for rank, _ in ranked(found)] == list(range(1, 25))
    assert set(varied(found)) == {"scale", "metric", "null", "baseline"}
    drawn = datasets(multiverse_chart(found, 0.1, _chart.PAGE).to_dict())
    estimates = next(rows for rows in drawn if rows and "own" in rows[0])
    assert len(estimates) == 24
    assert [row["rank"] for row in estimates if row["own"]] == [24]
    matrix = drawn[-1]
    assert len(matrix) == 24 * 4
    assert {row["choice"] for row in matrix if row["rank"] == 24} == {
        "scale: compute",
        "metric: exact match",
        "null: gradual",
        "baseline: chance",
    }


def test_a_thousand_specifications_stay_under_the_limit_of_marks(audits) -> None:
    one = multiverse().specifications
    many = Multiverse(tuple(replace(item, default=False) for item in one * 42) + one[-1:])
    kept = thinned(many)
    assert kept[0] == ranked(many)[0]
    assert kept[-1] == ranked(many)[-1]
    assert sum(item.default for _, item in kept) == 1
    chart = multiverse_chart(many, 0.1, _chart.PAGE).to_dict()
    assert _svg.marks(_svg.draw(chart)) <= _chart.MOST_MARKS
    html = multiverse_section(with_exploration(audits[0], Exploration(multiverse=many)))
    assert f"{len(kept)} of {len(many.specifications)} are drawn, evenly spaced." in html


def test_the_specification_curve_is_concluded(audits) -> None:
    assert agreed(multiverse()) == (
        "19 of 24 combinations of choices give a positive step, 8 of them at p below .05. Jointly: "
        "median effect 0.13 (p 0.012) and share significant 0.54 (p 0.020). The claim's own: "
        "0.34 [0.22, 0.46], rank 1 of 24 from the top."
    )
    assert (
        agreed(Multiverse(reason="one metric only")) == "No specification curve: one metric only."
    )


def test_power_is_drawn_over_steps_and_models(audits) -> None:
    found = design()
    rows = power_rows(found.by_models)
    assert {row["kind"] for row in rows} == {FOUND, PAIRED, NONE}
    drawn = datasets(power_chart(found, 0.1, 17, _chart.PAGE).to_dict())
    assert [{"effect": 0.1}] in drawn
    assert [{"models": 17}] in drawn
    assert power_rows(found.by_effect) in drawn
    assert all(0 <= row["lower"] <= row["power"] <= row["upper"] <= 1 for row in rows)
    alone = power_chart(replace(found, by_models=()), 0.1, 17, _chart.PAGE).to_dict()
    assert power_rows(found.by_effect) in datasets(alone)


def test_power_is_concluded(audits) -> None:
    assert shown(design(), 0.1) == (
        "With 17 models as they lie here, a true step of 0.32 or more is found with 80% power. "
        "A step of 0.10 takes about 64 models, laid out like these."
    )
    beyond = replace(design(), minimum_effect=None, models_needed=None)
    assert shown(beyond, 0.1) == (
        "With 17 models as they lie here, not even a true step of 0.40 is found with 80% power. "
        "A step of 0.10 takes more than 100 models, laid out like these."
    )


def test_slices_are_drawn_model_by_model_and_as_means(audits) -> None:
    found = slices()
    rows = slice_rows(found, "parameters")
    assert len(rows) == 3 * 13
    twice = [*rows, {**rows[0], "score": rows[0]["score"] + 0.2}]
    means = mean_rows(twice)
    assert len(means) == len(rows)
    assert means[0]["slice"] == "easiest third"
    assert means[0]["score"] == pytest.approx(rows[0]["score"] + 0.1)
    assert [row["scale"] for row in means] == pytest.approx([row["scale"] for row in rows])
    drawn = datasets(difficulty_chart(audits[0], found, _chart.PAGE).to_dict())
    assert drawn[1] == rows
    many = [{"slice": "a", "scale": 10.0**i, "score": 0.5} for i in range(60)]
    assert len(mean_rows(many)) == MOST_MEANS
    crowd = tuple(replace(item, points=item.points * 60) for item in found)
    chart = difficulty_chart(audits[0], crowd, _chart.PAGE).to_dict()
    assert _svg.marks(_svg.draw(chart)) <= _chart.MOST_MARKS


def test_without_item_rows_the_shape_is_told_and_the_lack_said(audits) -> None:
    shape = Part("shape", "failed", "an inverted U", (Estimate("slope_high", -0.2, p_value=0.01),))
    html = difficulty_section(with_exploration(audits[0], Exploration(shape=shape)))
    assert "an inverted U." in html
    assert "slope high -0.20, p 0.010" in html
    assert "No item rows: the curve cannot be split into easy and hard items." in html
    assert "<svg" not in html


@pytest.mark.parametrize("section", SECTIONS)
def test_what_was_not_asked_for_makes_no_section(audits, section) -> None:
    assert section(with_exploration(audits[0], None)) == ""
    assert section(with_exploration(audits[0], Exploration())) == ""


@pytest.mark.parametrize("section", SECTIONS)
def test_what_was_computed_is_drawn_with_its_table(audits, section) -> None:
    html = section(with_exploration(audits[0], exploration()))
    assert html.count("<svg") == html.count("<summary>Data") == 1


def test_a_reason_stands_in_place_of_a_drawing(audits) -> None:
    found = Exploration(multiverse=Multiverse(reason="x < 4"), design=Design(reason="x < 4"))
    view = with_exploration(audits[0], found)
    assert "No specification curve: x &lt; 4." in multiverse_section(view)
    assert "Power was not simulated: x &lt; 4." in power_section(view)
    assert "<svg" not in multiverse_section(view) + power_section(view)


def test_what_was_not_asked_for_is_said_once(audits) -> None:
    none = untested.render(View(tuple(replace(item, exploration=None) for item in audits)))
    assert (
        "Not asked for, so not computed, for any claim: what each confound carries, the "
        "specification curve, power and the shape by item difficulty"
    ) in none
    assert "Not asked for" not in untested.render(with_exploration(audits[0], exploration()))


def test_references_are_those_of_what_was_used(audits) -> None:
    known = _references.entries()
    assert all(entry.startswith("@") and entry.endswith("}\n") for entry in known.values())
    plain = (replace(audits[0], exploration=None, descriptions=(), tests=audits[0].tests[1:]),)
    assert "simonsohn2020" not in _references.bibtex(plain)
    assert "lu2024" not in _references.bibtex(plain)
    assert "andrews1993" in _references.bibtex(plain)
    explored = (replace(plain[0], exploration=exploration()),)
    added = set(_references.bibtex(explored).split("\n")) - set(
        _references.bibtex(plain).split("\n")
    )
    keys = {line.split("{")[1].rstrip(",") for line in added if line.startswith("@")}
    assert keys == {"shorrocks2013", "gelbach2016", "simonsohn2018", "simonsohn2020", "wu2024"}
    assert "holm1979" in _references.bibtex(audits)
    assert "benjamini1995" in _references.bibtex(audits * 2)
