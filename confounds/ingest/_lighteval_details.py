"""One Parquet file of details: which task and model it is of, and its items with their scores."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import FormatError
from confounds.ingest._archive import first_line
from confounds.ingest._json import listing, load, mapping, number, text, whole
from confounds.ingest._rows import local_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMED = re.compile(r"details_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:\-]+)\.parquet")
LARGEST = 8 << 30
"""Bytes of one file, unpacked."""
_REPOSITORY = re.compile(r"details_(?P<organisation>.+?)__(?P<name>.+?)(?:_private|_public)?")
_FIRST = ("acc", "acc_norm", "mc1", "mc2", "em", "qem", "pem", "pqem", "f1", "exact_match")
_OLD = ("metrics", "choices", "gold_index", "num_asked_few_shots", "num_effective_few_shots")
_DOC = ("choices", "gold_index", "id")
_OLD_LOG_PROBS = ("predictions", "gold")
_LONGEST_TEXT = 1 << 20
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One item.

    Attributes:
        name: its id, or its place in the file.
        scores: metric, as the tool names it -> value as logged.
        choices: to choose from; 0 where there are none.
        right: how many of them are right.
        lost: demonstrations that had no room in the prompt; None where not told.
        texts: of the choices.
        gold: indices of the right ones.
        log_prob: of the choices; empty where it was not asked for, or is not told.
    """

    name: str
    scores: Mapping[str, Any]
    choices: int
    right: int
    lost: int | None
    texts: tuple[str, ...] = ()
    gold: tuple[int, ...] = ()
    log_prob: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """One file: one task and one model.

    Attributes:
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
    items: tuple[Item, ...]


def read_details(path: Path, *, log_probs: bool = False) -> Details:
    """Read a file, with the log-probabilities of choices where they are asked for.

    Raises:
        FormatError: it cannot be read, or nothing tells whose answers it holds.
    """
    named = NAMED.fullmatch(path.name)
    if named is None:
        msg = f"{path}: the name must be details_TASK_DATE.parquet"
        raise FormatError(msg)
    rows = _rows(path, log_probs=log_probs)
    suite, task, shots = _parts(named["task"])
    items = tuple(_item(row, place, f"{path}: row {place}") for place, row in enumerate(rows))
    if len({one.name for one in items}) < len(items):
        items = tuple(_renamed(one, place) for place, one in enumerate(items))
    asked = {whole(_plain(row.get("num_asked_few_shots"), str(path))) for row in rows}
    if shots is None and len(asked) == 1:
        shots = asked.pop()
    return Details(_model(path, named["date"]), task, suite, shots, named["date"], items)


def _rows(path: Path, *, log_probs: bool) -> list[dict[str, Any]]:
    """The columns that tell scores; texts of prompts and answers stay on disk."""
    try:
        with pq.ParquetFile(path) as file:
            size = sum(
                file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)
            )
            if size > LARGEST:
                msg = f"{path}: unpacks to {size} bytes; at most {LARGEST} are read"
                raise FormatError(msg)
            names = file.schema_arrow.names
            wanted = _wanted(names, path, log_probs=log_probs)
            rows: list[dict[str, Any]] = []
            size = 0
            for batch in file.iter_batches(_BATCH, columns=wanted):
                size += batch.nbytes
                if size > LARGEST:
                    msg = f"{path}: unpacks to more than {LARGEST} bytes; at most that are read"
                    raise FormatError(msg)
                rows += batch.to_pylist()
            return rows
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"{path}: not a readable Parquet file ({first_line(error)})"
        raise FormatError(msg) from error


def _wanted(names: list[str], path: Path, *, log_probs: bool) -> list[str]:
    if "metric" in names or "__metric__" in names:
        edge = "__" if "__metric__" in names else ""
        told = [f"{edge}model_response{edge}.logprobs"] if log_probs else []
        return [f"{edge}metric{edge}", *(f"{edge}doc{edge}.{part}" for part in _DOC), *told]
    told = [*_OLD, *_OLD_LOG_PROBS] if log_probs else [*_OLD]
    old = [name for name in names if name in told]
    wanted = old if "metrics" in old else [*old, *(name for name in names if name in _FIRST)]
    if not set(wanted) & {"metrics", *_FIRST}:
        msg = f"{path}: no column of scores (metric, metrics, acc ...); it has: {', '.join(names)}"
        raise FormatError(msg)
    return wanted


def _item(row: Mapping[str, Any], place: int, where: str) -> Item:
    """From a row of 0.11 and later (`doc`, `metric`), before it (`metrics`), or of the first."""
    edge = "__" if "__metric__" in row else ""
    doc = mapping(row.get(f"{edge}doc{edge}")) or row
    scores = row.get(f"{edge}metric{edge}", row.get("metrics"))
    if scores is None:
        scores = {name: row[name] for name in _FIRST if name in row}
    choices = listing(_plain(doc.get("choices"), where))
    gold = _plain(doc.get("gold_index"), where)
    if gold is None and isinstance(doc.get("gold"), int | list):
        gold = doc["gold"]
    asked = whole(_plain(row.get("num_asked_few_shots"), where))
    used = whole(_plain(row.get("num_effective_few_shots"), where))
    return Item(
        name=text(doc.get("id")) or str(place),
        scores=mapping(_plain(scores, where)),
        choices=len(choices),
        right=len(gold) if isinstance(gold, list) else 1,
        lost=None if asked is None or used is None or used < 0 else max(asked - used, 0),
        texts=tuple(str(one) for one in choices),
        gold=_indices(gold, len(choices)),
        log_prob=_log_probs(row, edge, where)[: len(choices)],
    )


def _indices(gold: Any, choices: int) -> tuple[int, ...]:
    """Of the right choices; empty where one is no index."""
    found = [whole(one) for one in (gold if isinstance(gold, list) else [gold])]
    known = tuple(one for one in found if one is not None and one < choices)
    return known if len(known) == len(found) else ()


def _log_probs(row: Mapping[str, Any], edge: str, where: str) -> tuple[float, ...]:
    """One a choice; before 0.11 each may stand with the flag that says whether it is greedy."""
    told = mapping(row.get(f"{edge}model_response{edge}")).get("logprobs")
    if told is None:
        with suppress(FormatError):  # what was generated, and not numbers
            told = _plain(row.get("predictions"), where)
    found = [
        number(one[0] if isinstance(one, list | tuple) and one else one) for one in listing(told)
    ]
    known = tuple(one for one in found if one is not None and one <= 0)
    return known if len(known) == len(found) else ()


def _plain(value: Any, where: str) -> Any:
    """The value; where early versions wrote it as text, what the text says."""
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_TEXT:
        msg = f"{where}: a text of {len(value)} characters; at most {_LONGEST_TEXT} are read"
        raise FormatError(msg)
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        msg = f"{where}: {value[:40]!r} is no value that can be read ({first_line(error)})"
        raise FormatError(msg) from error


def _renamed(item: Item, place: int) -> Item:
    return replace(item, name=str(place))


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
                return local_name(told)
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
