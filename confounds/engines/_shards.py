"""Shards of a study as jobs of submitit: what a job does, and whether it has ended."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confounds.engines._squeue import Entry, Squeue
from confounds.errors import ConfoundsError, ProbeError
from confounds.files import read_json
from confounds.probe import run_study
from confounds.probe._files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from confounds.probe import RunSettings
    from confounds.probe._cells import Cell

NAME = "confounds"
_RECORD = "shards.json"
_LATE = 15.0


class Shard:
    """What a job does. One that comes to its time limit is put back into the queue, and resumes."""

    def __call__(self, study: str, out: str, settings: RunSettings) -> tuple[int, str | None]:
        """Tokens that passed through models, and why it ended early if it did."""
        try:
            return run_study(study, out, settings).tokens, None
        except ConfoundsError as error:
            return 0, str(error)

    def checkpoint(self, *args: Any) -> Any:
        """What is to be run in its place: the same, since cells that are there are not asked."""
        from submitit.helpers import DelayedSubmission  # noqa: PLC0415 - an extra

        return DelayedSubmission(self, *args)

    __submitit_checkpoint__ = checkpoint  # the name that submitit goes over to


@dataclass(slots=True)
class Part:
    """A shard, its job, and the cells that it is to ask.

    Attributes:
        missed: how often in a row it was seen to be neither waiting nor running.
        state: as last told of by SLURM.
    """

    shard: tuple[int, int]
    cells: list[Cell]
    job: Any = None
    missed: int = 0
    state: str = "gone"

    @property
    def name(self) -> str:
        """As it is told of."""
        return f"shard {self.shard[0]}/{self.shard[1]} (job {self.job.job_id})"

    @property
    def written(self) -> bool:
        """Whether the job has written what it came to."""
        return bool(self.job.paths.result_pickle.exists())

    def heard(self, entry: Entry | None) -> bool:
        """Take in what the queue says of the job; True once it has ended.

        Only what is seen twice is believed: jobs that are put back are between two states.

        Raises:
            ProbeError: the job waits for what does not come.
        """
        if self.written:
            return True
        if entry is not None and entry.stuck:
            msg = (
                f"{self.name} cannot start: {entry.reason}. All its jobs are cancelled; change "
                f"the options of sbatch (--engine-option), and run again to resume"
            )
            raise ProbeError(msg)
        self.state = "gone" if entry is None else entry.state.lower()
        self.missed = self.missed + 1 if entry is None or entry.ended else 0
        return self.missed > 1

    def came_to(self) -> tuple[int, str | None]:
        """Tokens, and why the job ended early if it did; after it has ended.

        Raises:
            RuntimeError: it wrote nothing, or broke; `state` says how it ended.
        """
        # The file system of another machine may show a file late.
        until = time.monotonic() + _LATE
        while self.state in ("gone", "completed") and not self.written:
            if time.monotonic() > until:
                break
            time.sleep(0.5)
        if not self.written:
            raise RuntimeError(self.state)
        tokens, message = self.job.result()
        return tokens, message


class Here:
    """Jobs that run on this machine, without SLURM."""

    def ended(self, parts: Sequence[Part]) -> bool:
        """Whether all jobs have ended."""
        for part in parts:
            part.state = str(part.job.state).lower()
        return all(part.job.done() for part in parts)

    def running(self) -> dict[str, Entry]:
        """None outlives what started it."""
        return {}


class There:
    """Jobs in the queue of SLURM."""

    def __init__(self) -> None:
        self.queue = Squeue(NAME)

    def ended(self, parts: Sequence[Part]) -> bool:
        """Whether all jobs have ended; False where SLURM does not answer for the moment.

        Raises:
            ProbeError: one cannot start, or SLURM has not answered for long.
        """
        if all(part.written for part in parts):
            return True
        entries = self.queue.look()
        if entries is None:
            return False
        ended = [part.heard(entries.get(part.job.job_id)) for part in parts]
        return all(ended)

    def running(self) -> dict[str, Entry]:
        """Jobs that wait or run, of this run or of another."""
        return {job: one for job, one in (self.queue.look() or {}).items() if not one.ended}


def write_record(folder: Path, parts: Sequence[Part]) -> None:
    """Write beside the jobs of a run which shards they are, for a run that comes after it."""
    shards = {part.job.job_id: part.shard for part in parts}
    write_bytes(folder / _RECORD, json.dumps(shards, sort_keys=True).encode())


def read_records(jobs: Path) -> Iterator[tuple[str, Path, tuple[int, int]]]:
    """Jobs of earlier runs into a folder: each with the folder of its files and its shard."""
    for path in sorted(jobs.glob(f"*/{_RECORD}")):
        for job, (index, count) in read_json(path).items():
            yield job, path.parent, (index, count)
