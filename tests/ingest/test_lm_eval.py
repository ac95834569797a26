from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lm_eval_files import DATE, new, old, sample, write, write_samples

from confounds.errors import FormatError
from confounds.ingest import _json, read_outcomes
from confounds.ingest._items import items_from_error
from confounds.ingest._lm_eval_samples import Sample, majority_share
from confounds.ingest._rescoring import choice_scores
from confounds.ingest.lm_eval import FORMAT

PYTHIA = Path(__file__).resolve().parents[2] / "../shared/data/pythia-evals"


class TestOldResults:
    def test_condition_and_size_come_from_the_file_and_the_models_table(self, tmp_path):
        outcomes = read_outcomes(write(tmp_path / "70m_step1000.json", old()))
        row = outcomes.frame.iloc[0]
        assert row["model"] == "EleutherAI/pythia-v1.1-70m"
        assert row["checkpoint"] == 1000
        assert row["shots"] == 5
        assert row["family"] == "pythia"
        assert row["parameters"] == 70_426_624
        assert row["tokens"] == 1000 * 2_097_152
        assert row["chance"] == 0.5
        assert row["n"] == 100

    def test_tokens_of_a_checkpoint_follow_the_batch_size(self, tmp_path):
        arguments = "pretrained=EleutherAI/pythia-v1.1-1b-0.5MtokBS,revision=step12000"
        path = write(tmp_path / "one.json", old(model_args=arguments))
        row = read_outcomes(path).frame.iloc[0]
        assert row["tokens"] == 12000 * 524_288

    def test_untrained_checkpoint_has_no_tokens_and_is_noted(self, tmp_path):
        arguments = "pretrained=EleutherAI/pythia-v1.1-70m,revision=step0"
        outcomes = read_outcomes(write(tmp_path / "one.json", old(model_args=arguments)))
        assert outcomes.frame["checkpoint"].iloc[0] == 0
        assert np.isnan(outcomes.frame["tokens"].iloc[0])
        assert "untrained_checkpoint" in {note.kind for note in outcomes.notes}

    def test_items_of_a_perfect_score_come_from_other_files_of_the_task(self, tmp_path):
        write(tmp_path / "a.json", old(0.25))
        document = old(0.25, model_args="pretrained=gpt2")
        document["results"]["wsc"] = {"acc": 0.0, "acc_stderr": 0.0}
        write(tmp_path / "b.json", document)
        outcomes = read_outcomes(tmp_path)
        assert outcomes.frame["n"].tolist() == [100, 100]

    def test_score_without_items_is_left_out_and_noted(self, tmp_path):
        document = old()
        document["results"] = {
            "novel": {"acc": 0.25, "acc_stderr": "N/A"},
            "wsc": {"acc": 0.5, "acc_stderr": None},
        }
        outcomes = read_outcomes(write(tmp_path / "one.json", document))
        assert outcomes.tasks == ("wsc",)
        assert outcomes.frame["n"].iloc[0] == 104
        (lost,) = [note for note in outcomes.notes if note.kind == "unknown_items"]
        assert lost.where == ("novel",)

    def test_model_without_known_size_is_kept(self, tmp_path):
        path = write(tmp_path / "one.json", old(model_args="pretrained=nobody/novel-7b"))
        row = read_outcomes(path).frame.iloc[0]
        assert row["model"] == "nobody/novel-7b"
        assert np.isnan(row["parameters"])
        assert row["family"] == "nobody/novel-7b"

    def test_metric_that_nobody_declares_is_left_out_and_noted(self, tmp_path):
        document = old()
        document["results"]["wsc"]["novel_metric"] = 3.0
        outcomes = read_outcomes(write(tmp_path / "one.json", document))
        assert outcomes.metrics == ("choice_accuracy",)
        (unknown,) = [note for note in outcomes.notes if note.kind == "unknown_metrics"]
        assert unknown.where == ("novel_metric",)

    def test_map_can_declare_that_metric(self, tmp_path):
        document = old()
        document["results"]["wsc"]["novel_metric"] = 3.0
        path = write(tmp_path / "one.json", document)
        mapping = tmp_path / "map.toml"
        mapping.write_text('[metrics.novel_metric]\nkind = "linear"\nrange = [0, 10]\n')
        outcomes = read_outcomes(path, map=mapping)
        assert outcomes.metrics == ("choice_accuracy", "novel_metric")


