"""`Outcomes`: the one table that everything else reads. One row is one score."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds import notebook, text
from confounds.errors import NothingSelectedError, OutcomesError, UsageError
from confounds.measures import Measure
from confounds.outcomes import cells as cell
from confounds.outcomes import checks, storage
from confounds.outcomes._places import Places, with_places
from confounds.outcomes._wording import counted
from confounds.outcomes.schema import (
    COLUMNS,
    NAMES,
    check_scores,
    conform,
)
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_SHOWN = 5


_ROWS = 10
"""Rows that a notebook shows."""


class Outcomes:
    """A validated table of scores; treat it as immutable.

    Args:
        frame: columns of `confounds.outcomes.schema.COLUMNS`; `task metric model score n` are
            required, the others are filled with null.
        measures: declarations of metrics that the package does not know.
        notes: what a reader did or saw.

    Rows that are equal in every column but `source` are kept once, and noted. A missing
    `family` becomes the model itself, and is noted. Where size and tokens are known and
    compute is not, compute is 6 x parameters x tokens, and is noted.

    Raises:
        OutcomesError: the table breaks its schema; the message names row, column, value and
            what is allowed.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"task": "addition", "metric": "exact_match",
        ...     "model": ["small", "large"], "score": [0.0, 0.9], "n": 100,
        ...     "parameters": [1e8, 1e10], "family": "demo"})
        >>> Outcomes(frame).cells()[["model", "score", "n"]].to_dict("records")
        [{'model': 'large', 'score': 0.9, 'n': 100}, {'model': 'small', 'score': 0.0, 'n': 100}]
    """

    __slots__ = ("__weakref__", "_frame", "_measures", "_notes", "_places")

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        measures: Mapping[str, Measure] | None = None,
        notes: Iterable[Finding] = (),
    ) -> None:
        table, places = conform(frame), Places(frame)
        found = checks.measures_of(table, measures or {}, places)
        check_scores(table, found, places)
        checks.check_items(table, places)
        unused = checks.unused_columns(frame.columns, frame)
        table, duplicates = checks.without_duplicates(table, places, unused)
        self._measures = found
        checks.fill_chance_source(table)
        filled = (*checks.fill_family(table), *checks.fill_compute(table))
        self._frame = table
        self._notes = (*notes, *checks.note_unused(unused), *duplicates, *filled)
        self._places: dict[str, NDArray[np.int64]] | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, with all columns of the table in order. Do not change it."""
        return self._frame

    @property
    def measures(self) -> dict[str, Measure]:
        """Metric -> its declaration, for the metrics present, sorted."""
        return dict(self._measures)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What reading and checking did to the data or saw in it."""
        return self._notes

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks present, sorted."""
        return self._levels("task")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics present, sorted."""
        return self._levels("metric")

    @property
    def models(self) -> tuple[str, ...]:
        """Models present, sorted."""
        return self._levels("model")

    def __len__(self) -> int:
        return len(self._frame)

    def __repr__(self) -> str:
        return (
            f"Outcomes({counted(len(self), 'row')}, {counted(len(self.tasks), 'task')}, "
            f"{counted(len(self.metrics), 'metric')}, {counted(len(self.models), 'model')})"
        )

    def _repr_html_(self) -> str:
        rows = self._frame.head(_ROWS).to_dict("records")
        left = len(self) - len(rows)
        caption = f"and {counted(left, 'further row')}" if left else ""
        return notebook.shown(repr(self), [notebook.table(rows, caption)] if rows else [])

    def select(
        self,
        task: str | Iterable[str] | None = None,
        metric: str | Iterable[str] | None = None,
        **columns: Any,
    ) -> Outcomes:
        """The rows with these values.

        Args:
            task: one task or several; None for all.
            metric: one metric or several; None for all.
            columns: any other column = a value, several values, or None for "unknown".

        Raises:
            NothingSelectedError: no row is left; the message lists what there is.
            UsageError: there is no such column.
        """
        if isinstance(task, str):
            part = self._of_task(task)
            return part if metric is None and not columns else part.select(None, metric, **columns)
        wanted = {"task": task, "metric": metric}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        keep = np.ones(len(self._frame), dtype=bool)
        for name, value in {**wanted, **columns}.items():
            matched = self._matches(name, value)
            if not (keep & matched).any():
                raise NothingSelectedError(self._nothing(name, value, keep))
            keep &= matched
        return self._with(self._frame[keep].reset_index(drop=True))

    def cells(self) -> pd.DataFrame:
        """What did each model score on each task in each condition?

        Returns:
            One row per task x metric x model x (family parameters tokens compute checkpoint
            tuning adaptation shots demonstrations reasoning prompt exposure dose
            distribution), with `score` (mean over runs of each run's mean), `n` (items
            behind one run; median over runs), `rows`, `seeds` (distinct), `chance` and
            `majority` (means over items), `variance` (sample variance of the item scores,
            NaN where they are unknown) and `seed_sd` (standard deviation over runs, NaN for
            one). Sorted by the condition columns.
        """
        return cell.cells(self._frame)

    def aggregate(self) -> Outcomes:
        """The same outcomes with items averaged within each run; its cells are the same."""
        return self._with(cell.average_items(self._frame))

    def digest(self) -> str:
        """SHA-256 of the content (hex): rows in their order and declarations of metrics."""
        digest = hashlib.sha256(repr(sorted(self._measures.items())).encode())
        for column in COLUMNS:
            digest.update(f"\x00{column.name}\x00".encode())
            values = self._frame[column.name].to_numpy()
            if column.kind == "text":
                codes, levels = pd.factorize(values)
                digest.update("\x1f".join(levels).encode())
                values = codes.astype(np.int64)
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def write(self, path: str | Path) -> Path:
        """Write as `.parquet`, `.csv` or `.jsonl`; see `read`.

        Measures and notes are kept: within Parquet, else in `NAME.meta.json` beside the file.

        Raises:
            UsageError: the name ends otherwise.
        """
        return storage.write_frame(
            self._frame, Path(path), measures=self._measures, notes=self._notes
        )

    @classmethod
    def read(cls, path: str | Path, *, measures: Mapping[str, Measure] | None = None) -> Outcomes:
        """Read what `write` wrote, or any file with the columns of the table.

        Args:
            path: a `.parquet`, `.csv` or `.jsonl` file.
            measures: declarations of metrics unknown to the package and not kept by `write`.

        Raises:
            FormatError: the file cannot be read.
            OutcomesError: its content breaks the schema.
        """
        content = storage.read_frame(Path(path))
        known = {**content.measures, **(measures or {})}
        try:
            return cls(with_places(content, Path(path)), measures=known, notes=content.notes)
        except OutcomesError as error:
            msg = f"{path}: {error}"
            raise OutcomesError(msg) from error

    def _levels(self, name: str) -> tuple[str, ...]:
        return tuple(sorted(pd.unique(self._frame[name])))

    def _with(self, frame: pd.DataFrame) -> Outcomes:
        """Rows taken from a checked table need no second check."""
        other = object.__new__(Outcomes)
        present = set(pd.unique(frame["metric"]))
        other._frame = frame
        other._measures = {k: v for k, v in self._measures.items() if k in present}
        other._notes = self._notes
        other._places = None
        return other

    def _of_task(self, task: str) -> Outcomes:
        """The rows of one task, whose places are looked up once: claims come task by task."""
        if self._places is None:
            codes, names = pd.factorize(self._frame["task"].to_numpy())
            order = np.argsort(codes, kind="stable")
            ends = np.cumsum(np.bincount(codes, minlength=len(names)))
            self._places = dict(zip(names, np.split(order, ends[:-1]), strict=True))
        if task not in self._places:
            raise NothingSelectedError(self._nothing("task", task, slice(None)))
        return self._with(self._frame.take(self._places[task]).reset_index(drop=True))

    def _matches(self, name: str, value: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if name not in NAMES:
            msg = f"no column '{name}'; there are: {', '.join(NAMES)}{text.nearest(name, NAMES)}"
            raise UsageError(msg)
        column = self._frame[name]
        several = isinstance(value, list | tuple | set | frozenset | np.ndarray)
        values = list(value) if several else [value]
        known = [one for one in values if not pd.isna(one)]
        matched = column.isin(known).to_numpy()
        return matched | column.isna().to_numpy() if len(known) < len(values) else matched

    def _nothing(self, name: str, value: Any, keep: Any) -> str:
        there = self._frame.loc[keep, name].dropna().unique()
        shown = ", ".join(_plain(one) for one in sorted(there)[:_SHOWN])
        more = ""
        if len(there) > _SHOWN:
            more = f" and {len(there) - _SHOWN} more{text.nearest(value, map(str, there))}"
        return f"no rows with {name} = {value!r}; there are: {shown or 'none known'}{more}"


def _plain(value: Any) -> str:
    """A value as a user writes it: five shots are 5, not 5.0."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)
