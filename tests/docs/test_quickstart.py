"""The commands of the quickstart and of a claim in CI, run on a small folder of results."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from rivals.made import World, frame_of, outcomes_of
from typer.testing import CliRunner

from confounds.cli import app

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "cookbook" / "ci.md").read_text(encoding="utf-8")
WORLD = World(models=12, spread=0.15, seed=3)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder with a table in which a step needs examples."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    kinds = {"with": ("step", {"shots": 5}), "without": ("flat", {"shots": 0})}
    frame = frame_of(WORLD, kinds).assign(task="addition")
    outcomes_of(frame).write(tmp_path / "results" / "outcomes.csv")
    return tmp_path


def run(line: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, shlex.split(line)[1:])
    return done.exit_code, done.output


@pytest.mark.report
def test_the_commands_run(results):
    lines = re.findall(r"^ +(confounds .*)$", QUICKSTART, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["ingest", "check", "audit", "report"]
    for line in lines:
        code, said = run(f"{line} --quick" if " report " in line else line)
        assert code == 0, f"{line}\n{said}"
    assert (results / "report.html").stat().st_size > 10_000


def test_the_claim_of_the_cookbook_is_held(results):
    (results / "results" / "outcomes.csv").rename(results / "outcomes.csv")
    (block,) = re.findall(r"^```toml\n(.*?)^```", CI, re.MULTILINE | re.DOTALL)
    Path("paper.claims.toml").write_text(block)
    commands = re.findall(r"^(confounds audit .*)$", CI, re.MULTILINE)
    assert len(commands) == 2
    assert run(commands[1])[0] == 0
