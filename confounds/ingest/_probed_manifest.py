"""The manifest of a probed folder, checked before any file that it names is opened."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._json import load_mapping, number, require

if TYPE_CHECKING:
    from pathlib import Path

_TEXTS = ("file", "model", "task", "kind")
_SIDES = ("above", "below")
_RULE = ("measure", "memorized", "threshold")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest.

    Raises:
        FormatError: it cannot be read, a cell lacks what it must say, or names a file outside the
            folder.
    """
    manifest = load_mapping(path, "cells", "models", "study")
    if not isinstance(manifest["cells"], list) or not isinstance(manifest["study"], str):
        msg = f"{path}: 'cells' must be a list, and 'study' a text"
        raise FormatError(msg)
    models = require(manifest["models"], f"{path}: models")
    for name, facts in models.items():
        if name != PurePath(name).name:
            msg = f"{path}: models: {name!r:.80} is no name; one without '/' is needed"
            raise FormatError(msg)
        _check_plain(require(facts, f"{path}: models[{name!r}]"), f"{path}: models[{name!r}]")
    for at, cell in enumerate(manifest["cells"]):
        place = f"{path}: cells[{at}]"
        _check_cell(require(cell, place, *_TEXTS, "condition"), models, place)
    _check_rule(manifest.get("exposure"), f"{path}: exposure")
    return manifest


def _check_cell(cell: dict[str, Any], models: dict[str, Any], place: str) -> None:
    for name in _TEXTS:
        if not isinstance(cell[name], str) or "\0" in cell[name]:
            msg = f"{place}: '{name}' is {cell[name]!r:.80}; it must be a text"
            raise FormatError(msg)
    parts = (PurePosixPath(cell["file"]).parts, PurePath(cell["file"]).parts)
    if PurePath(cell["file"]).is_absolute() or any(".." in one for one in parts):
        msg = f"{place}: 'file' is {cell['file']!r:.80}; it must lie within the folder"
        raise FormatError(msg)
    if cell["model"] not in models:
        msg = f"{place}: 'model' is {cell['model']!r:.80}; allowed: {', '.join(models)}"
        raise FormatError(msg)
    condition = cell["condition"]
    if condition is not None:
        _check_plain(require(condition, f"{place}: condition"), f"{place}: condition")
    _check_plain({"seed": cell.get("seed")}, place)


def _check_plain(table: dict[str, Any], place: str) -> None:
    """Values are texts, numbers that a float can hold, or nothing."""
    for name, value in table.items():
        if number(value) is None and value is not None and not isinstance(value, str):
            msg = f"{place}: '{name}' is {value!r:.80}; it must be a text or a finite number"
            raise FormatError(msg)


def _check_rule(rule: Any, place: str) -> None:
    if rule is None:
        return
    _check_plain(require(rule, place, *_RULE), place)
    if rule["memorized"] not in _SIDES:
        told = f"{rule['memorized']!r:.80}"
        msg = f"{place}: 'memorized' is {told}; allowed: {', '.join(_SIDES)}"
        raise FormatError(msg)
    if number(rule["threshold"]) is None:
        msg = f"{place}: 'threshold' is {rule['threshold']!r:.80}; it must be a number"
        raise FormatError(msg)
