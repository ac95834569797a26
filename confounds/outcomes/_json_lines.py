"""The lines of a JSON Lines file: each an object whose keys differ."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError, half_character

if TYPE_CHECKING:
    from collections.abc import Iterable


def row_of(line: str) -> dict[str, Any]:
    """The object that a line writes; a `FormatError` says what is wrong with it."""
    try:
        row = json.loads(line)
        if "\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        msg = f"not valid JSON ({error.msg} at column {error.colno})"
        raise FormatError(msg) from error
    except UnicodeEncodeError as error:
        raise FormatError(half_character(error)[1]) from error
    except (RecursionError, ValueError) as error:
        msg = "nested too deeply, or a number too long, to be a row"
        raise FormatError(msg) from error
    if not isinstance(row, dict):
        msg = f"each line must be a JSON object; found {line[:40]!r}"
        raise FormatError(msg)
    # As many keys as colons after a quote: seldom more, and only then looked at again.
    if line.count('":') + line.count('" :') > len(row):
        json.loads(line, object_pairs_hook=each_once)
    return row


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys differ; of two values, the last would count unseen.

    Raises:
        FormatError: a key is there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        msg = f"'{twice[0]}' is there twice; name each once"
        raise FormatError(msg)
    return found


def wrong_row(lines: Iterable[str]) -> tuple[int, str] | None:
    """The first line that is not empty and no row, and what is wrong there; None is none."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row_of(line)
            except FormatError as error:
                return number, str(error)
    return None
