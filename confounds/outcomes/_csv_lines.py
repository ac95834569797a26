"""The lines of a CSV file as an editor counts them, the header being the first."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import IO, TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as arrow_csv

from confounds.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_END = re.compile(r"\r\n|\r|\n")
_BLOCK = 256 << 10
LARGEST_WIDTH = 10_000
"""Columns of one table."""
LONGEST_LINE = 16 << 20
"""Characters of a line that are held at once, of a file that is looked at or streamed."""
UNCLOSED = "a double quote opens a cell that nothing closes"


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text one by one, as they end in it."""
    start = 0
    for end in _END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def bounded_lines(file: IO[str]) -> Iterator[str]:
    """The lines of a file one by one; one of more than `LONGEST_LINE` characters in pieces."""
    return iter(lambda: file.readline(LONGEST_LINE), "")


def count_lines(text: str) -> int:
    """Lines of a text, whatever ends them."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (not text.endswith(("\n", "\r")))


def line_numbers(lines: Iterable[str], firsts: Sequence[str]) -> Sequence[int]:
    """The line on which each row begins, where some rows are not one line each.

    Args:
        lines: of the file.
        firsts: the first cell of each row that was read from it; blank lines are none.

    Returns:
        (rows,) numbers from 2; none where the rows are not those of the lines.
    """
    try:
        found = [(line, cells[0]) for line, cells in _records(lines)][1:]
    except csv.Error:
        return ()
    same = [first for _, first in found] == list(firsts)
    return [line for line, _ in found] if same else ()


def has_bare_returns(text: str) -> bool:
    """Whether a carriage return stands alone, at the end of a line or in a cell."""
    return text.count("\r") != text.count("\r\n")


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
            if len(cells) > width or (len(cells) < width and not unclosed):
                return line, cells_told(len(cells), width)
    except csv.Error as error:
        return line, f"not readable as CSV from the line below on ({error})"
    if not width:
        return 1, "no column is named; write a header"
    return line, UNCLOSED if unclosed else "not readable as CSV"


def short_line(lines: Iterable[str]) -> tuple[int, str] | None:
    """The first line with fewer cells than the header, and what is wrong there; None is none.

    Args:
        lines: of a file that can be read, as they end in it; blank lines are none.
    """
    return _other_line(lines, lambda cells, width: len(cells) < width)


def ragged_line(lines: Iterable[str]) -> tuple[int, str] | None:
    """The same for more cells too, where one more may be empty: a comma at the end of a line."""
    return _other_line(
        lines, lambda cells, width: len(cells) < width or cells[width:] not in ([], [""])
    )


def _other_line(
    lines: Iterable[str], other: Callable[[list[str], int], bool]
) -> tuple[int, str] | None:
    records = _records(lines)
    try:
        width = len(next(records, (1, []))[1])
        found = ((line, cells) for line, cells in records if other(cells, width))
        line, cells = next(found, (0, []))
    except csv.Error:
        return None
    return (line, cells_told(len(cells), width)) if line else None


def may_have_short_lines(path: Path) -> bool:
    """Whether a line of a CSV file may have fewer cells than the header.

    False is certain. True is not: lines with more cells, and blank ones, are such to Arrow, which
    is several times as fast as `short_line` and holds a block of the file at a time.
    """
    read = arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK)
    quoted = arrow_csv.ParseOptions(newlines_in_values=True)
    nothing = arrow_csv.ConvertOptions(include_columns=[""], include_missing_columns=True)
    try:
        with arrow_csv.open_csv(path, read, quoted, nothing) as blocks:
            for _ in blocks:
                pass
    except pa.ArrowException:
        return True
    return False


def cells_told(found: int, expected: int) -> str:
    """What is wrong with a line of another number of cells than the header."""
    hint = (
        "a cell that holds a comma must stand in double quotes"
        if found > expected
        else "a cell that is not known is empty, but its comma is there"
    )
    cells = "1 cell" if found == 1 else f"{found} cells"
    columns = "1 column" if expected == 1 else f"{expected} columns"
    return f"{cells}, where the header has {columns}; {hint}"


def header_of(lines: Iterable[str], path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        FormatError: one is there twice, there are too many, or the first line cannot be read.
    """
    try:
        header = next((cells for _, cells in _records(lines)), [])
    except csv.Error as error:
        msg = f"{path}:1: not readable as CSV ({error})"
        raise FormatError(msg) from error
    if "\0" in "".join(header):
        msg = f"{path}:1: holds NUL characters; save the file in UTF-8 encoding"
        raise FormatError(msg)
    if len(header) > LARGEST_WIDTH:
        msg = f"{path}:1: {len(header)} columns; at most {LARGEST_WIDTH} are read"
        raise FormatError(msg)
    twice = [name for name, count in Counter(header).items() if count > 1]
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
        if cells and (len(cells) > 1 or not cells[0] or cells[0].strip(" \t")):
            yield begins, cells
        begins = reader.line_num + 1
