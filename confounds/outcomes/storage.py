"""Tables on disk: Parquet (zstd), CSV and JSONL, read with one clear error each."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from confounds.errors import FormatError, UsageError
from confounds.outcomes._csv_lines import (
    LARGEST_WIDTH,
    count_lines,
    has_bare_returns,
    header_of,
    line_numbers,
    lines_of,
    may_have_short_lines,
    short_line,
    what_is_broken,
)
from confounds.outcomes._json_lines import row_of
from confounds.outcomes.schema import COLUMNS, MOST_WHOLE, nulls_as_none, numpy_frame
from confounds.outcomes.sidecar import packed, place_with_sidecar, read_sidecar, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from confounds.measures import Measure
    from confounds.results import Finding

SUFFIXES = (".parquet", ".csv", ".jsonl")
_METADATA = b"confounds"
LARGEST_UNPACKED = 8 << 30
"""Bytes of one Parquet table, unpacked."""
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: rows as written, and the declarations and notes kept with them.

    `lines` has the line of each row, as an editor counts; it is empty where there are none.
    """

    frame: pd.DataFrame
    measures: dict[str, Measure]
    notes: tuple[Finding, ...]
    lines: Sequence[int] = ()


def write_frame(
    frame: pd.DataFrame,
    path: Path,
    *,
    measures: Mapping[str, Measure],
    notes: Iterable[Finding],
) -> Path:
    """Write a checked frame; the file appears whole or not at all.

    Measures and notes stand in the metadata of Parquet, and in `NAME.meta.json` beside a CSV or
    JSONL file.

    Raises:
        UsageError: the name does not end in .parquet, .csv or .jsonl.
    """
    check_suffix(path)
    notes = tuple(notes)
    table = to_arrow(frame, measures=measures, notes=notes)
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.suffix == ".parquet":
            pq.write_table(table, partial, compression="zstd")
        elif path.suffix == ".csv":
            _whole(frame).to_csv(partial, index=False, lineterminator="\n")
        else:
            _write_jsonl(_whole(frame), partial)
        if path.suffix == ".parquet":
            partial.replace(path)
        else:
            place_with_sidecar(partial, path, measures, notes)
    finally:
        partial.unlink(missing_ok=True)
    return path


def to_arrow(
    frame: pd.DataFrame, *, measures: Mapping[str, Measure], notes: Iterable[Finding]
) -> pa.Table:
    """The frame as an Arrow table with measures and notes in its schema's metadata."""
    metadata = {_METADATA: json.dumps(packed(measures.values(), notes)).encode()}
    arrays = [pa.array(frame[c.name].to_numpy(), _arrow_type(c.kind), from_pandas=True)
              for c in COLUMNS]  # fmt: skip
    names = [column.name for column in COLUMNS]
    return pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(metadata)