class TestNewResults:
    def test_traps_of_type_and_groups(self, tmp_path):
        table = {
            "name": "a",
            "alias": " - a",
            "sample_len": 4,
            "acc,none": "0.5",
            "acc_stderr,none": "N/A",
        }
        results = {"a": table, "b": {**table, "acc,none": 0.25}, "both": {"acc,none": 0.375}}
        document = new(results, group_subtasks={"both": ["a", "b"], "a": []}, chat_template=None)
        outcomes = read_outcomes(write(tmp_path / f"results_{DATE}.json", document))
        assert outcomes.frame["score"].tolist() == [0.5, 0.25]
        assert outcomes.frame["n"].tolist() == [4, 4]
        assert set(outcomes.frame["prompt"]) == {"completion"}
        assert set(outcomes.frame["run"]) == {DATE}
        (groups,) = [note for note in outcomes.notes if note.kind == "group_averages"]
        assert groups.where == ("both",)

    def test_fixed_choices_give_chance_without_samples(self, tmp_path):
        document = new({"a": {"acc,none": 0.5}})
        document["configs"]["a"]["doc_to_choice"] = ["yes", "no", "perhaps", "never"]
        outcomes = read_outcomes(write(tmp_path / f"results_{DATE}.json", document))
        assert outcomes.frame["chance"].iloc[0] == 0.25

    def test_targets_flags_and_several_filters(self, tmp_path):
        document = new({"a": {"acc,none": 0.5, "acc,strict": 0.25}})
        write(tmp_path / f"results_{DATE}.json", document)
        right = [
            sample(0, target="0", log_prob=["-1.0", "-2.0"]),
            sample(1, target="[0, 1]", log_prob=["-3.0", "-2.0"]),
        ]
        wrong = [sample(i, target="0", log_prob=["-9.0", "-2.0"]) for i in (2, 3)]
        strict = [{**one, "filter": "strict", "acc": float(i == 0)}
                  for i, one in enumerate([*right, *wrong])]  # fmt: skip
        write_samples(tmp_path, "a", [*right, *wrong, *strict])
        outcomes = read_outcomes(tmp_path)
        scores = outcomes.select(metric="choice_accuracy:none").frame
        assert scores["score"].tolist() == [1, 1, 0, 0]
        assert scores["chance"].tolist() == [0.5, 1.0, 0.5, 0.5]
        assert outcomes.select(metric="choice_accuracy:strict").frame["score"].sum() == 1
        assert outcomes.measures["choice_accuracy:strict"].kind == "discontinuous"

    def test_repeats_are_seeds_and_add_no_items(self, tmp_path):
        """`scores_per_repeat`, as 0.5 logs it (`_build_logged_samples` at v0.5.0.dev1)."""
        document = new({"a": {"exact_match,none": 0.5}})
        document["configs"]["a"]["output_type"] = "generate_until"
        write(tmp_path / f"results_{DATE}.json", document)
        rows = [
            {"doc_id": number, "target": "x", "filter": "none", "metrics": ["exact_match"]}
            | {"exact_match": sum(few) / 2, "scores_per_repeat": {"exact_match": few}}
            for number, few in enumerate([[1, 0], [1, 1], [0, 0]])
        ]
        write_samples(tmp_path, "a", rows)
        (cell,) = read_outcomes(tmp_path).cells().to_dict("records")
        assert (cell["score"], cell["n"], cell["seeds"]) == (0.5, 3, 2)

    @pytest.mark.parametrize(("accuracy", "items"), [(0.25, False), (0.5, True)])
    def test_samples_that_the_results_count_and_the_file_lacks_are_told(
        self, tmp_path, accuracy, items
    ):
        """No linear metric stands on two items beside an average of four."""
        write(tmp_path / f"results_{DATE}.json", new({"a": {"acc,none": accuracy}}))
        pairs = (["-1.0", "-2.0"], ["-2.0", "-1.0"])
        write_samples(
            tmp_path, "a", [sample(i, target="0", log_prob=one) for i, one in enumerate(pairs)]
        )
        outcomes = read_outcomes(tmp_path)
        (note,) = [note for note in outcomes.notes if note.kind == "missing_samples"]
        assert (note.level, note.count) == ("warning", 2)
        assert note.where == (f"samples_a_{DATE}.jsonl: org/tiny, a: 2 of 4",)
        assert ("choice_probability" in outcomes.metrics) == items
        (cell,) = outcomes.select(metric="choice_accuracy").cells().to_dict("records")
        assert (cell["score"], cell["n"]) == (accuracy, 2 if items else 4)

    def test_an_average_that_is_not_the_mean_of_all_its_items_is_kept(self, tmp_path):
        write(tmp_path / f"results_{DATE}.json", new({"a": {"acc,none": 0.25}}))
        rows = [sample(i, target="0", log_prob=["-1.0", "-2.0"]) for i in range(4)]
        write_samples(tmp_path, "a", rows)
        outcomes = read_outcomes(tmp_path)
        frame = outcomes.select(metric="choice_accuracy").frame
        assert frame[["score", "n"]].to_numpy().tolist() == [[0.25, 4]]
        kinds = {note.kind for note in outcomes.notes}
        assert "not_a_mean_of_items" in kinds
        assert "missing_samples" not in kinds

    def test_a_filter_whose_samples_are_missing_keeps_its_average(self, tmp_path):
        document = new({"a": {"exact_match,none": 0.5, "exact_match,strict": 0.25}})
        document["configs"]["a"]["output_type"] = "generate_until"
        write(tmp_path / f"results_{DATE}.json", document)
        rows = [
            {"doc_id": i, "target": "x", "filter": "none", "metrics": ["exact_match"]}
            | {"exact_match": float(i < 2)}
            for i in range(4)
        ]
        write_samples(tmp_path, "a", rows)
        outcomes = read_outcomes(tmp_path)
        frame = outcomes.select(metric="exact_match:strict").frame
        assert frame[["score", "n"]].to_numpy().tolist() == [[0.25, 4]]
        assert len(outcomes.select(metric="exact_match:none").frame) == 4
        (note,) = [note for note in outcomes.notes if note.kind == "missing_samples"]
        assert note.where == (f"samples_a_{DATE}.jsonl: org/tiny, a: 0 of 4",)

    def test_logged_scores_win_where_log_probabilities_disagree(self, tmp_path):
        document = new({"a": {"acc,none": 0.0}})
        write(tmp_path / f"results_{DATE}.json", document)
        samples = [sample(i, target="0", log_prob=["-1.0", "-2.0"]) for i in range(4)]
        write_samples(tmp_path, "a", [{**one, "acc": 0.0} for one in samples])
        outcomes = read_outcomes(tmp_path)
        assert outcomes.metrics == ("choice_accuracy",)
        assert outcomes.frame["score"].tolist() == [0, 0, 0, 0]
        (note,) = [note for note in outcomes.notes if note.kind == "recomputed_differs"]
        assert note.count == 4

    def test_numbers_that_are_not_finite_are_left_out_and_noted(self, tmp_path):
        document = new({"a": {"acc,none": 0.5, "perplexity,none": float("inf")}})
        outcomes = read_outcomes(write(tmp_path / f"results_{DATE}.json", document))
        assert outcomes.metrics == ("choice_accuracy",)
        (note,) = [note for note in outcomes.notes if note.kind == "not_finite"]
        assert (note.count, note.where) == (1, ("a",))

    def test_local_path_gives_the_model_the_name_of_its_folder(self, tmp_path):
        document = new({"a": {"acc,none": 0.5}})
        document["config"]["model_args"] = "pretrained=/data/models/tiny-3/,dtype=float32"
        outcomes = read_outcomes(write(tmp_path / f"results_{DATE}.json", document))
        assert outcomes.models == ("tiny-3",)

    def test_hidden_folders_are_walked_and_other_files_are_named(self, tmp_path):
        write(tmp_path / ".hidden" / "deep" / f"results_{DATE}.json", new({"a": {"acc,none": 0.5}}))
        (tmp_path / "log.txt").write_text("hello")
        outcomes = read_outcomes(tmp_path)
        assert outcomes.frame["source"].iloc[0] == f".hidden/deep/results_{DATE}.json"
        (unread,) = [note for note in outcomes.notes if note.kind == "unread_files"]
        assert unread.where == ("log.txt",)

    def test_result_file_without_a_model_is_an_error(self, tmp_path):
        document = new({"a": {"acc,none": 0.5}})
        document["config"] = {}
        with pytest.raises(FormatError, match="does not name its model"):
            read_outcomes(write(tmp_path / f"results_{DATE}.json", document))


