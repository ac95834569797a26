"""The commands: what they print, what they write, and how they end."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import confounds
from confounds.cli import app


@pytest.fixture
def folder(example_table: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, made the working one, with `outcomes.csv` in it."""
    monkeypatch.chdir(example_table.parent)
    return example_table.parent


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def document(*arguments: str) -> dict[str, Any]:
    """The JSON document that a command prints; nothing else is on standard output."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["schema_version"] == 1
    return found


def write_claims(folder: Path, *claims: str) -> str:
    content = ['outcomes = "outcomes.csv"', *(f"[[claim]]\n{claim}" for claim in claims)]
    (folder / "example.claims.toml").write_text("\n".join(content))
    return "example.claims.toml"


def claim(expect: str, name: str = "a") -> str:
    lines = (f'id = "{name}"', 'task = "addition"', 'metric = "accuracy"', f'expect = "{expect}"')
    return "\n".join((*lines, "condition = { shots = 5 }"))


def test_help_names_the_commands_and_the_exit_codes() -> None:
    shown = run("--help").stdout
    for word in ("ingest", "check", "audit", "report", "export", "list", "5 nothing selected"):
        assert word in shown
    assert run("--version").stdout == f"confounds {confounds.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("list", "nothing"),
        ("audit",),
        ("audit", "outcomes.csv", "--scale", "width"),
        ("ingest", "outcomes.csv"),
        ("export", "outcomes.csv", "--out", "tables", "--format", "xls"),
    ],
)
def test_what_cannot_be_meant_is_usage(arguments: tuple[str, ...], folder: Path) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr
    assert [path.name for path in folder.iterdir()] == ["outcomes.csv"]


@pytest.mark.parametrize("kind", ["metrics", "curves", "rivals", "formats", "sections"])
def test_list_names_what_exists(kind: str) -> None:
    known = document("list", kind)["known"]
    assert len(known) >= 3
    assert all(item["name"] and item["summary"] for item in known)
    shown = run("list", kind).stdout
    assert all(re.search(rf"^{item['name']} ", shown, re.MULTILINE) for item in known)


def test_listed_rivals_are_the_ones_audited(folder: Path) -> None:
    listed = {item["name"] for item in document("list", "rivals")["known"]}
    audit = document("audit", "outcomes.csv", "--task", "addition")["audits"][0]
    assert {test["rival"] for test in audit["rivals"]} == listed


@pytest.mark.parametrize("name", ["table.parquet", "table.csv", "table.jsonl", "new/table.csv"])
def test_ingest_writes_a_table_that_reads_back(name: str, folder: Path) -> None:
    first = document("ingest", "outcomes.csv", "--out", name)
    assert first["out"] == name
    assert first["outcomes"]["rows"] == 80
    again = document("check", name)
    assert again["outcomes"]["digest"] == first["outcomes"]["digest"]
    written = (folder / name).read_bytes()
    document("ingest", "outcomes.csv", "--out", name)
    assert (folder / name).read_bytes() == written


def test_ingest_takes_several_paths(folder: Path) -> None:
    lines = (folder / "outcomes.csv").read_text().splitlines(keepends=True)
    (folder / "a.csv").write_text("".join(lines[:41]))
    (folder / "b.csv").write_text("".join([lines[0], *lines[41:]]))
    assert document("ingest", "a.csv", "b.csv", "--out", "both.csv")["outcomes"]["rows"] == 80


def test_check_says_what_is_there_and_which_rivals_can_be_tested(folder: Path) -> None:
    found = document("check", "outcomes.csv")
    assert found["outcomes"]["tasks"] == ["addition", "sorting"]
    rivals = found["rivals"]["addition"]
    assert rivals["in_context"] is None
    assert rivals["instruction_tuning"]
    assert found["ties"] == {"addition": [], "sorting": []}
    shown = run("check", "outcomes.csv").stdout
    assert shown.endswith("\nFactors that this table cannot tell apart: none.\n")
    assert "80 rows, 2 tasks, 20 models, 1 metric (accuracy)" in shown
    assert (
        "  in_context: 2 of 2 tasks\n  instruction_tuning: 0 of 2 tasks\n    2 tasks: the" in shown
    )


def test_check_reports_duplicates_with_their_places(folder: Path) -> None:
    path = folder / "outcomes.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[5] + "\n")
    found = {item["kind"]: item for item in document("check", "outcomes.csv")["findings"]}
    assert found["duplicate_rows"]["count"] == 1
    assert found["duplicate_rows"]["where"]
    assert "duplicate_rows (1)" in run("check", "outcomes.csv").stdout


def test_audit_has_the_documented_schema(folder: Path) -> None:
    found = document("audit", "outcomes.csv")
    assert [audit["claim"]["task"] for audit in found["audits"]] == ["addition", "sorting"]
    audit = found["audits"][0]
    assert {"label", "explained_by", "untested", "reason"} <= set(audit["verdict"])
    assert set(audit["apparent"]) == {"presence", "absence", "departure"}
    interval = ("effect", "ci_lower", "ci_upper", "p_value", "p_adjusted")
    names = ("rival", "status", "null", *interval, "outcome", "reason")
    assert all(set(names) <= set(test) for test in audit["rivals"])
    assert found["manifest"]


def test_audit_tells_examples_from_emergence(folder: Path) -> None:
    addition, sorting = document("audit", "outcomes.csv")["audits"]
    assert addition["verdict"]["label"] == "explained"
    assert addition["verdict"]["explained_by"] == ["in_context"]
    assert sorting["verdict"]["label"] == "survives"
    shown = run("audit", "outcomes.csv", "--task", "addition").stdout
    assert "explained" in shown
    assert "in_context" in shown


def test_the_same_input_and_seed_give_the_same_bytes(folder: Path) -> None:
    command = ("audit", "outcomes.csv", "--task", "addition", "--json")
    first = run(*command).stdout_bytes
    assert run(*command).stdout_bytes == first
    other = run(*command, "--seed", "7").stdout_bytes
    assert run(*command, "--seed", "7").stdout_bytes == other
    assert other != first


@pytest.mark.parametrize(
    ("claims", "options", "code"),
    [
        (("explained",), (), 0),
        (("explained",), ("--strict",), 0),
        (("survives",), (), 1),
        (("survives",), ("--strict",), 1),
        (("explained", "absent"), (), 1),
    ],
)
def test_exit_code_says_whether_the_claims_hold(
    claims: tuple[str, ...], options: tuple[str, ...], code: int, folder: Path
) -> None:
    path = write_claims(folder, *(claim(item, item) for item in claims))
    assert run("audit", "outcomes.csv", "--claims", path, *options).exit_code == code
    assert run("audit", "--claims", path, *options).exit_code == code


@pytest.mark.parametrize("options", [(), ("--quiet",), ("--json",)])
def test_a_failed_claim_is_named(options: tuple[str, ...], folder: Path) -> None:
    path = write_claims(folder, claim("survives", "wrong"), claim("explained", "right"))
    done = run("audit", "--claims", path, *options)
    assert done.exit_code == 1
    line = "confounds: claim 'wrong' failed: expected survives, found explained\n"
    assert done.stderr == line
    if options == ("--json",):
        audits = json.loads(done.stdout)["audits"]
        assert [audit["held"] for audit in audits] == [False, True]


def test_a_claim_that_expects_nothing_neither_holds_nor_fails(folder: Path) -> None:
    (audit,) = document("audit", "outcomes.csv", "--task", "addition")["audits"]
    assert audit["held"] is None


def test_strict_names_the_claims_that_are_inconclusive(small_table: Path) -> None:
    done = run("audit", str(small_table), "--strict", "--quiet")
    assert done.stderr.splitlines() == [
        f"confounds: claim '{task}/accuracy': inconclusive, which --strict does not pass"
        for task in ("addition", "sorting")
    ]


@pytest.mark.parametrize("command", ["audit", "check"])
def test_a_negative_seed_is_usage(command: str, folder: Path) -> None:
    done = run(command, "outcomes.csv", "--seed", "-1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "confounds: option --seed is -1; it must be a whole number of at least 0\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("some defect"), 70, "an error of its own: ValueError: some defect\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_crash_is_told_from_a_failed_claim(
    error: BaseException, code: int, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("confounds.quality.inspect_outcomes", fail)
    done = run("check", "outcomes.csv")
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.endswith(f"confounds: {said}")


def test_models_of_unknown_scale_are_named(folder: Path) -> None:
    path = folder / "outcomes.csv"
    head, *rows = path.read_text().splitlines()
    size = head.split(",").index("parameters")
    for number in range(8):
        cells = rows[number].split(",")
        cells[size] = ""
        rows[number] = ",".join(cells)
    path.write_text("\n".join([head, *rows]))
    models = sorted({row.split(",")[2] for row in rows[:8]})
    shown = run("audit", "outcomes.csv").stdout
    line = f"note: 2 models left out of 2 claims, parameters unknown: {', '.join(models)} "
    assert f"{line}(ingest --models can give it; --scale takes another axis)" in shown
    assert document("audit", "outcomes.csv")["audits"][0]["unplaced"] == models


def test_check_keeps_to_the_tasks_asked_for(folder: Path) -> None:
    found = document("check", "outcomes.csv", "--task", "sorting")
    assert found["outcomes"]["tasks"] == list(found["rivals"]) == ["sorting"]
    done = run("check", "outcomes.csv", "--task", "sorting", "--task", "subtraction")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "subtraction" in done.stderr


def test_inconclusive_fails_only_under_strict(small_table: Path) -> None:
    path = str(small_table)
    labels = {audit["verdict"]["label"] for audit in document("audit", path)["audits"]}
    assert labels == {"inconclusive"}
    assert run("audit", path).exit_code == 0
    assert run("audit", path, "--strict").exit_code == 3


def test_nothing_selected(folder: Path) -> None:
    done = run("audit", "outcomes.csv", "--task", "subtraction")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "subtraction" in done.stderr
    assert "addition" in done.stderr


def test_quiet_prints_nothing(folder: Path) -> None:
    for arguments in (("check", "outcomes.csv"), ("audit", "outcomes.csv"), ("list", "rivals")):
        done = run(*arguments, "--quiet")
        assert (done.exit_code, done.output) == (0, "")


def test_export_writes_whole_tables(folder: Path) -> None:
    found = document("export", "outcomes.csv", "--out", "tables", "--format", "csv")
    assert found["out"]
    assert all((folder / path).is_file() for path in found["out"])
    assert sorted(path.name for path in folder.iterdir()) == ["outcomes.csv", "tables"]


def test_latex_tables_take_captions_and_labels(folder: Path) -> None:
    command = ("export", "outcomes.csv", "--out", "paper", "--task", "addition", "--quick")
    ours = ("--caption", "verdicts=50% = half", "--label", "rivals=tab:ours")
    done = run(*command, "--format", "latex", *ours, "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    verdicts = (folder / "paper" / "verdicts.tex").read_text()
    assert "\\caption{50\\% = half}\n  \\label{tab:verdicts}" in verdicts
    assert "S[table-format=1.2]" in verdicts
    assert "\\label{tab:ours}" in (folder / "paper" / "rivals.tex").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--caption", "verdicts=x"), "--caption and --label are for LaTeX tables"),
        (("--format", "latex", "--label", "tab:a"), "option --label is 'tab:a'; write TABLE=TEXT"),
        (
            ("--format", "latex", "--label", "x=y"),
            "no LaTeX table 'x'; there are: verdicts, rivals",
        ),
    ],
)
def test_wrong_words_for_latex_tables_are_usage(
    options: tuple[str, ...], said: str, folder: Path
) -> None:
    done = run("export", "outcomes.csv", "--out", "paper", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (folder / "paper").exists()


def test_a_metric_that_some_tasks_lack_is_audited_where_it_is(folder: Path) -> None:
    path = folder / "outcomes.csv"
    path.write_text(path.read_text().replace("sorting,accuracy", "sorting,exact_match"))
    found = document("audit", "outcomes.csv", "--metric", "exact_match")
    assert [audit["claim"]["task"] for audit in found["audits"]] == ["sorting"]


@pytest.mark.report
@pytest.mark.parametrize("command", ["report", "audit"])
def test_report_is_written(command: str, folder: Path) -> None:
    option = {"report": "--out", "audit": "--report"}[command]
    for name in ("a.html", "b.html"):
        assert run(command, "outcomes.csv", option, name).exit_code == 0
    assert (folder / "a.html").read_bytes() == (folder / "b.html").read_bytes()
    assert "in_context" in (folder / "a.html").read_text()


@pytest.mark.parametrize("command", ["report", "audit"])
def test_report_without_its_extra_says_how_to_get_it(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    option = {"report": "--out", "audit": "--report"}[command]
    done = run(command, "outcomes.csv", option, "a.html")
    assert (done.exit_code, done.stdout) == (2, "")
    assert 'pip install "emergence-confounds[report]"' in done.stderr
    assert not (folder / "a.html").exists()


@pytest.mark.report
def test_an_interactive_report_carries_its_script(folder: Path) -> None:
    for name, options in (("still.html", ()), ("live.html", ("--interactive",))):
        command = ("report", "outcomes.csv", "--task", "addition", "--out", name, *options)
        assert run(*command).exit_code == 0
    assert "<script" not in (folder / "still.html").read_text()
    assert "<script" in (folder / "live.html").read_text()
