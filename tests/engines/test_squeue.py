"""What `squeue` says and does not say, from a program that stands for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from confounds.engines._shards import Part, Shard, There, read_records, write_record
from confounds.engines._squeue import Entry, SilentError, Squeue
from confounds.errors import ProbeError


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a `squeue` into the path that runs these lines of shell."""

    def put(*lines: str) -> None:
        path = tmp_path / "bin" / "squeue"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")

    return put


def part(folder: Path, job: str = "7_0") -> Part:
    paths = SimpleNamespace(result_pickle=folder / f"{job}_0_result.pkl")
    return Part((1, 2), [], SimpleNamespace(job_id=job, paths=paths))


def test_what_is_said_of_jobs(squeue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUEUE_PARTITION", "other")
    squeue(
        'test -z "$SQUEUE_PARTITION" || exit 1',
        "echo '7_0|RUNNING|None'",
        "echo '7_1|PENDING|launch failed requeued held'",
        "echo '8|CANCELLED|None'",
        "echo a line of another kind",
    )
    found = Squeue("confounds").look()
    assert found is not None
    assert list(found) == ["7_0", "7_1", "8"]
    assert [one.ended for one in found.values()] == [False, False, True]
    assert [one.stuck for one in found.values()] == [False, True, False]
    assert list(There().running()) == ["7_0", "7_1"]


def test_no_answer_is_waited_for_and_then_told(squeue: Any) -> None:
    squeue("echo 'Unable to contact slurm controller' >&2", "exit 1")
    assert Squeue("confounds").look() is None
    assert not There().ended([part(Path())])
    with pytest.raises(SilentError, match=r"0 seconds \(Unable to contact .*same command again"):
        Squeue("confounds", silence=0).look()


def test_no_such_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SilentError, match="'squeue'"):
        Squeue("confounds", silence=0).look()


def test_a_job_has_ended_where_that_is_seen_twice_in_a_row(tmp_path: Path) -> None:
    one, running = part(tmp_path), Entry("RUNNING", "None")
    said = [None, running, Entry("CANCELLED", "None"), Entry("PENDING", "BeginTime"), running]
    assert [one.heard(entry) for entry in said] == [False] * len(said)
    assert not one.heard(Entry("TIMEOUT", "None"))
    assert one.heard(Entry("TIMEOUT", "None"))
    with pytest.raises(RuntimeError, match="timeout"):
        one.came_to()


def test_a_job_has_ended_where_it_wrote_what_it_came_to(tmp_path: Path) -> None:
    one = part(tmp_path)
    one.job.paths.result_pickle.touch()
    assert one.heard(Entry("RUNNING", "None"))


def test_a_job_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"shard 1/2 \(job 7_0\) cannot start: InvalidQOS"):
        part(tmp_path).heard(Entry("PENDING", "InvalidQOS"))


def test_what_a_later_run_is_told(tmp_path: Path) -> None:
    write_record(tmp_path / "20260101", [part(tmp_path), part(tmp_path, "9")])
    found = [("7_0", tmp_path / "20260101", (1, 2)), ("9", tmp_path / "20260101", (1, 2))]
    assert list(read_records(tmp_path)) == found
    assert not list(read_records(tmp_path / "absent"))


def test_a_job_that_is_put_back_does_the_same() -> None:
    pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")
    again = Shard().checkpoint("study", "out", None)
    assert (type(again.function), again.args, again.kwargs) == (Shard, ("study", "out", None), {})
