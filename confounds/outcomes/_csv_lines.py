"""The lines of a CSV file as an editor counts them, the header being the first."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from confounds.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_END = re.compile(r"\r\n|\r|\n")
UNCLOSED = "a double quote opens a cell that nothing closes"


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text one by one, as they end in it."""
    start = 0
    for end in _END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def count_lines(text: str) -> int:
    """Lines of a text, whatever ends them."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (not text.endswith(("\n", "\r")))


def line_numbers(lines: Iterable[str], rows: int) -> Sequence[int]:
    """The line on which each row begins, where some rows are not one line each.

    Args:
        lines: of the file.
        rows: that were read from it; blank lines are none.

    Returns:
        (rows,) numbers from 2; none where the rows are not those of the lines.
    """
    try:
        found = [line for line, _ in _records(lines)][1:]
    except csv.Error:
        return ()
    return found if len(found) == rows else ()


def what_is_broken(lines: Iterable[str], *, unclosed: bool) -> tuple[int, str]:
    """The line at which a file is no table, and what is wrong there.

    Args:
        lines: of a file that could not be read, as they end in it.
        unclosed: a quote was open where it ended.
    """
    line, width = 1, 0
    try:
        for line, cells in _records(lines):
            width = width or len(cells)
            if len(cells) > width:
                return line, cells_told(len(cells), width)
    except csv.Error as error:
        return line, f"not readable as CSV from the line below on ({error})"
    if not width:
        return 1, "no column is named; write a header"
    return line, UNCLOSED if unclosed else "not readable as CSV"


def cells_told(found: int, expected: int) -> str:
    """What is wrong with a line of another number of cells than the header."""
    hint = "; a cell that holds a comma must stand in double quotes" if found > expected else ""
    return f"{found} cells, where the header has {expected} columns{hint}"


def header_of(lines: Iterable[str], path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        FormatError: one is there twice, or the first line cannot be read.
    """
    try:
        header = next((cells for _, cells in _records(lines)), [])
    except csv.Error as error:
        msg = f"{path}:1: not readable as CSV ({error})"
        raise FormatError(msg) from error
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        msg = f"{path}:1: column '{twice[0]}' is there twice; name each once"
        raise FormatError(msg)
    other = next((name for mark, name in _SEPARATORS.items() if mark in "".join(header)), None)
    if len(header) == 1 and other is not None:
        msg = f"{path}:1: the cells are separated by {other}; separate them by commas"
        raise FormatError(msg)
    return header


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Line on which it begins, and cells, of each record that is not blank."""
    reader = csv.reader(lines)
    begins = 1
    for cells in reader:
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield begins, cells
        begins = reader.line_num + 1
