"""Linear metrics of single items, from the log-probabilities that results keep of their choices.

They are believed only where the largest log-probability also gives the accuracy that the tool
itself logged, item by item: where it does not, the choices, or which of them is right, were not
understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.errors import FormatError
from confounds.ingest._reading import first_places
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from confounds.ingest._reading import Format, Reading

LINEAR = ("choice_probability", "brier", "target_log_prob")
_SAME = 1e-6
_KIND = "not_rescored"


@dataclass(frozen=True, slots=True)
class Kept:
    """What results keep of the choices of one item.

    Attributes:
        log_prob: (choices,) summed log-probability of each.
        gold: indices of the right ones.
        accuracy: the item's, worked out from the log-probabilities by the tool's rule.
        logged: the item's, as the tool wrote it.
    """

    log_prob: NDArray[np.float64]
    gold: tuple[int, ...]
    accuracy: float
    logged: float


@dataclass(frozen=True, slots=True)
class Rescored:
    """Rows of linear metrics, and notes on what was not rescored."""

    rows: list[dict[str, Any]]
    notes: tuple[Finding, ...]


def choice_scores(
    log_prob: NDArray[np.float64], gold: Sequence[int], texts: Sequence[str] = ()
) -> dict[str, float]:
    """Scores of one item that was answered by choice, from its log-probabilities alone.

    Args:
        log_prob: (choices,) log-probability of each; at least two.
        gold: indices of the right choices; at least one.
        texts: (choices,) what each says, where known.

    Returns:
        `choice_accuracy`, `choice_probability` (of the right choices, among the choices),
        `brier`, `target_log_prob` (where one choice is right), and
        `choice_accuracy_normalized` (per character) where the choices' texts are known.
        Scores that are not finite are left out.
    """
    right = np.zeros((1, len(log_prob)), dtype=bool)
    right[0, list(gold)] = True
    known = texts and all(texts)
    lengths = np.array([[len(text) for text in texts]], dtype=np.float64) if known else None
    found = scores_of_many(log_prob[None], right, lengths)
    return {name: float(values[0]) for name, values in found.items() if np.isfinite(values[0])}


def scores_of_many(
    log_prob: NDArray[np.float64], right: NDArray[np.bool_], lengths: NDArray[np.float64] | None
) -> dict[str, NDArray[np.float64]]:
    """The scores of items with the same number of choices, (items,) each; see `choice_scores`.

    Args:
        log_prob: (items, choices) log-probabilities.
        right: (items, choices) which are right.
        lengths: (items, choices) characters of each, NaN or 0 in items where that is not known;
            None where it is in none.
    """
    rows = np.arange(len(log_prob))
    probability = np.exp(log_prob - log_prob.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    of_right = (probability * right).sum(axis=1)
    single = right.sum(axis=1) == 1
    scores = {
        "choice_accuracy": right[rows, log_prob.argmax(axis=1)].astype(np.float64),
        "choice_probability": np.clip(of_right, 0.0, 1.0),
        "brier": np.clip(((probability - right) ** 2).sum(axis=1), 0.0, 2.0),
    }
    if single.any():
        target = np.minimum(log_prob[rows, right.argmax(axis=1)], 0.0)
        scores["target_log_prob"] = np.where(single, target, np.nan)
    if lengths is not None:
        told: NDArray[np.bool_] = np.asarray((lengths > 0).all(axis=1), dtype=np.bool_)
        best = (log_prob / np.where(told[:, None], lengths, 1.0)).argmax(axis=1)
        scores["choice_accuracy_normalized"] = np.where(told, right[rows, best], np.nan)
    return scores


def rescored(
    items: Sequence[tuple[Mapping[str, Any], Kept | None]], there: Collection[str]
) -> Rescored:
    """Linear metrics of the items of one file, besides those that the tool logged.

    Args:
        items: what is the same on every row of an item, and what is kept of its choices; None
            where that is nothing.
        there: metrics that the tool logged.
    """
    file = str(items[0][0]["source"]) if items else "no items"
    told = [(row, kept) for row, kept in items if kept is not None]
    if not told:
        return Rescored([], (not_rescored("no log-probabilities of all choices are kept", file),))
    differ = [str(row["source"]) for row, kept in told if abs(kept.accuracy - kept.logged) > _SAME]
    if differ:
        message = "Items whose logged accuracy does not follow from their log-probabilities"
        note = Finding("recomputed_differs", message, len(differ), first_places(differ))
        reason = f"the accuracy of {differ[0]} does not follow from its log-probabilities"
        return Rescored([], (note, not_rescored(reason, file)))
    more = [one for row, kept in told for one in _linear(row, kept) if one["metric"] not in there]
    missing = len(items) - len(told)
    if not missing:
        return Rescored(more, ())
    message = "Items keep no log-probabilities of all their choices and are not rescored"
    where = first_places(str(row["source"]) for row, kept in items if kept is None)
    return Rescored(more, (Finding("unrescored_items", message, missing, where),))


def _linear(row: Mapping[str, Any], kept: Kept) -> Iterator[dict[str, Any]]:
    scores = choice_scores(kept.log_prob, kept.gold)
    for name in LINEAR:
        if name in scores:
            found = {**row, "metric": name, "score": scores[name]}
            if name == "choice_probability":
                chance = len(kept.gold) / len(kept.log_prob)
                found |= {"chance": chance, "chance_source": "uniform"}
            yield found


def not_rescored(reason: str, file: str) -> Finding:
    """Nothing of a file was rescored, and why."""
    return Finding(_KIND, f"Nothing is rescored: {reason}", 1, (file,))


def unrescored(
    files: Sequence[tuple[Path, Format]], readings: Sequence[Reading]
) -> tuple[Finding, ...]:
    """Notes on the files that nothing could be rescored of.

    Raises:
        FormatError: that is all of them; the message says why.
    """
    notes = []
    for (path, form), reading in zip(files, readings, strict=True):
        told = any(note.kind == _KIND for note in reading.notes)
        if not reading.rescored and not told:
            reason = getattr(form, "rescored_by", None) or (
                f"no log-probabilities of choices are there for {form.name} to read"
            )
            notes.append(not_rescored(reason, path.name))
    if any(reading.rescored for reading in readings):
        return tuple(notes)
    every = [*(note for one in readings for note in one.notes if note.kind == _KIND), *notes]
    more = f" ({len(every)} files in all)" if len(every) > 1 else ""
    msg = f"{files[0][0]}: nothing can be rescored: {every[0].message.partition(': ')[2]}{more}"
    raise FormatError(msg)
