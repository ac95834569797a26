"""Folders of more than 500 MB are averaged file by file: the same cells, and the same refusals."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from confounds.errors import OutcomesError
from confounds.ingest import _large, read_outcomes

DATE = "2026-01-02T03-04-05.678901"


def write_run(folder, model: str, right: list[bool]) -> None:
    folder.mkdir(parents=True)
    rows = [
        {
            "doc_id": number,
            "target": "0",
            "arguments": [["?", " yes"], ["?", " no"]],
            "filtered_resps": [["-1.0", "False"], ["-0.5" if not one else "-2.0", "False"]],
            "filter": "none",
            "metrics": ["acc"],
            "acc": float(one),
        }
        for number, one in enumerate(right)
    ]
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / f"samples_quiz_{DATE}.jsonl").write_text(text)
    document = {
        "results": {"quiz": {"acc,none": sum(right) / len(right)}, "other": {"acc,none": 0.5}},
        "configs": {"quiz": {"output_type": "multiple_choice"}},
        "n-samples": {"other": {"original": 10, "effective": 10}},
        "config": {"model": "hf", "model_args": {"pretrained": model}},
    }
    (folder / f"results_{DATE}.json").write_text(json.dumps(document))


@pytest.fixture
def folder(tmp_path):
    write_run(tmp_path / "a", "EleutherAI/pythia-70m", [True, False, False, True])
    write_run(tmp_path / "b", "EleutherAI/pythia-160m", [True, True, False, True])
    return tmp_path


def test_a_large_folder_has_the_cells_that_its_items_have(folder, monkeypatch):
    by_item = read_outcomes(folder)
    monkeypatch.setattr(_large, "MANY_BYTES", 0)
    averaged = read_outcomes(folder)
    assert averaged.frame["item"].isna().all()
    assert len(averaged) < len(by_item)
    dropped = ["rows"]
    pd.testing.assert_frame_equal(
        averaged.cells().drop(columns=dropped), by_item.cells().drop(columns=dropped)
    )
    (note,) = (one for one in averaged.notes if one.kind == "streamed")
    assert note.count == int(by_item.frame["item"].notna().sum())
    assert set(averaged.frame["source"]) == {f"{one}/results_{DATE}.json" for one in "ab"}


def test_a_score_outside_its_range_is_refused_before_it_is_averaged(folder, monkeypatch):
    monkeypatch.setattr(_large, "MANY_BYTES", 0)
    header, rows = "task,metric,model,score,n,item", ("0,1,i1", "40,1,i2")
    lines = [header, *(f"quiz,accuracy,m,{row}" for row in rows)]
    (folder / "more.csv").write_text("\n".join(lines))
    with pytest.raises(OutcomesError, match=r"more.csv.*outside \[0, 1\].*40"):
        read_outcomes(folder)


def test_only_what_is_read_makes_a_folder_large(folder, monkeypatch):
    """Weights that lie beside results took their items away."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / "model.safetensors").write_bytes(bytes(size))
    monkeypatch.setattr(_large, "MANY_BYTES", size)
    assert read_outcomes(folder).frame["item"].notna().any()
    monkeypatch.setattr(_large, "MANY_BYTES", size - 1)
    assert not read_outcomes(folder).frame["item"].notna().any()
