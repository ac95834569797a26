"""Code that comes with a model never runs, and nothing in a study can ask for it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from confounds.errors import StudyError
from confounds.study import Study

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
name = "s"
seeds = [0]
metrics = ["exact_match"]
{top}
[[models]]
path = "m"
parameters = 1e6
{model}
[[tasks]]
name = "t"
items = "items.jsonl"
[conditions]
shots = [0]
prompt = ["p"]
[prompts.p]
item = "{{prompt}}"
target = " {{target}}"
separator = "\\n\\n"
"""


@pytest.mark.parametrize("place", ["top", "model"])
@pytest.mark.parametrize("key", ["trust_remote_code", "auto_map", "use_safetensors"])
def test_a_study_cannot_ask_for_it(tmp_path, place, key):
    (tmp_path / "items.jsonl").write_text('{"id": "1", "prompt": "a", "target": "b"}\n')
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(**{"top": "", "model": "", place: f"{key} = true"}))
    with pytest.raises(StudyError, match=key):
        Study.read(path)


def test_every_loader_is_told_not_to():
    """Each `from_pretrained`, of users' models and of the ladder's, has it off."""
    seen = set()
    for path in (ROOT / "confounds").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and node.value == "trust_remote_code":
                assert '"trust_remote_code": False' in source, path
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                assert ast.unparse(node.value) == "False", path
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("from_pretrained"):
                seen.add(path.parent.name)
                told = ast.unparse(node)
                assert "trust_remote_code=False" in told or "**" in told or "save" in told, path
    assert seen == {"probe", "ladder"}


@pytest.mark.probe
def test_a_model_that_brings_code_is_refused_and_its_code_does_not_run(tmp_path):
    from confounds.probe._questions import OpenSettings
    from confounds.probe.huggingface import BACKEND
    from confounds.study import ModelSpec

    mark = tmp_path / "mark"
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass C: pass\n")
    auto = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C", "AutoTokenizer": "evil.C"}
    config = {"model_type": "evil", "architectures": ["C"], "auto_map": auto}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": auto}))
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(Exception, match=r"trust_remote_code|evil"):
        BACKEND.open(ModelSpec(path=str(folder)), tmp_path, OpenSettings())
    assert not mark.exists()