def read_frame(path: Path) -> Content:
    """Read a table as it stands: text columns as objects, an empty CSV cell as null.

    Raises:
        FormatError: the file is absent, empty, cut short, in the wrong encoding or not what
            its name says.
        UsageError: the name does not end in .parquet, .csv or .jsonl.
    """
    check_suffix(path)
    check_readable(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    frame, lines = _read_csv(path) if path.suffix == ".csv" else _read_jsonl(path)
    return Content(frame, *read_sidecar(path), lines)


def check_readable(path: Path) -> None:
    """Raise `FormatError` where it is absent, a folder, a pipe, a device, unreadable or empty."""
    if path.is_fifo():
        msg = f"{path}: is a pipe, which can be read only once; write its content into a file"
        raise FormatError(msg)
    if path.is_char_device() or path.is_block_device() or path.is_socket():
        msg = f"{path}: is a device, which may never end; write its content into a file"
        raise FormatError(msg)
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise FormatError(msg) from error
    if not first:
        msg = f"{path}: the file is empty; a table with at least one row is needed"
        raise FormatError(msg)


def read_text(path: Path) -> str:
    """The file as UTF-8 text (a byte order mark is dropped).

    Raises:
        FormatError: it is not UTF-8; the message names the byte and the line.
    """
    check_readable(path)
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        msg = (
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; "
            f"save the file in UTF-8 encoding"
        )
        raise FormatError(msg) from error


def check_suffix(path: Path) -> None:
    """Raise `UsageError` where the name does not end in .parquet, .csv or .jsonl."""
    if path.suffix not in SUFFIXES:
        msg = f"{path}: a table's name must end in {', '.join(SUFFIXES)}"
        raise UsageError(msg)


def kept_metadata(path: Path) -> tuple[dict[str, Measure], tuple[Finding, ...]]:
    """The declarations and notes that `write` kept in a Parquet file, or beside the others.

    Raises:
        FormatError: it is not a Parquet file, or what is kept is not what `write` keeps.
    """
    if path.suffix != ".parquet":
        return read_sidecar(path)
    try:
        metadata = pq.read_schema(path).metadata or {}
        kept = json.loads(metadata.get(_METADATA, b"{}"))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        msg = f"{path}: not a readable Parquet file ({reason})"
        raise FormatError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: its declarations of metrics cannot be read ({error!r})"
        raise FormatError(msg) from error
    return unpacked(kept, path)


def _read_parquet(path: Path) -> Content:
    measures, notes = kept_metadata(path)
    try:
        table = _bounded(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        msg = f"{path}: not a readable Parquet file ({reason})"
        raise FormatError(msg) from error
    return Content(from_arrow(table), measures, notes)


def _bounded(path: Path) -> pa.Table:
    """The table with its texts as dictionaries: a text is held once, however many rows say it.

    Raises:
        FormatError: it would unpack to more than `LARGEST_UNPACKED` bytes.
    """
    with pq.ParquetFile(path) as file:
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(one).total_byte_size for one in groups)
        texts = [one.name for one in file.schema_arrow if pa.types.is_string(one.type)]
    _check_unpacked(path, size)
    table = pq.read_table(path, partitioning=None, read_dictionary=texts)
    chunks = (chunk for name in texts for chunk in table.column(name).chunks)
    _check_unpacked(path, sum(map(_text_bytes, chunks)))
    return table


def _check_unpacked(path: Path, size: int) -> None:
    if size > LARGEST_UNPACKED:
        msg = f"{path}: unpacks to {size} bytes; at most {LARGEST_UNPACKED} are read"
        raise FormatError(msg)


def _text_bytes(chunk: pa.DictionaryArray) -> int:
    """Bytes of all texts of a chunk, each as often as it is said."""
    lengths = pc.binary_length(chunk.dictionary)
    longest: int = pc.max(lengths).as_py() or 0
    if longest * len(chunk) <= _SMALL:
        return longest * len(chunk)
    return int(pc.sum(lengths.take(chunk.indices)).as_py() or 0)


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as numpy columns: text as objects, null numbers as NaN."""
    return numpy_frame({name: _numpy(table.column(name)) for name in table.column_names})


def _numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) and len(column):
        return _texts(column)
    whole = pa.types.is_integer(column.type)
    if whole and _largest(column) >= MOST_WHOLE:
        return np.array(column.to_pylist(), dtype=object)
    if (whole and column.null_count) or pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    values: NDArray[Any] = column.to_numpy()
    return values


def _largest(column: pa.ChunkedArray) -> int:
    """The largest whole number, whatever its sign; 0 where there is none."""
    ends: dict[str, int | None] = pc.min_max(column).as_py()
    return max(abs(ends["min"] or 0), abs(ends["max"] or 0))


def _texts(column: pa.ChunkedArray) -> NDArray[Any]:
    """Texts, equal ones being one object: a table of items repeats few of them very often."""
    encoded = column.dictionary_encode().unify_dictionaries()
    values = np.append(encoded.chunk(0).dictionary.to_numpy(zero_copy_only=False), [None])
    last = len(values) - 1
    codes = [chunk.indices.fill_null(last).to_numpy() for chunk in encoded.chunks]
    texts: NDArray[Any] = values[np.concatenate(codes)]
    return texts


def _read_csv(path: Path) -> tuple[pd.DataFrame, Sequence[int]]:
    """The rows as texts, an empty cell as null, and the line of each.

    The text is not held while they are read.
    """
    text = read_text(path)
    header_of(lines_of(text), path)
    count = count_lines(text)
    del text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                encoding="utf-8-sig",
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        unclosed = "inside string" in str(error)
        line, wrong = what_is_broken(lines_of(read_text(path)), unclosed=unclosed)
        msg = f"{path}:{line}: {wrong}"
        raise FormatError(msg) from error
    _check_no_short_line(frame, path)
    rows = len(frame)
    if count == rows + 1:
        return frame, range(2, rows + 2)
    text = read_text(path)
    lines = line_numbers(lines_of(text), frame.iloc[:, 0].fillna("").tolist())
    if not lines and has_bare_returns(text):  # pandas may drop the first cell after blank lines
        msg = f"{path}: lines end in carriage returns, and not alike; end each with a line feed"
        raise FormatError(msg)
    return frame, lines


def _check_no_short_line(frame: pd.DataFrame, path: Path) -> None:
    """Raise `FormatError` where a line has fewer cells than the header: pandas has filled it up."""
    if not frame.iloc[:, -1].isna().any() or not may_have_short_lines(path):
        return
    found = short_line(lines_of(read_text(path)))
    if found is not None:
        msg = f"{path}:{found[0]}: {found[1]}"
        raise FormatError(msg)


def _read_jsonl(path: Path) -> tuple[pd.DataFrame, list[int]]:
    rows, lines = [], []
    for number, line in enumerate(lines_of(read_text(path)), 1):
        if line.strip():
            try:
                rows.append(row_of(line))
            except FormatError as error:
                msg = f"{path}:{number}: {error}"
                raise FormatError(msg) from error
            lines.append(number)
    if not rows:
        msg = f"{path}: the file holds no rows; at least one is needed"
        raise FormatError(msg)
    frame = pd.DataFrame(rows)
    if len(frame.columns) > LARGEST_WIDTH:
        msg = f"{path}: {len(frame.columns)} columns; at most {LARGEST_WIDTH} are read"
        raise FormatError(msg)
    for name in frame.select_dtypes(include="number").columns:
        if frame[name].abs().max() >= MOST_WHOLE:  # names may be numbers, and a float rounds those
            frame[name] = pd.Series([row.get(name) for row in rows], dtype=object)
    texts = dict.fromkeys(frame.select_dtypes(include=["str"]).columns, object)
    return frame.astype(texts).copy(), lines  # in one piece, which a split into columns is not


def _write_jsonl(frame: pd.DataFrame, path: Path) -> None:
    names = list(frame.columns)
    arrays = [nulls_as_none(frame[name]) for name in names]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for values in zip(*arrays, strict=True):
            row = {k: v for k, v in zip(names, values, strict=True) if v is not None}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers without a decimal point, nulls kept."""
    whole = [column.name for column in COLUMNS if column.kind == "whole"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def _arrow_type(kind: str) -> pa.DataType:
    return {"text": pa.string(), "number": pa.float64(), "whole": pa.int64()}[kind]
