"""What a cluster seldom does: workers never placed or never started; cells held elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from probed import contents

from confounds.engines import Job
from confounds.engines.ray import _TICK, Crew
from confounds.errors import ProbeError
from confounds.probe import RunSettings, plan_study, run_study
from confounds.probe._progress import Silent
from confounds.probe._session import Session
from confounds.probe._store import Store


class GoneError(Exception):
    """As Ray's errors."""


class Cluster:
    """Does at once, in this process, what Ray does elsewhere and later."""

    exceptions = SimpleNamespace(RayError=GoneError, RayTaskError=type("T", (GoneError,), {}))

    def __init__(self, *, places: bool = True, starts: bool = True) -> None:
        self.places = places
        self.starts = starts
        self.hired = 0
        self.killed = 0

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2.0}}, {"Alive": False, "Resources": {}}]

    def put(self, value: Any) -> Any:
        return value

    def remote(self, kind: type) -> Any:
        def hire(*arguments: Any) -> Any:
            self.hired += 1
            seat = kind(*arguments)
            methods = {name: self._method(seat, name) for name in ("ready", "ask")}
            return SimpleNamespace(**methods)

        return SimpleNamespace(options=lambda **_options: SimpleNamespace(remote=hire))

    def _method(self, seat: Any, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            return lambda: getattr(seat, name)(*arguments)

        return SimpleNamespace(remote=call)

    def wait(self, references: list[Any], **options: Any) -> tuple[list[Any], list[Any]]:
        assert options == {"num_returns": 1, "timeout": _TICK}
        return (references[:1], references[1:]) if self.places else ([], references)

    def get(self, reference: Any) -> Any:
        if not self.starts:
            msg = "trace of the other machine\nModuleNotFoundError: no module named 'confounds'"
            raise GoneError(msg)
        return reference()

    def kill(self, _handle: Any) -> None:
        self.killed += 1


def crew_of(
    cluster: Cluster, study: Path, out: Path, listener: Any = None, patience: float = 60.0
) -> tuple[Crew, Any, Job]:
    heard = listener or Silent()
    session = Session(plan_study(study), Store(out), RunSettings(), "ray")
    missing = session.begin(heard)
    return Crew(cluster, session, heard, patience), missing, Job(study, out)


def test_cells_that_another_runner_holds_are_waited_for(write_study: Any, tmp_path: Path) -> None:
    study, out, cluster = write_study(), tmp_path / "out", Cluster()
    cells = plan_study(study).cells
    other = Store(out)
    hold = other.lock(cells[2], wait=False)
    assert hold.__enter__()

    class Frees(Silent):
        done = 0

        def cell(self, name: str, characters: int) -> None:
            del name, characters
            self.done += 1
            if self.done == len(cells) - 1:  # all others are done: what was held is let go
                hold.__exit__(None, None, None)

    crew, missing, job = crew_of(cluster, study, out, Frees())
    crew.work(missing, job)
    run = crew.session.end()
    assert (run.done, run.found, run.failures) == (18, 0, [])
    assert cluster.killed == cluster.hired == 1
    run_study(study, tmp_path / "local")
    assert contents(out) == contents(tmp_path / "local")


def test_what_another_runner_did_meanwhile_is_found(write_study: Any, tmp_path: Path) -> None:
    study, out = write_study(), tmp_path / "out"
    crew, missing, job = crew_of(Cluster(), study, out)
    run_study(study, out, RunSettings(shard=(1, 2)))
    crew.work(missing, job)
    run = crew.session.end()
    assert (run.done, run.found) == (9, 9)


def test_workers_that_are_never_placed(write_study: Any, tmp_path: Path) -> None:
    cluster = Cluster(places=False)
    crew, missing, job = crew_of(cluster, write_study(), tmp_path / "out", patience=0.01)
    message = "no worker could be placed on the Ray cluster in 0 s; 0 cells were asked, 18 are open"
    with pytest.raises(ProbeError, match=message):
        crew.work(missing, job)
    assert cluster.killed == cluster.hired


def test_workers_that_do_not_start(write_study: Any, tmp_path: Path) -> None:
    cluster = Cluster(starts=False)
    crew, missing, job = crew_of(cluster, write_study(), tmp_path / "out")
    message = r"workers do not start on the Ray cluster \(ModuleNotFoundError: no module named"
    with pytest.raises(ProbeError, match=message):
        crew.work(missing, job)
    assert cluster.hired == 3
