"""What an engine is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from confounds.errors import UsageError
from confounds.probe import RunSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from confounds.probe import Listener, Run


@dataclass(frozen=True, slots=True)
class Job:
    """A study to run, and where.

    Attributes:
        study: the study file.
        out: the folder to write into, or to resume.
        settings: device, shard, batch size.
        address: of the cluster; None is this machine, or the only cluster there is.
        workers: how many at once; None lets the engine choose.
        options: settings of the engine's own, name -> value.
    """

    study: Path
    out: Path
    settings: RunSettings = field(default_factory=RunSettings)
    address: str | None = None
    workers: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """Asks the cells of a study somewhere; a file of this folder exports one as `ENGINE`.

    Attributes:
        name: as after `--engine`.
    """

    name: str

    def run(self, job: Job, listener: Listener) -> Run:
        """Ask every cell that is not there yet; cells are written whole, and none twice.

        Raises:
            StudyError: the study is wrong; nothing was run.
            UsageError: the job has settings that this engine does not take.
            ProbeError: some cells could not be asked; the others are there.
        """
        ...


def refuse_others(engine: str, job: Job, known: Collection[str]) -> None:
    """See that a job has no option that its engine does not know.

    Raises:
        UsageError: it has one; the message lists those that are known.
    """
    for name in job.options:
        if name not in known:
            allowed = ", ".join(known) or "none"
            msg = f"engine '{engine}' has no option '{name}'; allowed: {allowed}"
            raise UsageError(msg)


def option_number(engine: str, job: Job, name: str, default: float) -> float:
    """The value of an option that is a number of seconds.

    Raises:
        UsageError: it is not a number above 0.
    """
    value = job.options.get(name)
    try:
        number = default if value is None else float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        msg = f"engine '{engine}': option '{name}' is '{value}'; a number of seconds is needed"
        raise UsageError(msg)
    return number
