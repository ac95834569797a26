"""What SLURM says of jobs, asked of `squeue`: `sacct` knows nothing where accounting is off."""

from __future__ import annotations

import os
import subprocess
import time
from typing import NamedTuple

from confounds.errors import ProbeError

_SILENCE = 600.0
# https://slurm.schedmd.com/squeue.html, JOB STATE CODES: those that a job does not leave.
_ENDED = frozenset(
    (
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    )
)  # fmt: skip
# https://slurm.schedmd.com/job_reason_codes.html: those that waiting does not change.
_NEVER = frozenset(
    (
        "AccountNotAllowed", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount",
        "InvalidQOS", "PartitionNodeLimit", "PartitionTimeLimit",
        "QOSNotAllowed", "launch_failed_requeued_held",
    )
)  # fmt: skip


class SilentError(ProbeError):
    """SLURM does not answer; what was submitted goes on."""


class Entry(NamedTuple):
    """A job in the queue.

    Attributes:
        state: such as `RUNNING`.
        reason: why it waits, such as `Resources`; the word `None` where it does not.
    """

    state: str
    reason: str

    @property
    def ended(self) -> bool:
        """Whether it runs no longer, and will not run again."""
        return self.state in _ENDED

    @property
    def stuck(self) -> bool:
        """Whether it waits for what does not come."""
        return self.state == "PENDING" and self.reason.replace(" ", "_") in _NEVER


class Squeue:
    """The jobs of this user that have one name.

    Args:
        name: of the jobs.
        silence: seconds without an answer after which none is waited for.
    """

    def __init__(self, name: str, silence: float = _SILENCE) -> None:
        self._silence = silence
        self._heard = time.monotonic()
        user = os.getuid()
        self._command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r"]
        self._command += [f"--user={user}", f"--name={name}"]

    def look(self) -> dict[str, Entry] | None:
        """Job -> what is said of it; None where SLURM does not answer for the moment.

        Jobs that ended are told of for some minutes (`MinJobAge`), and then are not there.

        Raises:
            SilentError: SLURM has not answered for long.
        """
        # SQUEUE_PARTITION and the like would hide jobs.
        ours = {key: value for key, value in os.environ.items() if not key.startswith("SQUEUE_")}
        try:
            answer = subprocess.run(  # noqa: S603 - no shell, and no text of a user's
                self._command, env=ours, capture_output=True, text=True, timeout=60, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or "").strip() or str(error)
            said = said.splitlines()[0]
            if time.monotonic() - self._heard > self._silence:
                msg = (
                    f"squeue has not answered for {self._silence:.0f} seconds ({said}). Jobs "
                    f"that were submitted go on; run the same command again to wait for them"
                )
                raise SilentError(msg) from error
            return None
        self._heard = time.monotonic()
        rows = (line.split("|", 2) for line in answer.stdout.splitlines() if line.count("|") > 1)
        return {job: Entry(state, reason) for job, state, reason in rows}
