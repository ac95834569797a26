"""Read files or folders of results in any known format."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from confounds import plugins
from confounds.errors import FormatError, OutcomesError, half_character
from confounds.ingest import _facts
from confounds.ingest._identity import TWO_NAMES, differing_loads, join_aliases, two_names
from confounds.ingest._large import averaged, is_large
from confounds.ingest._map import TableMap, read_map
from confounds.ingest._reading import Format, Reading, first_places, merge_notes, stack
from confounds.ingest._rescoring import unrescored
from confounds.ingest.table import Table
from confounds.measures import DECLARED, Measure
from confounds.outcomes import Outcomes
from confounds.outcomes._places import PLACE
from confounds.outcomes.schema import REQUIRED, typed
from confounds.outcomes.storage import SUFFIXES, check_readable
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PathLike = str | Path
_SHOWN = 5
_MANY = 50
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz", ".7z")
_SHEETS = (".xlsx", ".xls", ".ods", ".tsv", ".tab", ".txt")
_NEVER_FILLED = tuple(name for name in REQUIRED if name != "n")


@dataclass(frozen=True, slots=True)
class _Found:
    """One file to read, its format, and the folder that its places are named from."""

    path: Path
    format: Format
    root: Path


def read_outcomes(
    path: PathLike | Iterable[PathLike],
    *,
    models: PathLike | None = None,
    tasks: PathLike | None = None,
    map: PathLike | None = None,  # noqa: A002  the option is --map
    format: str | None = None,  # noqa: A002  the option is --format
    rescore: bool = False,
) -> Outcomes:
    """Read published results, or a table of outcomes, as one checked table.

    Args:
        path: a file, a folder (walked, hidden folders too), or several of them.
        models: CSV with `model` and any of `family parameters tokens compute
            tokens_per_step tuning`; believed over the files. Where both are silent, the
            package's own table of open models is asked. Its `aliases` are read as `model`.
        tasks: CSV with `task`, optionally `metric`, and any of `chance majority n`; fills
            what the files do not say.
        map: `map.toml` that names the columns of any CSV, JSONL or Parquet table.
        format: name of a format, or `"package.module:OBJECT"`; None to recognise it.
        rescore: add the linear metrics (`choice_probability`, `brier`, `target_log_prob`) that
            follow from log-probabilities which the files keep of every choice. The samples of
            lm-eval are rescored in any case.

    Returns:
        The outcomes; `notes` say what reading did to the data.

    Raises:
        FormatError: a file cannot be read, nothing is recognised, or nothing can be rescored
            where that is asked for.
        MapError: the map, or the models or tasks table, is wrong.
        OutcomesError: the content breaks the schema of the table.
    """
    mapping = read_map(Path(map)) if map is not None else TableMap()
    paths = [path] if isinstance(path, str | Path) else list(path)
    formats = _formats(mapping, format, rescore=rescore)
    found, beside, unread = _find([Path(one) for one in paths], formats, named=format is not None)
    large = is_large([*(item.path for item in found), *beside])
    readings = [_read(item, mapping.metrics if large else None) for item in found]
    if rescore:
        unread += unrescored([(item.path, item.format) for item in found], readings)
    facts = _facts.Facts.read(models, tasks)
    try:
        tables = all(item.format.name == Table.name for item in found)
        outcomes = _combine(readings, facts, mapping.metrics, unread, tables=tables)
    except OutcomesError as error:
        if any(item.path.name in str(error) for item in found):
            raise
        msg = f"{_names(found)}: {error}"
        raise OutcomesError(msg) from error
    if outcomes is None:
        msg = f"{_names(found)}: no scores are there; at least one is needed"
        raise OutcomesError(msg)
    return outcomes


def _read(item: _Found, averaging: Mapping[str, Measure] | None) -> Reading:
    """One file; with its items averaged where the user's metrics are given for that."""
    try:
        reading = _checked(item.format.read(item.path), item.path)
        if item.format.name != Table.name:  # a table is text that was decoded
            _encode(reading.frame)
    except UnicodeEncodeError as error:
        raise _half_character(item.path, error) from error
    if averaging is not None:
        reading = averaged(reading, item.path, averaging)
    return _located(reading, item)


