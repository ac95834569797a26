"""Tables for papers: booktabs, with columns that siunitx aligns and rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confounds.export._columns import Sheet
from confounds.text import MARK, is_missing, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    Row = Mapping[str, Any]

MOST_LINES = 40
"""Lines of a table that fits on a page; one with more goes on over several."""
_CHARACTER = 0.52
"""Width of a character, in em."""
_RUN = 12
"""Characters after which a name without a place to break at is broken."""
_SEPARATORS = frozenset("_/-.:,;")
_LEAST = 12
"""Characters of a line of texts, however wide the numbers are."""
_LINE = 60
"""Characters of a line over all columns."""
_USUAL = r"  \footnotesize\setlength{\tabcolsep}{3pt}"
_SMALL = r"  \scriptsize\setlength{\tabcolsep}{2pt}"
_ROUNDING = r"  \sisetup{round-mode=places,round-precision=2,table-align-text-after=false}"
_ESCAPES = {
    MARK: r"\texttt{?}",
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one table is set.

    Attributes:
        columns: (name in the sheet, heading) in order.
        caption: below or above the table, as the class does it.
        label: of the table, for references to it.
        wrapped: columns of texts that are broken into lines where they have no room.
        room: characters that these columns have together.
        group: rows with one value of this column stand below it.
    """

    columns: tuple[tuple[str, str], ...]
    caption: str
    label: str
    wrapped: tuple[str, ...]
    room: int
    group: str | None = None


VERDICTS = Layout(
    (
        ("task", "Task"),
        ("label", "Verdict"),
        ("effect", "Step"),
        ("effect_lower", "Low"),
        ("effect_upper", "High"),
        ("p_two_level", "$p$"),
        ("models", "Models"),
        ("explained_by", "Explained by"),
    ),
    "Verdicts. Step: jump at the threshold beyond gradual growth, in score points, with its "
    "interval; p: two-level bootstrap.",
    "tab:verdicts",
    wrapped=("task", "explained_by"),
    room=32,
)
RIVALS = Layout(
    (
        ("rival", "Rival"),
        ("outcome", "Outcome"),
        ("left", "Left"),
        ("left_lower", "Low"),
        ("left_upper", "High"),
        ("p_adjusted", "$p$"),
        ("change", "Change"),
        ("change_lower", "Low"),
        ("change_upper", "High"),
    ),
    "Rival explanations. Left: step that remains where the rival cannot act; change: raw minus "
    "controlled; both in score points with their intervals; p: adjusted.",
    "tab:rivals",
    wrapped=("rival",),
    room=19,
    group="task",
)
LAYOUTS = {"verdicts": VERDICTS, "rivals": RIVALS}


@dataclass(frozen=True, slots=True)
class _Grid:
    """How the columns of one table are set: type size, formats, heads, and texts that wrap."""

    size: str
    formats: str
    head: str
    broken: Mapping[str, int]


def latex(sheet: Sheet, layout: Layout) -> str:
    """A table as wide as the text of a page: a `table`, or where it is too long a `longtable`.

    Numbers are written to six digits and rounded by siunitx, so that the precision shown is
    the document's choice. Needs `booktabs`, `siunitx` and `textcomp`, T1 fonts, and `longtable`
    for a table of more than `MOST_LINES` lines.
    """
    rows = _named(sheet.rows)
    kinds = {column.name: column.kind for column in sheet.columns}
    grid = _grid(rows, layout, {name for name in kinds if kinds[name] in ("number", "integer")})
    lines = sum(_lines(row, grid.broken) for row in rows)
    set_as = _table if lines <= MOST_LINES else _long_table
    return "\n".join(set_as(layout, grid, list(_body(rows, layout, grid.broken)))) + "\n"


def _grid(rows: Sequence[Row], layout: Layout, numeric: Collection[str]) -> _Grid:
    """Wide numbers take room from the texts, and where these have no more, the type is smaller."""
    numbers = {name: _number_column(name, rows) for name, _ in layout.columns if name in numeric}
    room = layout.room - math.ceil(1.2 * sum(map(_beyond, numbers.values())))
    broken = _broken(rows, layout, room)
    formats = [numbers.get(name) or _text_column(broken.get(name)) for name, _ in layout.columns]
    heads = [f"{{{told}}}" if name in numbers else told for name, told in layout.columns]
    return _Grid(
        size=_USUAL if room >= _LEAST * len(layout.wrapped) else _SMALL,
        formats="".join(formats),
        head=f"    {' & '.join(heads)} \\\\",
        broken=broken,
    )


def _table(layout: Layout, grid: _Grid, body: Sequence[str]) -> list[str]:
    return [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(_flat(layout.caption))}}}",
        rf"  \label{{{layout.label}}}",
        grid.size,
        _ROUNDING,
        rf"  \begin{{tabular}}{{{grid.formats}}}",
        r"    \toprule",
        grid.head,
        r"    \midrule",
        *body,
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]


