"""What a CSV or JSONL table cannot hold itself: declarations of metrics, and notes.

They stand in `NAME.meta.json` beside the table `NAME`; Parquet keeps them in its own metadata.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.measures import DECLARED, Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ENDING = ".meta.json"
Kept = tuple[dict[str, Measure], tuple[Finding, ...]]


def beside(path: Path) -> Path:
    """Where the declarations and notes of a table of text stand."""
    return path.with_name(path.name + ENDING)


def packed(measures: Iterable[Measure], notes: Iterable[Finding]) -> dict[str, Any]:
    """Declarations and notes as JSON values; see `unpacked`."""
    return {
        "measures": [asdict(measure) for measure in measures],
        "notes": [asdict(note) for note in notes],
    }


def unpacked(kept: Mapping[str, Any], path: Path) -> Kept:
    """What `packed` packed.

    Raises:
        FormatError: the values are not what `packed` makes; the message names the file.
    """
    try:
        measures = {one["name"]: Measure(**one) for one in kept.get("measures", [])}
        notes = [{**one, "where": tuple(one["where"])} for one in kept.get("notes", [])]
        return measures, tuple(Finding(**one) for one in notes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"{path}: its declarations of metrics cannot be read ({error!r})"
        raise FormatError(msg) from error


def place_with_sidecar(
    partial: Path, path: Path, measures: Mapping[str, Measure], notes: Iterable[Finding]
) -> None:
    """Put a table of text in place, and what it cannot hold beside it, where there is any.

    Args:
        partial: the written table, in the same folder.
        path: the table's name.
        measures: those that the package declares itself are not kept.
        notes: what a reader did or saw.
    """
    own = [one for name, one in measures.items() if DECLARED.get(name) != one]
    kept = packed(own, notes)
    target = beside(path)
    if not any(kept.values()):
        target.unlink(missing_ok=True)
        partial.replace(path)
        return
    kept["sha256"] = _sha256(partial)
    draft = target.with_name(f".{target.name}.partial")
    try:
        text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    partial.replace(path)


def read_sidecar(path: Path) -> Kept:
    """Declarations and notes beside a table of text; none where there is no such file.

    Notes are of the rows that were written: a table changed since has only its declarations.

    Raises:
        FormatError: the file beside the table is not what `write` makes.
    """
    source = beside(path)
    try:
        kept = json.loads(source.read_bytes())
    except FileNotFoundError:
        return {}, ()
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{source}: cannot be read ({error}); write the table again, or remove this file"
        raise FormatError(msg) from error
    measures, notes = unpacked(kept, source)
    return measures, notes if kept.get("sha256") == _sha256(path) else ()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
