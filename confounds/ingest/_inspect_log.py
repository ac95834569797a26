"""One log of Inspect, from an `.eval` archive or a JSON file: its header and its samples."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._archive import Archive
from confounds.ingest._inspect_logprobs import kept
from confounds.ingest._json import (
    decoded,
    listing,
    load_mapping,
    mapping,
    parse,
    require,
    text,
    whole,
)
from confounds.ingest._rescoring import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_HEADER = "header.json"
_START = "_journal/start.json"
_SUMMARIES = "summaries.json"
_PART = re.compile(r"_journal/summaries/(\d+)\.json")
_SAMPLE = re.compile(r"samples/.+_epoch_\d+(?:/sample)?\.json")
"""Whole, or the part of a sample in chunks that has its scores; an id may have slashes."""
_CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class LoggedSample:
    """One item of one epoch.

    Attributes:
        item: its id.
        epoch: counted from 1.
        values: scorer -> value as logged.
        choices: how many there are to choose from; 0 where there are none, or it is not told.
        target: the letter of the right choice, where there is one.
        failed: True where an error ended it.
        place: in the file.
        kept: of the log-probabilities of its choices, where that was asked for.
    """

    item: str
    epoch: int
    values: Mapping[str, Any]
    choices: int
    target: str | None
    failed: bool
    place: str
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """One log: `header` as `EvalLog` without samples."""

    path: Path
    header: Mapping[str, Any]
    samples: tuple[LoggedSample, ...]

    @property
    def spec(self) -> Mapping[str, Any]:
        """What was to be done (`EvalSpec`)."""
        return mapping(self.header["eval"])

    def majority(self) -> float | None:
        """Share of the commonest right letter; None where not every item has one."""
        letters = {one.item: one.target for one in self.samples}
        if not letters or None in letters.values():
            return None
        return Counter(letters.values()).most_common(1)[0][1] / len(letters)


def read_log(path: Path, *, log_probs: bool = False) -> Log:
    """Read a log, with what it keeps of log-probabilities where they are asked for.

    Raises:
        FormatError: it cannot be read, or lacks what makes a log.
    """
    if path.suffix == ".json":
        document = load_mapping(path, "eval")
        samples = _samples(listing(document.get("samples")), path.name, log_probs=log_probs)
        return Log(path, _header(document, path), samples)
    with Archive(path) as archive:
        header = _header(_archived_header(archive, path), path)
        if log_probs:
            return Log(path, header, _whole_samples(archive, path, log_probs=True))
        return Log(path, header, _archived_samples(archive, path, header))


def _header(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    spec = mapping(document["eval"])
    for name in ("task", "model"):
        if text(spec.get(name)) is None:
            msg = f"{path}: the log does not name its {name} (eval.{name})"
            raise FormatError(msg)
    return document


def _archived_header(archive: Archive, path: Path) -> dict[str, Any]:
    name = next((one for one in (_HEADER, _START) if one in archive.names), None)
    if name is None:
        msg = f"{path}: neither {_HEADER} nor {_START} is there; a log of Inspect has one"
        raise FormatError(msg)
    place = f"{path}:{name}"
    return require(_member(archive, path, name), place, "eval")


def _archived_samples(
    archive: Archive, path: Path, header: Mapping[str, Any]
) -> tuple[LoggedSample, ...]:
    """From the summaries where they say all that is needed, else from the samples."""
    parts = sorted(
        (name for name in archive.names if _PART.fullmatch(name)),
        key=lambda name: int(name.rsplit("/", 1)[-1].removesuffix(".json")),
    )
    if _SUMMARIES in archive.names:
        parts = [_SUMMARIES]
    rows = _latest(row for part in parts for row in _list(archive, path, part))
    names = [name for name in archive.names if _SAMPLE.fullmatch(name)]
    if rows and (not names or _tells_choices(rows) or not _asks_choices(header)):
        where = parts[0] if len(parts) == 1 else "_journal/summaries"
        return _samples(rows, f"{path.name}:{where}", log_probs=False)
    return _whole_samples(archive, path, log_probs=False)


def _latest(rows: Iterable[Any]) -> list[Any]:
    """Of the summaries of one item and epoch, which a retry journals anew, the last: as Inspect."""
    found = {}
    for row in rows:
        found[str(mapping(row).get("id")), str(mapping(row).get("epoch"))] = row
    return list(found.values())


def _whole_samples(archive: Archive, path: Path, *, log_probs: bool) -> tuple[LoggedSample, ...]:
    names = [name for name in archive.names if _SAMPLE.fullmatch(name)]
    found = (
        _samples([_member(archive, path, name)], f"{path.name}:{name}", log_probs=log_probs)
        for name in names
    )
    return tuple(one for few in found for one in few)


def _tells_choices(rows: Iterable[Any]) -> bool:
    """Summaries of logs before 2025-10 leave the choices out."""
    return all(_CHOICE + "s" in mapping(row) for row in rows)


def _asks_choices(header: Mapping[str, Any]) -> bool:
    scorers = listing(mapping(header["eval"]).get("scorers"))
    scores = listing(mapping(header.get("results")).get("scores"))
    return any(_CHOICE in str(mapping(one).get("name")) for one in (*scorers, *scores))


def _list(archive: Archive, path: Path, name: str) -> list[Any]:
    found = _member(archive, path, name)
    if not isinstance(found, list):
        msg = f"{path}:{name}: must be a list of samples; found {type(found).__name__}"
        raise FormatError(msg)
    return found


def _member(archive: Archive, path: Path, name: str) -> Any:
    place = f"{path}:{name}"
    return parse(decoded(archive.read(name), place), place)


def _samples(rows: Iterable[Any], place: str, *, log_probs: bool) -> tuple[LoggedSample, ...]:
    return tuple(
        _sample(row, f"{place}[{number}]", log_probs=log_probs) for number, row in enumerate(rows)
    )


def _sample(given: Any, place: str, *, log_probs: bool) -> LoggedSample:
    row = require(given, place, "id", "epoch")
    epoch = whole(row["epoch"])
    if epoch is None or not isinstance(row["id"], str | int):
        msg = f"{place}: id {row['id']!r}, epoch {row['epoch']!r}; a text or whole number, and one"
        raise FormatError(msg)
    choices = len(listing(row.get("choices")))
    target = _letter(row.get("target"), choices)
    return LoggedSample(
        item=str(row["id"]),
        epoch=epoch,
        values={
            str(scorer): mapping(score).get("value", score)
            for scorer, score in _scores(row).items()
        },
        choices=choices,
        target=target,
        failed=row.get("error") is not None,
        place=place,
        kept=kept(row, choices, target) if log_probs else None,
    )


def _scores(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of all scorers; the first logs had one, under `score`."""
    scores = mapping(row.get("scores"))
    old = row.get("score")
    return scores if scores or old is None else {"score": old}


def _letter(target: Any, choices: int) -> str | None:
    one = target[0] if isinstance(target, list) and len(target) == 1 else target
    right = isinstance(one, str) and len(one) == 1 and 0 <= ord(one) - ord("A") < choices
    return one if right else None
