"""What a command takes: wall and CPU seconds, and the peak memory of all of its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

INTERVAL = 0.5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one command took.

    Attributes:
        wall: seconds.
        cpu: seconds of all processes, user and system.
        peak_mb: proportional set size of the process and its descendants, at its highest: memory
            that processes share is counted once. Looked at twice a second.
    """

    wall: float
    cpu: float
    peak_mb: float

    def figures(self) -> dict[str, float]:
        """Rounded, for JSON."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


def measure(command: list[str]) -> tuple[Taken, str]:
    """Run a command, one thread a process, measure it, and return what it printed.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    before, wall = _children_cpu(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(  # noqa: S603  the package's own command
            command, stdout=out, stderr=said, env={**os.environ, **ONE_THREAD}
        )
        watch = _Watch(process.pid)
        watch.start()
        code = process.wait()
        wall = time.perf_counter() - wall
        watch.stop()
        out.seek(0)
        said.seek(0)
        if code:
            msg = f"{' '.join(command)}: exit code {code}: {said.read()[-2000:]}"
            raise RuntimeError(msg)
        return Taken(wall, _children_cpu() - before, watch.peak / 1024), out.read()


def machine() -> dict[str, int]:
    """Cores and memory (GB) of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": len(os.sched_getaffinity(0)), "memory_gb": round(memory / 2**30)}


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watch(threading.Thread):
    """Looks at the memory of a process and its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._over.wait(INTERVAL):
            self.peak = max(self.peak, sum(_kb(pid) for pid in _tree(self._pid)))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _tree(pid: int) -> list[int]:
    """A process and all of its descendants that are there now."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for listed in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += [int(child) for child in listed.read_text().split()]
        except OSError:
            continue
    return found


def _kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