class TestItemsFromError:
    @pytest.mark.parametrize(("right", "n"), [(1, 2), (30, 104), (5152, 5153), (7, 100_000)])
    def test_inverts_the_standard_error(self, right, n):
        share = right / n
        error = np.sqrt(share * (1 - share) / (n - 1))
        assert items_from_error(np.array([share]), np.array([error])) == [n]

    def test_says_nothing_where_nothing_follows(self):
        score = np.array([0.0, 1.0, 0.3, 0.3])
        error = np.array([0.0, 0.0, np.nan, 0.0123])
        assert np.isnan(items_from_error(score, error)).all()


class TestChoiceScores:
    def test_known_values(self):
        scores = choice_scores(np.log([0.2, 0.1, 0.1]), (0,), ("aaaa", "b", "c"))
        assert scores["choice_accuracy"] == 1
        assert scores["choice_accuracy_normalized"] == 1
        assert scores["choice_probability"] == pytest.approx(0.5)
        assert scores["brier"] == pytest.approx(0.25 + 2 * 0.0625)
        assert scores["target_log_prob"] == pytest.approx(np.log(0.2))

    def test_scores_that_are_not_finite_are_left_out(self):
        assert set(choice_scores(np.array([np.nan, -1.0]), (0,))) == {"choice_accuracy"}

    def test_majority_needs_the_same_choices_everywhere(self):
        same = [Sample(1, "0", "none", {}, np.zeros(2), (), ("a", "b"), (g,)) for g in (0, 0, 1)]
        assert majority_share(same) == pytest.approx(2 / 3)
        other = Sample(1, "0", "none", {}, np.zeros(2), (), ("a", "c"), (0,))
        assert majority_share([*same, other]) is None


