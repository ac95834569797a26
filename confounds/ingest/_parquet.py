"""Columns of a Parquet file of unknown origin, which may unpack to more than memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGEST = 8 << 30
"""Bytes of one file, unpacked."""
_BATCH = 1024


def read_columns(path: Path, wanted: Callable[[list[str]], list[str]]) -> pa.Table:
    """Some columns of a file; the others stay on disk.

    Args:
        path: of the file.
        wanted: the names of those to read, from the names of all; a field of a struct is
            `name.field`.

    Raises:
        FormatError: it unpacks to more than `LARGEST`.
        ArrowException, OSError: it is not a readable Parquet file.
    """
    with pq.ParquetFile(path) as file:
        groups = range(file.num_row_groups)
        size = sum(file.metadata.row_group(one).total_byte_size for one in groups)
        if size > LARGEST:
            msg = f"{path}: unpacks to {size} bytes; at most {LARGEST} are read"
            raise FormatError(msg)
        batches = []
        size = 0
        for batch in file.iter_batches(_BATCH, columns=wanted(file.schema_arrow.names)):
            size += batch.nbytes
            if size > LARGEST:
                msg = f"{path}: unpacks to more than {LARGEST} bytes; at most that are read"
                raise FormatError(msg)
            batches.append(batch)
        return pa.Table.from_batches(batches) if batches else file.schema_arrow.empty_table()
