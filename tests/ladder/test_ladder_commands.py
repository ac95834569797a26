"""`confounds ladder` and what `confounds demo` says when it cannot."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from confounds.cli import app

RUNNER = CliRunner()


def test_card_prints_the_card_and_as_a_document_every_model() -> None:
    shown = RUNNER.invoke(app, ["ladder", "card"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("# The ladder")
    document = json.loads(RUNNER.invoke(app, ["ladder", "card", "--json"]).stdout)
    assert {"slim-6-s0", "broad-48-s2"} <= {model["name"] for model in document["models"]}


def test_train_takes_names_and_steps(tmp_path: Path) -> None:
    done = RUNNER.invoke(
        app,
        ["ladder", "train", "--out", str(tmp_path), "--model", "slim-6-s1", "--steps", "2"],
    )
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "slim-6-s1" / "model.safetensors").is_file()
    wrong = RUNNER.invoke(app, ["ladder", "train", "--out", str(tmp_path), "--model", "giant"])
    assert wrong.exit_code == 2
    assert "'giant'; there are: slim-6-s0" in wrong.stderr
    large = ["ladder", "train", "--large", "--out", str(tmp_path), "--model", "giant"]
    assert "'giant'; there are: llama-64-s0" in RUNNER.invoke(app, large).stderr


@pytest.mark.parametrize("arguments", [["demo"], ["ladder", "train", "--out", "x"]])
def test_without_torch_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    done = RUNNER.invoke(app, arguments)
    assert done.exit_code == 2
    assert "emergence-confounds[probe]" in done.stderr
