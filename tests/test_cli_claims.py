"""The exit codes of `confounds audit --claims`, each with what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from confounds.cli import app


def claim_file(table: str, expect: str, folder: Path) -> str:
    path = folder / "one.claims.toml"
    path.write_text(
        f'outcomes = "{table}"\n[[claim]]\nid = "a"\ntask = "addition"\nmetric = "accuracy"\n'
        f'expect = "{expect}"\ncondition = {{ shots = 5 }}\n'
    )
    return str(path)


@pytest.mark.parametrize(
    ("expect", "options", "code", "said"),
    [
        ("inconclusive", (), 0, ""),
        ("survives", (), 0, ""),
        ("survives", ("--strict",), 3, "claim 'a' failed: expected survives, found inconclusive"),
        ("lives", (), 4, "expect is 'lives'; allowed: survives, explained, inconclusive, absent"),
        ("survives", ("--task", "x"), 5, "no claim on x; there are claims on: addition"),
    ],
)
def test_a_claim_that_four_models_cannot_test(
    expect: str, options: tuple[str, ...], code: int, said: str, small_table: Path
) -> None:
    path = claim_file(str(small_table), expect, small_table.parent)
    done = CliRunner().invoke(app, ["audit", "--claims", path, "--quiet", *options])
    assert done.exit_code == code
    assert said in done.stderr
    assert bool(said) == bool(done.stderr)


def test_a_claim_that_is_contradicted(example_table: Path) -> None:
    path = claim_file(str(example_table), "survives", example_table.parent)
    done = CliRunner().invoke(app, ["audit", "--claims", path, "--quiet"])
    assert done.exit_code == 1
    assert "claim 'a' failed: expected survives, found explained" in done.stderr


def test_a_claim_on_a_table_that_is_lost(tmp_path: Path) -> None:
    path = claim_file("lost.csv", "survives", tmp_path)
    done = CliRunner().invoke(app, ["audit", "--claims", path, "--quiet"])
    assert done.exit_code == 4
    assert "lost.csv" in done.stderr


@pytest.mark.parametrize(
    ("expect", "options", "code"),
    [("inconclusive", (), 5), ("absent", ("--strict",), 5), ("explained", (), 5)],
)
def test_a_claim_without_rows_leaves_the_others_audited(
    expect: str, options: tuple[str, ...], code: int, small_table: Path
) -> None:
    path = Path(claim_file(str(small_table), expect, small_table.parent))
    lost = '[[claim]]\nid = "{}"\ntask = "{}"\nmetric = "accuracy"\ncondition = {{ shots = {} }}\n'
    path.write_text(path.read_text() + lost.format("b", "x", 5) + lost.format("c", "sorting", 9))
    done = CliRunner().invoke(app, ["audit", "--claims", str(path), "--json", *options])
    assert done.exit_code == code
    document = json.loads(done.stdout)
    assert [audit["claim"]["id"] for audit in document["audits"]] == ["a"]
    silent = document["not_audited"]
    assert silent["b"] == "no rows with task = 'x'; there are: addition, sorting"
    assert silent["c"].startswith("no rows with shots = 9; there are: ")
    told = done.stderr.splitlines()[-2:]
    assert told == [
        f"confounds: claim '{claim}' not audited: {reason}" for claim, reason in silent.items()
    ]


def test_a_contradicted_claim_outweighs_one_without_rows(example_table: Path) -> None:
    path = Path(claim_file(str(example_table), "survives", example_table.parent))
    lost = '[[claim]]\nid = "b"\ntask = "x"\nmetric = "accuracy"\n'
    path.write_text(path.read_text() + lost)
    done = CliRunner().invoke(app, ["audit", "--claims", str(path), "--quiet"])
    assert done.exit_code == 1
    assert "claim 'b' not audited: no rows with task = 'x'" in done.stderr


def test_claims_that_all_lack_rows_select_nothing(small_table: Path) -> None:
    path = Path(claim_file(str(small_table), "absent", small_table.parent))
    path.write_text(path.read_text().replace('task = "addition"', 'task = "x"'))
    done = CliRunner().invoke(app, ["audit", "--claims", str(path), "--json"])
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr == (
        "confounds: claim 'a' not audited: no rows with task = 'x'; there are: addition, sorting\n"
    )
