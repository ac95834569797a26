"""`confounds power`: its two forms, its document, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from confounds.cli import app

PLAN = ("--models", "12", "--families", "3", "--items", "500", "--effect", "0.4")
QUICK = ("--simulations", "100")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["power", *arguments])


def test_a_planned_study_is_told_in_tables() -> None:
    done = run(*PLAN, *QUICK)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("12 models of 3 families, 500 items a score\n")
    for words in (
        "Shares of simulated tables; effect: true step in score points",
        "  power: how often the threshold test finds the step (SE: simulation error)",
        "  paired: how often the contrast with a condition",
        "By true step, 12 models as they lie",
        "By number of models, laid out anew for each, at a step of 0.4",
        "equivalence at chance",
    ):
        assert words in done.stdout
    assert done.stderr == ""


def test_the_document_of_a_planned_study_is_the_same_for_the_same_seed() -> None:
    first, again = (run(*PLAN, *QUICK, "--json", "--seed", "1").stdout for _ in range(2))
    assert first == again
    document = json.loads(first)
    assert document["schema_version"] == 1
    assert document["layout"]["models"] == 12
    point = document["design"]["by_models"][0]
    assert (point["models"], point["effect"]) == (12, 0.4)
    assert 0 <= point["power"] <= point["equivalence_at_chance"] <= 1


def test_a_table_is_told_what_more_models_would_buy(example_table: Path) -> None:
    done = run(str(example_table), "--task", "sorting", *QUICK)
    assert done.exit_code == 0, done.output
    assert "What models added to these 20 models would buy, at a step of" in done.stdout
    assert "So one number of models can have three powers." in done.stdout
    assert "4 models near 222B, one new family (the largest)" in done.stdout


def test_several_claims_have_a_row_each(example_table: Path) -> None:
    document = json.loads(run(str(example_table), *QUICK, "--json").stdout)
    assert [item["claim"]["task"] for item in document["designs"]] == ["addition", "sorting"]
    assert document["designs"][0]["design"]["minimum_effect"] < 0.15


def test_a_table_that_is_too_small_has_the_reason(small_table: Path) -> None:
    done = run(str(small_table))
    assert done.exit_code == 0
    assert "8 models of known scale; there are 4" in done.stdout
    assert run(str(small_table), "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "lacks --models, --families, --items and --effect; or name OUTCOMES"),
        (("--models", "12", "--items", "9"), "lacks --families and --effect"),
        (("table.csv", "--models", "12"), "option --models plans a study"),
        ((*PLAN, "--model-sd", "-1"), "option --model-sd is -1.0; it must be from 0 to 2"),
        ((*PLAN, "--families", "13"), "option --families is 13; it must be from 1 to the number"),
        ((*PLAN, "--effect", "40"), "option --effect is 40.0; it must lie between 0 and 1"),
        ((*PLAN, "--slope", "9"), "option --slope is 9.0; it must be from 0 to 2.197 a decade"),
        ((*PLAN, "--simulations", "5"), "option --simulations is 5; it must be at least 100"),
        ((*PLAN, "--seed", "-1"), "option --seed is -1"),
    ],
)
def test_what_cannot_be_meant_is_said_with_what_is_allowed(
    arguments: tuple[str, ...], said: str
) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_an_unknown_task_selects_nothing(example_table: Path) -> None:
    done = run(str(example_table), "--task", "subtraction")
    assert done.exit_code == 5
    assert "there are: addition, sorting" in done.stderr
