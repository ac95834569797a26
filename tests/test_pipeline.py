"""The whole method on made tables: verdicts, defaults, documents, and what they depend on."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rivals.made import World, claim_of, frame_of, outcomes_of

from confounds import pipeline, plugins
from confounds.claim import Claim
from confounds.errors import NothingSelectedError
from confounds.outcomes import Outcomes
from confounds.pipeline import (
    Settings,
    audit,
    audit_all,
    default_claim,
    default_claims,
)
from confounds.results import audits_to_json

QUICK = Settings(replicates=99, sharpness=False)
FEW = replace(QUICK, replicates=19)
WORLD = World(models=20, seed=3)
FIVE, ZERO = {"shots": 5}, {"shots": 0}
RIVAL_KEYS = {
    "rival",
    "status",
    "null",
    "effect",
    "ci_lower",
    "ci_upper",
    "p_value",
    "p_adjusted",
    "outcome",
    "reason",
}


def table(task="made", world=WORLD, **kinds):
    """`five` and `zero`: kinds of curve at five and at zero shots."""
    levels = {"five": FIVE, "zero": ZERO}
    conditions = {name: (kind, levels[name]) for name, kind in kinds.items()}
    return frame_of(world, conditions).assign(task=task)


@pytest.fixture(scope="module")
def explained():
    return audit(claim_of(shots=5), outcomes_of(table(five="step", zero="flat")), settings=QUICK)


@pytest.fixture(scope="module")
def survives():
    return audit(claim_of(shots=5), outcomes_of(table(five="step", zero="step")), settings=QUICK)


def outcome_of(found, rival):
    return next(test.outcome for test in found.tests if test.rival == rival)


def test_a_step_with_examples_only_is_explained_by_them(explained):
    assert explained.verdict.label == "explained"
    assert explained.verdict.explained_by == ("in_context",)
    assert outcome_of(explained, "smooth_growth") == "survives"
    assert {part.status for part in explained.apparent.values()} == {"passed"}


def test_a_step_without_examples_too_survives_and_lists_what_was_not_tested(survives):
    assert survives.verdict.label == "survives"
    assert outcome_of(survives, "in_context") == "survives"
    assert "metric_choice" in survives.verdict.untested
    assert set(survives.verdict.untested) == {
        test.rival for test in survives.tests if test.status == "not_testable"
    }


def test_every_rival_is_put_to_the_test_and_the_raw_fit_is_first(survives):
    assert tuple(test.rival for test in survives.tests) == plugins.names("rivals")
    assert survives.fits[0].condition == {"shots": 5}
    assert survives.fits[0].models == 20


def test_a_curve_at_chance_is_absent():
    found = audit(claim_of(), outcomes_of(table(five="flat")), settings=FEW)
    assert found.verdict.label == "absent"
    assert found.apparent["presence"].status == "failed"


def test_an_ability_of_the_smallest_models_is_absent_as_emergence():
    rows = table(five="flat")
    rows["score"] = np.linspace(0.75, 0.85, len(rows))
    found = audit(claim_of(), outcomes_of(rows), settings=FEW)
    assert found.verdict.label == "absent"
    assert "all along" in found.verdict.reason


def test_few_models_are_inconclusive_with_the_reason():
    few = table(five="step").iloc[:6]
    found = audit(claim_of(), outcomes_of(few), settings=FEW)
    assert found.verdict.label == "inconclusive"
    assert "needs 8 models of known scale; there are 6" in found.verdict.reason
    assert {test.status for test in found.tests} == {"not_testable"}
    assert found.fits == ()
    json.loads(found.to_json())


def test_models_without_scale_are_inconclusive_and_no_error():
    rows = table(five="step").assign(parameters=np.nan)
    found = audit(claim_of(), outcomes_of(rows), settings=FEW)
    assert found.verdict.label == "inconclusive"
    assert "no model of known scale" in found.verdict.reason


def test_a_metric_without_chance_has_no_presence_to_test():
    rows = table(five="step").assign(metric="target_log_prob", chance=np.nan)
    rows["score"] -= 3
    found = audit(claim_of("target_log_prob"), outcomes_of(rows), settings=FEW)
    assert found.apparent["presence"].status == "undecided"
    assert "no chance level" in found.apparent["presence"].reason


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        (Claim("a", "other", "accuracy"), "task = 'other'"),
        (Claim("a", "made", "exact_match"), "metric = 'exact_match'"),
        (claim_of(shots=3), "{'shots': 3}"),
    ],
)
def test_nothing_selected_is_an_error_that_names_what(claim, says):
    with pytest.raises(NothingSelectedError) as caught:
        audit(claim, outcomes_of(table(five="step")), settings=FEW)
    assert says in str(caught.value)


def test_the_document_has_the_documented_keys(explained):
    document = json.loads(explained.to_json())
    assert set(document) == {"schema_version", "audits", "manifest", "not_audited"}
    assert document["schema_version"] == 1
    (found,) = document["audits"]
    assert {"claim", "verdict", "apparent", "rivals"} <= set(found)
    assert set(found["verdict"]) == {"label", "explained_by", "untested", "reason", "certain"}
    assert list(found["apparent"]) == ["presence", "absence", "departure"]
    assert found["claim"]["condition"] == {"shots": 5}
    assert [rival["rival"] for rival in found["rivals"]] == list(plugins.names("rivals"))
    for rival in found["rivals"]:
        assert set(rival) >= RIVAL_KEYS
        assert rival["outcome"] in {"survives", "explained", "inconclusive", "not_testable"}
        assert (rival["effect"] is None) == (rival["status"] == "not_testable")


def test_the_manifest_says_what_made_the_numbers(explained):
    manifest = explained.manifest
    assert manifest["seed"] == QUICK.seed
    assert manifest["replicates"] == 99
    assert manifest["rows"] == 40
    assert len(manifest["input_sha256"]) == 64
    assert manifest["versions"]["numpy"] == np.__version__


def test_tidy_and_glance_are_frames_of_the_same_numbers(explained):
    tidy = explained.tidy()
    assert list(tidy.columns[:3]) == ["part", "term", "estimate"]
    raw = tidy[(tidy["part"] == "raw") & (tidy["term"] == "effect")]
    assert raw["estimate"].item() == explained.fits[0]["effect"].estimate
    assert explained.glance()["label"].item() == "explained"


def test_points_are_the_scores_behind_the_fits(explained):
    roles = pd.Series([point["role"] for point in explained.points]).value_counts()
    assert roles["raw"] == 20
    assert roles["in_context"] == 20
    controlled = [point for point in explained.points if point["role"] == "in_context"]
    assert {point["condition"]["shots"] for point in controlled} == {0}
    assert max(point["score"] for point in controlled) < 0.4


def test_the_same_input_gives_the_same_bytes_in_any_order_of_rows():
    rows = table(five="step", zero="flat")
    one, again = (
        audit(claim_of(shots=5), outcomes_of(rows), settings=FEW).to_json() for _ in range(2)
    )
    assert one == again
    shuffled = rows.sample(frac=1, random_state=1)
    moved = json.loads(audit(claim_of(shots=5), outcomes_of(shuffled), settings=FEW).to_json())
    plain = json.loads(one)
    del moved["manifest"], plain["manifest"]
    assert moved == plain


def test_another_seed_gives_other_draws():
    outcomes = outcomes_of(table(five="gradual"))
    first, second = (
        audit(claim_of(), outcomes, settings=replace(FEW, seed=seed)) for seed in (1, 2)
    )
    assert first.fits[0].p_two_level != second.fits[0].p_two_level


def test_a_registered_claim_is_tested_under_the_ceiling_of_the_table():
    rows = table(five="step").assign(ceiling=0.9)
    found = audit(claim_of(shots=5), outcomes_of(rows), settings=FEW)
    declared = audit(replace(claim_of(shots=5), ceiling=0.9), outcomes_of(rows), settings=FEW)
    assert found.claim.ceiling == 0.9
    assert "tested with the declared ceiling of 0.9" in found.fits[0].notes
    assert audits_to_json([found]) == audits_to_json([declared])


@pytest.fixture(scope="module")
def three_tasks():
    return outcomes_of(
        table("jump", five="step", zero="flat"),
        table("grow", World(models=20, seed=1, spread=0.2), five="gradual", zero="gradual"),
        table("none", five="flat", zero="flat"),
    )


def test_workers_change_nothing(three_tasks, monkeypatch):
    asked = []
    monkeypatch.setattr(pipeline, "CLAIMS_A_WORKER", 1)
    spread = pipeline.spread
    monkeypatch.setattr(
        pipeline,
        "spread",
        lambda *given, workers: asked.append(workers) or spread(*given, workers=workers),
    )
    alone = audit_all(three_tasks, settings=FEW)
    together = audit_all(three_tasks, settings=replace(FEW, workers=2))
    assert asked == [1, 2]
    assert audits_to_json(together) == audits_to_json(alone)
    assert [found.claim.task for found in alone] == ["grow", "jump", "none"]


def test_tasks_of_a_table_get_different_verdicts(three_tasks):
    labels = {
        found.claim.task: found.verdict.label for found in audit_all(three_tasks, settings=QUICK)
    }
    assert labels == {"jump": "explained", "grow": "explained", "none": "absent"}


def test_one_of_all_is_the_audit_alone(three_tasks):
    """Same numbers, findings and manifest, but for the adjustment over claims."""
    claim = default_claim(three_tasks, "jump")
    (found,) = audit_all(three_tasks, claims=[claim], settings=FEW)
    assert found == audit(claim, three_tasks, settings=FEW)
    assert found.manifest["rows"] == len(three_tasks)
    chosen = audit_all(three_tasks, tasks=["jump"], settings=FEW)
    assert chosen == (found,)


def test_p_values_are_adjusted_over_the_claims(three_tasks):
    alone = audit(default_claim(three_tasks, "jump"), three_tasks, settings=QUICK)
    among = next(
        found for found in audit_all(three_tasks, settings=QUICK) if found.claim.task == "jump"
    )
    for before, after in zip(alone.tests, among.tests, strict=True):
        if before.p_adjusted is not None:
            assert after.p_adjusted >= before.p_adjusted
    growth = next(test for test in among.tests if test.rival == "smooth_growth")
    assert growth.p_adjusted > growth.effect.p_value


def test_audits_travel_between_processes(explained):
    assert pickle.loads(pickle.dumps(explained)) == explained  # noqa: S301


def wide(**columns):
    """Ten models under one metric, with some columns changed."""
    return pd.DataFrame(
        {
            "task": "t",
            "metric": "accuracy",
            "model": [f"m{row}" for row in range(10)],
            "family": "f",
            "parameters": 10.0 ** np.linspace(8, 11, 10),
            "score": np.linspace(0.3, 0.7, 10),
            "n": 100,
        }
    ).assign(**columns)


def claim_about(*frames, **options):
    return default_claim(Outcomes(pd.concat(frames, ignore_index=True)), "t", **options)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (("accuracy", "exact_match", "f1"), "exact_match"),
        (("choice_accuracy", "accuracy"), "accuracy"),
        (("f1", "macro_f1"), "macro_f1"),
        (("answer_parsed", "f1"), "f1"),
        (("answer_parsed",), "answer_parsed"),
        (("token_edit", "f1"), "f1"),
    ],
)
def test_the_default_metric_is_discontinuous_where_there_is_one(metrics, expected):
    frames = [wide(metric=name) for name in metrics]
    assert claim_about(*frames).metric == expected


def test_the_default_condition_is_the_most_shots():
    claim = claim_about(wide(shots=0), wide(shots=5), wide(shots=2))
    assert claim.condition == {"shots": 5}
    assert type(claim.condition["shots"]) is int
    assert claim.statement == "t (accuracy) emerges with parameters at 5 shots"
    assert claim_about(wide(shots=5)).condition == {}
    assert claim_about(wide()).condition == {}


def test_the_default_scale_is_compute_where_it_is_mostly_known():
    known = np.full(10, 1e21)
    assert claim_about(wide(compute=known)).scale == "compute"
    known[:2] = np.nan
    assert claim_about(wide(compute=known)).scale == "compute"
    known[2] = np.nan
    assert claim_about(wide(compute=known)).scale == "parameters"
    assert claim_about(wide(compute=1e21), scale="parameters").scale == "parameters"


def test_a_default_claim_expects_nothing():
    claim = claim_about(wide())
    assert claim.expect is None
    assert claim.id == "t/accuracy"
    assert claim_about(wide(), wide(metric="f1"), metric="f1").metric == "f1"


def test_default_claims_are_every_usual_metric_of_every_task():
    frames = [wide(), wide(metric="exact_match"), wide(metric="f1"), wide(task="u", metric="f1")]
    claims = default_claims(Outcomes(pd.concat(frames, ignore_index=True)))
    assert [claim.id for claim in claims] == ["t/exact_match", "t/accuracy", "u/f1"]


def test_defaults_for_what_is_not_there_select_nothing():
    with pytest.raises(NothingSelectedError, match="exact_match"):
        claim_about(wide(), metric="exact_match")
    with pytest.raises(NothingSelectedError, match="'u'"):
        default_claim(Outcomes(wide()), "u")


def test_what_a_table_can_test_is_known_before_the_audit():
    outcomes = outcomes_of(table(five="step", zero="flat"))
    found = pipeline.testable(claim_of(shots=5), outcomes)
    assert tuple(found) == plugins.names("rivals")
    assert found["in_context"] is None
    assert found["smooth_growth"] is None
    assert "no linear metric" in found["metric_choice"]
    audited = audit(claim_of(shots=5), outcomes, settings=FEW)
    assert {name for name, reason in found.items() if reason} == set(audited.verdict.untested)


def test_what_can_be_tested_is_what_the_audit_tests(survives):
    """Asked before the audit, rivals stop where the test would begin."""
    known = pipeline.testable(claim_of(shots=5), outcomes_of(table(five="step", zero="step")))
    for test in survives.tests:
        assert known[test.rival] == (test.reason if test.status == "not_testable" else None)


def test_what_stands_around_a_verdict_is_computed_when_asked_for_and_changes_nothing():
    outcomes, claim = outcomes_of(table(five="step", zero="flat")), claim_of(shots=5)
    plain = audit(claim, outcomes, settings=QUICK)
    explored = audit(claim, outcomes, settings=replace(QUICK, explore=True))
    assert plain.exploration is None
    assert replace(explored, exploration=None).to_json() == plain.to_json()
    found = explored.exploration
    shares = {
        item.method: {share.term: share for share in item.shares} for item in found.attribution
    }
    assert shares["shapley"]["shots"].ci_lower > 0.2
    assert len(found.multiverse.specifications) > 10
    assert any(item.default for item in found.multiverse.specifications)
    assert found.design.by_models
    assert (found.shape.name, found.growth.name) == ("shape", "growth")
    assert json.loads(explored.to_json())["audits"][0]["exploration"]["design"]["by_effect"]


def test_a_curve_that_turns_round_is_announced():
    rows = table(five="gradual", zero="flat", world=replace(WORLD, models=40, spread=0.1))
    depth = (np.log10(rows["parameters"]) - 10) ** 2
    five = rows["shots"] == 5
    rows.loc[five, "score"] = (0.30 + 0.06 * depth[five]).clip(0, 0.95)
    found = audit(claim_of(shots=5), outcomes_of(rows), settings=FEW).findings
    assert [item.kind for item in found if item.kind == "turning_curve"] == ["turning_curve"]
    rows.loc[five, "score"] = 0.30 + 0.08 * (np.log10(rows["parameters"][five]) - 7)
    found = audit(claim_of(shots=5), outcomes_of(rows), settings=FEW).findings
    assert "turning_curve" not in {item.kind for item in found}
