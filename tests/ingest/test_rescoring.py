"""`confounds ingest --rescore`: linear metrics where log-probabilities are kept, else a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from result_files import MANIFEST, as_probed
from typer.testing import CliRunner

from confounds.cli import app
from confounds.errors import FormatError
from confounds.ingest import read_outcomes
from confounds.ingest._rescoring import choice_scores
from confounds.measures import DECLARED

DATE = "2026-01-01T00-00-00"
PLAIN = "task,metric,model,score,n\nt,accuracy,m,0.5,10\n"


def details(folder: Path, name: str) -> Path:
    """A file of lighteval with one item of two choices."""
    home = folder / f"details_org__{name}"
    home.mkdir()
    row = {
        "doc": {"choices": ["a", "b"], "gold_index": [1], "id": "0"},
        "metric": {"acc": 1.0},
        "model_response": {"logprobs": [-2.0, -1.0]},
    }
    path = home / f"details_t|0_{DATE}.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    return path


def test_the_command_adds_the_metrics(tmp_path):
    out = tmp_path / "out.csv"
    found = CliRunner().invoke(
        app, ["ingest", str(details(tmp_path, "m")), "--out", str(out), "--rescore", "--json"]
    )
    assert found.exit_code == 0, found.stderr
    metrics = json.loads(found.stdout)["outcomes"]["metrics"]
    assert set(metrics) == {"choice_accuracy", "choice_probability", "brier", "target_log_prob"}
    assert len(read_outcomes(out)) == 4


def test_what_cannot_be_rescored_is_an_error_with_the_reason(tmp_path):
    path, out = tmp_path / "t.csv", tmp_path / "out.parquet"
    path.write_text(PLAIN)
    found = CliRunner().invoke(app, ["ingest", str(path), "--out", str(out), "--rescore"])
    assert found.exit_code == 4
    assert "t.csv: nothing can be rescored: no log-probabilities of choices" in found.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_probed_folder_says_who_scores_it_anew(tmp_path):
    as_probed(tmp_path, MANIFEST)
    with pytest.raises(FormatError, match=r"scored anew by `confounds probe`; name the metrics"):
        read_outcomes(tmp_path, rescore=True)


def test_files_without_log_probabilities_are_read_and_named(tmp_path):
    details(tmp_path, "m")
    (tmp_path / "t.csv").write_text(PLAIN)
    outcomes = read_outcomes(tmp_path, rescore=True)
    assert {"accuracy", "brier"} <= set(outcomes.metrics)
    (note,) = [note for note in outcomes.notes if note.kind == "not_rescored"]
    assert note.where == ("t.csv",)


@given(
    log_prob=st.lists(st.floats(-500, 0), min_size=2, max_size=6),
    gold=st.integers(0, 5),
    shift=st.floats(-50, 0),
)
def test_scores_stay_in_range_and_ignore_what_all_choices_share(log_prob, gold, shift):
    gold %= len(log_prob)
    scores = choice_scores(np.array(log_prob), (gold,))
    for name, score in scores.items():
        assert DECLARED[name].lower <= score <= DECLARED[name].upper
    moved = choice_scores(np.array(log_prob) + shift, (gold,))
    for name in ("choice_probability", "brier"):
        assert moved[name] == pytest.approx(scores[name], abs=1e-9)
