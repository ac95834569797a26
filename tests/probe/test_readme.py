"""The study that the README shows can be planned, asked and audited as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from completions import Completions, serving

from confounds.ingest import read_outcomes
from confounds.probe import read_logits, run_study
from confounds.study import Study

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Putting questions to models")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL)


def test_the_study_of_the_readme(write_study: Any, tmp_path: Path, model_folder: Any) -> None:
    pytest.importorskip("torch")
    write_study()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny-a").symlink_to(model_folder("llama"))
    text = BLOCKS[0].replace("seeds = [0, 1]", 'seeds = [0]\nstore = "logits"')
    path = tmp_path / "study.toml"
    path.write_text(text.replace("shots = [0, 5]", "shots = [0, 2]"))
    run = run_study(path, tmp_path / "first")
    assert run.done == 2 * (1 + 2)
    outcomes = read_outcomes(tmp_path / "first")
    assert set(outcomes.frame["prompt"]) == {"closed", "letter"}
    cell = next((tmp_path / "first").glob("cells/model=tiny-a/task=words/*.parquet"))
    item = str(outcomes.frame["item"].iloc[0])
    assert len(read_logits(cell, item)) == 4


def test_its_keys_are_keys_of_a_study() -> None:
    rows = re.findall(r"^\| `\[?(\w+)", SECTION, re.MULTILINE)
    assert len(rows) == 7
    assert set(rows) <= set(Study.model_fields)


def test_the_server_of_the_readme(
    write_study: Any, tmp_path: Path, model_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert len(BLOCKS) == 2
    write_study()
    folder = model_folder("llama")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    monkeypatch.setenv("VLLM_API_KEY", "none")
    study = BLOCKS[0].replace("seeds = [0, 1]", "seeds = [0]").replace("[0, 5]", "[0]")
    start, stop = study.index("[[models]]"), study.index("[[tasks]]")
    with serving(Completions(model, AutoTokenizer.from_pretrained(folder))) as url:
        server = BLOCKS[1].replace("http://localhost:8000/v1", url)
        server = server.replace('tokenizer = "Qwen/Qwen3-0.6B"', f'tokenizer = "{folder}"')
        server = server.replace("requests_per_minute = 600", "requests_per_minute = 60000")
        path = tmp_path / "study.toml"
        path.write_text(f"{study[:start]}{server}\n{study[stop:]}")
        run = run_study(path, tmp_path / "served")
    assert (run.done, run.notes) == (2, [])
    assert read_outcomes(tmp_path / "served").models == ("Qwen3-0.6B",)
