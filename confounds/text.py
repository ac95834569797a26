"""Numbers, intervals and tables as text, Markdown and HTML, by one naming rule.

The rule: **the name of a column (or the term of an estimate) decides how its values are
written**, everywhere, so that the terminal, the report and the exported tables agree.

| name | written as | example |
|---|---|---|
| `p`, `p_*` | p-value, three decimals | `0.032`, `<0.001` |
| `parameters`, `tokens`, `turn`, `threshold`, and names with it | K, M, B, T | `6.7B` |
| `compute` | powers of ten | `3.1e22` |
| `score`, every other number | two decimals, more where two would say 0.00 | `0.31` |
| whole numbers | grouped by thousands | `5,055` |
| `None`, NaN | a dash | `—` |

An estimate with its interval is `0.31 [0.12, 0.47]`, all three with the same decimals.
"""

from __future__ import annotations

import difflib
import html
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MISSING = "—"

MARK = "\ufffd"
_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these turn the direction of writing
    r"\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # these are not seen
    r"\ud800-\udfff\ufffe\uffff]"  # these stand for no character
)
_BREAKS = re.compile(r"[\t\n]")
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_SUFFIXED = frozenset({"parameters", "tokens"})
_POWERS = frozenset({"compute"})
_PLACES = frozenset({"threshold", "turn"})
_LABELS = {
    "ci_lower": "low",
    "ci_upper": "high",
    "p_adjusted": "p, adjusted",
    "p_fixed_effect": "p, family fixed effect",
    "p_two_level": "p, two-level",
    "p_value": "p",
    "n": "items",
    "std_error": "SE",
}


class Interval(Protocol):
    """What is written as one estimate: its term, its value and its bounds."""

    @property
    def term(self) -> str:
        """What is estimated."""

    @property
    def estimate(self) -> float | None:
        """The estimate."""

    @property
    def ci_lower(self) -> float | None:
        """Its lower bound."""

    @property
    def ci_upper(self) -> float | None:
        """Its upper bound."""


def label(name: str) -> str:
    """The heading of a column: its name in words.

    >>> label("p_two_level"), label("explained_by")
    ('p, two-level', 'explained by')
    """
    return _LABELS.get(name, name.replace("_", " "))


def is_missing(value: object) -> bool:
    """True for None and for a float NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: float | None, decimals: int | None = None) -> str:
    """A number with two decimals, or as many as keep it from reading 0.00.

    >>> number(0.3149), number(0.0042), number(-0.0), number(1234.5), number(None)
    ('0.31', '0.0042', '0.00', '1,234', '—')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if decimals is None:
        decimals = _decimals(abs(value))
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not any(digit in text for digit in "123456789") else text


def p_value(value: float | None) -> str:
    """A p-value with three decimals, never `0.000`.

    >>> p_value(0.0321), p_value(0.00004), p_value(None)
    ('0.032', '<0.001', '—')
    """
    if value is None or math.isnan(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def scale(value: float | None, name: str = "parameters") -> str:
    """A size on a scale axis: parameters and tokens as K, M, B, T; compute as a power.

    >>> scale(6.7e9), scale(1.17e8), scale(3.14e22, "compute")
    ('6.7B', '117M', '3.1e22')
    """
    if value is None or math.isnan(value):
        return MISSING
    if name in _POWERS:
        return _power(value)
    for unit, suffix in _SUFFIXES:
        if abs(value) >= 0.9995 * unit:
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.3g}"


def interval(
    estimate: float | None,
    lower: float | None,
    upper: float | None,
    *,
    name: str = "estimate",
) -> str:
    """An estimate with its interval; `name` decides the notation by the naming rule.

    >>> interval(0.312, 0.12, 0.4701)
    '0.31 [0.12, 0.47]'
    >>> interval(6.7e9, 1e9, 1.3e10, name="threshold")
    '6.7B [1B, 13B]'
    >>> interval(0.31, None, None)
    '0.31'
    """
    if name in _SUFFIXED | _POWERS or _is_threshold(name):
        shown = [scale(value, name) for value in (estimate, lower, upper)]
    else:
        decimals = _interval_decimals(estimate, lower, upper)
        shown = [number(value, decimals) for value in (estimate, lower, upper)]
    if is_missing(lower) and is_missing(upper):
        return shown[0]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def estimate(item: Interval | None, *, axis: str = "parameters") -> str:
    """An `Estimate` with its interval, written by its term; `axis` is the claim's scale."""
    if item is None:
        return MISSING
    name = axis if _is_threshold(item.term) else item.term
    return interval(item.estimate, item.ci_lower, item.ci_upper, name=name)


def condition(values: Mapping[str, Any]) -> str:
    """A condition in words.

    >>> condition({"shots": 5, "prompt": "closed"}), condition({})
    ('shots 5, prompt closed', 'all conditions')
    """
    shown = ", ".join(f"{label(key)} {show(key, value)}" for key, value in values.items())
    return shown or "all conditions"


def show(name: str, value: object) -> str:
    """Any value, written as its name says.

    >>> show("p_value", 0.0002), show("parameters", 1.3e10), show("rows", 5055)
    ('<0.001', '13B', '5,055')
    """
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _show_number(name, value)
    if isinstance(value, list | tuple):
        return ", ".join(show(name, item) for item in value) or MISSING
    return str(value)


