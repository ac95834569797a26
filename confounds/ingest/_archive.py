"""Members of a ZIP archive of unknown origin, Zstandard members included.

Nothing is ever unpacked to disk, so a member's name is a key and never a path. What a member
may hold is bounded before and while it is unpacked: an archive can promise little and hold much.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from confounds.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_MEMBER = 512 << 20
"""Bytes of one member, unpacked."""
LARGEST_IN_ALL = 8 << 30
"""Bytes of all members that are read, unpacked."""
MOST_MEMBERS = 2_000_000
RATIO = 2_000
"""Bytes unpacked for one packed, beyond which a large member is a bomb and not a log."""
_SMALL = 16 << 20
_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError)
"""A compression that zipfile does not know is a RuntimeError too."""


class Archive:
    """An open archive; use as a context manager.

    Args:
        path: of the file.

    Raises:
        FormatError: it is not a ZIP archive, is cut short, or holds more than is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = LARGEST_IN_ALL
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_BROKEN, struct.error) as error:
            msg = f"{path}: not a readable archive, or cut short ({first_line(error)})"
            raise FormatError(msg) from error
        self._members = {one.filename: one for one in self._zip.infolist()}
        if len(self._members) > MOST_MEMBERS:
            self._zip.close()
            msg = f"{path}: {len(self._members)} members; at most {MOST_MEMBERS} are read"
            raise FormatError(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the members, in the archive's order."""
        return tuple(self._members)

    def read(self, name: str) -> bytes:
        """What a member holds.

        Raises:
            FormatError: it is cut short, damaged, or holds more than is read.
        """
        member = self._members[name]
        place = f"{self._path}:{name}"
        self._check(member, place)
        try:
            if member.compress_type == _ZSTANDARD:
                content = self._zstandard(member)
            else:
                with self._zip.open(member) as file:
                    content = file.read(member.file_size + 1)
        except (*_BROKEN, struct.error, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
            msg = f"{place}: cannot be unpacked ({first_line(error)})"
            raise FormatError(msg) from error
        if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
            msg = f"{place}: holds other bytes than the archive says; it is damaged"
            raise FormatError(msg)
        return content

    def _check(self, member: zipfile.ZipInfo, place: str) -> None:
        size = member.file_size
        bomb = size > _SMALL and size > RATIO * max(member.compress_size, 1)
        self._left -= size
        if size > LARGEST_MEMBER or bomb or self._left < 0:
            msg = (
                f"{place}: unpacks to {size} bytes from {member.compress_size}; at most "
                f"{LARGEST_MEMBER} a member, {RATIO} for one, and {LARGEST_IN_ALL} in all"
            )
            raise FormatError(msg)

    def _zstandard(self, member: zipfile.ZipInfo) -> bytes:
        with self._path.open("rb") as file:
            file.seek(member.header_offset)
            mark, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            if mark != b"PK\x03\x04":
                msg = "no member starts where the archive says"
                raise zipfile.BadZipFile(msg)
            file.seek(name + extra, 1)
            packed = file.read(member.compress_size)
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            content: Any = stream.read(member.file_size + 1)
        return bytes(content)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
