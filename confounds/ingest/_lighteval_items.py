"""The items of one file of lighteval's details, column by column, whatever version wrote them.

Typed columns are never unpacked into Python objects: of the choices only their number is needed,
unless log-probabilities are asked for. Columns that early versions wrote as text are.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from confounds.errors import FormatError
from confounds.ingest._json import listing, mapping, number, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FIRST = ("acc", "acc_norm", "mc1", "mc2", "em", "qem", "pem", "pqem", "f1", "exact_match")
"""Scores that the first leaderboard wrote as columns."""
_NESTED = ("doc", "model_response")
_LONGEST_TEXT = 1 << 20
_NOT_FINITE = re.compile(r"\b(?:nan|inf)\b")
_NUMBERS = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of the choices of one item.

    Attributes:
        texts: of the choices.
        gold: indices of the right ones; empty where one is no index.
        log_prob: of the choices; empty where they are not told.
    """

    texts: tuple[str, ...]
    gold: tuple[int, ...]
    log_prob: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """The items of one file.

    Attributes:
        names: (items,) ids, or places in the file.
        scores: metric, as the tool names it -> (items,) NaN where no number is logged.
        unread: metric of each value that is logged and is no number.
        choices: (items,) to choose from; 0 where there are none.
        right: (items,) how many of them are right.
        lost: items whose prompt had room for fewer demonstrations than asked.
        asked: demonstrations asked for, None where not told.
        answers: one an item where log-probabilities were asked for, else empty.
    """

    names: NDArray[np.object_]
    scores: Mapping[str, NDArray[np.float64]]
    unread: tuple[str, ...]
    choices: NDArray[np.int64]
    right: NDArray[np.int64]
    lost: int
    asked: frozenset[int | None]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns by name, without the edges of `__doc__`; parts of nested ones by their own names."""

    there: Mapping[str, pa.ChunkedArray]
    rows: int
    path: Path

    def values(self, name: str) -> list[Any]:
        """As Python values; what early versions wrote as text is what the text says."""
        column = self.there.get(name)
        if column is None:
            return [None] * self.rows
        values: list[Any] = column.to_pylist()
        if any(isinstance(value, str) for value in values):
            return [plain(value, f"{self.path}: row {row}") for row, value in enumerate(values)]
        return values

    def lengths(self, name: str, otherwise: int) -> NDArray[np.int64]:
        """(rows,) entries of each list; `otherwise` where there is no list."""
        column = self.there.get(name)
        if column is not None and _is_list(column.type):
            return np.asarray(pc.fill_null(pc.list_value_length(column), otherwise), dtype=np.int64)
        found = (len(one) if isinstance(one, list) else otherwise for one in self.values(name))
        return np.fromiter(found, dtype=np.int64, count=self.rows)


def items_of(table: pa.Table, path: Path, *, log_probs: bool) -> Items:
    """The items of a table of details.

    Raises:
        FormatError: a value that is written as text cannot be read.
    """
    columns = _Columns(_flat(table), table.num_rows, path)
    scores = _scores(columns)
    asked, lost = _shots(columns)
    gold = "gold_index" if "gold_index" in columns.there else "gold"
    return Items(
        names=_names(columns),
        scores={name: values for name, (values, _) in scores.items()},
        unread=tuple(
            name
            for name, (values, said) in scores.items()
            for _ in range(int((said & np.isnan(values)).sum()))
        ),
        choices=columns.lengths("choices", 0),
        right=columns.lengths(gold, 1),
        lost=lost,
        asked=asked,
        answers=_answers(columns, gold) if log_probs else (),
    )


def plain(value: Any, where: str) -> Any:
    """The value; where early versions wrote it as text, what the text says.

    Raises:
        FormatError: it says no value, or is too long to be one.
    """
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_TEXT:
        msg = f"{where}: a text of {len(value)} characters; at most {_LONGEST_TEXT} are read"
        raise FormatError(msg)
    try:
        return _literal(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        deep = isinstance(error, RecursionError | MemoryError)
        plainly = "nested too deeply" if deep else "not numbers, texts, lists and tables of them"
        reason = error.msg if isinstance(error, SyntaxError) else plainly
        msg = f"{where}: {value[:40]!r} is no value that can be read ({reason})"
        raise FormatError(msg) from error


def _literal(written: str) -> Any:
    """What Python's `repr` wrote, also where a number in it is not finite."""
    if _NOT_FINITE.search(written) is None:
        return ast.literal_eval(written)
    return ast.literal_eval(_Named().visit(ast.parse(written.strip(), mode="eval")))


