"""JSON of unknown origin: bounded in size and depth, one clear error each, numbers as numbers.

A key that an object of a document has twice is refused: of two scores, the last would count
unseen. Keys are counted as they are written (`"key":`, which is how these tools write them) and as
they are read; in JSON Lines, where it would cost more beside short lines, they are not.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.errors import FormatError
from confounds.outcomes._json_lines import each_once
from confounds.outcomes.storage import check_readable, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_FILE = 2 << 30
"""Bytes of one document; beyond it memory would decide what happens."""
_DECODER = json.JSONDecoder()
_LINE_ENDS = ("\n", "", "\r\n")
_BLOCK = 1 << 17
_QUOTE, _COLON, _ESCAPE = b'":\\'


def load(path: Path) -> Any:
    """The document of a file.

    Raises:
        FormatError: it is absent, larger than `LARGEST_FILE`, not UTF-8, cut short, not JSON,
            or nested too deeply.
    """
    check_size(path)
    return parse(read_text(path), str(path))


def load_mapping(path: Path, *keys: str) -> dict[str, Any]:
    """The document of a file, which must be an object with these keys.

    Raises:
        FormatError: it cannot be read, or is not that.
    """
    return require(load(path), str(path), *keys)


def require(document: Any, place: str, *keys: str) -> dict[str, Any]:
    """The document, which must be an object with these keys; a `FormatError` otherwise."""
    if not isinstance(document, dict):
        msg = f"{place}: must be a JSON object; found {type(document).__name__}"
        raise FormatError(msg)
    missing = [key for key in keys if key not in document]
    if missing:
        msg = f"{place}: '{missing[0]}' is missing; it has: {', '.join(list(document)[:12])}"
        raise FormatError(msg)
    return document


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line of a JSON Lines file that is not empty.

    Raises:
        FormatError: the file cannot be read, or a line is not a JSON object.
    """
    check_size(path)
    check_readable(path)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            row = _plain_line(raw)
            if row is not None:
                yield number, row
            elif raw.strip():
                place = f"{path}:{number}"
                yield number, require(parse(decoded(raw, place), place), place)


def _plain_line(raw: bytes) -> dict[str, Any] | None:
    """The object that is all of a line; None where there is more to say of the line."""
    try:
        line = str(raw, "utf-8")
        row, end = _DECODER.raw_decode(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and line[end:] in _LINE_ENDS else None


def decoded(raw: bytes, place: str) -> str:
    """Bytes as text; a `FormatError` naming the byte where they are not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{place}: byte 0x{raw[error.start]:02x} at {error.start} is not UTF-8"
        raise FormatError(msg) from error


def parse(text: str, place: str) -> Any:
    """The document that a text writes.

    Raises:
        FormatError: naming the place, the line and the column; or the key that is there twice.
    """
    sizes: list[int] = []
    add = sizes.append

    def sized(found: dict[str, Any]) -> dict[str, Any]:
        add(len(found))
        return found

    try:
        document = json.loads(text, object_hook=sized)
    except json.JSONDecodeError as error:
        unended = error.msg.startswith("Unterminated string")
        short = unended or error.pos >= len(text.rstrip()) - 1
        what = "the file is cut short" if short else "not valid JSON"
        where = f"line {error.lineno} column {error.colno}"
        msg = f"{place}: {what} ({error.msg} at {where})"
        raise FormatError(msg) from error
    except RecursionError as error:
        msg = f"{place}: nested too deeply to be a file of results"
        raise FormatError(msg) from error
    except ValueError as error:
        msg = f"{place}: not valid JSON ({error})"
        raise FormatError(msg) from error
    if _keys_written(text) > sum(sizes):
        _check_once(text, place)
    return document


def _keys_written(text: str) -> int:
    """Quotes that a colon follows, without those that are escaped: these are within a text."""
    count = 0
    for start in range(0, len(text), _BLOCK):
        block = text[start : start + _BLOCK + 2].encode(errors="surrogatepass")
        codes: NDArray[np.uint8] = np.frombuffer(block, dtype=np.uint8)
        ends = codes[2:] == _COLON
        ends &= codes[1:-1] == _QUOTE
        ends &= codes[:-2] != _ESCAPE
        count += int(np.count_nonzero(ends))
    return count


def _check_once(text: str, place: str) -> None:
    try:
        json.loads(text, object_pairs_hook=each_once)
    except FormatError as error:
        msg = f"{place}: {error}"
        raise FormatError(msg) from error


def check_size(path: Path) -> None:
    """Raise `FormatError` where the file is absent or larger than `LARGEST_FILE`."""
    try:
        size = path.stat().st_size
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise FormatError(msg) from error
    if size > LARGEST_FILE:
        msg = f"{path}: {size} bytes; at most {LARGEST_FILE} are read of one document"
        raise FormatError(msg)


def opening(path: Path, count: int) -> bytes:
    """The first bytes of a file, white space dropped; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError:
        return b""


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """The value where it is a text that says something, else None."""
    return value if isinstance(value, str) and value.strip() else None


def number(value: Any) -> float | None:
    """A finite number, a truth value as 0 or 1; None for anything else, text included."""
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number that is not negative (and not a truth value), else None."""
    found = None if isinstance(value, bool) else number(value)
    return int(found) if found is not None and found >= 0 and found.is_integer() else None
