from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from confounds.errors import FormatError
from confounds.ingest import read_outcomes
from confounds.ingest.on_emergence import FORMAT
from confounds.quality import inspect_outcomes

SCORES = Path(__file__).resolve().parents[2] / "../shared/data/on-emergence/evaluation_scores.csv"

HEADER = (
    "run_id,filename,number_of_data,model,prompt_type,number_of_shots,seed,"
    "exact_match_accuracy,exact_match_f1,bert_score_accuracy,bert_score_f1,edit_distance,"
    "single_bert_score"
)
LINE = "r1,strategyqa/task.json,2285,davinci,closed,5,None,0.6,0.5,0.7,0.6,12.5,0.9"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    return path


def test_one_run_becomes_a_row_per_metric(tmp_path):
    outcomes = read_outcomes(write(tmp_path / "scores.csv", LINE))
    assert dict(zip(outcomes.frame["metric"], outcomes.frame["score"], strict=True)) == {
        "exact_match": 0.6,
        "bert_score_accuracy": 0.7,
        "macro_f1": 0.6,
        "exact_match_macro_f1": 0.5,
        "edit_distance": 12.5,
        "bert_score": 0.9,
    }
    row = outcomes.select(metric="exact_match").frame.iloc[0]
    assert (row["task"], row["n"], row["shots"], row["tuning"]) == ("strategyqa", 2285, 5, "base")
    assert (row["parameters"], row["family"], row["chance"]) == (175e9, "gpt-3", 0.5)
    assert row["source"] == "scores.csv:2"
    assert row["seed"] != row["seed"]


def test_lines_are_those_of_an_editor(tmp_path):
    path = write(tmp_path / "scores.csv", "", LINE.replace("closed", '"of\ntwo lines"'), LINE)
    assert set(read_outcomes(path).frame["source"]) == {"scores.csv:3", "scores.csv:5"}
    write(path, "", LINE.replace("2285", "many"))
    with pytest.raises(FormatError, match=r"scores\.csv:3: number_of_data is 'many'"):
        read_outcomes(path)


def test_missing_code_reaches_no_score(tmp_path):
    outcomes = read_outcomes(
        write(
            tmp_path / "scores.csv",
            LINE,
            LINE.replace("r1", "r2").replace(",0.7,0.6", ",-100,-100"),
        )
    )
    assert len(outcomes.select(metric="bert_score_accuracy")) == 1
    assert outcomes.frame["score"].min() > 0
    codes = [note for note in outcomes.notes if note.kind == "missing_code"]
    assert [note.count for note in codes] == [1, 1]


def test_guesser_needs_the_options(tmp_path):
    outcomes = read_outcomes(write(tmp_path / "scores.csv", LINE.replace("closed", "open")))
    assert np.isnan(outcomes.select(metric="exact_match").frame["chance"].iloc[0])
    assert outcomes.select(metric="bert_score_accuracy").frame["chance"].iloc[0] == 0.5


def test_number_that_is_none_names_its_line(tmp_path):
    path = write(tmp_path / "scores.csv", LINE, LINE.replace("2285", "many"))
    with pytest.raises(FormatError, match=r"scores.csv:3: number_of_data is 'many'"):
        read_outcomes(path)


def test_recognised_by_its_columns(tmp_path):
    assert FORMAT.recognises(write(tmp_path / "a.csv", LINE))
    (tmp_path / "b.csv").write_text("run_id,filename\n")
    assert not FORMAT.recognises(tmp_path / "b.csv")


def test_named_format_says_which_column_is_missing(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("run_id,filename\nr1,a/b\n")
    with pytest.raises(FormatError, match="column 'number_of_data' is missing"):
        read_outcomes(path, format="on_emergence")


@pytest.fixture(scope="module")
def outcomes():
    return read_outcomes(SCORES)


@pytest.fixture(scope="module")
def findings(outcomes):
    return {finding.kind: finding for finding in inspect_outcomes(outcomes)}


@pytest.mark.skipif(not SCORES.is_file(), reason="the published scores are not here")
class TestPublished:
    def test_first_reference_value(self, outcomes, findings):
        """5,055 rows, 3 duplicates, 5,052 runs, 23 tasks, 24 models; no -100 in any mean."""
        assert findings["duplicate_rows"].count == 3
        assert outcomes.frame["run"].nunique() == 5052
        assert len(outcomes.tasks) == 23
        assert len(outcomes.models) == 24
        scores = outcomes.select(metric="bert_score_accuracy").frame["score"]
        assert scores.mean() == pytest.approx(0.352, abs=0.001)
        assert outcomes.frame["score"].min() >= 0

    def test_third_reference_value(self, outcomes):
        cells = outcomes.select(
            "hindu_knowledge", model="davinci", shots=0, prompt="closed"
        ).cells()
        score = cells.set_index("metric")["score"]
        assert score["bert_score_accuracy"] == pytest.approx(0.547, abs=0.001)
        assert score["exact_match"] == pytest.approx(0.518, abs=0.001)
        assert set(cells["n"]) == {170}

    def test_fourth_reference_value(self, outcomes):
        """davinci's 5-shot analytic_entailment is the majority class, flagged as constant."""
        davinci = outcomes.select("analytic_entailment", model="davinci", shots=5, prompt="closed")
        score = davinci.cells().set_index("metric")["score"]
        assert score["bert_score_accuracy"] == pytest.approx(0.5692, abs=0.0001)
        assert score["macro_f1"] == pytest.approx(0.363, abs=0.001)
        majority = davinci.select(metric="bert_score_accuracy").cells()["majority"]
        assert majority.tolist() == pytest.approx([0.5692], abs=0.0001)
        (flag,) = [one for one in inspect_outcomes(davinci) if one.kind == "constant_answer"]
        assert flag.where == (
            "analytic_entailment bert_score_accuracy (1)",
            "analytic_entailment exact_match (1)",
        )

    def test_fifth_reference_value_as_a_mean(self, outcomes):
        """davinci - gpt-j, few-shot minus zero-shot, over the 22 tasks: +.057."""
        exact = ("gsm8k", "codenames", "modified_arithmetic")
        gains = []
        for task in outcomes.tasks:
            if task == "international_phonetic_alphabet_transliterate":
                continue
            metric = "exact_match" if task in exact else "bert_score_accuracy"
            cells = outcomes.select(task, metric, prompt="closed").cells()
            few = cells["shots"] > 0
            score = cells["score"].groupby([cells["model"], few]).mean()
            large, small = score["davinci"], score["EleutherAI/gpt-j-6b"]
            gains.append((large[True] - small[True]) - (large[False] - small[False]))
        assert len(gains) == 22
        assert np.mean(gains) == pytest.approx(0.057, abs=0.005)

    def test_what_check_reports(self, findings):
        assert findings["unknown_size"].where == ("code", "gpt-4")
        assert findings["differing_n"].where == (
            "logical_deduction: 295 and 300",
            "tracking_shuffled_objects: 745 and 750",
        )
        assert findings["differing_shots"].where == (
            "causal_judgment: 0 and 2",
            "strange_stories: 0 and 4",
        )
        assert findings["pseudo_replication"].count == 387
        assert findings["scoring_failure"].count == 384
        assert findings["constant_answer"].count == 318
        assert findings["missing_code"].count > 1000

    def test_every_model_but_two_has_its_size(self, outcomes):
        sizes = outcomes.frame.groupby("model")["parameters"].first()
        assert sizes[sizes.isna()].index.tolist() == ["code", "gpt-4"]
        assert outcomes.frame["tokens"].isna().all()