def _long_table(layout: Layout, grid: _Grid, body: Sequence[str]) -> list[str]:
    return [
        r"\begingroup",
        grid.size,
        _ROUNDING,
        rf"  \begin{{longtable}}{{{grid.formats}}}",
        rf"    \caption{{{escape(_flat(layout.caption))}}}",
        rf"    \label{{{layout.label}}} \\",
        r"    \toprule",
        grid.head,
        r"    \midrule",
        r"    \endfirsthead",
        r"    \toprule",
        grid.head,
        r"    \midrule",
        r"    \endhead",
        r"    \bottomrule",
        r"    \endfoot",
        *body,
        r"  \end{longtable}",
        r"\endgroup",
    ]


def _named(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with claims told apart by their ids where several are of one task."""
    claims = {(row.get("task"), row.get("claim")) for row in rows}
    if len(claims) == len({task for task, _ in claims}):
        return tuple(rows)
    return tuple({**row, "task": row.get("claim")} for row in rows)


def _body(rows: Sequence[Row], layout: Layout, broken: Mapping[str, int]) -> Iterator[str]:
    above: object = None
    for number, row in enumerate(rows):
        if layout.group is not None and (number == 0 or row.get(layout.group) != above):
            above = row.get(layout.group)
            yield from ([r"    \addlinespace"] if number else [])
            yield _heading(str(above), len(layout.columns))
        cells = [_cell(name, row.get(name), broken) for name, _ in layout.columns]
        yield f"    {' & '.join(cells)} \\\\"


def _heading(name: str, columns: int) -> str:
    """A line over all columns; a name that is longer than that is broken."""
    long = len(name) > _LINE
    span = _paragraph(_LINE) if long else "l"
    shown = breakable(name) if long else escape(name)
    return rf"    \multicolumn{{{columns}}}{{{span}}}{{\itshape {shown}}} \\*"


def _beyond(column: str) -> int:
    """Characters of a column's numbers before the point, beyond those of a score."""
    whole = column.partition("table-format=")[2].partition(".")[0].partition(",")[0]
    return max(0, len("-") * whole.startswith("-") + int(whole.lstrip("-").rstrip("]")) - 2)


def _broken(rows: Sequence[Row], layout: Layout, room: int) -> dict[str, int]:
    """The columns that hold a text too long for them, with the characters of a line.

    What a column with short texts leaves is the others'; `room` is what wide numbers leave to all.
    """
    longest = {
        name: max(len(heading), *(len(one_line(str(row.get(name) or ""))) for row in rows))
        for name, heading in layout.columns
        if name in layout.wrapped
    }
    left, found = max(room, _LEAST * len(longest)), {}
    for number, name in enumerate(sorted(longest, key=lambda name: longest[name])):
        most = left // (len(longest) - number)
        if longest[name] > most:
            found[name] = most
        left -= min(longest[name], most)
    return found


def _lines(row: Row, broken: Mapping[str, int]) -> int:
    """Lines that a row takes."""
    told = ((len(one_line(str(row.get(name)))), most) for name, most in broken.items())
    return max((math.ceil(length / most) for length, most in told), default=1)


def _text_column(most: int | None) -> str:
    return "l" if most is None else _paragraph(most)


def _paragraph(characters: int) -> str:
    return rf">{{\raggedright\arraybackslash}}p{{{characters * _CHARACTER:.1f}em}}"


def escape(value: str) -> str:
    """Text in which no character has a meaning to LaTeX, or stops it."""
    return "".join(_ESCAPES.get(character, character) for character in one_line(value))


def breakable(value: str) -> str:
    """The same, with places to break it at: after what separates words, or else anywhere."""
    parts: list[str] = []
    run = 0
    for character in one_line(value):
        parts.append(_ESCAPES.get(character, character))
        run = 0 if character == " " else run + 1
        if character in _SEPARATORS or run == _RUN:
            parts.append(r"\allowbreak{}")
            run = 0
    return "".join(parts)


def _flat(caption: str) -> str:
    return " ".join(caption.split())


def _number_column(name: str, rows: Sequence[Row]) -> str:
    written = [row[name] for row in rows if not is_missing(row.get(name))]
    known = [value for value in written if math.isfinite(value)]
    digits = max((len(str(int(abs(value)))) for value in known), default=1)
    if all(isinstance(value, int) for value in known):
        return f"S[table-format={digits},round-mode=none]"
    if name.startswith("p_"):
        return "S[table-format=1.3,round-precision=3]"
    sign = "-" if any(value < 0 for value in known) else ""
    return f"S[table-format={sign}{digits}.2]"


def _cell(name: str, value: object, broken: Mapping[str, int]) -> str:
    if is_missing(value):
        return "{--}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return breakable(str(value)) if name in broken else escape(str(value))
    if name.startswith("p_") and value < 0.001:
        return r"{\textless{}0.001}"
    if math.isinf(value):
        return r"{$\infty$}" if value > 0 else r"{$-\infty$}"
    return f"{value:.6g}"
