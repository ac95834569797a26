"""Answers as JSON: what a document is made of, and its text.

`json.dumps` with an indent runs in Python, element by element through generators, and
`dataclasses.asdict` copies every number. The text here is the same, byte for byte.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import cache
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

STEP = "  "


def plain(value: Any) -> Any:
    """The same made of dictionaries, lists and scalars; a dataclass is a dictionary of its fields.

    Tuples stay tuples, as they do under `dataclasses.asdict`.
    """
    kind: Any = type(value)
    if kind is float or kind is str or value is None or kind is int or kind is bool:
        return value
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    if kind is list:
        return [plain(item) for item in value]
    if kind is tuple:
        return tuple([plain(item) for item in value])
    names = _names(kind)
    return {name: plain(getattr(value, name)) for name in names} if names else value


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind)) if is_dataclass(kind) else ()


def to_text(document: Any) -> str:
    """What `json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)` gives.

    Raises:
        ValueError: a number is not finite.
        TypeError: a value is of no JSON type.
    """
    return _text(document, "\n")


def _text(value: Any, line: str) -> str:
    """The text of a value whose own line starts with `line`, a newline and blanks."""
    kind = type(value)
    if kind is float and isfinite(value):
        return float.__repr__(value)
    if kind is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if kind is dict and value:
        inner = line + STEP
        items = [f"{_key(key)}: {_text(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}"
    if (kind is list or kind is tuple) and value:
        inner = line + STEP
        return f"[{inner}{f',{inner}'.join([_text(item, inner) for item in value])}{line}]"
    other = json.dumps(value, indent=len(STEP), allow_nan=False, ensure_ascii=False)
    return other.replace("\n", line)


def _key(key: Any) -> str:
    if type(key) is str:
        return encode_basestring(key)
    (text,) = json.loads(json.dumps({key: None}, allow_nan=False))
    return encode_basestring(text)
