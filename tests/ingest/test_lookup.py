"""What a model's name is known for, and what it only lets one guess."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from confounds.cli import app
from confounds.ingest import _lookup, look_up_model


def facts_of(name):
    return {fact.field: fact for fact in look_up_model(name)}


def test_a_published_model_is_told_with_its_sources():
    found = facts_of("EleutherAI/pythia-70m")
    assert found["parameters"].value == 70426624
    assert found["parameters"].standing == "published"
    assert "Biderman" in found["parameters"].source
    compute = found["compute"]
    assert compute.standing == "computed"
    assert compute.value == pytest.approx(6 * 70426624 * found["tokens"].value)


def test_sizes_that_the_makers_did_not_publish_say_who_gives_them():
    for name, source in (("davinci", "Brown et al. 2020"), ("text-davinci-003", "not published")):
        found = facts_of(name)
        assert found["parameters"].value == 175e9
        assert source in found["parameters"].source
        assert "Lu et al. 2024" in found["parameters"].source
    assert found["tokens"].standing == found["compute"].standing == "unknown"
    assert facts_of("gpt-4")["parameters"].standing == "unknown"


def test_every_figure_has_a_source():
    with (Path(_lookup.__file__).parent / "models.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for fact in look_up_model(row["model"]):
                assert fact.standing in ("published", "computed", "unknown")
                assert (fact.source == "") == (fact.value is None), row["model"]
                assert fact.source != "source not stated", row["model"]


def test_case_and_organisation_do_not_matter():
    values = [
        [fact.value for fact in look_up_model(name)] for name in ("PYTHIA-70M", "x/pythia-70m")
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("name", "parameters", "tuning", "family"),
    [
        ("foo/bar-8x7B-it-v0.1", 56e9, "instruct", "bar"),
        ("acme-1.5b-chat", 1.5e9, "chat", "acme"),
        ("acme-350m", 350e6, None, "acme"),
        ("acme-v2.7-mini", None, None, None),
        ("acme-limit-base", None, "base", None),
    ],
)
def test_a_name_is_guessed_from_and_marked_so(name, parameters, tuning, family):
    found = facts_of(name)
    for field, value in (("parameters", parameters), ("tuning", tuning), ("family", family)):
        assert found[field].value == value
        assert found[field].standing == ("unknown" if value is None else "guess")
    assert found["tokens"].standing == "unknown"


def test_the_command_prints_facts_guesses_and_what_is_unknown():
    found = CliRunner().invoke(app, ["models", "pythia-70m", "acme-7b"])
    assert found.exit_code == 0
    assert "a guess: '7b' in the name" in found.stdout
    assert "tokens     unknown" in found.stdout
    document = json.loads(CliRunner().invoke(app, ["models", "acme-7b", "--json"]).stdout)
    assert document["schema_version"] == 1
    facts = {fact["field"]: fact for fact in document["models"][0]["facts"]}
    assert facts["parameters"] == {
        "field": "parameters",
        "value": 7e9,
        "standing": "guess",
        "source": "'7b' in the name",
    }
