"""A cluster of two nodes, whatever of it dies: the local engine's bytes, and nothing twice."""

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
from probed import After, cells_done, contents

from confounds.engines import Job
from confounds.engines.ray import ENGINE, layout
from confounds.errors import ProbeError, UsageError
from confounds.ingest import read_outcomes
from confounds.probe import RunSettings
from confounds.probe._progress import Silent

ROOT = Path(__file__).parents[2]
CELLS = 18


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU, and this process connected to them."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
    from ray.cluster_utils import Cluster

    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Workers import the backend of these tests.
    paths = os.environ.get("PYTHONPATH", ""), str(ROOT / "tests"), str(ROOT)
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()
    patch.undo()


def run_ray(study: Path, out: Path, listener: Any = None, **settings: Any) -> Any:
    return ENGINE.run(Job(study, out, **settings), listener or Silent())


def test_the_same_bytes(cluster: Any, write_study: Any, tmp_path: Path, whole: Any) -> None:
    study = write_study()
    run = run_ray(study, tmp_path / "out")
    assert (run.done, run.found, run.failures) == (CELLS, 0, [])
    assert contents(tmp_path / "out") == whole(study)
    local, there = (read_outcomes(tmp_path / name) for name in ("local", "out"))
    assert there.digest() == local.digest()
    again = run_ray(study, tmp_path / "out")
    assert (again.done, again.found) == (0, CELLS)


def test_a_worker_that_is_killed(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any
) -> None:
    study = write_study(**{'path = "one"': f'path = "{tmp_path}/dies-once"\nname = "one"'})
    run = run_ray(study, tmp_path / "out")
    assert (run.done, run.failures) == (CELLS, [])
    assert (tmp_path / "dies-once").exists()
    assert contents(tmp_path / "out") == whole(study)
    assert cells_done(tmp_path / "out") == CELLS


def test_what_cannot_be_asked_is_named_with_its_reason(
    cluster: Any, write_study: Any, tmp_path: Path
) -> None:
    study = write_study(
        **{'"one"': '"kills"', '"two"': '"absent"', "shots = [0, 1, 2]": "shots = [0]"}
    )
    with pytest.raises(ProbeError, match="2 cells could not be asked") as error:
        run_ray(study, tmp_path / "out")
    assert "'kills': 3 workers were lost with it" in str(error.value)
    assert "'absent': OSError: weights are corrupt" in str(error.value)
    assert len(list((tmp_path / "out" / "failures").iterdir())) == 2


def test_a_node_that_is_killed(cluster: Any, write_study: Any, tmp_path: Path, whole: Any) -> None:
    study = write_study(BACKEND="SLOW")
    node = cluster.add_node(num_cpus=1)
    after = After(3, lambda: cluster.remove_node(node, allow_graceful=False))
    run = run_ray(study, tmp_path / "out", after)
    assert after.left < 0
    assert (run.done, run.failures) == (CELLS, [])
    assert contents(tmp_path / "out") == whole(study)
    assert cells_done(tmp_path / "out") == CELLS


def test_a_driver_that_is_killed_and_started_again(
    cluster: Any, write_study: Any, tmp_path: Path, whole: Any
) -> None:
    study, out = write_study(BACKEND="SLOW"), tmp_path / "out"
    command = [sys.executable, "-m", "confounds.cli", "probe", str(study), "--out", str(out)]
    driver = subprocess.Popen([*command, "--engine", "ray", "--address", cluster.address])
    while len(list(out.rglob("*.parquet"))) < 4:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    assert driver.wait(30) == -signal.SIGKILL
    there = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert 4 <= len(there) < CELLS
    run = run_ray(study, out)
    assert (run.done, run.found) == (CELLS - len(there), len(there))
    assert all(path.stat().st_mtime_ns == time for path, time in there.items())
    assert contents(out) == whole(study)


def test_what_it_does_not_take(write_study: Any, tmp_path: Path) -> None:
    study = write_study()
    with pytest.raises(UsageError, match="no option 'queue'; allowed: patience"):
        run_ray(study, tmp_path / "out", options={"queue": "x"})
    with pytest.raises(UsageError, match="'patience' is '-1'; a number of seconds is needed"):
        run_ray(study, tmp_path / "out", options={"patience": "-1"})
    with pytest.raises(UsageError, match="--device is 'cuda:1'; with --engine ray: auto, cpu or"):
        run_ray(study, tmp_path / "out", settings=RunSettings(device="cuda:1"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "expected"),
    [
        ([{"CPU": 8.0}, {"CPU": 4.0}], "auto", None, (2, {"num_gpus": 0, "num_cpus": 4})),
        ([{"CPU": 8.0}, {"CPU": 8.0}], "auto", 8, (8, {"num_gpus": 0, "num_cpus": 2})),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}], "cuda", 1, (1, {"num_gpus": 1, "num_cpus": 1})),
        ([{"CPU": 8.0, "GPU": 2.0}], "cpu", None, (1, {"num_gpus": 0, "num_cpus": 8})),
        ([{"CPU": 1.0}, {"memory": 5.0}], "cpu", 4, (4, {"num_gpus": 0, "num_cpus": 1})),
    ],
)  # fmt: skip
def test_one_worker_a_device(nodes: Any, device: str, workers: Any, expected: Any) -> None:
    assert layout(nodes, device, workers) == expected


def test_no_such_device() -> None:
    with pytest.raises(UsageError, match="device is cuda, and the cluster has no GPU"):
        layout([{"CPU": 4.0}], "cuda", None)
    with pytest.raises(ProbeError, match="no CPU"):
        layout([{"memory": 4.0}], "auto", None)
