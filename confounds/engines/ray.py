"""A Ray cluster, or Ray on this machine: one worker a device, each keeping its model open.

Cells are written by the process that started the run, so machines need no folder in common:
only the models, under the same path or as hub ids, and this package.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from confounds.engines._affinity import TRIES, Queue
from confounds.engines._engine import Job, option_number, refuse_others
from confounds.engines._seat import Asked, Seat
from confounds.errors import MissingExtraError, ProbeError, UsageError
from confounds.probe import Run, plan_study
from confounds.probe._files import write_bytes
from confounds.probe._session import Session
from confounds.probe._store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from confounds.probe import Listener
    from confounds.probe._cells import Cell

_PATIENCE = 120.0
_TICK = 1.0


class Ray:
    """Workers of a Ray cluster; `--address` names it, without one Ray starts here."""

    name = "ray"

    def run(self, job: Job, listener: Listener) -> Run:
        """See `Engine.run`; option `patience`: seconds to wait for a worker to be placed."""
        refuse_others(self.name, job, ("patience",))
        if job.settings.device not in ("auto", "cpu", "cuda"):
            msg = f"--device is '{job.settings.device}'; with --engine ray: auto, cpu or cuda"
            raise UsageError(msg)
        patience = option_number(self.name, job, "patience", _PATIENCE)
        session = Session(plan_study(job.study), Store(job.out), job.settings, self.name)
        missing = session.begin(listener)
        if missing:
            with connected(job.address) as ray:
                Crew(ray, session, listener, patience).work(missing, job)
        return session.end()


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected; one that was connected before is left so.

    Raises:
        MissingExtraError: Ray is not installed.
        ProbeError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # noqa: PLC0415 - an extra, loaded where it is asked for
    except ImportError as error:
        raise MissingExtraError(error.name or "ray", "ray") from error
    if ray.is_initialized():
        yield ray
        return
    here = None if address is not None else False
    try:
        ray.init(
            address or "local",
            include_dashboard=here,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        msg = f"no Ray cluster at '{address or 'local'}' ({str(error).splitlines()[0]})"
        raise ProbeError(msg) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def layout(
    nodes: Sequence[Mapping[str, float]], device: str, workers: int | None
) -> tuple[int, dict[str, int]]:
    """How many workers, and what each takes: one a GPU, else one a machine with its CPUs.

    Args:
        nodes: of each machine that is alive, its resources `CPU` and `GPU`.
        device: `auto`, `cpu` or `cuda`.
        workers: how many; None is one a device.

    Raises:
        UsageError: GPUs are asked for and there are none.
        ProbeError: no machine has a CPU to run on.
    """
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if device == "cuda" and not gpus:
        msg = "--device is cuda, and the cluster has no GPU"
        raise UsageError(msg)
    if device != "cpu" and gpus:
        return workers or gpus, {"num_gpus": 1, "num_cpus": 1}
    cpus = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    if not cpus:
        msg = "the Ray cluster has no CPU to run a worker on"
        raise ProbeError(msg)
    count = workers or len(cpus)
    return count, {"num_gpus": 0, "num_cpus": max(1, min(*cpus, sum(cpus) // count))}


@dataclass(slots=True)
class Member:
    """A worker, the model that it has open, and the cell that it was given.

    Attributes:
        hold: keeps the cell locked against other runners.
    """

    handle: Any
    model: str | None = None
    cell: Cell | None = None
    hold: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


class Crew:
    """Gives cells to workers, and what a worker was lost with to another.

    Args:
        ray: the module, connected.
        session: the run.
        listener: hears how far it is.
        patience: seconds without any worker before the run ends.
    """

    def __init__(self, ray: Any, session: Session, listener: Listener, patience: float) -> None:
        self.ray = ray
        self.session = session
        self.listener = listener
        self.patience = patience
        self._numbers = {cell.digest: n for n, cell in enumerate(session.plan.cells)}
        self._starting: dict[Any, Member] = {}
        self._idle: list[Member] = []
        self._busy: dict[Any, Member] = {}
        self._held: list[Cell] = []
        self._refused = 0
        self._seen = time.monotonic()

    def work(self, cells: Sequence[Cell], job: Job) -> None:
        """Ask the cells.

        Raises:
            ProbeError: no worker could be had, or a worker's disk is full.
        """
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        count, needs = layout(nodes, job.settings.device, job.workers)
        self._kind = self.ray.remote(Seat).options(scheduling_strategy="SPREAD", **needs)
        settings = replace(job.settings, device="auto" if needs["num_gpus"] else "cpu")
        self._given = self.ray.put(self.session.plan), settings
        try:
            for _ in range(min(count, len(cells))):
                self._hire()
            self._ask(Queue(cells), wait=False)
            # What another runner held then is waited for.
            held, self._held = self._held, []
            self._ask(Queue(held), wait=True)
        finally:
            for member in (*self._starting.values(), *self._idle, *self._busy.values()):
                self._dismiss(member)

    def _ask(self, queue: Queue, *, wait: bool) -> None:
        while len(queue) or self._busy:
            while self._idle and (given := self._next(queue, self._idle[-1], wait=wait)):
                member = self._idle.pop()
                reference = member.handle.ask.remote(self._numbers[given.digest])
                self._busy[reference] = member
            if len(queue) or self._busy:
                self._hear(queue)

    def _next(self, queue: Queue, member: Member, *, wait: bool) -> Cell | None:
        """A cell for a worker that is neither there nor held by another runner."""
        others: dict[str, int] = {}
        for one in self._busy.values():
            if one.model is not None:
                others[one.model] = others.get(one.model, 0) + 1
        while cell := queue.take(member.model, others):
            hold = contextlib.ExitStack()
            if not hold.enter_context(self.session.store.lock(cell, wait=wait)):
                self._held.append(cell)
            elif self.session.store.holds(cell):
                hold.close()
                self.session.run.found += 1
            elif self.session.rescored(cell, self.listener):
                hold.close()
            else:
                member.cell, member.model, member.hold = cell, cell.model.label, hold
                return cell
        return None

    def _hear(self, queue: Queue) -> None:
        """Wait for a worker to be placed, or to be done with its cell."""
        waiting = [*self._starting, *self._busy]
        ready, _ = self.ray.wait(waiting, num_returns=1, timeout=_TICK)
        for reference in ready:
            if reference in self._starting:
                self._placed(reference)
            else:
                self._done(queue, reference)
        if self._busy or self._idle or ready:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > self.patience:
            msg = (
                f"no worker could be placed on the Ray cluster in {self.patience:.0f} s; "
                f"{self.session.run.done} cells were asked, {len(queue)} are open. Run the same "
                f"command again to resume"
            )
            raise ProbeError(msg)

    def _placed(self, reference: Any) -> None:
        member = self._starting.pop(reference)
        try:
            self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            self._refused += 1
            if self._refused >= TRIES:
                msg = f"workers do not start on the Ray cluster ({_last_line(error)})"
                raise ProbeError(msg) from error
            self._hire()
        else:
            self._refused = 0
            self._idle.append(member)

    def _done(self, queue: Queue, reference: Any) -> None:
        member = self._busy.pop(reference)
        cell = member.cell
        if cell is None:
            return
        try:
            asked: Asked = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            self.session.failed(cell, _last_line(error))
        except self.ray.exceptions.RayError as error:
            self._dismiss(member)
            self._hire()
            if not queue.put_back(cell):
                reason = f"{TRIES} workers were lost with it ({type(error).__name__})"
                self.session.failed(cell, reason)
            return
        else:
            self._keep(cell, asked)
        member.hold.close()
        self._idle.append(member)

    def _keep(self, cell: Cell, asked: Asked) -> None:
        """Write what a worker sent.

        Raises:
            ProbeError: its disk, or this one, is full.
        """
        self.session.facts |= asked.facts
        self.session.run.tokens += asked.tokens
        self.listener.tokens(asked.tokens)
        if asked.error is not None:
            raise ProbeError(asked.error)
        for name, content in asked.files.items():
            write_bytes(self.session.store.folder / name, content)
        if asked.reason is None:
            self.session.done(cell, self.listener)
        else:
            self.session.failed(cell, asked.reason)

    def _hire(self) -> None:
        handle = self._kind.remote(*self._given)
        self._starting[handle.ready.remote()] = Member(handle)

    def _dismiss(self, member: Member) -> None:
        member.hold.close()
        with contextlib.suppress(Exception):  # it may be gone already
            self.ray.kill(member.handle)


def _last_line(error: Exception) -> str:
    """What went wrong, without the trace of the other machine."""
    return str(error).strip().splitlines()[-1]


ENGINE = Ray()
