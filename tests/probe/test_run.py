"""A run ends with the same table however often and however it was interrupted."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from confounds.errors import ProbeError, UsageError
from confounds.ingest import read_outcomes
from confounds.probe import RunSettings, plan_study, run_study
from confounds.probe._progress import Silent, shown_bar
from confounds.probe._store import Store
from confounds.probe._worker import Worker
from confounds.probe._workers import _hear

TESTS = Path(__file__).parents[1]
FAKE = """
name = "fake"
seeds = [0, 1]
metrics = ["exact_match", "choice_accuracy", "brier", "target_log_prob"]
[[models]]
path = "one"
family = "f"
tokens = 10.0
backend = "fake:{backend}"
[[models]]
path = "two"
family = "f"
tokens = 10.0
backend = "fake:{backend}"
[[tasks]]
name = "words"
items = "items.jsonl"
[conditions]
shots = [0, 1, 2]
demonstrations = ["gold", "shuffled"]
"""


@pytest.fixture
def study(write_study: Any) -> Path:
    return write_study(text=FAKE.replace("{backend}", "BACKEND"))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is part of the results."""
    cells = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    return {**cells, "manifest": (folder / "manifest.json").read_bytes()}


def command(study: Path, out: Path) -> list[str]:
    code = (
        "import sys; from confounds.probe import run_study; print('ready', flush=True); "
        "run_study(sys.argv[1], sys.argv[2])"
    )
    return [sys.executable, "-c", code, str(study), str(out)]


