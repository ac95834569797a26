"""A SLURM cluster of two nodes on this machine, of this user, with nothing outside its folder.

Slurm lets several node daemons of one machine stand for several machines (`slurmd -N`). Debian's
packages slurm-wlm and munge hold all that is needed; none of their services is used.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")
NODES = ("a", "b")
CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge,cred_expire=2
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MpiDefault=none
JobRequeue=0
KillWait=1
ReturnToService=2
{nodes}
PartitionName=tests Nodes=ALL Default=YES State=UP MaxTime=120
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1"


def missing() -> list[str]:
    """What is not installed of what a cluster needs."""
    return [name for name in PROGRAMS if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Cluster:
    """Daemons that run, under a `slurm.conf` of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._env = {**os.environ, "SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        """Start the daemons, and wait until both nodes are there."""
        self._write_conf()
        key = self.folder / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        files = {"key-file": key, "socket": self.folder / "munge"}
        files |= {name: self.folder / f"munge.{name}" for name in ("pid-file", "log-file")}
        files["seed-file"] = self.folder / "munge.seed"
        self._start("munged", "--foreground", *(f"--{name}={path}" for name, path in files.items()))
        self._until(files["socket"].exists, "munged has no socket")
        self._start("slurmctld", "-D", "-c")
        self.start_nodes(*NODES)

    def start_nodes(self, *names: str) -> None:
        """Start the daemons of nodes."""
        for name in names:
            (self.folder / f"spool-{name}").mkdir(exist_ok=True)
            self._start("slurmd", "-D", "-N", name, name=name)
        self.until_idle()

    def until_idle(self) -> None:
        """Wait until every node is there and nothing runs or waits."""
        idle = ["idle"] * len(NODES)
        self._until(lambda: self.nodes() == idle and not self.jobs(), "the nodes are not idle")

    def call(self, *command: str) -> str:
        """What a command of Slurm answers."""
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=True)
        return done.stdout

    def nodes(self) -> list[str]:
        """The state of each node."""
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.call("sinfo", "--noheader", "--Node", "--format=%t").split()
        return []

    def jobs(self) -> dict[str, tuple[str, str]]:
        """Jobs that wait or run: job -> state and node."""
        rows = self.call("squeue", "--noheader", "--array", "--format=%i|%T|%N").splitlines()
        return {job: (state, node) for job, state, node in (row.split("|") for row in rows)}

    @contextlib.contextmanager
    def hastened(self) -> Iterator[None]:
        """Jobs that are put back start at once, where Slurm lets them wait for two minutes."""
        done = threading.Event()

        def hasten() -> None:
            while not done.wait(0.5):
                rows = self.call("squeue", "--noheader", "--array", "--format=%i|%r").split()
                for job in (row.partition("|")[0] for row in rows if row.endswith("|BeginTime")):
                    with contextlib.suppress(subprocess.CalledProcessError):  # it has started
                        self.call("scontrol", "update", f"JobId={job}", "StartTime=now")

        thread = threading.Thread(target=hasten)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def kill_node(self, node: str) -> None:
        """Let a node die with all that runs on it, and the controller see it."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        steps, others = [], []
        for process in self.processes(node):
            text = (Path("/proc") / str(process) / "cmdline").read_bytes()
            (steps if text.startswith(b"slurmstepd") else others).append(process)
        for process in (*steps, *others):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")

    def processes(self, node: str) -> list[int]:
        """Processes of the jobs on a node, and those that watch over them."""
        ours = f"SLURM_CONF={self.conf}".encode(), f"SLURMD_NODENAME={node}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                text = path.read_bytes().split(b"\0")
                if all(one in text for one in ours):
                    found.append(int(path.parent.name))
        return found

    def stop(self) -> None:
        """Cancel all jobs and end the daemons."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.call("scancel", f"--user={getpass.getuser()}")
            self._until(lambda: not self.jobs(), "jobs do not end")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            daemon.wait(30)

    def _write_conf(self) -> None:
        (self.folder / "state").mkdir()
        host = socket.gethostname().partition(".")[0]
        controller, *ports = _free_ports(1 + len(NODES))
        nodes = [
            NODE.format(name=name, host=host, port=port)
            for name, port in zip(NODES, ports, strict=True)
        ]
        values = {"host": host, "controller": controller, "folder": self.folder}
        text = CONF.format(user=getpass.getuser(), nodes="\n".join(nodes), **values)
        self.conf.write_text(text)

    def _start(self, program: str, *arguments: str, name: str | None = None) -> None:
        path = _program(program)
        assert path is not None
        with (self.folder / f"{name or program}.out").open("ab") as out:
            self.daemons[name or program] = subprocess.Popen(
                [path, *arguments], env=self._env, stdout=out, stderr=out, start_new_session=True
            )

    def _until(self, holds: Any, wrong: str, seconds: float = 30.0) -> None:
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, f"{wrong}: {self._logs()}"
            time.sleep(0.1)

    def _logs(self) -> Sequence[str]:
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return [line for path in files for line in path.read_text().splitlines()[-5:]]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """A cluster, in a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)  # munged refuses a socket in a folder that others may not enter
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)
