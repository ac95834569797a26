"""The registered claims on the shipped table: what the truth demands, and what is not decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from confounds.claim import ClaimFile, read_claims
from confounds.inference.fits import Settings
from confounds.ingest import read_outcomes
from confounds.ladder.shipped import CLAIMS
from confounds.pipeline import audit_all
from confounds.results import Audit

REGISTERED = Path(__file__).resolve().parents[2] / "reports" / "ladder" / "ladder.claims.toml"
EXPLAINED_BY = {
    "map": "in_context",
    "tagged": "in_context",
    "facts": "exposure",
    "sums": "reasoning",
    "recital": "metric_choice",
}
UNDECIDED = {"lookup": "seed_luck", "addition": "departure"}
"""Claims on which runs of one size disagree, and what the verdict names."""


@pytest.fixture(scope="module")
def file() -> ClaimFile:
    return read_claims(REGISTERED)


@pytest.fixture(scope="module")
def audits(file: ClaimFile) -> dict[str, Audit]:
    outcomes = read_outcomes(file.outcomes)
    settings = Settings(sharpness=False)
    return {one.claim.id: one for one in audit_all(outcomes, claims=file.claims, settings=settings)}


def test_the_claims_that_are_registered_are_those_of_the_demo(file: ClaimFile) -> None:
    assert REGISTERED.read_bytes() == CLAIMS.read_bytes()
    assert all(claim.expect is not None for claim in file.claims)


def test_what_something_else_makes_is_explained_by_it(
    audits: dict[str, Audit],
) -> None:
    for name, rival in EXPLAINED_BY.items():
        verdict = audits[name].verdict
        assert (verdict.label, rival in verdict.explained_by) == ("explained", True), verdict.reason


def test_what_is_not_there_is_absent(audits: dict[str, Audit]) -> None:
    for name in ("tagged-unasked", "lookup-control"):
        assert audits[name].verdict.label == "absent", audits[name].verdict.reason


def test_look_up_survives_every_rival_but_the_luck_of_seeds(audits: dict[str, Audit]) -> None:
    lookup = audits["lookup"]
    assert {part.status for part in lookup.apparent.values()} == {"passed"}
    tested = {test.rival: test.outcome for test in lookup.tests if test.status == "tested"}
    assert tested.pop("seed_luck") == "inconclusive"
    assert set(tested.values()) == {"survives"}
    assert {"in_context", "metric_choice", "prompt_format", "training_mix"} <= set(tested)


def test_look_up_survives_where_runs_of_one_size_agree(audits: dict[str, Audit]) -> None:
    verdict = audits["lookup-by-tokens"].verdict
    assert verdict.label == "survives", verdict.reason
    assert "seed_luck" not in verdict.untested


def test_of_a_recital_the_metric_alone_makes_a_step(audits: dict[str, Audit]) -> None:
    recital = audits["recital"]
    assert recital.apparent["departure"].status == "passed"
    tested = {test.rival: test for test in recital.tests if test.status == "tested"}
    metrics = {one.term: one for one in tested["metric_choice"].estimates}
    for name, smallest in {"token_accuracy": 0.15, "target_log_prob": 5.5}.items():
        upper = metrics[f"effect:{name}"].ci_upper
        assert upper is not None
        assert upper < 0.2 * smallest
    others = {test.outcome for name, test in tested.items() if name != "metric_choice"}
    assert others <= {"survives", "inconclusive"}


def test_what_is_undecided_says_why(audits: dict[str, Audit]) -> None:
    for name, why in UNDECIDED.items():
        assert audits[name].verdict.label == "inconclusive"
        assert why in audits[name].verdict.reason


def test_that_runs_of_one_size_learn_addition_or_not_is_told(audits: dict[str, Audit]) -> None:
    luck = next(test for test in audits["addition"].tests if test.rival == "seed_luck")
    p = {one.term: one.p_value for one in luck.estimates}["mixture"]
    assert p is not None
    assert p < 0.05
    assert "runs in both modes (mixture p = " in luck.reason


def test_no_verdict_contradicts_the_truth(audits: dict[str, Audit]) -> None:
    for audit in audits.values():
        assert audit.verdict.label in (audit.claim.expect, "inconclusive"), audit.verdict.reason