class _Named(ast.NodeTransformer):
    """The names that `repr` gives to numbers that are not finite, as these numbers."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(node.id)) if _NOT_FINITE.fullmatch(node.id) else node


def _flat(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Without `gold` where it is what was generated at its best, and no index."""
    found: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        bare = name.strip("_")
        if bare in _NESTED and pa.types.is_struct(column.type):
            found |= _parts(column)
        elif name != "gold" or _is_list(column.type) or pa.types.is_integer(column.type):
            found[name if name in FIRST else bare] = column
    return found


def _parts(column: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """The fields of a column of structs, null where the struct is."""
    kind = column.type
    return {kind.field(i).name: pc.struct_field(column, [i]) for i in range(kind.num_fields)}


def _names(columns: _Columns) -> NDArray[np.object_]:
    """Ids where each item has its own; else places."""
    column = columns.there.get("id")
    told = [None] * columns.rows if column is None else column.to_pylist()
    names = [text(one) or str(place) for place, one in enumerate(told)]
    if len(set(names)) < len(names):
        names = [str(place) for place in range(len(names))]
    return np.array(names, dtype=object)


def _shots(columns: _Columns) -> tuple[frozenset[int | None], int]:
    """Demonstrations asked for, and how many prompts had room for fewer."""
    if "num_asked_few_shots" not in columns.there:
        return frozenset({None}), 0
    asked = [whole(one) for one in columns.values("num_asked_few_shots")]
    used = [whole(one) for one in columns.values("num_effective_few_shots")]
    pairs = zip(asked, used, strict=True)
    lost = sum(one is not None and few is not None and few < one for one, few in pairs)
    return frozenset(asked), lost


def _scores(columns: _Columns) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Metric -> (rows,) numbers, and whether a value is logged at all."""
    name = "metric" if "metric" in columns.there else "metrics"
    told = columns.there.get(name)
    if told is None:
        return {one: _numbers(columns.there[one]) for one in FIRST if one in columns.there}
    if pa.types.is_struct(told.type):
        return {one: _numbers(values) for one, values in _parts(told).items()}
    rows: list[Mapping[Any, Any]] = [mapping(one) for one in columns.values(name)]
    names = dict.fromkeys(one for row in rows for one in row if isinstance(one, str))
    return {one: _numbers_of([row.get(one) for row in rows]) for one in names}


def _numbers(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    kind = column.type
    if not any(is_kind(kind) for is_kind in _NUMBERS):
        return _numbers_of(column.to_pylist())
    said = np.asarray(column.is_valid(), dtype=np.bool_)
    values = np.array(pc.cast(column, pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    values[~said | ~np.isfinite(values)] = np.nan
    return values, said


def _numbers_of(values: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    said = np.array([value is not None for value in values], dtype=np.bool_)
    return np.array([number(value) for value in values], dtype=np.float64), said


def _answers(columns: _Columns, gold: str) -> tuple[Answer, ...]:
    choices = [listing(one) for one in columns.values("choices")]
    right = columns.values(gold)
    name = "logprobs" if "logprobs" in columns.there else "predictions"
    kept = columns.there.get(name)
    told = [None] * columns.rows if kept is None else map(_quietly, kept.to_pylist())
    return tuple(
        Answer(tuple(map(str, texts)), _indices(one, len(texts)), _log_probs(kept)[: len(texts)])
        for texts, one, kept in zip(choices, right, told, strict=True)
    )


def _quietly(value: Any) -> Any:
    """What a text says; None where it was generated, and says no numbers."""
    with suppress(FormatError):
        return plain(value, "")
    return None


def _indices(gold: Any, choices: int) -> tuple[int, ...]:
    """Of the right choices; empty where one is no index."""
    found = [whole(one) for one in (gold if isinstance(gold, list) else [gold])]
    known = tuple(one for one in found if one is not None and one < choices)
    return known if len(known) == len(found) else ()


def _log_probs(told: Any) -> tuple[float, ...]:
    """One a choice; before 0.11 each may stand with the flag that says whether it is greedy."""
    found = [
        number(one[0] if isinstance(one, list | tuple) and one else one) for one in listing(told)
    ]
    known = tuple(one for one in found if one is not None and one <= 0)
    return known if len(known) == len(found) else ()


def _is_list(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in _LISTS)
