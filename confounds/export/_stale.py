"""Files of an earlier export into the same folder that this one does not write again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from confounds.export._package import NAME

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def stale(folder: Path, written: Collection[str]) -> tuple[Path, ...]:
    """Files that an earlier export wrote, that nobody changed since, and that are now out of date.

    Args:
        folder: of the export, before its `datapackage.json` is replaced.
        written: paths in the folder that this export writes.

    Returns:
        Those that `datapackage.json` lists with the checksum that they still have; none where
        it is absent or another program's.
    """
    return tuple(
        folder / path
        for path, checksum in _listed(folder).items()
        if path not in written and _unchanged(folder, path, checksum)
    )


def _listed(folder: Path) -> dict[str, str]:
    try:
        package = json.loads((folder / "datapackage.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(package, dict) or package.get("name") != NAME:
        return {}
    resources = package.get("resources")
    found = [_entry(item) for item in resources] if isinstance(resources, list) else []
    return {path: checksum for path, checksum in found if path}


def _entry(resource: Any) -> tuple[str, str]:
    if not isinstance(resource, dict):
        return "", ""
    path, checksum = resource.get("path"), resource.get("hash")
    return (path, checksum) if isinstance(path, str) and isinstance(checksum, str) else ("", "")


def _unchanged(folder: Path, path: str, checksum: str) -> bool:
    file = folder / path
    try:
        inside = file.resolve().is_relative_to(folder.resolve())
        if not inside or file.is_symlink() or not file.is_file():
            return False
    except (OSError, ValueError):  # a path that no file can have
        return False
    return checksum == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
