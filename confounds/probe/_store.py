"""Files of a run: written whole or not at all, and checked when they are found again."""

from __future__ import annotations

import contextlib
import errno
import json
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from confounds.files import read_json
from confounds.probe._files import clear_parts, saying_why, write_bytes
from confounds.probe._logits import LogitFile, is_whole, place_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from confounds.probe._cells import Cell

try:
    import fcntl
except ImportError:  # not on Windows: two runners may then do the same work, never lose any
    fcntl = None  # type: ignore[assignment]

# File systems on which nothing can be locked; two runners there may do the same work.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class Store:
    """The folder of a run.

    Args:
        folder: made where it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, cell: Cell) -> Path:
        """The cell's file."""
        return self.folder / cell.place

    def holds(self, cell: Cell) -> bool:
        """Are the cell's file and its logits there, whole, and its own?"""
        try:
            table = pq.read_table(
                self.path(cell), partitioning=None, page_checksum_verification=True
            )
        except (OSError, pa.ArrowException):
            return False
        metadata = table.schema.metadata or {}
        if metadata.get(b"confounds.digest", b"").decode() != cell.digest:
            return False
        return is_whole(self.folder / place_of(cell.place), cell.digest, rows_of(metadata))

    def logits(self, cell: Cell) -> LogitFile:
        """The file for the cell's full logits, to be written before the cell's own."""
        return LogitFile(self.folder / place_of(cell.place), cell.digest)

    def write(self, cell: Cell, table: pa.Table) -> None:
        """Write the cell's file; what an earlier runner left half written goes away.

        Raises:
            ProbeError: the disk is full.
        """
        path = self.path(cell)
        clear_parts(path)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        write_bytes(path, sink.getvalue())

    def write_json(self, name: str, document: Any) -> Path:
        """Write a document into the folder."""
        path = self.folder / name
        text = json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"
        write_bytes(path, text.encode())
        return path

    def reason(self, cell: Cell) -> str | None:
        """Why the cell could not be asked when it last was tried; None where that is not known."""
        path = self.folder / "failures" / f"{cell.digest}.json"
        return str(read_json(path, "reason")["reason"]) if path.is_file() else None

    def remove(self, name: str) -> None:
        """Remove a file of the folder, if it is there."""
        (self.folder / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, cell: Cell, *, wait: bool) -> Iterator[bool]:
        """Hold a cell against other runners; False where another holds it.

        The lock goes with the process that holds it, however that ends.
        """
        path = self.folder / ".locks" / f"{cell.digest}.lock"
        with saying_why(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        with file:
            yield _locked(file, wait=wait)


def _locked(file: IO[str], *, wait: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
