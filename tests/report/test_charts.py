"""What the charts draw, read from their specifications."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("altair")

from confounds.report import _chart, _points, _svg
from confounds.report._chart_curve import controlled_panel, curve_chart, line_rows, raw_panel
from confounds.report._chart_forest import (
    claim_names,
    forest_chart,
    forest_rows,
    task_chart,
    task_rows,
)
from confounds.report._chart_residuals import residual_chart, residual_rows
from confounds.report._chart_sharpness import LEAST, sharpness_chart
from confounds.results import CurvePoint, Part

pytestmark = pytest.mark.report


def datasets(chart: Any) -> list[list[dict[str, Any]]]:
    """The rows of every layer, in order."""
    spec = chart.to_dict()
    return [json.loads(spec["datasets"][layer["data"]["name"]]) for layer in spec["layer"]]


def test_a_curve_shows_every_score_of_its_condition_and_no_other(audits) -> None:
    audit = audits[0]
    content = raw_panel(audit, legend=True)
    drawn = datasets(curve_chart(audit, content, _chart.PAGE))[-1]
    expected = [point["score"] for point in audit.points if point["role"] == "raw"]
    assert sorted(row["score"] for row in drawn) == pytest.approx(sorted(expected))


def test_a_curve_holds_both_fits_and_both_baselines(audits) -> None:
    lines = line_rows(raw_panel(audits[0], legend=True))
    assert {row["line"] for row in lines} == {
        "with a threshold",
        "gradual growth only",
        "chance",
        "majority answer",
    }
    chance = [row for row in lines if row["line"] == "chance"]
    assert [row["score"] for row in chance] == [0.25, 0.25]
    assert chance[0]["scale"] == min(row["scale"] for row in lines)


def test_the_threshold_interval_is_shaded(audits) -> None:
    content = raw_panel(audits[0], legend=True)
    drawn = datasets(curve_chart(audits[0], content, _chart.PAGE))
    assert drawn[0] == [{"scale": 6.7e9, "upper": 3.0e10}]
    assert drawn[1] == [{"scale": 1.3e10}]


def test_a_task_without_a_fit_still_shows_its_scores(audits) -> None:
    audit = audits[4]
    assert audit.fits == ()
    content = raw_panel(audit, legend=True)
    assert [row["line"] for row in line_rows(content)] == ["chance"] * 2 + ["majority answer"] * 2
    assert len(datasets(curve_chart(audit, content, _chart.PAGE))) == 2


def test_scores_without_a_size_are_left_out(audits) -> None:
    unknown = {**audits[0].points[0], "scale": None, "model": "gpt-4"}
    audit = replace(audits[0], points=(unknown, *audits[0].points))
    assert "gpt-4" not in {point["model"] for point in _points.raw_points(audit)}


def test_a_controlled_panel_shows_the_scores_of_its_own_fit_only(audits) -> None:
    test = audits[1].tests[0]
    content = controlled_panel(audits[1], test.rival, test.fits[0])
    expected = [point["score"] for point in audits[1].points if point["role"] == "in_context"]
    assert sorted(point["score"] for point in content.points) == sorted(expected)
    assert controlled_panel(audits[1], "metric_choice", test.fits[0]).points == ()
    other = replace(test.fits[0], condition={"shots": 0, "metric": "brier"})
    assert controlled_panel(audits[1], test.rival, other).points == ()
    assert controlled_panel(audits[1], test.rival, other).metric == "brier"


def test_a_metric_without_bounds_has_an_axis_of_its_own(audits) -> None:
    curve = tuple(replace(point, score=point.score * 40) for point in audits[1].fits[0].smooth)
    condition = {"shots": 5, "metric": "edit_distance"}
    fit = replace(audits[1].fits[0], condition=condition, smooth=curve, fitted=curve)
    content = controlled_panel(audits[1], "metric_choice", fit)
    domain = curve_chart(audits[1], content, _chart.PAGE).to_dict()["layer"][-1]
    # It was fitted as a score in which more is better, and is drawn as the metric has it.
    assert domain["encoding"]["y"]["scale"]["domain"][0] < -15
    assert domain["encoding"]["y"]["axis"]["title"] == "edit distance"


def test_controlled_fits_alone_are_no_raw_fit(audits) -> None:
    lost = Part("departure", "undecided", "needs 8 models; there are 4")
    audit = replace(audits[0], apparent={**audits[0].apparent, "departure": lost})
    assert audits[0].raw_fit is audits[0].fits[0]
    assert audit.raw_fit is None
    assert raw_panel(audit, legend=True).fit is None


def test_a_crowded_curve_becomes_means_and_stays_under_the_limit(audits) -> None:
    crowd = tuple({**audits[0].points[0], "model": f"m{i % 90}"} for i in range(4000))
    audit = replace(audits[0], points=crowd)
    content = raw_panel(audit, legend=True)
    assert content.means
    assert len(content.points) == 90
    spec = curve_chart(audit, content, _chart.PAGE).to_dict()
    assert _svg.marks(_svg.draw(spec)) <= _chart.MOST_MARKS


def test_many_families_keep_the_largest_and_name_the_rest(audits) -> None:
    points = [{**audits[0].points[0], "family": f"f{i}"} for i in range(12) for _ in range(12 - i)]
    names = _points.name_families(points, 5)
    assert names == ["f0", "f1", "f2", "f3", _points.OTHER]
    assert {point["family"] for point in points} == set(names)


def test_colours_come_from_the_page_so_that_dark_and_print_follow(audits) -> None:
    content = raw_panel(audits[0], legend=True)
    drawn = _svg.inline(curve_chart(audits[0], content, _chart.PAGE).to_dict(), "x", "a chart")
    assert "currentColor" in drawn
    assert "var(--accent)" in drawn
    assert "#" not in drawn.replace("url(#", "")


def test_a_forest_has_the_raw_effect_and_two_rows_a_rival(audits) -> None:
    rows = forest_rows(audits[1])
    assert [row["quantity"] for row in rows] == [
        "raw",
        *["left under control", "raw minus controlled"] * 3,
    ]
    assert rows[1]["estimate"] == 0.01
    drawn = datasets(forest_chart(audits[1], _chart.PAGE))
    assert drawn[0] == [{"lower": -0.1, "upper": 0.1}]
    assert drawn[2] == rows


def test_the_effects_of_all_tasks_are_ranked(audits) -> None:
    rows = task_rows(audits)
    assert [row["name"] for row in rows][-1] == "misconceptions"
    assert "codenames" not in {row["name"] for row in rows}
    assert datasets(task_chart(rows, 0.1, _chart.PAGE))[2] == rows


def test_claims_on_one_task_are_told_apart(audits) -> None:
    twice = replace(audits[0], claim=replace(audits[0].claim, id="b", metric="brier"))
    thrice = replace(audits[0], claim=replace(audits[0].claim, id="c"))
    names = claim_names((audits[0], twice, thrice, audits[1]))
    assert len(set(names)) == 4
    assert names[1] == "modified_arithmetic, brier"
    assert names[3] == "hindu_knowledge"


def test_the_sharpness_curve_never_leaves_its_axis(audits) -> None:
    drawn = datasets(sharpness_chart(audits[0], audits[0].fits[0], _chart.PAGE))
    assert drawn[1] == [{"gradual": 2.0}]
    assert min(row["p"] for row in drawn[2]) == LEAST
    assert len(drawn[2]) == len(audits[0].fits[0].sharpness)


@pytest.mark.parametrize(
    ("lower", "upper"), [(1e8, 1e11), (6e9, 7e9), (1e3, 1e26), (0.5, 2.0), (1e9, 1e9 * 1.12)]
)
def test_ticks_of_a_scale_lie_inside_it(lower: float, upper: float) -> None:
    ticks = _chart.scale_ticks(lower, upper)
    assert all(lower <= tick <= upper for tick in ticks)
    assert len(ticks) <= 8


def test_a_drawing_is_the_same_whatever_was_drawn_before(audits) -> None:
    spec = sharpness_chart(audits[0], audits[0].fits[0], _chart.PAGE).to_dict()
    first = _svg.inline(spec, "a", "p-values")
    _svg.inline(forest_chart(audits[1], _chart.PAGE).to_dict(), "b", "effects")
    assert _svg.inline(spec, "a", "p-values") == first
    assert 'id="a-1"' in first


def test_residuals_are_what_the_smooth_curve_leaves(audits) -> None:
    fit = audits[0].fits[0]
    level = tuple(replace(point, score=0.3) for point in fit.smooth)
    audit = replace(audits[0], fits=(replace(fit, smooth=level),))
    rows = residual_rows(audit)
    scores = {p["model"]: p["score"] for p in audit.points if p["role"] == "raw"}
    assert {row["model"]: row["residual"] for row in rows} == pytest.approx(
        {model: score - 0.3 for model, score in scores.items()}
    )
    spec = residual_chart(audit, _chart.PAGE).to_dict()
    assert spec["layer"][1]["encoding"]["y"]["sort"] == sorted({row["family"] for row in rows})
    assert residual_rows(audits[4]) == []


def test_the_smooth_curve_is_followed_between_its_points(audits) -> None:
    line = (CurvePoint(1e8, 0.2), CurvePoint(1e10, 0.6))
    audit = replace(audits[0], fits=(replace(audits[0].fits[0], smooth=line),))
    point = {**audit.points[0], "scale": 1e9, "score": 0.5}
    (row,) = residual_rows(replace(audit, points=(point,)))
    assert row["residual"] == pytest.approx(0.1)
