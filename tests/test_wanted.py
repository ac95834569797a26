"""What one more column would buy, and what is listed of each rival."""

from __future__ import annotations

import ast
import inspect

import pandas as pd
import pytest
from rivals.made import World, frame_of, outcomes_of

from confounds import _cli_rivals, pipeline, plugins
from confounds.outcomes import Outcomes
from confounds.wanted import columns_wanted

WORLD = World(models=12, seed=3)


def wanted(outcomes):
    reasons = {
        task: pipeline.testable(pipeline.default_claim(outcomes, task), outcomes)
        for task in outcomes.tasks
    }
    return {item.rival: item for item in columns_wanted(outcomes, reasons)}


def test_an_empty_column_is_wanted_by_the_rival_that_reads_it():
    found = wanted(outcomes_of(frame_of(WORLD, {"all": ("step", {})})))
    assert found["exposure"].columns == ("exposure", "dose")
    assert found["exposure"].lack == "column"
    assert found["exposure"].tasks == ("made",)
    assert found["metric_choice"].lack == "level"
    assert "training_mix" not in found


def test_a_column_with_one_level_wants_another_unless_it_is_a_fact_of_the_models():
    one = {"reasoning": "chain", "tuning": "base", "shots": 5}
    found = wanted(outcomes_of(frame_of(WORLD, {"all": ("step", one)})))
    assert found["reasoning"].lack == "level"
    assert found["in_context"].lack == "level"
    assert "instruction_tuning" not in found


def test_what_can_be_tested_is_not_wanted():
    kinds = {
        "chain": ("step", {"reasoning": "chain"}),
        "direct": ("step", {"reasoning": "direct"}),
    }
    assert "reasoning" not in wanted(outcomes_of(frame_of(WORLD, kinds)))


def test_models_are_wanted_where_they_are_too_few():
    frame = frame_of(WORLD, {"all": ("step", {})})
    few = frame[frame["model"].isin([f"m{index}" for index in range(5)])]
    found = wanted(outcomes_of(few))
    assert list(found) == ["every rival"]
    assert found["every rival"].lack == "models"
    assert "8 models of known scale; there are 5" in found["every rival"].needs
    assert "more models: every rival, in 1 task" in _cli_rivals.wanted_text(tuple(found.values()))
    both = wanted(Outcomes(pd.concat([frame, few.assign(task="few")])))
    assert both["exposure"].tasks == ("made",)
    assert both["every rival"].tasks == ("few",)


@pytest.mark.parametrize("known", [0, 5])
def test_the_scale_is_wanted_where_models_have_none(known):
    frame = frame_of(WORLD, {"all": ("step", {})})
    unknown = ~frame["model"].isin([f"m{index}" for index in range(known)])
    found = wanted(outcomes_of(frame.assign(parameters=frame["parameters"].mask(unknown))))
    assert list(found) == ["every rival"]
    assert (found["every rival"].columns, found["every rival"].lack) == (("parameters",), "column")
    assert f"{12 - known} models without parameters" in found["every rival"].needs


def test_the_text_says_column_rival_and_needs():
    outcomes = outcomes_of(frame_of(WORLD, {"all": ("step", {"shots": 5})}))
    text = _cli_rivals.wanted_text(tuple(wanted(outcomes).values()))
    needs = plugins.load("rivals", "exposure").needs
    assert f"  exposure or dose: exposure, in 1 task ({needs})" in text.splitlines()
    assert "  another shots or demonstrations: in_context, in 1 task" in text
    assert _cli_rivals.wanted_text(()) == "No further column would let another rival be tested."


@pytest.mark.parametrize("name", plugins.names("rivals"))
def test_listed_sentences_are_those_that_the_rival_declares(name):
    """Read from the source without importing; an f-string has its constants filled in."""
    rival = plugins.load("rivals", name)
    assert plugins.sentences("rivals", "null")[name] == rival.null
    assert plugins.sentences("rivals", "needs")[name] == rival.needs
    listed = next(row for row in _cli_rivals.known() if row["name"] == name)
    assert (listed["null"], listed["needs"]) == (rival.null, rival.needs)


def test_every_column_that_a_rival_reads_exists():
    known = set(Outcomes(frame_of(WORLD, {"all": ("step", {})})).frame.columns)
    for name in plugins.names("rivals"):
        assert set(getattr(plugins.load("rivals", name), "columns", ())) <= known, name


def test_sentences_are_read_without_an_import():
    tree = ast.parse(inspect.getsource(plugins.sentences))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
