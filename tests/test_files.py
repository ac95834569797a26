"""A file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from confounds.errors import InputError, UsageError
from confounds.files import check_folder, check_page, read_json, write_whole


def test_a_file_is_written_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "a" / "b.txt", b"new")
    assert path.read_bytes() == b"new"
    assert write_whole(path, b"newer").read_bytes() == b"newer"
    assert [item.name for item in path.parent.iterdir()] == ["b.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_no_more_than_the_last_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*a to make it in; make that first"):
        write_whole(tmp_path / "a" / "b" / "c.txt", b"new")
    (tmp_path / "file").write_text("")
    for check in (check_page, check_folder):
        with pytest.raises(InputError):
            check(tmp_path / "a" / "b" / "c.html")
        check(tmp_path / "a.html")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        check_folder(tmp_path / "file")
    with pytest.raises(UsageError, match="is a folder; name a file"):
        check_page(tmp_path)
    for name in ("outcomes.csv", "report.pdf", "report"):
        with pytest.raises(UsageError, match=rf"{name}: a report is a page; .* \.html or \.htm$"):
            check_page(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere/.b.txt.x1y2z3")

    monkeypatch.setattr("tempfile.mkstemp", fail)
    with pytest.raises(PermissionError) as raised:
        write_whole(tmp_path / "b.txt", b"new")
    assert raised.value.filename == str(tmp_path / "b.txt")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_beside(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.txt"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"cells": [', "Expecting value"),
        (b"\xff\xfe{}", "not the JSON that was written here"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1]", "'cells' is missing"),
        (b"{}", "'cells' is missing"),
    ],
)
def test_a_record_that_was_damaged_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"manifest\.json: .*; remove the file") as error:
        read_json(path, "cells")
    assert reason in str(error.value)


def test_a_record_is_read(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "manifest.json", b'{"cells": []}')
    assert read_json(path, "cells") == {"cells": []}
    write_whole(path, b"[]")
    with pytest.raises(InputError, match="not an object"):
        read_json(path)
