"""Every exception of the package, one tree.

```
ConfoundsError            exit code 4
├── InputError            bad input: a file, row, column or value     4
│   ├── OutcomesError     a table of outcomes that breaks its schema
│   ├── FormatError       a file that no reader recognises or can read
│   ├── MapError          a `map.toml`, models or tasks table that is wrong
│   ├── ClaimError        a claim, or a claim file, that is wrong
│   └── StudyError        a study file that is wrong
├── UsageError            a call or command that cannot be meant       2
│   └── MissingExtraError an optional dependency is not installed
├── ProbeError            models were put to a study and some failed   4
└── NothingSelectedError  the selection leaves no rows                 5
```

"Cannot be tested with this table" is a result, not an exception.
"""

from __future__ import annotations

import re
from typing import ClassVar

_ENDLESS = re.compile(r"\S{1000,}")
_KEPT = 100
_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r"})


def half_character(error: UnicodeEncodeError) -> tuple[str, str]:
    """The half of a character that JSON may write and no text can hold, and what is wrong."""
    half = f"\\u{ord(error.object[error.start]):04x}"
    return half, f"{half} is half of a character; a text holds whole ones"


class ConfoundsError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command returns.

    A message is one line that can be read, whatever the names in it hold.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str = "") -> None:
        line = message.translate(_BREAKS)
        super().__init__(_ENDLESS.sub(lambda found: f"{found[0][:_KEPT]}...", line))


class InputError(ConfoundsError):
    """Input that cannot be used; the message names the thing, the value and what is allowed."""


class OutcomesError(InputError):
    """A table that breaks the schema of `Outcomes`."""


class FormatError(InputError):
    """A file that no reader recognises, or that its reader cannot read."""


class MapError(InputError):
    """A map, models table or tasks table that is wrong."""


class ClaimError(InputError):
    """A claim, or a claim file, that is wrong."""


class StudyError(InputError):
    """A study file that is wrong."""


class UsageError(ConfoundsError):
    """A call or command that cannot be meant."""

    exit_code: ClassVar[int] = 2


class MissingExtraError(UsageError):
    """An optional dependency is not installed; the message says how to get it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed. Install it with: "
            f'pip install "emergence-confounds[{extra}]"'
        )


class ProbeError(ConfoundsError):
    """A study ended with models that could not be asked."""


class NothingSelectedError(ConfoundsError):
    """The selection (task, metric, condition) leaves no rows."""

    exit_code: ClassVar[int] = 5
