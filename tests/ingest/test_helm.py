"""Small runs written from the schema of stanford-crfm/helm, `src/helm/benchmark`.

Files: `run_spec.py`, `metrics/metric.py`, `metrics/statistic.py`, `presentation/run_display.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from confounds.errors import FormatError
from confounds.ingest import read_outcomes
from confounds.ingest._helm_run import task_name

NAME = "mmlu:subject=anatomy,method=multiple_choice_joint,model=EleutherAI_pythia-70m"
PARTS = {"toxic": 0.4, "other": 0.8}


def stat(name: str, mean: float, *, split: str = "test", **rest) -> dict:
    named = {"name": name, "split": split, **rest}
    return {"name": named, "count": 1, "sum": mean, "mean": mean}


def item(number: int, score: float, *, split: str = "test", trial: int = 0, **rest) -> dict:
    stats = [stat("exact_match", score, split=split), stat("num_train_instances", 5, split=split)]
    stats += [stat("finish_reason_stop", 1, split=split)]
    row = {"instance_id": f"id{number}", "train_trial_index": trial, "stats": stats}
    return {**row, "perturbation": None, **rest}


def run(folder: Path, files: dict, **adapter) -> Path:
    given = {"method": "multiple_choice_joint", "model": "EleutherAI/pythia-70m"}
    spec = {"name": NAME, "adapter_spec": {**given, "max_train_instances": 5, **adapter}}
    for name, document in {"run_spec.json": spec, **files}.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_items_are_rows_with_their_condition_and_chance(tmp_path):
    references = [{"output": {"text": one}} for one in "abcd"]
    instances = [{"id": f"id{number}", "references": references} for number in range(2)]
    files = {"per_instance_stats.json": [item(0, 1.0), item(1, 0.0)], "instances.json": instances}
    outcomes = read_outcomes(run(tmp_path, files))
    frame = outcomes.frame
    assert frame["score"].tolist() == [1.0, 0.0]
    assert frame["item"].tolist() == ["id0", "id1"]
    row = frame.iloc[0]
    assert (row["task"], row["metric"], row["n"]) == ("mmlu:subject=anatomy", "accuracy", 1)
    assert (row["shots"], row["demonstrations"], row["reasoning"]) == (5, "gold", "direct")
    assert (row["chance"], row["chance_source"]) == (0.25, "uniform")
    assert (row["prompt"], row["family"]) == ("multiple_choice_joint", "pythia")
    assert row["source"] == "per_instance_stats.json[0]"
    (note,) = (one for one in outcomes.notes if one.kind == "unread_statistics")
    assert note.where == ("finish_reason_stop", "num_train_instances")


def test_chance_comes_from_the_scenario_state_too_and_is_else_unknown(tmp_path):
    instance = {"id": "id0", "references": [{}, {}], "perturbation": None}
    state = {"request_states": [{"instance": instance}]}
    files = {"per_instance_stats.json": [item(0, 1.0)]}
    assert read_outcomes(run(tmp_path, files)).frame["chance"].isna().all()
    files["scenario_state.json"] = state
    assert read_outcomes(run(tmp_path, files)).frame["chance"].tolist() == [0.5]


def test_predictions_stand_in_for_statistics(tmp_path):
    stats = {"exact_match": 1.0, "f1_score": 0.5, "quasi_exact_match": True}
    rows = [{"instance_id": "id0", "train_trial_index": 0, "perturbation": None, "stats": stats}]
    files = {"display_predictions.json": rows}
    frame = read_outcomes(run(tmp_path, files, method="generation")).frame
    scores = dict(zip(frame["metric"], frame["score"], strict=True))
    assert scores == {"exact_match": 1.0, "f1": 0.5, "quasi_exact_match": 1.0}


def test_draws_of_demonstrations_are_seeds_and_add_no_items(tmp_path):
    rows = [item(number, float(trial), trial=trial) for trial in (0, 1) for number in range(3)]
    outcomes = read_outcomes(run(tmp_path, {"per_instance_stats.json": rows}, num_train_trials=2))
    (cell,) = outcomes.cells().to_dict("records")
    assert (cell["score"], cell["n"], cell["seeds"]) == (0.5, 3, 2)


def test_perturbed_items_and_other_splits_are_left_out_and_counted(tmp_path):
    rows = [item(0, 1.0), item(0, 0.0, perturbation={"name": "typos"}), item(1, 0.0, split="valid")]
    outcomes = read_outcomes(run(tmp_path, {"per_instance_stats.json": rows}))
    assert outcomes.frame["score"].tolist() == [1.0]
    counts = {note.kind: note.count for note in outcomes.notes}
    assert (counts["perturbed_items"], counts["other_splits"]) == (1, 1)


def test_prompts_that_lost_demonstrations_are_counted(tmp_path):
    short = item(0, 1.0)
    short["stats"][1]["mean"] = 2
    outcomes = read_outcomes(run(tmp_path, {"per_instance_stats.json": [short, item(1, 1.0)]}))
    assert [one.count for one in outcomes.notes if one.kind == "fewer_shots"] == [1]


def test_averages_stand_where_no_items_are(tmp_path):
    stats = [
        stat("exact_match", 0.4),
        stat("exact_match", 0.9, split="valid"),
        stat("exact_match", 0.1, perturbation={"name": "typos"}),
        stat("num_instances", 100),
    ]
    outcomes = read_outcomes(run(tmp_path, {"stats.json": stats}))
    (row,) = outcomes.frame.to_dict("records")
    assert (row["score"], row["n"], row["metric"]) == (0.4, 100, "accuracy")


def test_averages_over_parts_of_a_split_are_pooled(tmp_path):
    """Of parts such as toxic and not toxic prompts, the last was taken for all."""
    stats = [
        *(stat("exact_match", mean, sub_split=part) for part, mean in PARTS.items()),
        stat("num_instances", 300, sub_split="toxic"),
        stat("num_instances", 100, sub_split="other"),
    ]
    (row,) = read_outcomes(run(tmp_path, {"stats.json": stats})).frame.to_dict("records")
    assert (row["score"], row["n"]) == (pytest.approx(0.5), 400)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no scores beside it"),
        (
            {"stats.json": [stat("exact_match", 0.5, sub_split=part) for part in PARTS]},
            r"'exact_match' is averaged over parts of a split \(toxic, other\)",
        ),
        ({"per_instance_stats.json": {"a": 1}}, "must be a list of items; found dict"),
        ({"per_instance_stats.json": [{"stats": []}]}, r"json\[0\]: 'instance_id' is missing"),
        ({"run_spec.json": {"name": "a", "adapter_spec": {}}}, r"adapter_spec\.model"),
    ],
)
def test_wrong_runs_are_refused(tmp_path, files, message):
    with pytest.raises(FormatError, match=message):
        read_outcomes(run(tmp_path, files))


def test_a_truncated_file_is_refused(tmp_path):
    run(tmp_path, {"per_instance_stats.json": [item(0, 1.0)]})
    path = tmp_path / "per_instance_stats.json"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError, match=r"per_instance_stats\.json: "):
        read_outcomes(tmp_path)


def test_tasks_are_named_without_model_and_condition():
    assert task_name(NAME) == "mmlu:subject=anatomy"
    assert task_name("gsm:model=openai_gpt2,stop=none") == "gsm"
    assert task_name("boolq") == "boolq"
    assert task_name("a:b=x,y,model=m") == "a:b=x,y"


def test_the_number_of_references_is_a_statistic_too(tmp_path):
    row = item(0, 1.0)
    row["stats"].append(stat("num_references", 5))
    outcomes = read_outcomes(run(tmp_path, {"per_instance_stats.json": [row]}))
    assert outcomes.frame["chance"].tolist() == [0.2]


def asked(number: int, reference: int | None, tokens: list, **rest) -> dict:
    """A request as `scenario_state.json` keeps it; the second of three references is right."""
    texts = ["red", "dark blue", "tan"]
    references = [
        {"output": {"text": text}, "tags": ["correct"] if place == 1 else []}
        for place, text in enumerate(texts)
    ]
    given = [{"text": text, "logprob": log_prob, **more} for text, log_prob, *more_ in tokens
             for more in [more_[0] if more_ else {}]]  # fmt: skip
    state = {
        "instance": {"id": f"id{number}", "references": references, "split": "test"},
        "train_trial_index": 0,
        "result": {"completions": [{"tokens": given}]},
        **rest,
    }
    return state if reference is None else {**state, "reference_index": reference}


# Sums -1, -1.5 and -3; per token -1, -0.75 and -3: the second wins by HELM's rule alone.
SEPARATE = [
    [(" q?", -9.0), (" red", -1.0)],
    [(" q?", -9.0), (" dark", -0.5), (" blue", -1.0)],
    [(" q?", -9.0), ("\u2581tan", -3.0)],
]
SUMS = np.array([-1.0, -1.5, -3.0])


def linear(log_prob) -> dict[str, float]:
    share = np.exp(log_prob) / np.exp(log_prob).sum()
    return {
        "choice_probability": share[1],
        "brier": ((share - [0, 1, 0]) ** 2).sum(),
        "target_log_prob": log_prob[1],
    }


def found(outcomes) -> dict[str, float]:
    frame = outcomes.frame[outcomes.frame["metric"].isin(linear(SUMS))]
    return dict(zip(frame["metric"], frame["score"], strict=True))


def test_choices_asked_separately_are_rescored(tmp_path):
    states = [asked(0, place, tokens, request_mode="original") for place, tokens in
              enumerate(SEPARATE)]  # fmt: skip
    files = {"per_instance_stats.json": [item(0, 1.0)]}
    files["scenario_state.json"] = {"request_states": states}
    run(tmp_path, files, method="multiple_choice_separate_original")
    outcomes = read_outcomes(tmp_path, rescore=True)
    assert found(outcomes) == pytest.approx(linear(SUMS))
    assert outcomes.select(metric="choice_accuracy").frame["score"].tolist() == [1.0]
    assert set(read_outcomes(tmp_path).metrics) == {"choice_accuracy"}


def test_calibrated_choices_are_checked_against_the_choice_alone(tmp_path):
    states = [asked(0, place, tokens, request_mode="original") for place, tokens in
              enumerate(SEPARATE)]  # fmt: skip
    alone = [[(" red", -0.1)], [(" dark", -5.0), (" blue", -1.0)], [(" tan", -4.0)]]
    states += [asked(0, place, tokens, request_mode="calibration") for place, tokens in
               enumerate(alone)]  # fmt: skip
    files = {"per_instance_stats.json": [item(0, 1.0)]}
    files["scenario_state.json"] = {"request_states": states}
    run(tmp_path, files, method="multiple_choice_separate_calibrated")
    assert found(read_outcomes(tmp_path, rescore=True)) == pytest.approx(linear(SUMS))


@pytest.mark.parametrize(("top", "missing"), [(" B", ""), (" Z", "no log-probabilities of all")])
def test_letters_are_rescored_where_every_one_is_among_the_top_tokens(tmp_path, top, missing):
    log_prob = np.log([0.2, 0.5, 0.1])
    tokens = {" A": log_prob[0], top: log_prob[1], "C": log_prob[2], "x": -9.0}
    mapping = {"A": "red", "B": "dark blue", "C": "tan"}
    state = asked(0, None, [(" B", log_prob[1], {"top_logprobs": tokens})], output_mapping=mapping)
    files = {"per_instance_stats.json": [item(0, 1.0)]}
    files["scenario_state.json"] = {"request_states": [state]}
    run(tmp_path, files)
    if missing:
        with pytest.raises(FormatError, match=missing):
            read_outcomes(tmp_path, rescore=True)
    else:
        assert found(read_outcomes(tmp_path, rescore=True)) == pytest.approx(linear(log_prob))


def test_log_probabilities_that_do_not_give_the_exact_match_are_not_believed(tmp_path):
    states = [asked(0, place, tokens, request_mode="original") for place, tokens in
              enumerate(SEPARATE)]  # fmt: skip
    files = {"per_instance_stats.json": [item(0, 0.0)]}
    files["scenario_state.json"] = {"request_states": states}
    run(tmp_path, files, method="multiple_choice_separate_original")
    with pytest.raises(FormatError, match="does not follow from its log-probabilities"):
        read_outcomes(tmp_path, rescore=True)


def test_a_run_without_its_requests_cannot_be_rescored(tmp_path):
    run(tmp_path, {"per_instance_stats.json": [item(0, 0.0)]})
    with pytest.raises(FormatError, match="nothing can be rescored"):
        read_outcomes(tmp_path, rescore=True)


@pytest.mark.parametrize("method", ["generation", "language_modeling"])
def test_a_run_in_which_nothing_is_chosen_is_not_rescored_and_says_so(tmp_path, method):
    run(tmp_path, {"per_instance_stats.json": [item(0, 0.0)]}, method=method)
    with pytest.raises(FormatError, match=f"nothing is chosen in a run whose .* is '{method}'"):
        read_outcomes(tmp_path, rescore=True)
