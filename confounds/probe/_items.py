"""Items of a task, read from JSONL and checked line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError, StudyError
from confounds.outcomes._csv_lines import lines_of
from confounds.outcomes._json_lines import row_of
from confounds.outcomes.storage import read_text
from confounds.study import Item

if TYPE_CHECKING:
    from pathlib import Path

_KNOWN = frozenset(
    {"id", "prompt", "target", "choices", "exposure", "dose", "distribution", "group", "rationale"}
)
_LEVELS = {"exposure": ("memorized", "unseen", "perturbed"), "distribution": ("in", "out")}


def read_items(path: Path, task: str) -> tuple[Item, ...]:
    """The items of one file, in its order.

    Raises:
        StudyError: the file is missing or empty, or an item is wrong; the message names file,
            line, key and what is allowed.
    """
    try:
        text = read_text(path)
    except FormatError as error:
        msg = f"task '{task}': items file {error}"
        raise StudyError(msg) from error
    items = [
        _item(line, f"{path}, line {number}")
        for number, line in enumerate(lines_of(text), start=1)
        if line.strip()
    ]
    if not items:
        msg = f"task '{task}': items file '{path}' has no items; one JSON object a line is needed"
        raise StudyError(msg)
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            msg = f"task '{task}': two items of '{path}' have the id '{item.id}'; ids are unique"
            raise StudyError(msg)
        seen.add(item.id)
    return tuple(items)


def _item(line: str, place: str) -> Item:
    try:
        document = row_of(line)
    except FormatError as error:
        msg = f"{place}: {error}; an object with id, prompt and target is needed"
        raise StudyError(msg) from error
    target = _text(document, "target", place)
    choices = _choices(document, place)
    if choices and target not in choices:
        msg = f"{place}: target {target!r} is not among its choices: {', '.join(choices)}"
        raise StudyError(msg)
    extra = {key: value for key, value in document.items() if key not in _KNOWN}
    return Item(
        id=_text(document, "id", place),
        prompt=_text(document, "prompt", place),
        target=target,
        choices=choices,
        exposure=_level(document, "exposure", place),
        dose=_dose(document, place),
        distribution=_level(document, "distribution", place),
        group=_optional(document, "group"),
        rationale=_optional(document, "rationale"),
        fields={key: str(value) for key, value in extra.items() if _is_plain(value)},
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _text(document: dict[str, Any], key: str, place: str) -> str:
    value = document.get(key)
    if not _is_plain(value) or value == "":
        msg = f"{place}: key '{key}' is {value!r}; a text that is not empty is needed"
        raise StudyError(msg)
    return str(value)


def _optional(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return None if value is None else str(value)


def _choices(document: dict[str, Any], place: str) -> tuple[str, ...]:
    value = document.get("choices")
    if value is None or value == []:
        return ()
    if not isinstance(value, list) or not all(_is_plain(one) and one != "" for one in value):
        msg = f"{place}: key 'choices' is {value!r}; a list of texts is needed"
        raise StudyError(msg)
    choices = tuple(str(one) for one in value)
    if len(set(choices)) < len(choices) or len(choices) < 2:
        msg = f"{place}: key 'choices' is {value!r}; at least two are needed, all different"
        raise StudyError(msg)
    return choices


def _level(document: dict[str, Any], key: str, place: str) -> str | None:
    value = document.get(key)
    if value is not None and value not in _LEVELS[key]:
        msg = f"{place}: key '{key}' is {value!r}; allowed: {', '.join(_LEVELS[key])}"
        raise StudyError(msg)
    return value


def _dose(document: dict[str, Any], place: str) -> float | None:
    value = document.get("dose")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        msg = f"{place}: key 'dose' is {value!r}; a number of at least 0 is needed"
        raise StudyError(msg)
    return float(value)
