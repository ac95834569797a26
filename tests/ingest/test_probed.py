"""A probed folder is a table, with what is not there said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from confounds.errors import FormatError
from confounds.ingest import _parquet, probed, read_outcomes
from confounds.ingest.probed import FORMAT

MEASURES = {
    name: {"kind": "discontinuous", "lower": "0.0", "upper": "1.0", "higher_is_better": True,
           "chance": chance, "summary": ""}
    for name, chance in (("choice_accuracy", "uniform"), ("exact_match", "zero"),
                         ("my_rate", "none"))
}  # fmt: skip
PLACE = "cells/model=m/task=t/aa.parquet"
CONDITION = {"shots": 5, "demonstrations": "gold", "reasoning": "direct", "prompt": "closed+chat"}


def manifest(place: str) -> dict[str, Any]:
    facts = dict.fromkeys(("family", "compute", "checkpoint", "tuning", "adaptation"))
    rest = {"model": "m", "task": "t", "kind": "condition", "seed": 3, "condition": CONDITION}
    return {
        "confounds_probe": 1,
        "study": "s",
        "models": {"m": {**facts, "family": "f", "parameters": 1e6, "tokens": 1e9}},
        "cells": [
            {**rest, "file": place},
            {**rest, "file": "cells/model=m/task=t/bb.parquet", "seed": 4},
            {**rest, "file": "cells/model=m/task=t/cc.parquet", "seed": 5},
        ],
    }


def write_folder(folder: Path) -> Path:
    """One cell of three items, one planned cell that failed, one that was not run."""
    table = pa.table(
        {
            "item": ["a", "b", "c"],
            "exposure": ["memorized", None, "unseen"],
            "dose": [2.0, None, 0.0],
            "distribution": ["in", "in", None],
            "choices": pa.array([4, 2, 0], pa.int32()),
            "score:choice_accuracy": [1.0, 0.0, None],
            "score:exact_match": [0.0, 1.0, 1.0],
            "score:my_rate": [0.25, 0.5, 0.75],
            "truncated": [True, False, False],
            "ids": [[1], [2], [3]],
        },
        metadata={
            "confounds.digest": "aa",
            "confounds.baselines": json.dumps({"choice_accuracy": 0.4}),
            "confounds.measures": json.dumps(MEASURES),
        },
    )
    (folder / PLACE).parent.mkdir(parents=True)
    pq.write_table(table, folder / PLACE)
    (folder / "manifest.json").write_text(json.dumps(manifest(PLACE)))
    (folder / "failures").mkdir()
    (folder / "failures" / "bb.json").write_text(json.dumps({"reason": "OSError: gone"}))
    return folder


def test_rows(tmp_path: Path) -> None:
    frame = read_outcomes(write_folder(tmp_path)).frame
    assert len(frame) == 2 + 3 + 3
    row = frame[(frame["metric"] == "choice_accuracy") & (frame["item"] == "a")].iloc[0]
    wanted = {
        "score": 1.0, "n": 1, "chance": 0.25, "chance_source": "uniform", "majority": 0.4,
        "family": "f", "parameters": 1e6, "tokens": 1e9, "compute": 6e15, "seed": 3,
        "exposure": "memorized", "dose": 2.0, "distribution": "in", "run": "s", **CONDITION,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    exact = frame[frame["metric"] == "exact_match"]
    assert exact["chance"].tolist() == [0.0] * 3
    assert exact["majority"].isna().all()
    assert frame[frame["metric"] == "my_rate"]["chance"].isna().all()
    assert {str(kind) for kind in frame.dtypes} <= {"object", "float64", "int64"}


def test_what_is_missing_or_cut_is_said(tmp_path: Path) -> None:
    notes = {note.message: note for note in read_outcomes(write_folder(tmp_path)).notes}
    failed = notes["planned cells are not there: OSError: gone"]
    assert (failed.kind, failed.count, failed.where) == ("missing_cells", 1, ("m t",))
    assert "planned cells are not there: not run yet" in notes
    cut = next(note for note in notes.values() if note.kind == "truncated_contexts")
    assert cut.count == 1


def test_measures_come_along(tmp_path: Path) -> None:
    measure = read_outcomes(write_folder(tmp_path)).measures["my_rate"]
    assert (measure.chance, measure.upper) == ("none", 1.0)


def test_other_manifests_are_not_recognised(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{"study": "x"}')
    assert not FORMAT.recognises(path)
    assert FORMAT.recognises(write_folder(tmp_path / "a") / "manifest.json")


def test_a_cut_cell_is_an_error_that_says_the_way_out(tmp_path: Path) -> None:
    cell = next(write_folder(tmp_path).rglob("*.parquet"))
    cell.write_bytes(cell.read_bytes()[:100])
    with pytest.raises(FormatError, match=r"aa.parquet: cannot be read .*probe` again"):
        read_outcomes(tmp_path)


def test_nothing_run_yet(tmp_path: Path) -> None:
    next(write_folder(tmp_path).rglob("*.parquet")).unlink()
    with pytest.raises(FormatError, match="none of 3 planned cells is there"):
        read_outcomes(tmp_path)


def test_scores_are_not_changed(tmp_path: Path) -> None:
    frame = read_outcomes(write_folder(tmp_path)).select(metric="my_rate").frame
    np.testing.assert_array_equal(frame["score"], [0.25, 0.5, 0.75])


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def say_of_model(folder: Path, name: str, told: str) -> None:
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / f"{name}.json").write_text(told)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("score:my_rate", ["a", "b", "c"], "is of type string; it must hold numbers"),
        ("choices", [[1], [2], [3]], "is of type list<.*; it must hold numbers"),
        ("item", [[1], [2], [3]], "is of type list<.*; it must hold texts"),
        ("exposure", [1, 2, 3], "is of type int64; it must hold texts"),
        ("truncated", ["a", "b", "c"], "is of type string; it must hold true or false"),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path, name, values, message) -> None:
    cell = next(write_folder(tmp_path).rglob("*.parquet"))
    table = pq.read_table(cell, partitioning=None)
    pq.write_table(table.drop_columns([name]).append_column(name, pa.array(values)), cell)
    with pytest.raises(FormatError, match=rf"aa\.parquet: column '{name}' {message}"):
        read_outcomes(tmp_path)


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    cell = next(write_folder(tmp_path).rglob("*.parquet"))
    table = pq.read_table(cell, partitioning=None)
    pq.write_table(table.append_column("score:my_rate", pa.array([0.0, 0.0, 0.0])), cell)
    with pytest.raises(FormatError, match="column 'score:my_rate' is there twice"):
        read_outcomes(tmp_path)


def test_unknown_truncation_is_none(tmp_path: Path) -> None:
    cell = next(write_folder(tmp_path).rglob("*.parquet"))
    table = pq.read_table(cell, partitioning=None).drop_columns(["truncated"])
    pq.write_table(table.append_column("truncated", pa.array([None, True, True])), cell)
    (note,) = (one for one in read_outcomes(tmp_path).notes if one.kind == "truncated_contexts")
    assert note.count == 2


def test_models_that_only_write_are_named_each(tmp_path: Path) -> None:
    """Of two models with one reason, the letters of their names were listed."""
    models = manifest("")["models"]
    change_manifest(write_folder(tmp_path), models={**models, "other": models["m"]})
    for name in ("m", "other"):
        say_of_model(tmp_path, name, '{"scores": false, "limits": "no echo"}')
    (note,) = (one for one in read_outcomes(tmp_path).notes if one.kind == "unavailable_metrics")
    assert (note.count, note.where) == (2, ("m", "other"))


def test_what_a_model_gave_is_refused_with_its_file_where_it_cannot_be_read(tmp_path) -> None:
    say_of_model(write_folder(tmp_path), "m", '{"scores": fal')
    with pytest.raises(FormatError, match=r"models/m\.json: not valid JSON"):
        read_outcomes(tmp_path)


def test_the_name_of_a_model_is_no_path(tmp_path: Path) -> None:
    models = manifest("")["models"]
    change_manifest(write_folder(tmp_path), models={**models, "../other": models["m"]})
    with pytest.raises(FormatError, match=r"manifest\.json: models: '\.\./other' is no name"):
        read_outcomes(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "loss"}, r"aa\.parquet: has no scores of single items of 'loss'"),
        ({"memorized": "beside"}, "'memorized' is 'beside'; allowed: above, below"),
    ],
)
def test_a_rule_of_exposure_that_cannot_be_followed_is_refused(tmp_path, change, message) -> None:
    rule = {"measure": "my_rate", "memorized": "above", "threshold": 0.4}
    cells = [{**one, "kind": "memorization"} for one in manifest(PLACE)["cells"]]
    change_manifest(write_folder(tmp_path), exposure=rule, cells=cells)
    frame = read_outcomes(tmp_path).select(metric="my_rate").frame
    assert frame["exposure"].tolist() == ["memorized", "memorized", "unseen"]
    change_manifest(tmp_path, exposure={**rule, **change})
    with pytest.raises(FormatError, match=message):
        read_outcomes(tmp_path)


def test_the_mark_is_found_in_a_manifest_of_any_length(tmp_path, monkeypatch) -> None:
    path = write_folder(tmp_path) / "manifest.json"
    for block in (1, 7, 20):
        monkeypatch.setattr(probed, "_BLOCK", block)
        assert FORMAT.recognises(path)


def test_a_cell_that_would_fill_memory_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_parquet, "LARGEST", 100)
    with pytest.raises(FormatError, match=r"aa\.parquet: unpacks to \d+ bytes; at most 100"):
        read_outcomes(write_folder(tmp_path))