def start(study: Path, out: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    process = subprocess.Popen(
        command(study, out), env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> int:
    code = process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
    return code


def test_cells_and_table(study: Path, tmp_path: Path) -> None:
    run = run_study(study, tmp_path / "out")
    # Two models x (no shots + two shots x two kinds x two seeds).
    assert (run.done, run.found, run.failures) == (18, 0, [])
    outcomes = read_outcomes(tmp_path / "out")
    items = 12 - 3
    assert len(outcomes) == 18 * items * 4
    assert outcomes.metrics == ("brier", "choice_accuracy", "exact_match", "target_log_prob")
    again = run_study(study, tmp_path / "out")
    assert (again.done, again.found) == (0, 18)


def test_killed_at_ten_moments_the_table_is_the_same(write_study: Any, tmp_path: Path) -> None:
    study = write_study(text=FAKE.replace("{backend}", "SLOW"))
    run_study(study, tmp_path / "whole")
    out, moments = tmp_path / "killed", random.Random(0)
    killed = 0
    for _ in range(10):
        process = start(study, out)
        time.sleep(moments.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        killed += finish(process) == -signal.SIGKILL
    assert killed >= 8
    assert finish(start(study, out)) == 0
    assert contents(out) == contents(tmp_path / "whole")
    assert not list(out.rglob("*.part"))
    whole, resumed = read_outcomes(tmp_path / "whole"), read_outcomes(out)
    assert resumed.digest() == whole.digest()
    assert resumed.write(tmp_path / "b.parquet").read_bytes() == (
        whole.write(tmp_path / "a.parquet").read_bytes()
    )


def test_two_runners_lose_and_repeat_nothing(write_study: Any, tmp_path: Path) -> None:
    study = write_study(text=FAKE.replace("{backend}", "SLOW"))
    run_study(study, tmp_path / "whole")
    both = [start(study, tmp_path / "both") for _ in range(2)]
    assert [finish(process) for process in both] == [0, 0]
    assert contents(tmp_path / "both") == contents(tmp_path / "whole")
    records = [path.read_text() for path in (tmp_path / "both" / "runs").iterdir()]
    done = [int(text.split('"cells_done": ')[1].split(",")[0]) for text in records]
    assert sum(done) == 18


@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_a_damaged_cell_is_seen_and_redone(study: Path, tmp_path: Path, damage: str) -> None:
    out = tmp_path / "out"
    run_study(study, out)
    before = contents(out)
    first, second = sorted(out.rglob("*.parquet"))[:2]
    content = bytearray(first.read_bytes())
    if damage == "cut":
        first.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[200] ^= 0xFF
        first.write_bytes(content)
    else:
        first.write_bytes(second.read_bytes())
    run = run_study(study, out)
    assert (run.done, run.found) == (1, 17)
    assert contents(out) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_leaves_no_half_file(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole = tmp_path / "whole"
    run_study(study, whole)
    flush, calls = os.fsync, iter(range(1000))

    def full(handle: int) -> None:
        if next(calls) >= 12:
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProbeError, match=r"no space left to write .* run the same command again"):
        run_study(study, tmp_path / "out")
    monkeypatch.undo()
    assert not list((tmp_path / "out").rglob("*.part"))
    assert all(
        whole_content == contents(whole)[name]
        for name, whole_content in contents(tmp_path / "out").items()
        if name.endswith(".parquet")
    )
    run_study(study, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(whole)


def test_a_failing_model_is_recorded_and_the_rest_goes_on(write_study: Any, tmp_path: Path) -> None:
    text = FAKE.replace("{backend}", "BACKEND")
    text = text.replace('path = "one"', 'path = "absent"').replace(
        "[[tasks]]", '[[models]]\npath = "breaks"\nbackend = "fake:BACKEND"\n[[tasks]]'
    )
    out = tmp_path / "out"
    with pytest.raises(ProbeError, match="18 cells could not be asked") as error:
        run_study(write_study(text=text), out)
    assert error.value.exit_code == 4
    assert "'absent': OSError: weights are corrupt" in str(error.value)
    assert "'breaks': RuntimeError: out of memory" in str(error.value)
    outcomes = read_outcomes(out)
    assert outcomes.models == ("two",)
    missing = {note.message: note.count for note in outcomes.notes if note.kind == "missing_cells"}
    assert missing == {
        "planned cells are not there: OSError: weights are corrupt": 9,
        "planned cells are not there: RuntimeError: out of memory": 9,
    }


def test_every_kind_of_demonstration_is_a_level(study: Path, tmp_path: Path) -> None:
    other = '[[tasks]]\nname = "b"\nitems = "items.jsonl"\nother = "words"\n[conditions]'
    text = study.read_text().replace("[conditions]", other)
    text = text.replace('name = "words"', 'name = "words"\nother = "b"')
    study.write_text(text.replace('["gold", "shuffled"]', '["gold", "shuffled", "other_task"]'))
    run_study(study, tmp_path / "out")
    found = set(read_outcomes(tmp_path / "out").frame["demonstrations"])
    assert found == {"none", "gold", "shuffled", "other_task"}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_shards_are_the_whole(study: Path, tmp_path: Path, count: int) -> None:
    parts = [
        run_study(study, tmp_path / "out", RunSettings(shard=(index, count)))
        for index in range(1, count + 1)
    ]
    assert sum(run.done for run in parts) == 18
    assert sum(run.found for run in parts) == 0
    cells = plan_study(study).cells
    assert all((tmp_path / "out" / cell.place).is_file() for cell in cells)


def test_the_bar_shows_speed(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown_bar() as bar:
        run_study(study, tmp_path / "out", None, bar)
    shown = capsys.readouterr()
    assert "100 %" in shown.err
    assert "tokens/s" in shown.err
    assert shown.out == ""


def test_a_shard_that_is_not_there(study: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shard 0/2 does not exist"):
        run_study(study, tmp_path / "out", RunSettings(shard=(0, 2)))


def test_workers_share_the_cells(study: Path, tmp_path: Path) -> None:
    run_study(study, tmp_path / "whole")
    run = run_study(study, tmp_path / "out", RunSettings(device="cpu,cpu"))
    assert (run.done, run.found) == (18, 0)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_worker_that_is_killed_while_it_speaks_is_one_that_ended() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    os.write(theirs.fileno(), struct.pack("!i", 100) + b"half")
    theirs.close()
    assert _hear([ours], Silent()) == {}


def test_what_fails_for_all_workers_is_counted_once(study: Path, tmp_path: Path) -> None:
    study.write_text(study.read_text().replace('path = "one"', 'path = "breaks"'))
    with pytest.raises(ProbeError, match=r"^9 cells could not be asked .*; 9 were, and 0 were"):
        run_study(study, tmp_path / "out", RunSettings(device="cpu,cpu"))


def test_workers_are_heard_and_begin_with_different_models(study: Path, tmp_path: Path) -> None:
    heard: dict[str, list[Any]] = {"start": [], "tokens": [], "cell": []}

    class Ear:
        def start(self, total: int) -> None:
            heard["start"].append(total)

        def tokens(self, count: int) -> None:
            heard["tokens"].append(count)

        def cell(self, name: str, characters: int) -> None:
            heard["cell"].append((name, characters))

    run = run_study(study, tmp_path / "out", RunSettings(device="cpu,cpu"), Ear())
    assert len(heard["start"]) == 1
    assert sum(heard["tokens"]) == run.tokens > 0
    assert sorted(name for name, _ in heard["cell"]) == ["one words"] * 9 + ["two words"] * 9
    assert sum(size for _, size in heard["cell"]) == heard["start"][0]
    plan, store = plan_study(study), Store(tmp_path / "out")
    turns = [Worker(plan, store, RunSettings(), (index, 2)) for index in (0, 1)]
    first = [turn._by_model(plan.cells)[0].model.label for turn in turns]
    assert first == ["one", "two"]


def test_a_worker_that_dies_stops_no_other(study: Path, tmp_path: Path) -> None:
    place = f'path = "{tmp_path / "dies-once"}"\nname = "one"'
    study.write_text(study.read_text().replace('path = "one"', place))
    with pytest.raises(ProbeError, match=r"worker on 'cpu' ended before .* \(exit code 9\)"):
        run_study(study, tmp_path / "out", RunSettings(device="cpu,cpu"))
    run = run_study(study, tmp_path / "out")
    assert (run.done, run.found) == (0, 18)


def test_what_is_asked_names_the_cell(study: Path) -> None:
    before = {cell.digest for cell in plan_study(study).cells}
    text = study.read_text()
    study.write_text(text.replace("tokens = 10.0", "tokens = 20.0"))
    assert {cell.digest for cell in plan_study(study).cells} == before
    for changed in (
        text.replace('"brier", ', ""),
        text.replace('path = "one"', 'path = "three"'),
        text + '[prompts.closed]\nitem = "{prompt}"\n',
    ):
        study.write_text(changed)
        assert {cell.digest for cell in plan_study(study).cells} != before


def test_an_edited_study_asks_what_changed_and_says_so(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_study(study, out)
    text = study.read_text()
    study.write_text(text.replace('"brier", ', '"token_accuracy", '))
    run = run_study(study, out)
    assert (run.done, run.rescored, run.tokens) == (18, 18, 0)
    note = "18 cells of the folder are of an earlier version of this study, kept and not read"
    assert run.notes == [note]
    run_study(study, tmp_path / "fresh")
    fresh = contents(tmp_path / "fresh")
    assert {name: contents(out)[name] for name in fresh} == fresh
    study.write_text(text.replace('path = "one"', 'path = "one"\ndtype = "float16"'))
    run = run_study(study, out)
    assert (run.done, run.found, run.rescored) == (9, 9, 0)
    assert run.notes == [note.replace("18", "27")]
    assert run_study(study, out).notes == []


def test_scores_alone_are_not_scored_anew(study: Path, tmp_path: Path) -> None:
    study.write_text(study.read_text().replace("seeds", 'store = "scores"\nseeds'))
    run_study(study, tmp_path / "out")
    study.write_text(study.read_text().replace('"brier", ', ""))
    run = run_study(study, tmp_path / "out")
    assert (run.done, run.rescored) == (18, 0)


def test_a_real_model_resumes_to_the_same_bytes(write_study: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    study = write_study()

    class Impatient:
        cells = 0

        def start(self, total: int) -> None:
            assert total > 0

        def tokens(self, count: int) -> None:
            assert count > 0

        def cell(self, name: str, characters: int) -> None:
            del name, characters
            self.cells += 1
            if self.cells == 2:
                raise KeyboardInterrupt

    run_study(study, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "out", None, Impatient())
    run = run_study(study, tmp_path / "out")
    assert (run.done, run.found) == (3, 2)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
