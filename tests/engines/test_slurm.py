"""Jobs through submitit, run on this machine: the local engine's bytes; a dead job is told of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from probed import contents

from confounds.engines import Job
from confounds.engines.slurm import ENGINE, _parameters
from confounds.errors import MissingExtraError, ProbeError, UsageError
from confounds.ingest import read_outcomes
from confounds.probe import RunSettings, run_study
from confounds.probe._progress import Silent

CELLS = 18
HERE = {"cluster": "local", "poll": "0.05"}


@pytest.fixture(autouse=True)
def _jobs_import_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root / "tests"), prepend=":")


@pytest.fixture
def _submitit() -> None:
    pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")


def run_slurm(study: Path, out: Path, listener: Any = None, **settings: Any) -> Any:
    job = Job(study, out, **{"options": HERE, **settings})
    return ENGINE.run(job, listener or Silent())


class Ear(Silent):
    def __init__(self) -> None:
        self.total = 0
        self.cells = 0

    def start(self, total: int) -> None:
        self.total = total

    def cell(self, name: str, characters: int) -> None:
        del name
        self.cells += 1
        self.total -= characters


@pytest.mark.usefixtures("_submitit")
def test_the_same_bytes(write_study: Any, tmp_path: Path) -> None:
    study, out, ear = write_study(), tmp_path / "out", Ear()
    run = run_slurm(study, out, ear)
    assert (run.done, run.found, run.failures) == (CELLS, 0, [])
    assert (ear.cells, ear.total) == (CELLS, 0)
    assert len(list(out.glob("jobs/*/*_submitted.pkl"))) == 2  # a job a model
    run_study(study, tmp_path / "local")
    assert contents(out) == contents(tmp_path / "local")
    assert read_outcomes(out).digest() == read_outcomes(tmp_path / "local").digest()
    again = run_slurm(study, out)
    assert (again.done, again.found) == (0, CELLS)
    assert len(list(out.glob("jobs/*/*_submitted.pkl"))) == 2


@pytest.mark.usefixtures("_submitit")
def test_a_job_that_dies_is_told_by_name_and_its_cells_stay_open(
    write_study: Any, tmp_path: Path
) -> None:
    once = f'path = "{tmp_path}/dies-once"\nname = "one"'
    study = write_study(**{'path = "one"': once, '"two"': '"absent"'})
    out = tmp_path / "out"
    with pytest.raises(ProbeError) as error:
        run_slurm(study, out, workers=2)
    failed, ended = str(error.value).split("'. shard")
    assert "9 cells could not be asked ('absent': OSError: weights are corrupt)" in failed
    found = re.fullmatch(
        r" 1/2 \(job \d+\) died \(\w+\), 9 cells are open; its log is '(.*)'\. Run the .* resume",
        ended,
    )
    assert found is not None, ended
    assert Path(found[1]).is_file()
    assert not list(out.rglob("*.parquet"))
    with pytest.raises(
        ProbeError, match=r"9 cells could not be asked .*; 9 were, and 0 were there"
    ):
        run_study(study, out)
    assert set(read_outcomes(out).models) == {"one"}


@pytest.mark.usefixtures("_submitit")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"cluster": "pbs"}}, "'cluster' is 'pbs'; allowed: slurm, local"),
        ({"options": {"cluster": "local", "colour": "red"}}, "engine 'slurm': .*colour"),
        ({"options": {"cluster": "local", "poll": "x"}}, "'poll' is 'x'; a number of seconds"),
        ({"address": "head:1"}, "has no address; 'head:1' is for --engine ray"),
        ({"settings": RunSettings(shard=(1, 2))}, "makes its own shards"),
    ],
)
def test_what_it_does_not_take(
    write_study: Any, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run_slurm(write_study(), tmp_path / "out", **settings)
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.usefixtures("_submitit")
def test_where_there_is_no_slurm(
    write_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="or with cluster=local"):
        run_slurm(write_study(), tmp_path / "out", options={})


def test_names_of_sbatch_are_taken(tmp_path: Path) -> None:
    options = {"partition": "gpu", "time": "240", "gpus": "2", "cpus": "8", **HERE}
    assert _parameters(Job(tmp_path, tmp_path, options=options)) == {
        "slurm_partition": "gpu",
        "timeout_min": 240,
        "gpus_per_node": 2,
        "cpus_per_task": 8,
        "slurm_srun_args": ["--cpus-per-task=8"],
        "slurm_additional_parameters": {"requeue": True},
    }


def test_without_submitit(
    write_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(MissingExtraError, match=r'pip install "emergence-confounds\[slurm\]"'):
        run_slurm(write_study(), tmp_path / "out")
