"""Every verdict as a test: what passes, and what a failure says, word for word."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import confounds.pipeline
from confounds import text
from confounds.claim import Claim
from confounds.ingest import read_outcomes
from confounds.outcomes import Outcomes
from confounds.pipeline import Settings, audit_all
from confounds.reasons import certain, why
from confounds.results import Audit

COLUMNS = ("task", "metric", "model", "family", "parameters", "shots", "score", "n", "chance")
VERDICTS = {
    "sorting": "survives",
    "addition": "explained",
    "slow": "inconclusive",
    "flat": "absent",
    "few": "inconclusive",
}
"""Task -> verdict; `few` has four models, on which nothing can be tested."""


def scores(number: int, shots: int) -> dict[str, float]:
    """The score of one model on every task: a jump, one with examples only, a slope, nothing."""
    large = number > 8
    found = {
        "sorting": 0.70 if large else 0.25,
        "addition": 0.70 if large and shots else 0.25,
        "slow": 0.25 + 0.5 * number / 19,
        "flat": 0.25,
    }
    return {**found, "few": found["sorting"]} if number % 5 == 0 else found


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    noise = random.Random(0)
    path = tmp_path_factory.mktemp("claims") / "outcomes.csv"
    with path.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(COLUMNS)
        for number in range(20):
            family, size = "abcd"[number % 4], 1e8 * 1.5**number
            for shots in (0, 5):
                for task, score in scores(number, shots).items():
                    model = f"{family}-{size:.2g}"
                    seen = round(score + noise.uniform(-0.02, 0.02), 3)
                    write.writerow([task, "accuracy", model, family, size, shots, seen, 500, 0.25])
    return path


@pytest.fixture(scope="module")
def found(table: Path) -> dict[str, Audit]:
    """Task -> audit, each at five shots; made once for all runs."""
    claims = [Claim(task, task, "accuracy", condition={"shots": 5}) for task in VERDICTS]
    settings = Settings(replicates=199, sharpness=False)
    audits = audit_all(read_outcomes(table), claims=claims, settings=settings)
    return {audit.claim.task: audit for audit in audits}


@pytest.fixture
def claims(
    pytester: pytest.Pytester,
    table: Path,
    found: dict[str, Audit],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[dict[str, str]], Path]:
    """Writes a claim file of what is expected of each task; audits are looked up."""

    def known(outcomes: Outcomes, *, claims: Sequence[Claim]) -> tuple[Audit, ...]:
        assert set(VERDICTS) <= set(outcomes.tasks)
        return tuple(replace(found[claim.task], claim=claim) for claim in claims)

    monkeypatch.setattr(confounds.pipeline, "audit_all", known)

    def write(expected: dict[str, str]) -> Path:
        path = pytester.path / "all.claims.toml"
        made = [
            f'[[claim]]\nid = "{task}"\nstatement = "{task} emerges"\ntask = "{task}"\n'
            f'metric = "accuracy"\ncondition = {{ shots = 5 }}\nexpect = "{label}"'
            for task, label in expected.items()
        ]
        path.write_text("\n".join([f'outcomes = "{table}"', *made]))
        return path

    return write


def message(audit: Audit, expected: str, path: Path) -> list[str]:
    """What a failure says of an audit, line by line."""
    lines = [
        f"claim:    {audit.claim.task} emerges",
        f"expected: {expected}",
        f"found:    {audit.verdict.label}: {why(audit)}",
    ]
    if audit.fits:
        effect, models = audit.fits[0]["effect"], audit.fits[0].models
        lines.append(f"effect:   {text.estimate(effect)} score points, {models} models")
    if audit.verdict.explained_by:
        lines.append(f"rival:    {', '.join(audit.verdict.explained_by)}")
    if audit.verdict.certain:
        lines.append(f"certain:  {'; '.join(certain(audit))}")
    return [*lines, f"again:    confounds audit --claims {path}"]


def test_the_table_has_every_verdict(found: dict[str, Audit]) -> None:
    assert {task: audit.verdict.label for task, audit in found.items()} == VERDICTS
    assert found["few"].fits == ()
    assert found["few"].verdict.reason == (
        "departure: a threshold test needs 8 models of known scale; there are 4"
    )
    assert found["addition"].verdict.explained_by == ("in_context",)


def test_every_verdict_passes_where_it_is_expected(
    pytester: pytest.Pytester, claims: Callable[[dict[str, str]], Path]
) -> None:
    claims(VERDICTS)
    done = pytester.runpytest_inprocess("-q", "-p", "no:xdist", "--claims-strict")
    done.assert_outcomes(passed=5)


@pytest.mark.parametrize("task", VERDICTS)
def test_a_failure_says_it_word_for_word(
    task: str,
    pytester: pytest.Pytester,
    claims: Callable[[dict[str, str]], Path],
    found: dict[str, Audit],
) -> None:
    wrong = "absent" if VERDICTS[task] != "absent" else "survives"
    path = claims({task: wrong})
    done = pytester.runpytest_inprocess("-q", "-p", "no:xdist", "--claims-strict")
    done.assert_outcomes(failed=1)
    lines = done.stdout.lines
    start = lines.index(f"claim:    {task} emerges")
    shown = message(found[task], wrong, path)
    assert lines[start : start + len(shown)] == shown


def test_inconclusive_claims_are_skipped_with_the_reason(
    pytester: pytest.Pytester, claims: Callable[[dict[str, str]], Path]
) -> None:
    claims({"slow": "survives", "few": "explained"})
    done = pytester.runpytest_inprocess("-q", "-rs", "-p", "no:xdist")
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["*inconclusive: a threshold test needs 8 models*"])


def test_the_run_ends_with_a_table_of_the_claims(
    pytester: pytest.Pytester, claims: Callable[[dict[str, str]], Path], found: dict[str, Audit]
) -> None:
    claims({"addition": "survives", "flat": "absent", "slow": "survives"})
    done = pytester.runpytest_inprocess("-q", "-p", "no:xdist")
    done.assert_outcomes(passed=1, failed=1, skipped=1)
    effect = text.estimate(found["addition"].fits[0]["effect"])
    lines = done.stdout.lines
    start = next(i for i, line in enumerate(lines) if line.strip("=") == " claims ")
    rows = [line.split() for line in lines[start + 3 : start + 6]]
    assert rows[0][:3] == ["flat", "passed", "absent"]
    assert rows[1] == ["addition", "failed", "explained", *effect.split(), "20", "in_context"]
    assert rows[2][:3] == ["slow", "skipped", "inconclusive"]


def test_a_run_without_claims_has_no_such_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_inprocess("-q", "-p", "no:xdist")
    assert not [line for line in done.stdout.lines if line.strip("=") == " claims "]


def test_claims_are_chosen_by_their_marker(
    pytester: pytest.Pytester, claims: Callable[[dict[str, str]], Path]
) -> None:
    claims({"flat": "absent"})
    pytester.makepyfile("def test_other(): pass")
    options = ("-q", "-p", "no:xdist", "--strict-markers")
    pytester.runpytest_inprocess(*options, "-m", "claim").assert_outcomes(passed=1, deselected=1)
    other = pytester.runpytest_inprocess(*options, "-m", "not claim")
    other.assert_outcomes(passed=1, deselected=1)


def test_claims_are_spread_over_processes(pytester: pytest.Pytester, small_table: Path) -> None:
    claim = '[[claim]]\nid = "{}"\ntask = "{}"\nmetric = "accuracy"\nexpect = "{}"\n'
    made = [claim.format("a", "addition", "inconclusive"), claim.format("b", "sorting", "absent")]
    path = pytester.path / "few.claims.toml"
    path.write_text(f'outcomes = "{small_table}"\n{"".join(made)}')
    options = ("-p", "no:cacheprovider", "-n", "2", "--claims-strict", "--junitxml=j.xml")
    done = pytester.runpytest_subprocess(*options)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["expected: absent", "*= claims =*", "a * passed * inconclusive *"])
    assert '<property name="verdict" value="inconclusive"' in (pytester.path / "j.xml").read_text()
    assert not (pytester.path / ".pytest_cache").exists()


def test_the_plugin_loads_nothing_until_a_claim_is_collected() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import confounds.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("confounds")} == {
        "confounds",
        "confounds._clash",
        "confounds.pytest_plugin",
    }
    assert not {name.partition(".")[0] for name in loaded} & {"numpy", "pandas", "scipy", "rich"}


def test_the_plugin_is_imported_within_20_milliseconds() -> None:
    program = (
        "import sys, time, pytest\n"
        "took = []\n"
        "for _ in range(5):\n"
        "    for name in [n for n in sys.modules if n.partition('.')[0] == 'confounds']:\n"
        "        del sys.modules[name]\n"
        "    began = time.perf_counter()\n"
        "    import confounds.pytest_plugin\n"
        "    took.append(time.perf_counter() - began)\n"
        "print(min(took))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # The machine may be busy: the plugin is as fast as its fastest import.
    assert float(done.stdout) < 0.020
