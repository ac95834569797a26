"""A study that needs no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake import SECONDS
from probed import contents

from confounds.probe import run_study

STUDY = """
name = "fake"
seeds = [0, 1]
metrics = ["exact_match", "choice_accuracy", "target_log_prob"]
[[models]]
path = "one"
family = "f"
backend = "fake:BACKEND"
[[models]]
path = "two"
family = "f"
backend = "fake:BACKEND"
[[tasks]]
name = "words"
items = "items.jsonl"
[conditions]
shots = [0, 1, 2]
demonstrations = ["gold", "shuffled"]
"""
CLUSTERS = ("test_ray.py", "test_slurm.py", "test_slurm_cluster.py")
COLOURS = ("red", "blue", "green", "yellow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name in CLUSTERS:
            item.add_marker(pytest.mark.engines)


@pytest.fixture
def write_study(tmp_path: Path) -> Any:
    """Writes `study.toml` beside 12 items, with parts of its text replaced."""

    def write(**replaced: str) -> Path:
        rows = [
            {"id": f"q{n}", "prompt": f"p{n}", "target": COLOURS[n % 4], "choices": COLOURS}
            for n in range(12)
        ]
        (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = STUDY
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a study locally, for comparison, and gives its contents."""

    def run(study: Path) -> dict[str, bytes]:
        monkeypatch.delenv(SECONDS, raising=False)
        run_study(study, tmp_path / "local")
        return contents(tmp_path / "local")

    return run