def _encode(frame: pd.DataFrame) -> None:
    """Raise `UnicodeEncodeError` where a text holds half of a character."""
    for name in frame.columns:
        values = frame[name].to_numpy()
        with suppress(pa.ArrowException):  # no text, or not only
            if values.dtype == object:
                pa.array(values, pa.string(), from_pandas=True)


def _half_character(path: Path, error: UnicodeEncodeError) -> FormatError:
    """Where in the file it stands, if it is written there as JSON does."""
    half, wrong = half_character(error)
    before, _, after = path.read_bytes().lower().partition(half.encode())
    line = 1 + before.count(b"\n")
    place = f"{path}:{line}" if after else f"{path}"
    return FormatError(f"{place}: {wrong}")


def _names(found: Sequence[_Found]) -> str:
    names = ", ".join(str(item.path) for item in found[:_SHOWN])
    return names + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def _find(
    paths: Sequence[Path], formats: tuple[Format, ...], *, named: bool
) -> tuple[list[_Found], list[Path], tuple[Finding, ...]]:
    """The files to read, those that are read along with them, and a note on the others."""
    found: list[_Found] = []
    beside: list[Path] = []
    unread: list[str] = []
    for path in paths:
        if not path.is_dir():
            found.append(_Found(path, _format_of(path, formats, named=named), path.parent))
            continue
        inside = sorted(one for one in path.rglob("*") if one.is_file())
        for one in inside:
            known = next((item for item in formats if item.recognises(one)), None)
            if known is not None:
                found.append(_Found(one, known, path))
            elif _companion(one, formats):
                beside.append(one)
            else:
                unread.append(str(one.relative_to(path)))
    if not found:
        names = ", ".join(item.name for item in formats)
        msg = f"{paths[0]}: no file in this folder is recognised; formats: {names}"
        if not named and names == Table.name:
            msg += f" (the map is for tables only: {', '.join(SUFFIXES)})"
        raise FormatError(msg)
    if not unread:
        return found, beside, ()
    message = "Files in the folder are of no known format and are not read"
    where = first_places(unread)
    return found, beside, (Finding("unread_files", message, len(unread), where, "note"),)


def _formats(mapping: TableMap, name: str | None, *, rescore: bool) -> tuple[Format, ...]:
    if name is not None and name != Table.name:
        return (_asked(plugins.load("ingest", name), rescore=rescore),)
    if name == Table.name or mapping.names_columns:
        return (Table(mapping),)
    others = {key: value for key, value in plugins.load_all("ingest").items() if key != Table.name}
    return (*(_asked(one, rescore=rescore) for one in others.values()), Table(mapping))


def _asked(form: Format, *, rescore: bool) -> Format:
    """The format, told to rescore where it can be."""
    return replace(form, rescore=True) if rescore and hasattr(form, "rescore") else form  # type: ignore[type-var]


def _format_of(path: Path, formats: Sequence[Format], *, named: bool) -> Format:
    check_readable(path)
    if named:
        return formats[0]
    for item in formats:
        if item.recognises(path):
            return item
    if path.suffix in SUFFIXES and not _companion(path, formats):
        return formats[-1]
    names = ", ".join(item.name for item in formats)
    hint = "save the table as .csv" if path.suffix.lower() in _SHEETS else "name one"
    hint = "unpack it first" if path.suffix.lower() in _PACKED else hint
    hint = "give the folder that holds it" if _companion(path, formats) else hint
    msg = f"{path}: not recognised as any of the formats {names}; {hint}"
    raise FormatError(msg)


