"""Names from a table are printed as text: none steers the terminal that they are shown in."""

from __future__ import annotations

import pytest
from _worlds import World, claim_of, draw_table
from typer.testing import CliRunner

from confounds.cli import app
from confounds.errors import OutcomesError
from confounds.ingest import read_outcomes
from confounds.text import printable

CLEAR, RIGHT_TO_LEFT = "\x1b[2J", "\u202e"


@pytest.mark.parametrize("hostile", [CLEAR, RIGHT_TO_LEFT, "\x9b31m", "\x08\x08"])
def test_what_steers_a_terminal_is_replaced(hostile):
    assert printable(f"a{hostile}b\tc\nd") != f"a{hostile}b\tc\nd"
    assert printable("a\tb\nö → 語") == "a\tb\nö → 語"


def test_commands_print_hostile_tasks_as_text(tmp_path, rng_table):
    path = tmp_path / "table.csv"
    rng_table.to_csv(path, index=False)
    found = CliRunner().invoke(app, ["audit", str(path)])
    assert CLEAR not in found.output
    assert RIGHT_TO_LEFT not in found.output
    assert "[2J" in found.output
    missing = CliRunner().invoke(app, ["audit", str(path), "--task", f"none{CLEAR}"])
    assert missing.exit_code == 5
    assert CLEAR not in missing.output


@pytest.fixture
def rng_table():
    import numpy as np

    world = World()
    frame = draw_table(world, 8, np.random.default_rng(0)).outcomes.frame.copy()
    frame["task"] = frame["task"].map({claim_of(world).task: f"evil{CLEAR}{RIGHT_TO_LEFT}"})
    return frame


def test_a_message_is_one_line_whatever_a_name_holds(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('task,metric,model,score,n\n"two\nlines",accuracy,m,7,10\n')
    with pytest.raises(OutcomesError, match=r"\(t\.csv:2, task 'two\\nlines'\)") as raised:
        read_outcomes(path)
    assert len(str(raised.value).splitlines()) == 1
