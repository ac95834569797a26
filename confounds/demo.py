"""The ladder end to end: probe the shipped models, audit every claim, write the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confounds.claim import read_claims
from confounds.files import write_whole
from confounds.ingest import read_outcomes
from confounds.ladder.asking import probe_ladder
from confounds.ladder.shipped import CLAIMS
from confounds.ladder.studies import FULL, Crossing
from confounds.pipeline import audit_all
from confounds.report import require_extra, write_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from confounds.inference.fits import Settings
    from confounds.ladder.shipped import Member
    from confounds.results import Audit


@dataclass(frozen=True, slots=True)
class Demo:
    """What a run of the demo made.

    Attributes:
        audits: one for each claim of `CLAIMS` whose task was asked, in order.
        outcomes: the table that they rest on.
        claims: the claims, beside their table.
        report: the HTML page.
    """

    audits: tuple[Audit, ...]
    outcomes: Path
    claims: Path
    report: Path


def run_demo(
    folder: Path,
    *,
    crossing: Crossing = FULL,
    workers: int = 1,
    settings: Settings | None = None,
    progress: Callable[[int, int], None] | None = None,
    members: Sequence[Member] | None = None,
) -> Demo:
    """Probe, audit and report; run again, it goes on where it stopped.

    Args:
        folder: everything is written into it.
        crossing: which part of the ladder is asked.
        workers: processes.
        settings: of the audits.
        progress: hears of parts of studies done, and of how many there are.
        members: models to ask, by default the shipped ones.

    Raises:
        ConfoundsError: a study could not be finished; what was done stays.
    """
    require_extra()
    found = probe_ladder(folder, crossing, workers, progress, members)
    outcomes = read_outcomes(found).aggregate()
    claims = folder / CLAIMS.name
    write_whole(claims, CLAIMS.read_bytes())
    file = read_claims(claims)
    outcomes.write(file.outcomes)
    asked = [claim for claim in file.claims if claim.task in outcomes.tasks]
    audits = audit_all(outcomes, claims=asked, settings=settings)
    report = write_report(audits, folder / "report.html", outcomes=outcomes)
    return Demo(audits, file.outcomes, claims, report)