def _companion(path: Path, formats: Sequence[Format]) -> bool:
    """A file that is read along with another, such as the samples of a results file."""
    patterns = [pattern for item in formats for pattern in getattr(item, "companions", ())]
    return any(path.match(pattern) for pattern in patterns)


def _checked(reading: Reading, path: Path) -> Reading:
    """What no table of models or tasks can fill must be in the file."""
    missing = [name for name in _NEVER_FILLED if name not in reading.frame.columns]
    if missing and len(reading.frame):
        names = [str(name) for name in reading.frame.columns if name not in ("source", PLACE)]
        alike = (name for name in names if name.strip().casefold() == missing[0])
        meant = "".join(f"; '{name}' is it but for its spelling" for name in alike)
        more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        there = ", ".join(names[:_MANY]) + more
        msg = f"{path}: column '{missing[0]}' is missing{meant}; it has: {there}; a map can name it"
        raise OutcomesError(msg)
    return reading


def _located(reading: Reading, item: _Found) -> Reading:
    """Places are named from the folder that was given, so that they are the same anywhere."""
    parent = item.path.parent.relative_to(item.root)
    named = [name for name in ("source", PLACE) if name in reading.frame.columns]
    if parent == Path() or not named:
        return reading
    places = {name: f"{parent.as_posix()}/" + reading.frame[name] for name in named}
    return replace(reading, frame=reading.frame.assign(**places))


def _combine(
    readings: Sequence[Reading],
    facts: _facts.Facts,
    declared: Mapping[str, Measure],
    notes: tuple[Finding, ...],
    *,
    tables: bool,
) -> Outcomes | None:
    """The rows of all files as one table; None where there are none."""
    measures: dict[str, Measure] = {}
    for reading in readings:
        measures.update(reading.measures)
        # What an earlier reading said of names is asked again: a models table may join them now.
        notes += tuple(one for one in reading.notes if one.kind != TWO_NAMES)
    measures.update(declared)
    complete = typed(stack([one.frame for one in readings if one.complete]))
    partial = typed(stack([one.frame for one in readings if not one.complete]))
    complete, given = facts.fill_models(complete, published=False)
    partial, looked_up = facts.fill_models(partial, published=True)
    frame = stack([complete, partial])
    unmatched = facts.unmatched(frame)
    frame, joined, renamed = join_aliases(frame, facts.models)
    names = (*renamed, *two_names(frame, facts.models), *differing_loads(readings, joined))
    optional = frozenset().union(*(one.optional_metrics for one in readings))
    frame, unknown = _without_unknown(frame, optional - set(measures))
    frame, tasks = facts.fill_tasks(frame, measures)
    every = merge_notes((*notes, *given, *looked_up, *unmatched, *names, *unknown, *tasks))
    if not len(frame):
        return None
    if not tables:
        _check_items(frame)
    return Outcomes(frame, measures=measures, notes=every)


def _check_items(frame: pd.DataFrame) -> None:
    """Raise `OutcomesError` where nothing tells `n`; a map cannot for files that are no tables."""
    unknown = frame["n"].isna().to_numpy()
    if unknown.any():
        row = frame.iloc[int(unknown.argmax())]
        msg = (
            f"column 'n' in {row.get('source')} is empty (task '{row['task']}'); every row needs "
            "the number of items there (--tasks can give it: a tasks.csv with task and n)"
        )
        raise OutcomesError(msg)


def _without_unknown(
    frame: pd.DataFrame, optional: frozenset[str]
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    unknown = optional - set(DECLARED)
    rows = frame["metric"].isin(unknown) if len(frame) else pd.Series(dtype=bool)
    if not rows.any():
        return frame, ()
    names = first_places(sorted(frame.loc[rows, "metric"].unique()))
    message = "Scores are of metrics that are declared nowhere (map.toml can) and are left out"
    return frame[~rows], (Finding("unknown_metrics", message, int(rows.sum()), names),)
