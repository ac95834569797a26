"""Folders whose items are more than memory should hold: averaged file by file, as they are read.

What a file's items say is averaged to runs before the next file is opened, so that memory is that
of the largest file, whatever the folder. Checks of single scores are made before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from confounds.errors import OutcomesError
from confounds.ingest._reading import Reading, stack
from confounds.measures import DECLARED, Measure
from confounds.outcomes import checks
from confounds.outcomes.cells import average_items
from confounds.outcomes.schema import check_scores, conform
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANY_BYTES = 500_000_000


def is_large(files: Iterable[Path]) -> bool:
    """Do these files hold more than 500 MB?"""
    return sum(one.stat().st_size for one in files) > MANY_BYTES


def averaged(reading: Reading, path: Path, declared: Mapping[str, Measure]) -> Reading:
    """A file's reading with the items of each run averaged; averages pass through.

    Args:
        reading: the rows of one file.
        path: of the file.
        declared: metrics that the user declares.

    Raises:
        OutcomesError: a score is outside the range of its metric, or items contradict each other.
    """
    frame = reading.frame
    if "item" not in frame.columns or not frame["item"].notna().any():
        return reading
    by_item = frame["item"].notna()
    try:
        items = conform(frame[by_item])
        known = {**DECLARED, **reading.measures, **declared}
        check_scores(items[items["metric"].isin(known)], known)
        checks.check_items(items)
        items, repeated = checks.without_duplicates(items)
    except OutcomesError as error:
        msg = f"{path}: {error}"
        raise OutcomesError(msg) from error
    runs = average_items(items).dropna(axis=1, how="all").assign(source=path.name)
    message = "Items were averaged while the files were read: together they exceed 500 MB"
    note = Finding("streamed", message, len(items), (), "note")
    kept = stack([runs, frame[~by_item]])
    return replace(reading, frame=kept, notes=(*reading.notes, *repeated, note))
