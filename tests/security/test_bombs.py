"""Small files that would unpack to more than a machine holds are refused before they do.

Members of archives one by one: `tests/ingest/test_archive.py`.
"""

from __future__ import annotations

import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import DEFLATED, ZSTANDARD, write_zip
from result_files import DATE

from confounds.errors import FormatError
from confounds.ingest import _archive, _json, _parquet, read_outcomes
from confounds.outcomes import storage

MEBIBYTE = 2**20


def peak_of_refusing(path: Path, message: str) -> int:
    """Bytes held at most while a file is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=message):
            read_outcomes(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [DEFLATED, ZSTANDARD])
def test_a_member_of_zeros_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, method):
    """Zstandard packs 20,000 to one, which no log does; Deflate at most 1,032."""
    monkeypatch.setattr(_archive, "LARGEST_MEMBER", 16 * MEBIBYTE if method == DEFLATED else 2**30)
    path = write_zip(tmp_path / "a.eval", {"header.json": bytes(64 * MEBIBYTE)}, method=method)
    assert path.stat().st_size < MEBIBYTE
    assert peak_of_refusing(path, r"header\.json: unpacks to 67108864 bytes") < 8 * MEBIBYTE


@pytest.mark.parametrize("method", [DEFLATED, ZSTANDARD])
def test_a_member_that_promises_little_is_read_no_further(tmp_path, method):
    members = {"header.json": bytes(64 * MEBIBYTE)}
    path = write_zip(tmp_path / "a.eval", members, method=method, said=100)
    assert peak_of_refusing(path, r"header\.json: ") < 8 * MEBIBYTE


def test_members_that_share_their_bytes_count_each_time(tmp_path, monkeypatch):
    """Overlapping members (Fifield 2019): one kernel, named often, no recursion needed."""
    monkeypatch.setattr(_archive, "LARGEST_IN_ALL", 10 * 1000)
    kernel = zlib.compressobj(wbits=-15)
    content = b"[]" + b" " * 998
    data = kernel.compress(content) + kernel.flush()
    fields = struct.pack(
        "<HHHHHIIIHH", 20, 0, DEFLATED, 0, 0x21, zlib.crc32(content), len(data), 1000, 6, 0
    )
    body = b"PK\x03\x04" + fields + b"000000" + data
    directory = b"".join(
        b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0)
        + f"{number:06}".encode()
        for number in range(50)
    )  # fmt: skip
    end = struct.pack("<HHHHIIH", 0, 0, 50, 50, len(directory), len(body), 0)
    path = tmp_path / "a.eval"
    path.write_bytes(body + directory + b"PK\x05\x06" + end)
    with _archive.Archive(path) as archive:
        read, refused = 0, ""
        for name in archive.names:
            try:
                read += len(archive.read(name))
            except FormatError as error:
                refused = str(error)
                break
        assert read <= 10_000
        assert re.search("10000 in all|cannot be unpacked", refused)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "MOST_MEMBERS", 3)
    path = write_zip(tmp_path / "a.eval", {f"{number}.json": b"1" for number in range(4)})
    with pytest.raises(FormatError, match="4 members; at most 3"):
        read_outcomes(path)


def test_a_table_that_says_one_long_text_often_is_refused(tmp_path, monkeypatch):
    """Parquet keeps the text once: 50 kB here, 200 MB as rows."""
    monkeypatch.setattr(storage, "LARGEST_UNPACKED", 100 * MEBIBYTE)
    rows = 4000
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 50_000])
    table = pa.table(
        {
            "task": text,
            "metric": ["accuracy"] * rows,
            "model": ["m"] * rows,
            "score": [0.5] * rows,
            "n": [1] * rows,
        }
    )
    schema = pa.schema([("task", pa.string()), *list(table.schema)[1:]])
    path = tmp_path / "t.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(table.cast(schema))
    assert path.stat().st_size < MEBIBYTE
    assert peak_of_refusing(path, r"t\.parquet: unpacks to 2\d{8} bytes") < 8 * MEBIBYTE


def test_details_that_say_one_long_text_often_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_parquet, "LARGEST", 10 * MEBIBYTE)
    row = {"doc": {"choices": ["a", "b"], "gold_index": [0], "id": "x" * 10_000}}
    path = tmp_path / "details_o__m" / f"details_t|0_{DATE}.parquet"
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist([{**row, "metric": {"acc": 1.0}}] * 4096), path)
    assert path.stat().st_size < MEBIBYTE
    with pytest.raises(FormatError, match="unpacks to more than"):
        read_outcomes(path)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_document_that_memory_does_not_hold_is_not_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(_json, "LARGEST_FILE", 1000)
    path = tmp_path / name
    path.write_text('{"version": 2, "status": "success", "eval": {' + " " * 2000)
    with pytest.raises(FormatError, match="at most 1000 are read"):
        read_outcomes(path, format="inspect_ai" if name == "a.json" else "openai_evals")
