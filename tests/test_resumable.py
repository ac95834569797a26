"""The runner that the benchmarks share: what is done is not run again."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import pytest
from _resumable import Table, fill


@dataclass(frozen=True)
class Cell:
    key: str


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Fills a table of two cells; gives what was run, as (cell, simulations)."""
    asked = []

    def rates(cell, simulations, seed):
        asked.append((cell.key, simulations))
        return {"rate": seed / 10}

    def filled(*options):
        asked.clear()
        table = Table(
            "made", (Cell("a"), Cell("b")), rates, share=lambda c: 1 / (1 + (c.key == "b"))
        )
        monkeypatch.setattr(
            sys, "argv", ["made.py", "--out", str(tmp_path / "made.json"), *options]
        )
        fill(table, "A table.")
        return list(asked), json.loads((tmp_path / "made.json").read_text())

    return filled


def test_every_cell_is_run_once_with_its_share_of_the_simulations(run):
    asked, kept = run("--simulations", "40", "--seed", "3")
    assert asked == [("a", 40), ("b", 20)]
    assert kept["b"]["rates"] == {"rate": 0.3}
    assert kept["b"]["cell"] == {"key": "b"}
    assert {"numpy", "python"} <= set(kept["b"]["versions"])
    assert run("--simulations", "40")[0] == []


def test_more_simulations_are_run_and_fewer_are_not(run):
    run("--simulations", "40")
    assert run("--simulations", "60")[0] == [("a", 60), ("b", 30)]
    asked, kept = run("--simulations", "20")
    assert asked == []
    assert kept["a"]["simulations"] == 60


def test_a_cell_that_is_not_asked_for_is_left_alone(run, capsys):
    run("--only", "a", "--simulations", "40")
    assert "rate 0.100" in capsys.readouterr().out
    asked, kept = run("--only", "b", "--simulations", "40")
    assert asked == [("b", 20)]
    assert set(kept) == {"a", "b"}
