"""Claims as tests: what passes, fails and is skipped, and what a failure says."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import confounds.pipeline  # noqa: F401  numpy loads once a process; pytester drops what runs import

CLAIM = """
[[claim]]
id = "{name}"
statement = "addition appears near 1e10 parameters"
task = "{task}"
metric = "accuracy"
condition = {{ shots = 5 }}
{expect}
"""


@pytest.fixture
def claims(pytester: pytest.Pytester, example_table: Path) -> Path:
    """A claim file of three claims: one expects what is found, one does not, one nothing."""
    parts = [
        f'outcomes = "{example_table}"',
        CLAIM.format(name="right", task="addition", expect='expect = "explained"'),
        CLAIM.format(name="wrong", task="addition", expect='expect = "survives"'),
        CLAIM.format(name="silent", task="sorting", expect=""),
    ]
    path = pytester.path / "example.claims.toml"
    path.write_text("\n".join(parts))
    return path


def test_claims_are_collected_and_tested(pytester: pytest.Pytester, claims: Path) -> None:
    before = claims.read_bytes()
    result = pytester.runpytest_inprocess("-q", "--junitxml=junit.xml", "-p", "no:xdist")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "claim:    addition appears near 1e10 parameters",
            "expected: survives",
            "found:    explained: *",
            "effect:   0.* [[]*, *] score points, 20 models",
            "rival:    in_context",
            f"again:    confounds audit --claims {claims}",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    cases = ET.parse(pytester.path / "junit.xml").iter("testcase")  # noqa: S314  pytest wrote it
    found = {
        str(case.get("name")): {
            item.get("name"): item.get("value") for item in case.iter("property")
        }
        for case in cases
    }
    assert found["wrong"]["verdict"] == "explained"
    assert found["wrong"]["explained_by"] == "in_context"
    assert float(str(found["right"]["effect"])) > 0.2
    assert claims.read_bytes() == before


def test_one_claim_can_be_chosen(pytester: pytest.Pytester, claims: Path) -> None:
    result = pytester.runpytest_inprocess("-q", "-p", "no:xdist", f"{claims}::right")
    result.assert_outcomes(passed=1)


def test_inconclusive_is_a_skip_or_a_failure(pytester: pytest.Pytester, small_table: Path) -> None:
    claim = CLAIM.format(name="open", task="addition", expect='expect = "survives"')
    path = pytester.path / "open.claims.toml"
    path.write_text(f'outcomes = "{small_table}"\n{claim}')
    pytester.runpytest_inprocess("-q", "-p", "no:xdist").assert_outcomes(skipped=1)
    strict = pytester.runpytest_inprocess("-q", "-p", "no:xdist", "--claims-strict")
    strict.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["found:    inconclusive: *"])


def test_a_wrong_claim_file_fails_alone_with_its_message(
    pytester: pytest.Pytester, small_table: Path
) -> None:
    (pytester.path / "a_wrong.claims.toml").write_text("outcomes = 3\n")
    (pytester.path / "broken.claims.toml").write_bytes(b"outcomes = '\xff")
    claim = CLAIM.format(name="open", task="addition", expect='expect = "survives"')
    (pytester.path / "right.claims.toml").write_text(f'outcomes = "{small_table}"\n{claim}')
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess("-q", "-p", "no:xdist")
    result.assert_outcomes(failed=2, skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*broken.claims.toml: not valid TOML*"])
    claims_alone = pytester.runpytest_inprocess("-q", "-p", "no:xdist", "-m", "claim")
    claims_alone.assert_outcomes(failed=2, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*wrong.claims.toml: 'outcomes' must be the path of a table*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_missing_outcomes_are_one_message(pytester: pytest.Pytester) -> None:
    claim = CLAIM.format(name="open", task="addition", expect="")
    (pytester.path / "lost.claims.toml").write_text(f'outcomes = "lost.csv"\n{claim}')
    result = pytester.runpytest_inprocess("-q", "-p", "no:xdist")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*lost.csv*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_claim_that_cannot_be_audited_fails_alone(
    pytester: pytest.Pytester, small_table: Path
) -> None:
    good = CLAIM.format(name="open", task="addition", expect='expect = "survives"')
    bad = CLAIM.format(name="lost", task="no_such_task", expect="")
    path = pytester.path / "mixed.claims.toml"
    path.write_text(f'outcomes = "{small_table}"\n{good}{bad}')
    result = pytester.runpytest_inprocess("-q", "-p", "no:xdist")
    result.assert_outcomes(skipped=1, failed=1)
    result.stdout.fnmatch_lines(["mixed.claims.toml: claim 'lost': *'no_such_task'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_audit_fixture_audits_and_records(
    pytester: pytest.Pytester, example_table: Path
) -> None:
    pytester.makepyfile(
        f"""
        from confounds import Claim

        def test_addition(audit):
            claim = Claim(id="a", task="addition", metric="accuracy", condition={{"shots": 5}})
            assert audit(claim, {str(example_table)!r}).verdict.label == "explained"
        """
    )
    result = pytester.runpytest_inprocess("-q", "--junitxml=junit.xml", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    content = (pytester.path / "junit.xml").read_text()
    assert '<property name="verdict" value="explained"' in content


def test_an_id_that_would_steer_the_terminal_is_shown_as_text(
    pytester: pytest.Pytester, small_table: Path
) -> None:
    claim = CLAIM.format(name="a\\u001b[2J", task="addition", expect='expect = "survives"')
    (pytester.path / "a.claims.toml").write_text(f'outcomes = "{small_table}"\n{claim}')
    result = pytester.runpytest_inprocess("-v", "-p", "no:xdist", "--claims-strict")
    result.assert_outcomes(failed=1)
    assert "\x1b" not in result.stdout.str()
    assert "a\ufffd001B[2J" in result.stdout.str()