@dataclass(frozen=True)
class Table:
    """Rows of named values, rendered by the naming rule.

    Attributes:
        names: columns, in order.
        rows: one mapping a row; a name that a row lacks is missing there.
        caption: what the table shows; empty for none.

    >>> table = Table(("task", "p_value"), ({"task": "addition", "p_value": 0.0321},))
    >>> print(table.markdown())
    | task | p |
    |:--|--:|
    | addition | 0.032 |
    """

    names: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str = ""

    def cells(self) -> list[list[str]]:
        """Every value as it is written, row by row."""
        return [[show(name, row.get(name)) for name in self.names] for row in self.rows]

    def numeric(self) -> tuple[bool, ...]:
        """For every column, whether all its known values are numbers (aligned right)."""
        return tuple(_all_numbers(row.get(name) for row in self.rows) for name in self.names)

    def text(self) -> str:
        """Aligned columns for a terminal, without trailing blanks."""
        head = [label(name) for name in self.names]
        body = [[one_line(cell) for cell in row] for row in self.cells()]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [head, ["-" * width for width in widths], *body]
        right = self.numeric()
        shown = ["  ".join(_align(line, widths, right)).rstrip() for line in lines]
        return "\n".join([self.caption, *shown] if self.caption else shown)

    def markdown(self) -> str:
        """A Markdown table; pipes and line breaks in values cannot break it."""
        head = [label(name) for name in self.names]
        rule = ["--:" if right else ":--" for right in self.numeric()]
        lines = [f"| {' | '.join(map(_markdown, line))} |" for line in (head, *self.cells())]
        lines.insert(1, f"|{'|'.join(rule)}|")
        return "\n".join([f"{_markdown(self.caption)}\n", *lines] if self.caption else lines)

    def html(self) -> str:
        """A `<table>`; every value is escaped. Numeric cells have the class `number`."""
        right = self.numeric()
        names = [label(name) for name in self.names]
        head = "".join(
            _cell("th", name, to_right, ' scope="col"')
            for name, to_right in zip(names, right, strict=True)
        )
        body = "".join(
            f"<tr>{''.join(map(_cell, ['td'] * len(line), line, right))}</tr>"
            for line in self.cells()
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def sentence_list(items: Sequence[str], empty: str = "none") -> str:
    """Items joined as in a sentence.

    >>> sentence_list(["a", "b", "c"]), sentence_list([])
    ('a, b and c', 'none')
    """
    if not items:
        return empty
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def nearest(name: object, names: Iterable[str]) -> str:
    """What was likely meant by a name that is none of these, to end a message with; else nothing.

    Example:
        >>> nearest("shot", ("score", "shots", "seed"))
        '; the nearest is shots'
        >>> nearest("colour", ("score", "shots", "seed"))
        ''
    """
    found = difflib.get_close_matches(str(name), list(names), n=1)
    return f"; the nearest is {found[0]}" if found else ""


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "model"), plural(2, "family"), plural(1200, "task")
    ('1 model', '2 families', '1,200 tasks')
    """
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun}"


def _show_number(name: str, value: float) -> str:
    if name == "p" or name.startswith("p_"):
        return p_value(value)
    if name in _SUFFIXED | _POWERS or _is_threshold(name):
        return scale(value, name)
    if isinstance(value, int):
        return f"{value:,}"
    return number(value)


def _is_threshold(name: str) -> bool:
    return name in _PLACES or name.endswith("_threshold") or name.startswith("threshold_")


def _power(value: float) -> str:
    if abs(value) < 1e4:
        return number(value)
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def _decimals(size: float) -> int:
    """Decimals for one number: two; none from 1,000 on; more where two would show nothing."""
    if size >= 1000:
        return 0
    if size == 0 or size >= 0.01:
        return 2
    return min(6, 1 - math.floor(math.log10(size)))


def _interval_decimals(*values: float | None) -> int:
    """Decimals for an estimate and its bounds: two, or enough for half its width to show."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return 2
    if max(map(abs, known)) >= 1000:
        return 0
    span = max(known) - min(known)
    if span == 0:
        return _decimals(abs(known[0]))
    return min(6, max(2, -math.floor(math.log10(span / 2))))


def _all_numbers(values: Iterable[object]) -> bool:
    known = [value for value in values if not is_missing(value)]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _align(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(line, widths, right, strict=True)
    ]


def printable(text: str) -> str:
    """Text as a terminal, a page or a table for papers may be given it.

    What would steer a terminal, turn the direction of writing, stop a typesetter or not be seen
    becomes U+FFFD and its code, so that names which differ by it still differ. Tabs and line
    breaks stay.

    >>> printable(f"task{chr(27)}[2J") == f"task{MARK}001B[2J"
    True
    """
    return _STEERING.sub(_marked, text)


def one_line(text: str) -> str:
    r"""The same where there is room for one line only: tabs and line breaks are marked too.

    >>> one_line("two\nlines") == f"two{MARK}000Alines"
    True
    """
    return _BREAKS.sub(_marked, printable(text))


def printable_json(document: str) -> str:
    r"""A JSON document whose texts hold the same as escapes, so that it steers no terminal.

    >>> printable_json('["\x9b31m"]') == r'["\u009b31m"]'
    True
    """
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _marked(found: re.Match[str]) -> str:
    return f"{MARK}{ord(found[0]):04X}"


def _markdown(text: str) -> str:
    flat = " ".join(one_line(text).split())
    escaped = flat.replace("\\", "\\\\").replace("|", "\\|")
    return html.escape(escaped, quote=False)


def _cell(tag: str, text: str, right: bool = False, extra: str = "") -> str:  # noqa: FBT001, FBT002
    kind = ' class="number"' if right else ""
    return f"<{tag}{extra}{kind}>{html.escape(one_line(text))}</{tag}>"
