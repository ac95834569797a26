"""What readers make of the names of models."""

from __future__ import annotations

from pathlib import Path

import pytest
from lm_eval_files import new, write

from confounds import read_outcomes
from confounds.ingest._rows import model_of


@pytest.mark.parametrize(
    ("name", "revision", "expected"),
    [
        ("EleutherAI/pythia-70m", None, ("EleutherAI/pythia-70m", None)),
        ("EleutherAI/pythia-70m", "step1000", ("EleutherAI/pythia-70m", 1000)),
        ("org/final", None, ("org/final", None)),
        ("/scratch/ours-3b", None, ("ours-3b", None)),
        ("./ours-3b/", "main", ("ours-3b", None)),
        (r"C:\models\ours-3b", None, ("ours-3b", None)),
        ("/scratch/ours-3b/final", None, ("ours-3b", None)),
        ("/scratch/ours-3b/checkpoint-5000", None, ("ours-3b", 5000)),
        ("~/ours-3b/checkpoints/global_step5000/hf", None, ("ours-3b", 5000)),
        ("/scratch/ours-3b/hf_model", "step7", ("ours-3b", 7)),
        ("/scratch/ours-3b/step-10b", None, ("step-10b", None)),
        ("./final", None, ("final", None)),
        ("/", None, ("/", None)),
        ("~/hub/models--org--tiny-a/snapshots/0a1b2c", None, ("org/tiny-a", None)),
        ("/hub/models--gpt2/snapshots/0a1b2c", None, ("gpt2", None)),
        ("models--org--tiny-a/snapshots/0a1b2c", None, ("org/tiny-a", None)),
    ],
)
def test_a_path_names_the_model_and_not_its_save(name, revision, expected):
    assert model_of(name, revision) == expected


def test_runs_saved_in_folders_of_one_name_are_two_models(tmp_path: Path) -> None:
    for name in ("small/final", "large/final", "large/checkpoint-500"):
        document = new({"t": {"acc,none": 0.5}})
        document["config"]["model_args"] = f"pretrained=/scratch/{name},dtype=bfloat16"
        write(tmp_path / name / "results.json", document)
    frame = read_outcomes(tmp_path).frame
    found = sorted(zip(frame["model"], frame["checkpoint"].fillna(-1), strict=True))
    assert found == [("large", -1), ("large", 500), ("small", -1)]
