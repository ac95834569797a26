"""What is known of a model by its name, what its name lets one guess, and what is unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from confounds.errors import UsageError
from confounds.ingest._facts import ModelFacts, published_model
from confounds.ingest._naming import by_name_alone, model_key, split_revision
from confounds.ingest._rows import Model, model_of

FIELDS = ("family", "parameters", "tokens", "compute", "tuning")
TRAINING_FLOP = 6.0
"""FLOP a parameter and token (Kaplan et al. 2020)."""
_UNITS = {"m": 1e6, "b": 1e9, "t": 1e12}
"""Not thousands: `16k` is the length of a context more often than a size."""
_NUMBER = r"(?<![a-z0-9.])\d+(?:\.\d+)?"
_EXPERTS = re.compile(r"(?<![a-z0-9.])(\d+)x(\d+(?:\.\d+)?)([mb])(?![a-z0-9])")
_ACTIVE = re.compile(rf"{_NUMBER}b-\d+e(?![a-z0-9])")
"""Active parameters and experts, as in `17b-16e`."""
_BOTH = re.compile(rf"({_NUMBER})b-(\d+(?:\.\d+)?)b(?![a-z0-9])")
"""Active and all, as in `olmoe-1b-7b`."""
_SIZE = re.compile(
    r"(?<![a-z0-9.])(?P<whole>\d+)"
    r"(?:(?:\.(?P<part>\d+))?(?P<unit>[mbt])|b(?P<tenths>\d))(?![a-z0-9])"
)
"""`7b`, `1.4b`, and `7b1` for 7.1 billion."""
_TUNINGS = (
    ("chat", r"chat|dialog"),
    ("instruct", r"instruct|it|sft|dpo|rlhf|tuned|zephyr|vicuna|alpaca"),
    ("code", r"code|coder|codegen"),
    ("base", r"base|pretrained|pt"),
)

Standing = Literal["published", "computed", "guess", "unknown"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about one model.

    Attributes:
        field: `family`, `parameters`, `tokens`, `compute` (FLOP) or `tuning`.
        value: None where unknown.
        standing: `published` (with its source), `computed` from published figures, `guess` from
            the name (what it tells, or a published model of another organisation that has it),
            or `unknown`.
        source: where it is stated, or how it was arrived at.
    """

    field: str
    value: str | float | None
    standing: Standing
    source: str


def look_up_model(name: str) -> tuple[Fact, ...]:
    """What is known of a model, by hub id, name or alias; a fact a field, guesses marked.

    A revision may follow (`org/model@step1000`, `model,revision=step1000`), and a path names the
    model that it ends with, as in files of results: at a step, tokens are those seen until then.

    Guesses are of two sorts. Where the name is that of a published model of another organisation,
    its figures are guessed, and readers of results fill them in with a note. A size that the name
    itself tells is never used by a reader.

    Raises:
        UsageError: the name is empty.
    """
    model = model_of(*split_revision(name.strip()))
    if not model_key(model.name):
        msg = f"{name!r} names no model; a hub id, a name or an alias is needed"
        raise UsageError(msg)
    facts = published_model(model.name)
    found = _guesses(model_key(model.name)) if facts is None else _figures(model, facts)
    return tuple(found.get(column, Fact(column, None, "unknown", "")) for column in FIELDS)


def _figures(model: Model, facts: ModelFacts) -> dict[str, Fact]:
    """The figures of a published model; of another organisation's, a guess."""
    copied = by_name_alone(model.name, facts)
    of = f"as {facts.model}, by the name alone: " if copied else ""

    def fact(column: str, value: str | float, standing: Standing, source: str) -> Fact:
        return Fact(column, value, "guess" if copied else standing, of + source)

    source = facts.source or "source not stated"
    given = {column: getattr(facts, column) for column in FIELDS}
    found = {
        column: fact(column, value, "published", source)
        for column, value in given.items()
        if value is not None
    }
    if model.checkpoint is not None:
        found.pop("tokens", None)
        found.pop("compute", None)
        tokens = model.checkpoint * (facts.tokens_per_step or 0)
        if tokens:
            found["tokens"] = fact("tokens", tokens, "computed", "step x tokens of a step")
    if "compute" not in found and {"parameters", "tokens"} <= set(found):
        flop = TRAINING_FLOP * float(found["parameters"].value) * float(found["tokens"].value)  # type: ignore[arg-type]
        found["compute"] = fact("compute", flop, "computed", "6 x parameters x tokens")
    return found


def _guesses(key: str) -> dict[str, Fact]:
    """Size, tuning and family that a name suggests."""
    found = {}
    size, where = _size(key)
    if size is not None:
        found["parameters"] = Fact("parameters", size, "guess", f"'{where}' in the name")
    if where:
        family = key[: key.index(where)].strip("-_.")
        if family:
            found["family"] = Fact("family", family, "guess", "the name before the size")
    for tuning, pattern in _TUNINGS:
        match = re.search(rf"(?<![a-z])({pattern})(?![a-z])", key)
        if match:
            found["tuning"] = Fact("tuning", tuning, "guess", f"'{match.group()}' in the name")
            break
    return found


def _size(key: str) -> tuple[float | None, str]:
    """Parameters, all experts together, and the part of the name that says so.

    None where the name tells a part of them alone, such as those that are active in one pass.
    """
    experts = _EXPERTS.search(key)
    if experts:
        count, each, unit = experts.groups()
        return int(count) * float(each) * _UNITS[unit], experts.group()
    active = _ACTIVE.search(key)
    if active:
        return None, active.group()
    both = _BOTH.search(key) if "moe" in key else None
    if both:
        return float(both[2]) * _UNITS["b"], both.group()
    match = _SIZE.search(key)
    if match is None:
        return None, ""
    number = match["whole"] + (f".{match['part'] or match['tenths'] or 0}")
    return float(number) * _UNITS[match["unit"] or "b"], match.group()
