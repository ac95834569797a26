"""A stored run answers again: other metrics, no model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from confounds.errors import ConfoundsError, InputError, ProbeError, StudyError
from confounds.ingest import read_outcomes
from confounds.probe import plan_study, run_study
from confounds.probe._limits import counted

METRICS = 'metrics = ["exact_match", "choice_accuracy", "target_log_prob"]'


@pytest.fixture
def stored(write_study: Any, tmp_path: Path) -> tuple[Path, str]:
    """A finished run in `first`, and the study that replays it."""
    path = write_study()
    run_study(path, tmp_path / "first")
    lines = path.read_text().splitlines()
    model = next(line for line in lines if line.startswith("path = "))
    text = "\n".join(lines).replace(model, 'path = "first"\nbackend = "replay"')
    return path, text


def test_the_same_numbers(stored: tuple[Path, str], tmp_path: Path) -> None:
    path, text = stored
    path.write_text(text)
    run_study(path, tmp_path / "again")
    one, two = (read_outcomes(tmp_path / name).frame for name in ("first", "again"))
    keys = ["metric", "shots", "demonstrations", "seed", "item"]
    drop = ["source"]
    one, two = (f.sort_values(keys, ignore_index=True).drop(columns=drop) for f in (one, two))
    assert one.equals(two)


def test_a_size_that_was_counted_is_known_again(write_study: Any, tmp_path: Path) -> None:
    path = write_study()
    text = path.read_text().replace("parameters = 5e4\n", "")
    path.write_text(text)
    run_study(path, tmp_path / "first")
    model = next(line for line in text.splitlines() if line.startswith("path = "))
    path.write_text(text.replace(model, 'path = "first"\nbackend = "replay"'))
    run_study(path, tmp_path / "again")
    one, two = (read_outcomes(tmp_path / name).frame["parameters"] for name in ("first", "again"))
    assert one.notna().all()
    assert set(one) == set(two)


def test_other_metrics_without_a_model_library(stored: tuple[Path, str], tmp_path: Path) -> None:
    path, text = stored
    path.write_text(text.replace(METRICS, 'metrics = ["brier", "token_accuracy"]'))
    code = (
        "import sys; from confounds.probe import run_study; run_study(*sys.argv[1:]); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    out = tmp_path / "rescored"
    subprocess.run([sys.executable, "-c", code, str(path), str(out)], check=True)
    assert read_outcomes(out).metrics == ("brier", "token_accuracy")


def test_what_was_not_asked_cannot_be_replayed(stored: tuple[Path, str], tmp_path: Path) -> None:
    path, text = stored
    path.write_text(text + '\n[prompts.closed]\nitem = "{prompt}"\n')
    with pytest.raises(ProbeError, match="no stored answer to the question that ends"):
        run_study(path, tmp_path / "again")


def test_a_model_that_is_not_stored(stored: tuple[Path, str]) -> None:
    path, text = stored
    path.write_text(text.replace('name = "tiny"\nfamily', 'name = "small"\nfamily'))
    with pytest.raises(StudyError, match=r"no stored cells of it; there are: tiny \(set 'name'\)"):
        plan_study(path)


def test_scores_alone_are_not_enough(write_study: Any, tmp_path: Path) -> None:
    path = write_study()
    text = 'store = "scores"\n' + path.read_text()
    path.write_text(text)
    run_study(path, tmp_path / "first")
    assert read_outcomes(tmp_path / "first").metrics[0] == "choice_accuracy"
    model = next(line for line in text.splitlines() if line.startswith("path = "))
    path.write_text(text.replace(model, 'path = "first"\nbackend = "replay"'))
    with pytest.raises(ProbeError, match="tokens are needed"):
        run_study(path, tmp_path / "again")


def test_of_two_versions_of_a_model_the_one_that_is_planned_answers(
    stored: tuple[Path, str], tmp_path: Path
) -> None:
    """Answers in half precision were mixed with those of the run that came after it."""
    path, text = stored
    half = path.read_text().replace("[[models]]\n", '[[models]]\ndtype = "bfloat16"\n')
    whole = path.read_text()
    path.write_text(half)
    run_study(path, tmp_path / "first")
    run_study(path, tmp_path / "half")
    path.write_text(text)
    run_study(path, tmp_path / "again")
    wanted = read_outcomes(tmp_path / "half").select(metric="target_log_prob").frame["score"]
    found = read_outcomes(tmp_path / "again").select(metric="target_log_prob").frame["score"]
    assert sorted(found) == sorted(wanted)
    manifest = tmp_path / "first" / "manifest.json"
    manifest.write_text('{"cells": [')
    with pytest.raises(ConfoundsError, match=r"manifest\.json: not the JSON that was written here"):
        run_study(path, tmp_path / "neither")
    manifest.unlink()
    with pytest.raises(ProbeError, match="holds cells of several versions of model"):
        run_study(path, tmp_path / "neither")
    path.write_text(whole)
    run_study(path, tmp_path / "first")
    path.write_text(text)
    run_study(path, tmp_path / "neither")
    found = read_outcomes(tmp_path / "neither").select(metric="target_log_prob").frame["score"]
    assert sorted(found) != sorted(wanted)


def test_a_damaged_file_of_the_run_is_named(stored: tuple[Path, str], tmp_path: Path) -> None:
    path, text = stored
    path.write_text(text)
    damaged = next((tmp_path / "first").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(ConfoundsError, match=rf"{damaged.name}: not the cell that was written"):
        run_study(path, tmp_path / "again")
    record = tmp_path / "tiny.json"
    record.write_text("[]")
    with pytest.raises(InputError, match=r"tiny\.json: not the JSON that was written here"):
        counted(record)
