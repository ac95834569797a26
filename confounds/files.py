"""Files that appear whole or not at all; TOML and JSON files read with errors that name them."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from confounds.errors import InputError, UsageError

PAGES = (".html", ".htm")
LARGEST_TOML = 16 << 20
"""Bytes of a file of settings."""
MOST_PARTS = 100
REMEDY = "remove the file and run what made it again"
"""What is advised where a file that the package wrote was damaged."""
_LONGEST = 60
_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_BETWEEN_KEYS = re.compile(r"[=\[\]{},\n]")


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file beside its name first, then put it in place in one step.

    Whoever reads `path` meanwhile sees the old content or the new, never a part. Where writing
    fails, the old file stays as it was and nothing is left beside it.

    Args:
        path: the file; its folder is made if need be, but not the folder that holds that one.
        content: all of it.

    Returns:
        The path.

    Raises:
        InputError: there is no place for the folder.
        OSError: the folder cannot be written to, or the disk is full.
    """
    check_folder(path.parent)
    path.parent.mkdir(exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_LONGEST]}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def check_folder(folder: Path) -> None:
    """Is the folder there, or can it be made in one that is there?

    Of what is to be written at most the last folder is made: a name that was mistyped further up
    makes no tree of folders.

    Raises:
        InputError: the folder that would hold it is not there.
        UsageError: it is a file.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; name a folder"
        raise UsageError(msg)
    if not folder.exists() and not folder.parent.is_dir():
        msg = f"{folder}: there is no folder {folder.parent} to make it in; make that first"
        raise InputError(msg)


def check_page(path: Path) -> None:
    """Can a report of this name be written? See `check_folder`.

    Raises:
        InputError: the folder that would hold its folder is not there.
        UsageError: it is a folder, or its folder is a file; or the name is not that of a page.
    """
    if path.is_dir():
        msg = f"{path} is a folder; name a file for the report, such as {path / 'report.html'}"
        raise UsageError(msg)
    if path.suffix.lower() not in PAGES:
        msg = f"{path}: a report is a page; its name must end in {' or '.join(PAGES)}"
        raise UsageError(msg)
    check_folder(path.parent)


def read_toml(path: Path, wrong: type[InputError]) -> dict[str, Any]:
    """The document in a TOML file.

    Args:
        path: the file.
        wrong: what to raise where it cannot be read or is not TOML.
    """
    try:
        text = _text(path, wrong)
        if _longest_key(text) > MOST_PARTS:
            msg = f"{path}: a key has more than {MOST_PARTS} parts between dots"
            raise wrong(msg)
        return tomllib.loads(text)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise wrong(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: not valid TOML ({error})"
        raise wrong(msg) from error
    except (RecursionError, ValueError) as error:
        msg = f"{path}: nested too deeply, or a number too long, to be read"
        raise wrong(msg) from error


def read_json(path: Path, *needed: str) -> dict[str, Any]:
    """The object in a JSON file that this package wrote.

    Args:
        path: the file.
        needed: keys that it has, or it is not what was written.

    Raises:
        InputError: it was damaged since, or cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        msg = f"{path}: not the JSON that was written here ({reason}); {REMEDY}"
        raise InputError(msg) from error
    lacking = [key for key in needed if not isinstance(found, dict) or key not in found]
    if lacking or not isinstance(found, dict):
        what = f"'{lacking[0]}' is missing" if lacking else "not an object"
        msg = f"{path}: not the JSON that was written here ({what}); {REMEDY}"
        raise InputError(msg)
    return found


def _text(path: Path, wrong: type[InputError]) -> str:
    if path.stat().st_size > LARGEST_TOML:
        msg = f"{path}: {path.stat().st_size} bytes; at most {LARGEST_TOML} are read of settings"
        raise wrong(msg)
    return path.read_bytes().decode().replace("\r\n", "\n")


def _longest_key(text: str) -> int:
    """Parts of the key with most dots: the time of `tomllib` grows with their square."""
    bare = _STRING_OR_COMMENT.sub("", text)
    return max(one.count(".") for one in _BETWEEN_KEYS.split(bare)) + 1
