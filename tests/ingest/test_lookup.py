"""What a model's name is known for, and what it only lets one guess."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from lm_eval_files import new, write
from typer.testing import CliRunner

from confounds.cli import app
from confounds.ingest import _lookup, look_up_model, read_outcomes


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


def test_case_and_organisation_do_not_change_the_figures():
    values = [
        [fact.value for fact in look_up_model(name)] for name in ("PYTHIA-70M", "x/pythia-70m")
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("openai-community/gpt2", "published"),
        ("OpenAI/gpt2", "published"),
        ("huggyllama/llama-7b", "published"),
        ("gpt2", "published"),
        ("/data/my-lab/gpt2", "published"),
        ("./gpt2", "published"),
        ("my-lab/gpt2", "guess"),
        ("meta-lama/Llama-2-7b", "guess"),
        ("NousResearch/Llama-2-7b-hf", "guess"),
        ("hub/models--my-lab--gpt2/snapshots/0a1b", "guess"),
    ],
)
def test_the_figures_of_another_organisations_model_are_a_guess(name, standing):
    found = facts_of(name)
    for field in ("family", "parameters", "tuning"):
        assert found[field].standing == standing
        assert ("by the name alone" in found[field].source) == (standing == "guess")
    compute = found["compute"]
    assert compute.standing in ("unknown", "guess" if standing == "guess" else "computed")


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("EleutherAI/pythia-70m@main", 143_000),
        ("EleutherAI/pythia-70m@step1000", 1000),
        ("pythia-70m,revision=step1000", 1000),
        ("models--EleutherAI--pythia-70m/snapshots/abc", 143_000),
        ("/scratch/run/pythia-70m/checkpoint-5000", 5000),
        ("  pythia-70m  ", 143_000),
        ("Pythia 70M", 143_000),
        ("pythia-70m@step0", None),
    ],
)
def test_names_are_understood_as_in_files_of_results(name, tokens):
    found = facts_of(name)
    assert found["parameters"].value == 70426624
    assert found["parameters"].standing == "published"
    assert found["tokens"].value == (None if tokens is None else tokens * 2_097_152)
    step = tokens not in (None, 143_000)
    assert found["tokens"].standing == (
        "computed" if step else "unknown" if tokens is None else "published"
    )
    assert (found["compute"].value is None) == (tokens is None)


def test_a_step_whose_tokens_are_unknown_has_none():
    found = facts_of("facebook/opt-125m@step1000")
    assert found["parameters"].standing == "published"
    assert found["tokens"].standing == found["compute"].standing == "unknown"


@pytest.mark.parametrize("name", ["", "  ", "/"])
def test_no_name_is_refused(name):
    found = CliRunner().invoke(app, ["models", "gpt2", name])
    assert found.exit_code == 2
    assert "names no model; a hub id, a name or an alias is needed" in found.stderr


def test_a_reader_fills_the_figures_and_says_which_are_a_guess(tmp_path):
    names = ("gpt2", "my-lab/gpt2-xl", "meta-lama/Llama-2-7b", "their/llama-2-13b", "a/novel-7b")
    for name in names:
        document = new({"t": {"acc,none": 0.5}})
        document["config"]["model_args"] = f"pretrained={name}"
        write(tmp_path / "in" / name / "results.json", document)
    table = tmp_path / "models.csv"
    given = ("family", "parameters", "tokens", "compute", "tuning")
    table.write_text(f"model,{','.join(given)}\ntheir/llama-2-13b,f,1e9,1e9,1e18,chat\n")
    outcomes = read_outcomes(tmp_path / "in", models=table)
    (note,) = [note for note in outcomes.notes if note.kind == "matched_by_name"]
    assert (note.level, note.count) == ("warning", 2)
    assert set(note.where) == {
        "my-lab/gpt2-xl (as openai-community/gpt2-xl)",
        "meta-lama/Llama-2-7b (as meta-llama/Llama-2-7b-hf)",
    }
    sizes = outcomes.frame.set_index("model")["parameters"]
    assert sizes["meta-lama/Llama-2-7b"] == 6_738_415_616
    assert sizes[["a/novel-7b"]].isna().all()


@pytest.mark.parametrize(
    ("name", "parameters", "tuning", "family"),
    [
        ("foo/bar-8x7B-it-v0.1", 56e9, "instruct", "bar"),
        ("acme-1.5b-chat", 1.5e9, "chat", "acme"),
        ("acme-350m", 350e6, None, "acme"),
        ("acme-v2.7-mini", None, None, None),
        ("acme-limit-base", None, "base", None),
        ("acme-16k", None, None, None),
        ("acme-7b-16k", 7e9, None, "acme"),
        ("Acme 2 70B", 70e9, None, "acme-2"),
        ("x/AcMoE-1B-7B-0924", 7e9, None, "acmoe"),
        ("x/Acme-1B-7B", 1e9, None, "acme"),
        ("x/Acme-17B-16E-Instruct", None, "instruct", "acme"),
        ("x/Acme-30B-A3B", 30e9, None, "acme"),
        ("acme-7b1-sft", 7.1e9, "instruct", "acme"),
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