@pytest.fixture(scope="module")
def outcomes():
    return read_outcomes(PYTHIA)


@pytest.mark.skipif(not PYTHIA.is_dir(), reason="the published Pythia results are not here")
class TestPythia:
    def test_all_files_load(self, outcomes):
        assert outcomes.frame["source"].nunique() == 701
        assert len(outcomes.tasks) == 87
        assert len(outcomes.models) == 18
        assert set(outcomes.frame["shots"]) == {0, 5}

    def test_no_score_is_lost(self, outcomes):
        """Every number of the files that is not a standard error is a row."""
        count = 0
        for path in PYTHIA.rglob("*.json"):
            tables = json.loads(path.read_text())["results"].values()
            count += sum(not key.endswith("_stderr") for table in tables for key in table)
        assert len(outcomes) == count

    def test_size_checkpoint_and_tokens_of_every_model(self, outcomes):
        frame = outcomes.frame
        assert frame["parameters"].notna().all()
        assert frame["parameters"].nunique() == 8
        assert set(frame["family"]) == {"pythia", "pythia-deduped"}
        assert frame["checkpoint"].notna().all()
        assert (frame["tokens"].isna() == (frame["checkpoint"] == 0)).all()
        small = frame["model"].str.endswith("0.25MtokBS")
        assert (frame.loc[small, "tokens"] == frame.loc[small, "checkpoint"] * 262_144).all()

    def test_items_agree_with_the_published_sizes_of_the_tests(self, outcomes):
        n = outcomes.frame.groupby("task")["n"].unique()
        assert all(len(values) == 1 for values in n)
        known = {"lambada_openai": 5153, "piqa": 1838, "arc_easy": 2376, "sciq": 1000, "wsc": 104}
        assert {task: int(n[task][0]) for task in known} == known

    def test_a_number_of_one_file(self, outcomes):
        cell = outcomes.select(
            "lambada_openai", "accuracy", model="EleutherAI/pythia-v1.1-12b", checkpoint=143000
        ).select(shots=0)
        path = PYTHIA / "pythia-12b/zero-shot/12b_step143000.json"
        value = json.loads(path.read_text())["results"]["lambada_openai"]["acc"]
        assert cell.cells()["score"].tolist() == [value]

    def test_recognised_by_its_first_bytes(self):
        assert FORMAT.recognises(PYTHIA / "pythia-12b/zero-shot/12b_step143000.json")
        assert not FORMAT.recognises(PYTHIA / "../README.md")


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 10_000])
def test_documents_that_exhaust_a_parser_are_refused(tmp_path, value):
    path = tmp_path / "results.json"
    path.write_text(f'{{"results": {value}')
    refused = "nested too deeply|Exceeds the limit"
    with pytest.raises(FormatError, match=rf"results\.json: .*({refused})"):
        read_outcomes(path)
    write(path.with_name(f"results_{DATE}.json"), new({"t": {"acc,none": 0.5}}))
    path.write_text("{}")
    (tmp_path / f"samples_t_{DATE}.jsonl").write_text(f'{{"doc_id": {value}')
    with pytest.raises(FormatError, match=rf"jsonl:1: .*({refused})"):
        read_outcomes(tmp_path)


def test_files_larger_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    write(tmp_path / f"results_{DATE}.json", new({"t": {"acc,none": 0.5}}))
    samples = tmp_path / f"samples_t_{DATE}.jsonl"
    for text in ("[", "{"):
        samples.write_text(text * 100_000)
        monkeypatch.setattr(_json, "LARGEST_FILE", 99_999)
        with pytest.raises(FormatError, match=rf"{samples.name}: .* at most 99999 are read"):
            read_outcomes(tmp_path)
    monkeypatch.setattr(_json, "LARGEST_FILE", 99)
    with pytest.raises(FormatError, match=rf"results_{DATE}\.json: .* at most 99 are read"):
        read_outcomes(tmp_path)
