"""Wrong input: one clear message, exit code 4, no traceback, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from confounds.cli import app

HEAD = "task,metric,model,score,n,parameters,seed\n"
ROW = "addition,accuracy,small,0.5,100,1e9,0\n"

WRONG: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "missing column": (
        "wrong.csv",
        b"task,metric,model,n\naddition,accuracy,small,100\n",
        ("'score'", "missing", "task, metric, model, n"),
    ),
    "score out of range": (
        "wrong.csv",
        f"{HEAD}{ROW}addition,accuracy,large,1.5,100,1e9,0\n".encode(),
        ("[0, 1]", "1.5", "'addition'", "wrong.csv:3"),
    ),
    "percent for proportion": (
        "wrong.csv",
        f"{HEAD}addition,accuracy,small,87.5,100,1e9,0\n".encode(),
        ("87.5", "[0, 1]", "percent", "wrong.csv:2"),
    ),
    "NaN size": (
        "wrong.csv",
        f"{HEAD}addition,accuracy,small,0.5,100,NaN,0\n".encode(),
        ("'parameters'", "NaN", "wrong.csv:2"),
    ),
    "empty file": ("wrong.csv", b"", ("empty",)),
    "truncated JSON": ("wrong.json", b'{"results": {"addition": {"acc": 0.', ("cut short",)),
    "wrong encoding": (
        "wrong.csv",
        f"{HEAD}addici\u00f3n,accuracy,small,0.5,100,1e9,0\n".encode("latin-1"),
        ("UTF-8",),
    ),
    "unknown metric": (
        "wrong.csv",
        f"{HEAD}addition,glue,small,0.5,100,1e9,0\n".encode(),
        ("'glue'", "metrics"),
    ),
    "duplicates with different scores": (
        "wrong.csv",
        f"{HEAD}{ROW}{ROW}addition,accuracy,small,0.6,100,1e9,0\n".encode(),
        ("0.5", "0.6", "'small'"),
    ),
    "unreadable Parquet": ("wrong.parquet", b"PAR1 and nothing more", ("Parquet",)),
    "no such file": ("", b"", ("wrong.csv",)),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def confounds(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def said_once(done: Result) -> str:
    """The one message of a run that ended with exit code 4."""
    assert isinstance(done.exception, SystemExit)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith("confounds: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["ingest", "audit"])
def test_wrong_input_gives_one_message(command: str, wrong: str, folder: Path) -> None:
    name, content, parts = WRONG[wrong]
    if name:
        (folder / name).write_bytes(content)
    output = {"ingest": ("--out", "out.parquet"), "audit": ("--json",)}[command]
    message = said_once(confounds(command, name or "wrong.csv", *output))
    for part in (name or "wrong.csv", *parts):
        assert part in message
    assert sorted(path.name for path in folder.iterdir()) == ([name] if name else [])


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("outcomes = ", "not valid TOML"),
        ('outcomes = "ok.csv"\n', "no [[claim]] table"),
        ('[[claim]]\nid = "a"\ntask = "addition"\nmetric = "accuracy"\n', "'outcomes'"),
        (
            'outcomes = "ok.csv"\n[[claim]]\nid = "a"\ntask = "t"\nmetric = "m"\nexpect = "yes"\n',
            "survives, explained, inconclusive, absent",
        ),
    ],
)
def test_wrong_claims_give_one_message(content: str, part: str, folder: Path) -> None:
    (folder / "ok.csv").write_text(HEAD + ROW)
    (folder / "wrong.claims.toml").write_text(content)
    message = said_once(confounds("audit", "ok.csv", "--claims", "wrong.claims.toml"))
    assert "wrong.claims.toml" in message
    assert part in message


def test_the_same_input_mended_is_taken(folder: Path) -> None:
    (folder / "right.csv").write_text(HEAD + ROW)
    done = confounds("ingest", "right.csv", "--out", "out.parquet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert (folder / "out.parquet").stat().st_size > 0


def test_a_column_that_looks_misnamed_is_said(folder: Path) -> None:
    (folder / "wrong.csv").write_text(HEAD.replace("seed", "chanc") + ROW)
    done = confounds("check", "wrong.csv")
    note = "note: wrong.csv: columns that are not used: chanc (the nearest is chance)\n"
    assert (done.exit_code, done.stderr) == (0, note)
    assert confounds("check", "wrong.csv", "--quiet").stderr == ""
    (folder / "right.csv").write_text(HEAD.replace("seed", "our_own_remark") + ROW)
    assert confounds("check", "right.csv").stderr == ""


@pytest.mark.report
@pytest.mark.parametrize(
    "command",
    [
        ("ingest", "right.csv", "--out", "a/b/out.csv"),
        ("report", "right.csv", "--out", "a/b/out.html"),
        ("report", "right.csv", "right.csv", "--out", "a/b"),
        ("audit", "right.csv", "--report", "a/b/out.html"),
        ("export", "right.csv", "--out", "a/b"),
        ("probe", "study.toml", "--out", "a/b"),
    ],
)
def test_only_the_last_folder_is_made_and_a_wrong_name_is_said_at_once(
    command: tuple[str, ...], folder: Path
) -> None:
    (folder / "right.csv").write_text(HEAD + ROW)
    message = said_once(confounds(*command))
    assert "a/b: there is no folder a to make it in; make that first" in message
    assert [path.name for path in folder.iterdir()] == ["right.csv"]


def test_the_last_folder_is_made(folder: Path) -> None:
    (folder / "right.csv").write_text(HEAD + ROW)
    assert confounds("ingest", "right.csv", "--out", "new/out.csv").exit_code == 0
    assert (folder / "new" / "out.csv").exists()


def test_what_is_read_is_not_written_over(folder: Path) -> None:
    (folder / "right.csv").write_text(HEAD + ROW)
    done = confounds("ingest", "right.csv", "--out", "./right.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "which is read; name another file" in done.stderr
    assert (folder / "right.csv").read_text() == HEAD + ROW
