"""One Parquet file of details: which task and model it is of, and its items with their scores."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from confounds.errors import FormatError
from confounds.ingest._archive import first_line
from confounds.ingest._json import load, mapping, text
from confounds.ingest._lighteval_items import FIRST, Items, items_of
from confounds.ingest._parquet import read_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMED = re.compile(r"details_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:\-]+)\.parquet")
_REPOSITORY = re.compile(r"details_(?P<organisation>.+?)__(?P<name>.+?)(?:_private|_public)?")
_OLD = ("metrics", "choices", "gold_index", "num_asked_few_shots", "num_effective_few_shots")
_DOC = ("choices", "gold_index", "id")
_OLD_LOG_PROBS = ("predictions", "gold")


@dataclass(frozen=True, slots=True)
class Details:
    """One file: one task and one model.

    Attributes:
        model: hub id or local path.
        task: without suite and shots.
        suite: whose prompts were used; None where the name has none.
        shots: None where unknown.
        date: of the run.
    """

    model: str
    task: str
    suite: str | None
    shots: int | None
    date: str
    items: Items


def read_details(path: Path, *, log_probs: bool = False) -> Details:
    """Read a file, with the log-probabilities of choices where they are asked for.

    Raises:
        FormatError: it cannot be read, or nothing tells whose answers it holds.
    """
    named = NAMED.fullmatch(path.name)
    if named is None:
        msg = f"{path}: the name must be details_TASK_DATE.parquet"
        raise FormatError(msg)
    suite, task, shots = _parts(named["task"])
    with _readable(path):
        table = read_columns(path, lambda names: _wanted(names, path, log_probs=log_probs))
        items = items_of(table, path, log_probs=log_probs)
    if shots is None and len(items.asked) == 1:
        (shots,) = items.asked
    return Details(_model(path, named["date"]), task, suite, shots, named["date"], items)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"{path}: not a readable Parquet file ({first_line(error)})"
        raise FormatError(msg) from error


def _wanted(names: list[str], path: Path, *, log_probs: bool) -> list[str]:
    """The columns that tell scores; texts of prompts and answers stay on disk."""
    if "metric" in names or "__metric__" in names:
        edge = "__" if "__metric__" in names else ""
        told = [f"{edge}model_response{edge}.logprobs"] if log_probs else []
        return [f"{edge}metric{edge}", *(f"{edge}doc{edge}.{part}" for part in _DOC), *told]
    told = [*_OLD, *_OLD_LOG_PROBS] if log_probs else [*_OLD]
    old = [name for name in names if name in told]
    wanted = old if "metrics" in old else [*old, *(name for name in names if name in FIRST)]
    if not set(wanted) & {"metrics", *FIRST}:
        msg = f"{path}: no column of scores (metric, metrics, acc ...); it has: {', '.join(names)}"
        raise FormatError(msg)
    return wanted


def _parts(name: str) -> tuple[str | None, str, int | None]:
    """Suite, task and shots of `leaderboard|arc:challenge|25` or `arc:challenge|25`."""
    parts = name.split("|")
    shots = int(parts[-1]) if len(parts) > 1 and parts[-1].isdecimal() else None
    rest = parts[:-1] if shots is not None else parts
    return (rest[0] if len(rest) > 1 else None), rest[-1], shots


def _model(path: Path, date: str) -> str:
    """As the results of the run say, else as the folders are named."""
    folder = path.resolve().parent
    parts = folder.parts
    homes = [folder, folder.parent]
    if "details" in parts:
        place = len(parts) - 1 - parts[::-1].index("details")
        below = parts[place + 1 : -1]
        home = folder.parents[len(parts) - 1 - place]
        homes.append((home / "results").joinpath(*below))
    else:
        below = ()
    for home in homes:
        results = home / f"results_{date}.json"
        if results.is_file():
            told = text(mapping(mapping(load(results)).get("config_general")).get("model_name"))
            if told is not None:
                return told
    found = next(filter(None, map(_REPOSITORY.fullmatch, reversed(parts))), None)
    if found is not None:
        return f"{found['organisation']}/{found['name']}"
    if below:
        return "/".join(below[-2:])
    msg = (
        f"{path}: nothing tells the model; results_{date}.json must lie beside it, or the file in "
        f"a folder details/ORGANISATION/MODEL/DATE or details_ORGANISATION__MODEL"
    )
    raise FormatError(msg)
