"""Tables as files: CSV that no spreadsheet can be made to run, and Parquet."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from confounds.text import printable

if TYPE_CHECKING:
    from confounds.export._columns import Column, Sheet

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_ARROW = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}


def csv_bytes(sheet: Sheet) -> bytes:
    """A table as CSV (UTF-8, commas, CRLF): numbers in full, missing as nothing, text printable."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.name for column in sheet.columns])
    for row in sheet.rows:
        writer.writerow([_cell(row.get(column.name), column) for column in sheet.columns])
    return text.getvalue().encode()


def parquet_bytes(sheet: Sheet) -> bytes:
    """A table as Parquet (zstd), each column with its meaning and unit as metadata."""
    fields, arrays = [], []
    for column in sheet.columns:
        kind = _ARROW[column.kind]
        about = {"description": column.meaning, "unit": column.unit, "source": column.source}
        fields.append(pa.field(column.name, kind, metadata=about))
        arrays.append(pa.array([typed(row.get(column.name), column) for row in sheet.rows], kind))
    buffer = io.BytesIO()
    schema = pa.schema(fields, metadata={"title": sheet.title})
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def typed(value: Any, column: Column) -> Any:
    """A value as the type of its column; None where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if column.kind == "string":
        return str(value)
    if column.kind == "boolean":
        return bool(value)
    return int(value) if column.kind == "integer" else float(value)


def inert(value: str) -> str:
    """Text that a spreadsheet takes as text.

    A leading `=`, `+`, `-`, `@`, tab or line break makes a formula of a cell: such text gets
    an apostrophe in front, as does one that has apostrophes there already, so that the two stay
    apart. A number written as text stays as it is.
    """
    formula = value.lstrip("'").startswith(_FORMULA) and not _is_number(value)
    return f"'{value}" if formula else value


def _cell(value: Any, column: Column) -> str:
    known = typed(value, column)
    if known is None:
        return ""
    if isinstance(known, bool):
        return "true" if known else "false"
    if isinstance(known, float) and math.isinf(known):
        return "INF" if known > 0 else "-INF"
    return inert(printable(known)) if isinstance(known, str) else repr(known)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
