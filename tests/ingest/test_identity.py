"""One model is one sampling unit, whatever its names; runs of other weights are not it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lm_eval_files import DATE, new, write

from confounds.ingest import read_outcomes
from confounds.ingest._identity import loaded_as

HEADER = "task,metric,model,score,n,run"


def write_run(folder: Path, run: str, **arguments: str) -> None:
    config = {"model": "hf", "model_args": arguments}
    document = new({"a": {"acc,none": 0.5}}, config=config)
    write(folder / run / f"results_{DATE.replace('2026', run)}.json", document)


def table(folder: Path, *names: str) -> Path:
    path = folder / "t.csv"
    rows = [f"a,accuracy,{name},0.5,10,{number}" for number, name in enumerate(names)]
    path.write_text("\n".join([HEADER, *rows]))
    return path


def found(outcomes, kind: str) -> list[tuple[str, ...]]:
    return [note.where for note in outcomes.notes if note.kind == kind]


def test_two_names_of_a_published_model_are_told_and_not_joined(tmp_path):
    write_run(tmp_path, "2024", pretrained="EleutherAI/pythia-70m")
    write_run(tmp_path, "2025", pretrained="/models/pythia-70m")
    outcomes = read_outcomes(tmp_path)
    assert found(outcomes, "two_names") == [("EleutherAI/pythia-70m = pythia-70m",)]
    assert {one.level for one in outcomes.notes if one.kind == "two_names"} == {"warning"}
    assert len(outcomes.models) == 2


@pytest.mark.parametrize(
    "names",
    [
        ("org/novel-7b", "Novel-7B"),
        ("meta/llama-2-7b", "meta-llama/Llama-2-7b-hf"),
    ],
)
def test_names_that_differ_in_organisation_case_or_alias_are_told(tmp_path, names):
    assert found(read_outcomes(table(tmp_path, *names)), "two_names") == [(" = ".join(names),)]


@pytest.mark.parametrize(
    "names",
    [
        ("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-7b-chat-hf", "llama-2-7b-gptq"),
        ("org/m@step1", "org/m@step2"),
        ("EleutherAI/pythia-70m", "EleutherAI/pythia-70m-deduped"),
    ],
)
def test_names_of_what_differs_are_not(tmp_path, names):
    outcomes = read_outcomes(table(tmp_path, *names))
    assert not found(outcomes, "two_names")
    assert len(outcomes.models) == len(names)


def test_aliases_of_the_models_table_join_names(tmp_path):
    models = tmp_path / "models.csv"
    models.write_text("model,aliases,family\nours,EleutherAI/pythia-70m x,f\n")
    write_run(tmp_path / "r", "2024", pretrained="EleutherAI/pythia-70m")
    write_run(tmp_path / "r", "2025", pretrained="x")
    outcomes = read_outcomes(tmp_path / "r", models=models)
    assert outcomes.models == ("ours",)
    assert found(outcomes, "joined_models") == [("EleutherAI/pythia-70m -> ours", "x -> ours")]
    # What is known by one of the names is known of the model: its runs are one cell.
    (cell,) = outcomes.cells().to_dict("records")
    assert (cell["parameters"], cell["n"]) == (70_426_624, 4)


def test_lines_of_their_own_keep_names_apart(tmp_path):
    models = tmp_path / "models.csv"
    models.write_text("model\ngpt2\nmine/gpt2\n")
    outcomes = read_outcomes(table(tmp_path, "gpt2", "mine/gpt2"), models=models)
    assert not found(outcomes, "two_names")
    assert len(outcomes.models) == 2


def test_a_table_that_was_written_says_so_once_and_no_more_when_joined(tmp_path):
    path = tmp_path / "t.parquet"
    read_outcomes(table(tmp_path, "gpt2", "mine/gpt2")).write(path)
    (note,) = (one for one in read_outcomes(path).notes if one.kind == "two_names")
    assert note.count == 1
    models = tmp_path / "models.csv"
    models.write_text("model,aliases\ngpt2,mine/gpt2\n")
    outcomes = read_outcomes(path, models=models)
    assert outcomes.models == ("gpt2",)
    assert not found(outcomes, "two_names")


def test_runs_of_other_weights_are_told(tmp_path):
    write_run(tmp_path, "2024", pretrained="gpt2", revision="main", dtype="float16")
    write_run(tmp_path, "2025", pretrained="gpt2", load_in_4bit="True")
    outcomes = read_outcomes(tmp_path)
    assert found(outcomes, "differing_loads") == [("gpt2: load_in_4bit=True; no such argument",)]
    write_run(tmp_path / "one", "2024", pretrained="gpt2", load_in_4bit="True")
    assert not found(read_outcomes(tmp_path / "one"), "differing_loads")


def test_logs_of_inspect_tell_how_a_model_was_loaded(tmp_path):
    for number, arguments in enumerate(({}, {"load_in_8bit": True})):
        spec = {"task": "t", "model": "hf/gpt2", "eval_id": str(number), "model_args": arguments}
        sample = {"id": 1, "epoch": 1, "input": "?", "target": "x", "scores": {"m": {"value": "C"}}}
        document = {"version": 2, "status": "success", "eval": spec, "samples": [sample]}
        (tmp_path / f"{number}.json").write_text(json.dumps(document))
    where = found(read_outcomes(tmp_path), "differing_loads")
    assert where == [("gpt2: load_in_8bit=True; no such argument",)]


def test_a_step_is_a_checkpoint_and_another_revision_is_not(tmp_path):
    for run, revision in (("2023", "main"), ("2024", "step1000"), ("2025", "main")):
        write_run(tmp_path, run, pretrained="gpt2", revision=revision)
    assert not found(read_outcomes(tmp_path), "differing_loads")
    write_run(tmp_path, "2022", pretrained="gpt2", revision="v2")
    where = found(read_outcomes(tmp_path), "differing_loads")
    assert where == [("gpt2: no such argument; revision=v2",)]


@pytest.mark.parametrize("value", [None, False, "False", "None", ""])
def test_arguments_that_ask_for_nothing_are_none(value):
    assert loaded_as({"load_in_4bit": value, "quantization": value}, value) == ""
