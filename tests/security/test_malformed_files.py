"""Every wrong file is refused in time, with its name and the place, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from malformed import in_json
from malformed_tables import in_tables
from typer.main import get_command

from confounds import plugins
from confounds.cli import app

CASES = dict((*in_json(), *in_tables()))
READERS = plugins.load_all("ingest")
COMMAND = get_command(app)
HANGS = 10
"""Seconds after which a reader is stopped."""
SLOW = 2.0
"""Seconds of CPU that no refusal takes."""


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """A reader that hangs fails its test instead of the job."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        message = f"not refused within {HANGS} s"
        raise TimeoutError(message)

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_there_are_enough_and_every_reader_has_some():
    assert len(CASES) >= 200
    assert {case.form for case in CASES.values()} == set(READERS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_file_and_place(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
):
    case = CASES[name]
    path = case.write(tmp_path)
    there = sorted(tmp_path.rglob("*"))
    arguments = ["ingest", str(path), "--format", case.form, "--out", str(tmp_path / "out.parquet")]
    for option, file in case.options.items():
        arguments += [f"--{option}", str(tmp_path / file)]
    started = time.process_time()
    with pytest.raises(SystemExit) as done:
        COMMAND.main(args=arguments, prog_name="confounds")
    printed = capsys.readouterr()
    assert done.value.code == 4, printed
    assert printed.out == ""
    message = printed.err.removeprefix("confounds: ").rstrip("\n")
    assert "\n" not in message
    assert Path(case.file or path).name in message
    assert re.search(case.says, message), message
    assert sorted(tmp_path.rglob("*")) == there
    assert time.process_time() - started < SLOW
