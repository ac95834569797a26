"""Every wrong study gives one clear message and exit code 4, before anything is run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from confounds._cli_probe import register
from confounds.errors import StudyError
from confounds.probe import plan_study
from confounds.probe._folder import count_parameters
from confounds.probe._items import read_items
from confounds.study import ModelSpec

ITEM = {"id": "a", "prompt": "p", "target": "x", "choices": ["x", "y"]}


def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    register(made)
    return made


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def without(folder: Path, source: Path, pattern: str) -> Path:
    shutil.copytree(source, folder)
    for path in folder.glob(pattern):
        path.unlink()
    return folder


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shots = [0, 2]", "shotz = [0]", "unknown factor 'conditions.shotz'; allowed: shots, dem"),
        ("shots = [0, 2]", "shots = [-1]", "key 'conditions.shots.0' is -1; .* greater than"),
        ('["gold", "shuffled"]', '["silver"]', "'silver'; .* 'none', 'gold', 'shuffled'"),
        ("[conditions]", '[conditions]\nprompt = ["x"]', "'x'; allowed: closed, letter, open"),
        ('name = "words"', 'nome = "words"', "unknown key 'tasks.0.nome'; allowed: name, items"),
        ('items = "items.jsonl"', "", "key 'tasks.0.items' is missing"),
        ('items = "items.jsonl"', 'items = "gone.jsonl"', "gone.jsonl: cannot be read .No such"),
        ('"exact_match"', '"exact"', "key 'metrics': no metrics extension 'exact'; there are: ans"),
        ('path = "', 'path = "/nowhere', "path '/nowhere.*' is not a folder"),
        ('path = "', 'backend = "vllm"\npath = "', "no probe extension 'vllm'; there are: hugg"),
        ("shots = [0, 2]", "shots = [0, 12]", "leaves none to ask"),
        ('items = "items.jsonl"', 'items = "items.jsonl"\npool = 1', "2 shots .* there are 1 item"),
        ("seeds = [0, 1]", "seeds = 0", "key 'seeds' is 0; input should be a valid list"),
        ("seeds = [0, 1]", "seeds = []", "key 'seeds' is \\[\\]; .*at least 1"),
        ("seeds = [0, 1]", 'crossing = "1/1"', "key 'crossing' is '1/1'"),
        ("seeds = [0, 1]", "exclude = [{shot = 0}]", "exclude is 'shot'; allowed: shots"),
        ("seeds = [0, 1]", 'exclude = [{prompt = "closed"}]', "leave no condition"),
        ("seeds = [0, 1]", "seeds = [0", "not valid TOML"),
        ('["gold", "shuffled"]', '["other_task"]', "key 'other' is None; allowed: none"),
    ],
)  # fmt: skip
def test_wrong_key_or_value(
    write_study: Any, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write_study()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError, match=message):
        plan_study(path)
    result = CliRunner().invoke(app(), ["probe", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('item = "{question}"', "names {question}; fields of task 'words' there: choices, id, pro"),
        ('item = "{prompt} {target}"', "names {target}, which would show the answer"),
        ('item = "{prompt"', "write {{ for a brace"),
        ('item = "{prompt}"\nanswer = "x"', "needs one group"),
        ('item = "{prompt}"\ntarget = " x"', "names neither {target} nor {letter}"),
        ('item = "{prompt}"\nchoice = "{label}"', "names {label}; allowed: choice, letter"),
        ('item = "{prompt}"\ntarget = " {prompt}"', "names {prompt}; fields .* letter, target"),
    ],
)
def test_wrong_template(write_study: Any, template: str, message: str) -> None:
    path = write_study(f"[prompts.closed]\n{template}\n")
    with pytest.raises(StudyError, match=message):
        plan_study(path)


def test_letters_need_choices(write_study: Any, tmp_path: Path) -> None:
    rows = [{"id": str(i), "prompt": f"p{i}", "target": "x"} for i in range(4)]
    (tmp_path / "items.jsonl").write_text(lines(*rows))
    path = write_study('prompt = ["letter"]\n')
    with pytest.raises(StudyError, match=r"names {choices}, but an item has no choices"):
        plan_study(path)


def test_more_choices_than_letters(write_study: Any, tmp_path: Path) -> None:
    names = [str(number) for number in range(27)]
    rows = [{"id": n, "prompt": f"p{n}", "target": n, "choices": names} for n in names]
    (tmp_path / "items.jsonl").write_text(lines(*rows))
    path = write_study('prompt = ["letter"]\n')
    with pytest.raises(StudyError, match=r"item '\d+' has 27 choices, and format 'letter' has"):
        plan_study(path)
    path.write_text(path.read_text().replace('["letter"]', '["closed"]'))
    assert plan_study(path).cells


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n", "has no items"),
        ("{", "line 1: not valid JSON"),
        ("[]", r"line 1: .* found '\[\]'; an object with id, prompt and target is needed"),
        ("[" * 100_000, "line 1: nested too deeply"),
        ('{"id": "a", "target": "x", "target": "y"}', "line 1: 'target' is there twice"),
        ('{"id": "\\ud800"}', "line 1: .* half of a character"),
        (lines(ITEM, ITEM), "two items .* have the id 'a'"),
        (lines({**ITEM, "target": "z"}), "target 'z' is not among its choices: x, y"),
        (lines({**ITEM, "choices": ["x"]}), "at least two are needed"),
        (lines({**ITEM, "choices": ["x", "x"]}), "all different"),
        (lines({**ITEM, "choices": "x"}), "a list of texts"),
        (lines({**ITEM, "prompt": ""}), "key 'prompt' is ''"),
        (lines({**ITEM, "exposure": "seen"}), "'seen'; allowed: memorized, unseen, perturbed"),
        (lines({**ITEM, "distribution": "ood"}), "'ood'; allowed: in, out"),
        (lines({**ITEM, "dose": -1}), "key 'dose' is -1; a number of at least 0"),
    ],
)
def test_wrong_items(write_study: Any, tmp_path: Path, content: str, message: str) -> None:
    path = write_study()
    (tmp_path / "items.jsonl").write_text(content)
    with pytest.raises(StudyError, match=message):
        plan_study(path)


@pytest.mark.parametrize("kind", ["id", "text", "group"])
def test_an_item_among_its_own_demonstrations(write_study: Any, tmp_path: Path, kind: str) -> None:
    path = write_study()
    shown = [{"id": f"d{i}", "prompt": f"p{i}", "target": "x", "choices": ["x", "y"]}
             for i in range(3)]  # fmt: skip
    asked = [{**ITEM, "prompt": "other", "id": "e", "group": "g"}]
    if kind == "id":
        shown[1]["id"] = "e"
    elif kind == "text":
        asked[0]["prompt"] = "p1"
    else:
        shown[1]["group"] = "g"
    (tmp_path / "items.jsonl").write_text(lines(*asked))
    (tmp_path / "shown.jsonl").write_text(lines(*shown))
    path.write_text(
        path.read_text().replace(
            'items = "items.jsonl"', 'items = "items.jsonl"\ndemonstrations = "shown.jsonl"'
        )
    )
    with pytest.raises(StudyError, match=f"item 'e' is among its own demonstrations .same {kind}"):
        plan_study(path)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("tokenizer*", "has no tokenizer"),
        ("config.json", "has no config.json"),
        ("*.safetensors", "has no \\*.safetensors; other weights are not read"),
    ],
)
def test_model_without(
    write_study: Any, tmp_path: Path, model_folder: Any, pattern: str, message: str
) -> None:
    folder = without(tmp_path / "broken", model_folder("gpt_neox"), pattern)
    path = write_study()
    path.write_text(path.read_text().replace(str(model_folder("gpt_neox")), folder.name))
    with pytest.raises(StudyError, match=message):
        plan_study(path)


def test_missing_folder_is_no_hub_id(write_study: Any, tmp_path: Path, model_folder: Any) -> None:
    (tmp_path / "models").mkdir()
    path = write_study()
    path.write_text(path.read_text().replace(str(model_folder("gpt_neox")), "models/gone"))
    with pytest.raises(StudyError, match="path 'models/gone' is not a folder"):
        plan_study(path)


def test_neither_folder_nor_on_the_hub(write_study: Any, model_folder: Any) -> None:
    path = write_study()
    path.write_text(path.read_text().replace(str(model_folder("gpt_neox")), "nobody/gone"))
    with pytest.raises(StudyError, match="neither a folder beside the study nor a model that"):
        plan_study(path)


def test_a_metric_that_applies_nowhere(write_study: Any, tmp_path: Path) -> None:
    rows = [{"id": str(i), "prompt": f"p{i}", "target": "x"} for i in range(4)]
    (tmp_path / "items.jsonl").write_text(lines(*rows))
    with pytest.raises(StudyError, match="'choice_accuracy' applies to no task and condition"):
        plan_study(write_study())


def test_a_condition_without_a_metric(write_study: Any) -> None:
    path = write_study('reasoning = ["direct", "chain"]\n')
    path.write_text(path.read_text().replace('"exact_match", ', ""))
    with pytest.raises(StudyError, match=r"no metric applies .* add one such as exact_match"):
        plan_study(path)


def test_a_line_separator_within_a_text_ends_no_line(tmp_path: Path) -> None:
    """Unicode has ends of lines that JSON Lines has not; a byte order mark is no text either."""
    prompts = ["one\u2028two", "three\x85four", "five"]
    rows = [{"id": str(n), "prompt": one, "target": "x"} for n, one in enumerate(prompts)]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [item.prompt for item in read_items(path, "t")] == prompts


@pytest.mark.parametrize("key", ["memorization", "contamination"])
def test_probe_text_names_an_unknown_field(write_study: Any, key: str) -> None:
    path = write_study(f'[{key}]\ntext = "{{body}}"\n')
    with pytest.raises(StudyError, match=f"'{key}.text' names {{body}}"):
        plan_study(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.txt", b"one\ncaf\xe9\n", r"corpus\.txt', line 2: byte 0xe9 is not UTF-8"),
        ("corpus.jsonl", b'{"text": "a"}\n[1]\n', r"corpus\.jsonl', line 2: a JSON object"),
        ("corpus.jsonl", b"[" * 100_000, r"corpus\.jsonl', line 1: a JSON object"),
        ("corpus.jsonl", b'{"text": ' + b"1" * 10_000 + b"}", r"line 1: a JSON object"),
    ],
)
def test_a_corpus_that_cannot_be_read(write_study: Any, name: str, content: bytes, message: str):
    path = write_study(f'[overlap]\ncorpus = "{name}"\n')
    (path.parent / name).write_bytes(content)
    with pytest.raises(StudyError, match=message):
        plan_study(path)


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02" + b"\0" * 7 + b"[]"])
def test_weights_that_are_none_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "model.safetensors").write_bytes(content)
    with pytest.raises(StudyError, match=r"model\.safetensors' is no file of weights"):
        count_parameters(ModelSpec(path="one"), tmp_path)


def test_a_corpus_that_is_not_there(write_study: Any) -> None:
    with pytest.raises(StudyError, match=r"overlap corpus '.*gone.txt' cannot be read"):
        plan_study(write_study('[overlap]\ncorpus = "gone.txt"\n'))


def test_too_few_items_for_shards(write_study: Any) -> None:
    with pytest.raises(StudyError, match="9 items make no 6 shards"):
        plan_study(write_study("[contamination]\nshards = 6\n"))
