"""What the rows of a table must agree on, and what is filled in where it is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from confounds.errors import OutcomesError
from confounds.measures import DECLARED, Measure
from confounds.outcomes._places import PLACE, Places
from confounds.outcomes._wording import counted
from confounds.outcomes.cells import group_ids
from confounds.outcomes.schema import NAMES, REPLICATE_KEYS, ROW_KEYS
from confounds.results import Finding
from confounds.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

SHOWN = 5
_LOOKED_AT = 1000


def measures_of(
    frame: pd.DataFrame, given: Mapping[str, Measure], places: Places
) -> dict[str, Measure]:
    """The declaration of each metric present: the given one, else the package's.

    Args:
        frame: the rows.
        given: metric -> its declaration.
        places: where the rows stand.

    Raises:
        OutcomesError: a metric is declared nowhere; the message says the way out.
    """
    names = sorted(pd.unique(frame["metric"]))
    found = {}
    for name in names:
        measure = given.get(name) or DECLARED.get(name)
        if measure is None:
            row = int(np.argmax((frame["metric"] == name).to_numpy()))
            msg = (
                f"unknown metric '{name}' ({places.full(row)}); "
                f"known: {', '.join(sorted(DECLARED))}. "
                f"Declare it: a [metrics.{name}] table in map.toml with kind, range and "
                f"higher_is_better, or measures={{'{name}': Measure(...)}}."
            )
            raise OutcomesError(msg)
        found[name] = measure
    return found


def check_items(frame: pd.DataFrame, places: Places | None = None) -> None:
    """An item row has n = 1, and a run is given by its items or by their average, not both.

    Raises:
        OutcomesError: a row breaks this.
    """
    places = places or Places(frame)
    item = frame["item"].notna().to_numpy()
    wrong = item & (frame["n"].to_numpy() != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        n, where = frame["n"].iloc[row], places.full(row)
        msg = f"column 'n' in {where} is {n}; a row with an item has n = 1"
        raise OutcomesError(msg)
    if not item.any() or item.all():
        return
    ids, count = group_ids(frame, REPLICATE_KEYS)
    both = (np.bincount(ids[item], minlength=count) > 0) & (
        np.bincount(ids[~item], minlength=count) > 0
    )
    if both.any():
        row = int(np.argmax(~item & both[ids]))
        msg = (
            f"{places.of(row)} is an average of a run whose items are in the table too (task "
            f"'{frame['task'].iloc[row]}', model '{frame['model'].iloc[row]}'); keep one of them"
        )
        raise OutcomesError(msg)


def without_duplicates(
    frame: pd.DataFrame, places: Places | None = None, unused: tuple[str, ...] = ()
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The rows without exact repeats, and the finding that counts them.

    Args:
        frame: the rows.
        places: where they stand, where the frame does not say.
        unused: columns that the file has and the table has not: what tells the rows apart may
            stand in one of them.

    Raises:
        OutcomesError: rows that should be one score hold different ones.
    """
    ids, count = group_ids(frame, ROW_KEYS)
    if count == len(frame):
        return frame, ()
    rest = [name for name in NAMES if name not in ROW_KEYS and name != "source"]
    full, distinct = group_ids(frame.assign(_key=ids), ["_key", *rest])
    repeated = pd.Series(full).duplicated().to_numpy()
    if distinct > count:
        told = _conflict(frame, ids, repeated, places or Places(frame))
        more = f" and {len(unused) - SHOWN} more" if len(unused) > SHOWN else ""
        also = f" Columns that are not used: {', '.join(unused[:SHOWN])}{more}." if unused else ""
        raise OutcomesError(told + also)
    again = frame.loc[repeated]
    finding = Finding(
        "duplicate_rows",
        "Rows repeat an earlier row exactly and are left out",
        len(again),
        tuple(again["source"].fillna(again["task"]).unique()[:SHOWN]),
    )
    return frame[~repeated].reset_index(drop=True), (finding,)


def _conflict(
    frame: pd.DataFrame, ids: NDArray[np.int64], repeated: NDArray[np.bool_], places: Places
) -> str:
    rows = np.flatnonzero(~repeated)
    again = pd.Series(ids[rows]).duplicated().to_numpy()
    second = int(rows[np.argmax(again)])
    first = int(np.argmax(ids == ids[second]))
    one, two = frame.iloc[first], frame.iloc[second]
    differ = next(
        name
        for name in ("score", "n", "chance", "majority", "chance_source", "variance", "ceiling")
        if one[name] != two[name] and not (pd.isna(one[name]) and pd.isna(two[name]))
    )
    count = int(again.sum())
    return (
        f"{counted(count, 'row')} {'repeats' if count == 1 else 'repeat'} an earlier row with "
        f"another {differ}; the first: "
        f"{places.of(second)} has {differ} {two[differ]}, {places.of(first)} has "
        f"{one[differ]} (task '{one['task']}', metric '{one['metric']}', model '{one['model']}'). "
        f"Tell them apart by seed, run, item or a condition column, or keep one."
    )


def unused_columns(columns: Iterable[object], frame: pd.DataFrame) -> tuple[str, ...]:
    """Columns of a file that the table has no place for; first those that seem to be misnamed.

    Args:
        columns: all of the file.
        frame: its rows: what is meant is a column that holds nothing.

    Example:
        >>> frame = pd.DataFrame({"task": ["t"], "score": [0.5], "family": [None]})
        >>> unused_columns([*frame, "remark", "famly", "shot"], frame)
        ('famly (the nearest is family)', 'shot (the nearest is shots)', 'remark')
    """
    extra = [str(name) for name in columns if name not in NAMES and name != PLACE]
    if not extra:
        return ()
    empty = [name for name in NAMES if name not in frame.columns or frame[name].isna().all()]
    hints = dict.fromkeys(extra, "")
    hints |= {name: nearest(name, empty).removeprefix("; ") for name in extra[:_LOOKED_AT]}
    likely = [f"{name} ({hint})" for name, hint in hints.items() if hint]
    return (*likely, *(name for name, hint in hints.items() if not hint))


def note_unused(unused: tuple[str, ...]) -> tuple[Finding, ...]:
    """The finding that says which columns are not used."""
    if not unused:
        return ()
    message = "Columns are not part of the table and are left out"
    return (Finding("unused_columns", message, len(unused), unused[:SHOWN]),)


def fill_family(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """A model without a family is a family of its own; changes the frame."""
    unknown = frame["family"].isna().to_numpy()
    if not unknown.any():
        return ()
    models = tuple(sorted(pd.unique(frame.loc[unknown, "model"])))
    frame["family"] = frame["family"].where(~unknown, frame["model"])
    message = "Models have no family (--models can name it); each is taken as one of its own"
    return (Finding("unknown_family", message, len(models), models[:SHOWN]),)


def fill_compute(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Compute as 6 x parameters x tokens where both are known; changes the frame."""
    product = 6.0 * frame["parameters"] * frame["tokens"]
    filled = (frame["compute"].isna() & product.notna()).to_numpy()
    if not filled.any():
        return ()
    frame["compute"] = frame["compute"].where(~filled, product)
    models = tuple(sorted(pd.unique(frame.loc[filled, "model"])))
    message = "Compute of models is not given and is taken as 6 x parameters x tokens"
    return (Finding("compute_estimated", message, len(models), models[:SHOWN], "note"),)


def fill_chance_source(frame: pd.DataFrame) -> None:
    """Chance without a source was declared; changes the frame."""
    unnamed = (frame["chance"].notna() & frame["chance_source"].isna()).to_numpy()
    frame["chance_source"] = frame["chance_source"].where(~unnamed, "declared")
