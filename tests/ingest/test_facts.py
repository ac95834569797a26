from __future__ import annotations

import csv
from pathlib import Path

import pytest

import confounds.ingest as package
from confounds.errors import MapError
from confounds.ingest._facts import (
    Facts,
    published_model,
    published_task,
    read_models,
    read_tasks,
)
from confounds.ingest._naming import model_key

FOLDER = Path(package.__file__).parent


@pytest.fixture(scope="module")
def models():
    return read_models(FOLDER / "models.csv")


def test_no_name_is_given_to_two_models(models):
    names = [
        name for one in models for name in {model_key(name) for name in (one.model, *one.aliases)}
    ]
    assert len(names) == len(set(names))


def test_no_name_is_given_to_two_tasks():
    tasks = read_tasks(FOLDER / "tasks.csv")
    names = [name for one in tasks for name in (one.task, *one.aliases)]
    assert len(names) == len(set(names))


def test_every_fact_is_plausible_and_has_a_source(models):
    for one in models:
        assert one.family
        assert one.tuning in ("base", "instruct", "chat", "code")
        assert one.source
        assert one.parameters is not None
        assert 1e6 < one.parameters < 1e12
        assert one.tokens is None or 1e9 < one.tokens < 1e14


def test_a_name_that_states_a_size_agrees_with_it(models):
    """Within the rounding that names allow themselves."""
    import re

    for one in models:
        stated = re.search(r"[-_](\d+(?:[._]\d+)?)([bm])(?:[-_]|$)", model_key(one.model))
        if stated is None:
            continue
        size = float(stated[1].replace("_", ".")) * {"b": 1e9, "m": 1e6}[stated[2]]
        assert one.parameters == pytest.approx(size, rel=0.35), one.model


@pytest.mark.parametrize(
    ("name", "family", "parameters"),
    [
        ("EleutherAI/pythia-12b", "pythia", 11_846_072_320),
        ("EleutherAI/pythia-v1.1-1b-bf16", "pythia", 1_011_781_632),
        ("pythia-70m-deduped", "pythia-deduped", 70_426_624),
        ("gpt2-xl", "gpt2", 1_557_611_200),
        ("OPT-66B", "opt", 66e9),
        ("bigscience/bloom", "bloom", 176_247_271_424),
        ("meta-llama/Meta-Llama-3-8B", "llama-3", 8_030_261_248),
        ("google/flan-t5-xxl", "flan-t5", 11e9),
    ],
)
def test_known_models(name, family, parameters):
    facts = published_model(name)
    assert facts is not None
    assert (facts.family, facts.parameters) == (family, parameters)


def test_pythia_saw_143000_steps_of_two_million_tokens(models):
    for one in models:
        if one.family and one.family.startswith("pythia"):
            assert one.tokens == 143_000 * 2_097_152
            assert one.tokens_per_step in (262_144, 524_288, 2_097_152)


def test_unknown_names_are_unknown():
    assert published_model("nobody/novel-7b") is None
    assert published_task("novel") is None


def test_tasks_are_known_under_both_names_of_the_harness():
    old, new = published_task("hendrycksTest-virology"), published_task("mmlu_virology")
    assert old == new
    assert old is not None
    assert (old.chance, old.n) == (0.25, 166)


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("models", "model,tokens,tokens\na,1,2", r"models\.csv:1: column 'tokens' is there twice"),
        ("models", "model\na\nb\na", r"models\.csv:4: model 'a' is in line 2 already; name each"),
        ("models", "model,aliases\na,x y\nb,z y", r":3: model 'y' is in line 2 already"),
        ("models", "model,aliases\na,b\nb,", r":3: model 'b' is in line 2 already"),
        ("tasks", "task,chance\na,0.5\na,0.2", r"tasks\.csv:3: task 'a' is in line 2 already"),
        ("tasks", "task,metric,n\na,em,5\na,,9\na,em,7", r":4: task 'a' \(metric 'em'\) is in"),
    ],
)
def test_of_two_lines_about_one_thing_none_is_believed_unseen(tmp_path, name, lines, message):
    path = tmp_path / f"{name}.csv"
    path.write_text(lines + "\n")
    with pytest.raises(MapError, match=message):
        Facts.read(**{"models": None, "tasks": None, name: path})


def test_tables_are_sorted_out_once():
    for name in ("models.csv", "tasks.csv"):
        with (FOLDER / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert {len(row) for row in rows} == {len(rows[0])}
