"""Exposure from n-gram overlap with a corpus: which items could have been read there?"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from confounds.errors import StudyError
from confounds.study import Item, Overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_WORD = re.compile(r"\w+")


def exposure_by_overlap(
    items: Sequence[Item], settings: Overlap, corpus: Path
) -> dict[str, tuple[str | None, float]]:
    """Exposure and dose of each item, by id.

    The corpus is read once, line by line (an n-gram lies within one line), and only the
    items' own n-grams are counted, so memory does not grow with it. Items of fewer words than
    n are looked for whole.

    Raises:
        StudyError: the corpus cannot be read.
    """
    grams = {item.id: _grams(f"{item.prompt} {item.target}", settings.n) for item in items}
    wanted = {gram for found in grams.values() for gram in found}
    sizes = {len(gram) for gram in wanted}
    counts: Counter[tuple[str, ...]] = Counter()
    for text in _texts(corpus):
        for size in sizes:
            counts.update(gram for gram in _sequence(text, size) if gram in wanted)
    return {key: _verdict(found, counts, settings) for key, found in grams.items()}


def _verdict(
    grams: set[tuple[str, ...]], counts: Counter[tuple[str, ...]], settings: Overlap
) -> tuple[str | None, float]:
    if not grams:
        return None, 0.0
    seen = [counts[gram] for gram in grams]
    share = sum(count > 0 for count in seen) / len(seen)
    if share >= settings.threshold:
        return "memorized", float(min(count for count in seen if count))
    return ("unseen" if share == 0 else None), 0.0


def _grams(text: str, n: int) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return set(_sequence(text, min(n, len(words)))) if words else set()


def _sequence(text: str, n: int) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return (tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _texts(corpus: Path) -> Iterator[str]:
    try:
        with corpus.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _text_of(line, corpus, number)
    except OSError as error:
        msg = f"overlap corpus '{corpus}' cannot be read ({error.strerror})"
        raise StudyError(msg) from error


def _text_of(raw: bytes, corpus: Path, number: int) -> str:
    try:
        line = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte 0x{raw[error.start]:02x}"
        msg = f"overlap corpus '{corpus}', line {number}: {byte} is not UTF-8; save it in UTF-8"
        raise StudyError(msg) from error
    if corpus.suffix != ".jsonl" or not line.strip():
        return line
    try:
        return str(json.loads(line)["text"])
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        msg = f"overlap corpus '{corpus}', line {number}: a JSON object with 'text' is needed"
        raise StudyError(msg) from error
