"""The engine of this machine, and what every engine does alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from probed import contents
from typer.testing import CliRunner

from confounds import plugins
from confounds.cli import app
from confounds.engines import Job
from confounds.engines.local import ENGINE
from confounds.errors import UsageError
from confounds.probe import RunSettings, run_study
from confounds.probe._progress import Silent


@pytest.mark.parametrize("name", plugins.names("engines"))
def test_an_engine_is_named_by_its_file_and_knows_its_options(
    name: str, write_study: Any, tmp_path: Path
) -> None:
    engine = plugins.load("engines", name)
    assert engine.name == name
    if name == "slurm":
        pytest.importorskip("submitit", reason="submitit is not installed: pip install '.[slurm]'")
    options = {"colour": "red", **({"cluster": "local"} if name == "slurm" else {})}
    with pytest.raises(UsageError, match=rf"engine '{name}'.*colour"):
        engine.run(Job(write_study(), tmp_path / "out", options=options), Silent())
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_workers_repeat_a_device(write_study: Any, tmp_path: Path) -> None:
    study = write_study()
    job = Job(study, tmp_path / "two", RunSettings(device="cpu"), workers=2)
    assert ENGINE.run(job, Silent()).done == 18
    assert len(list((tmp_path / "two" / "runs").iterdir())) == 2
    run_study(study, tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.parametrize("device", ["auto", "cpu,cpu"])
def test_workers_need_one_device(write_study: Any, tmp_path: Path, device: str) -> None:
    job = Job(write_study(), tmp_path / "out", RunSettings(device=device), workers=2)
    with pytest.raises(UsageError, match="--workers repeats one device; name it"):
        ENGINE.run(job, Silent())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "pbs"], "no engines extension 'pbs'; there are: local, ray, slurm"),
        (["--address", "head:6379"], "engine 'local' has no address"),
        (["--engine-option", "partition"], "--engine-option is 'partition'; write KEY=VALUE"),
        (["--engine-option", "a=b"], "engine 'local' has no option 'a'; allowed: none"),
    ],
)
def test_wrong_usage(write_study: Any, tmp_path: Path, arguments: list[str], message: str) -> None:
    out = str(tmp_path / "out")
    result = CliRunner().invoke(app, ["probe", str(write_study()), "--out", out, *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()
