"""A real SLURM of two nodes, whatever of it dies: the local engine's bytes, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slurm_cluster
from fake import SECONDS
from probed import After, contents

from confounds.engines import Job
from confounds.engines.slurm import ENGINE
from confounds.errors import ProbeError, UsageError
from confounds.ingest import read_outcomes
from confounds.probe._progress import Silent

CELLS = 18
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[slurm_cluster.Cluster]:
    """Two nodes of one processor; the commands of Slurm speak to them."""
    pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")
    missing = slurm_cluster.missing()
    if missing:
        pytest.skip(f"no {', '.join(missing)} here (Debian: apt install slurm-wlm munge)")
    with slurm_cluster.running() as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(made.conf))
        # Jobs import the backend of these tests.
        paths = os.environ.get("PYTHONPATH", ""), str(ROOT / "tests"), str(ROOT)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        yield made


@pytest.fixture(autouse=True)
def _cells_take_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECONDS, "0.5")


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells outlast the seconds that Slurm leaves a cancelled job to end by itself."""
    monkeypatch.setenv(SECONDS, "1.2")


def run_slurm(study: Path, out: Path, listener: Any = None, **options: str) -> Any:
    job = Job(study, out, options={"poll": "0.2", **options})
    return ENGINE.run(job, listener or Silent())


def written(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}


def submitted(out: Path) -> int:
    return len(list(out.glob("jobs/*/*_submitted.pkl")))


def resumed(study: Path, out: Path) -> None:
    """Run again: what was there stays as it was, and the rest is asked."""
    there = written(out)
    assert 0 < len(there) < CELLS
    run = run_slurm(study, out)
    assert (run.done, run.found) == (CELLS - len(there), len(there))
    assert there.items() <= written(out).items()


def driver(study: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "confounds.cli", "probe", str(study), "--out", str(out)]
    slurm = ["--engine", "slurm", "--engine-option", "poll=0.2"]
    process = subprocess.Popen([*command, *slurm])
    while len(written(out)) < 4:
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_the_same_bytes(cluster: Any, write_study: Any, tmp_path: Path, whole: Any) -> None:
    study, out, nodes = write_study(), tmp_path / "with a blank", set()
    after = After(3, lambda: nodes.update(node for _, node in cluster.jobs().values()))
    run = run_slurm(study, out, after)
    assert (run.done, run.found, run.failures) == (CELLS, 0, [])
    assert nodes == {"a", "b"}
    assert contents(out) == whole(study)
    assert read_outcomes(out).digest() == read_outcomes(tmp_path / "local").digest()
    assert submitted(out) == 2
    again = run_slurm(study, out)
    assert (again.done, again.found) == (0, CELLS)
    assert submitted(out) == 2


def test_a_job_that_is_cancelled(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any, slowly: None
) -> None:
    study, out = write_study(), tmp_path / "out"
    after = After(2, lambda: cluster.call("scancel", min(cluster.jobs())))
    with pytest.raises(ProbeError, match=r"shard 1/2 \(job \d+_0\) died \(cancelled\), \d cells"):
        run_slurm(study, out, after)
    resumed(study, out)
    assert contents(out) == whole(study)


def test_a_worker_that_is_killed(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any
) -> None:
    study = write_study(**{'path = "one"': f'path = "{tmp_path}/dies-once"\nname = "one"'})
    out = tmp_path / "out"
    with pytest.raises(ProbeError, match=r"died \(failed\), 9 cells are open; its log is '.*err'"):
        run_slurm(study, out)
    resumed(study, out)
    assert contents(out) == whole(study)


def test_a_node_that_is_killed(cluster: Any, write_study: Any, tmp_path: Path, whole: Any) -> None:
    study, out = write_study(), tmp_path / "out"
    there: dict[Path, int] = {}

    def kill() -> None:
        there.update(written(out))
        cluster.kill_node("b")

    with cluster.hastened():
        run = run_slurm(study, out, After(4, kill))
    assert (run.done, run.failures) == (CELLS, [])
    assert there.items() <= written(out).items()
    assert contents(out) == whole(study)
    assert submitted(out) == 2  # the job of the node went to the other one
    cluster.start_nodes("b")


def test_a_job_at_its_time_limit_is_put_back(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any
) -> None:
    study, out = write_study(), tmp_path / "out"
    after = After(4, lambda: cluster.call("scancel", "--signal=USR2", min(cluster.jobs())))
    with cluster.hastened():
        run = run_slurm(study, out, after, time="5")
    assert (run.done, run.failures) == (CELLS, [])
    assert contents(out) == whole(study)
    assert submitted(out) == 2
    logs = "".join(path.read_text() for path in out.glob("jobs/*/*.err"))
    assert "this job is timed-out" in logs


def test_a_driver_that_is_killed_finds_its_jobs_again(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any
) -> None:
    study, out = write_study(), tmp_path / "out"
    process = driver(study, out)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert len(cluster.jobs()) == 2
    there = written(out)
    run = run_slurm(study, out)
    assert 4 <= len(there) <= run.found < CELLS == run.found + run.done
    assert there.items() <= written(out).items()
    assert contents(out) == whole(study)
    assert submitted(out) == 2


def test_a_driver_that_is_interrupted_cancels_its_jobs(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any, slowly: None
) -> None:
    study, out = write_study(), tmp_path / "out"
    process = driver(study, out)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    cluster.until_idle()
    resumed(study, out)
    assert contents(out) == whole(study)


def test_what_slurm_does_not_take(cluster: Any, write_study: Any, tmp_path: Path) -> None:
    study, out = write_study(), tmp_path / "out"
    cluster.until_idle()
    with pytest.raises(UsageError, match=r"not be submitted .*invalid partition specified: nope"):
        run_slurm(study, out, partition="nope")
    with pytest.raises(ProbeError, match=r"\(job \d+_0\) cannot start: PartitionTimeLimit. All"):
        run_slurm(study, out, time="1000")
    cluster.until_idle()
    assert not written(out)
