"""The questions put to the ladder, and what the corpus' book says of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.ladder.corpus import (
    HOUSE_TAG,
    KEYS,
    LETTERS,
    OPERANDS,
    OUTSIDE,
    Recipe,
    addition_line,
    draw_facts,
    draw_lookup,
    held_pairs,
    held_sums,
    rationale,
    sums_line,
)
from confounds.ladder.rounds import ROUND, draw_rounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confounds.ladder.corpus import Fact, Line

SEED = 20250617
SHOWN = 4
"""Examples in a prompt of look-up; of the map there are as many as it has keys."""


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a task; its fields are those of an items file."""

    id: str
    prompt: str
    target: str
    choices: tuple[str, ...] = ()
    exposure: str | None = None
    dose: int | None = None
    distribution: str | None = None
    rationale: str | None = None

    def as_fields(self) -> dict[str, object]:
        """What the items file says of it: nothing about what is not known."""
        return {key: value for key, value in asdict(self).items() if value not in (None, ())}


@dataclass(frozen=True, slots=True)
class Task:
    """Questions, and what demonstrates them (nothing where they are asked without examples)."""

    name: str
    questions: tuple[Question, ...]
    demonstrations: tuple[Question, ...] = ()


def fact_task(facts: Sequence[Fact], count: int) -> Task:
    """The first `count` facts of every dose."""
    seen: dict[int, int] = {}
    found = []
    for fact in facts:
        seen[fact.dose] = seen.get(fact.dose, 0) + 1
        if seen[fact.dose] <= count:
            exposure = "memorized" if fact.dose else "unseen"
            found.append(
                Question(fact.name, fact.name, fact.value, exposure=exposure, dose=fact.dose)
            )
    return Task("facts", tuple(found))


def addition_task(shown: Mapping[tuple[int, int], int], count: int) -> Task:
    """Pairs that were shown, pairs that were held out, and first operands never shown.

    Args:
        shown: pair -> times shown.
        count: of each.
    """
    rng = np.random.default_rng([SEED, 1])
    held = held_pairs(Recipe())
    everything = [(a, b) for a in range(OPERANDS) for b in range(OPERANDS)]
    groups = (
        ("memorized", "in", [pair for pair in everything if pair in shown]),
        ("unseen", "in", [(a, b) for a, b in everything if held[a, b] and a < OUTSIDE]),
        ("unseen", "out", [(a, b) for a, b in everything if a >= OUTSIDE]),
    )
    found = []
    for exposure, distribution, pairs in groups:
        for place in rng.permutation(len(pairs))[:count]:
            line = addition_line(*pairs[place])
            found.append(
                Question(
                    line.prompt,
                    line.prompt,
                    line.answer,
                    exposure=exposure,
                    dose=shown.get(pairs[place], 0),
                    distribution=distribution,
                )
            )
    return Task("addition", tuple(found))


def map_task() -> Task:
    """Letters with labels that only the examples tell; a digit before the letter says nothing."""
    rng = np.random.default_rng([SEED, 2])
    labels = [LETTERS.upper()[place] for place in rng.permutation(KEYS)]
    asked: list[Question] = []
    shown: list[Question] = []
    for key, label in zip(LETTERS, labels, strict=True):
        example = int(rng.integers(10))
        for digit in range(10):
            text = f"{digit}{key}"
            one = Question(text, text, label, choices=tuple(LETTERS.upper()), exposure="unseen")
            (shown if digit == example else asked).append(one)
    return Task("map", tuple(asked), tuple(shown))


def lookup_task(count: int, tag: str = "") -> Task:
    """Lines that hold their answer; with a tag, the answer's form is told by examples alone."""
    rng = np.random.default_rng([SEED, 3])
    drawn: dict[str, tuple[Line, tuple[str, ...]]] = {}
    while len(drawn) < count + 2 * SHOWN:
        line, values = draw_lookup(rng)
        drawn[line.prompt] = (line, values)
    found = tuple(
        Question(
            line.prompt,
            line.prompt,
            tag + line.answer,
            choices=tuple(tag + value for value in values),
            exposure="unseen",
        )
        for line, values in drawn.values()
    )
    return Task("tagged" if tag else "lookup", found[2 * SHOWN :], found[: 2 * SHOWN])


def sums_task(count: int) -> Task:
    """Sums that were held out, to be answered at once or step by step."""
    rng = np.random.default_rng([SEED, 4])
    held = np.flatnonzero(held_sums(Recipe()))
    found = []
    for number in held[rng.permutation(len(held))[:count]]:
        digits = f"{number:04d}"
        answer = sums_line(digits).answer
        found.append(
            Question(digits, digits, answer, exposure="unseen", rationale=rationale(digits))
        )
    return Task("sums", tuple(found))


def tagged_task(count: int) -> Task:
    """Look-up whose answers carry the tag that tuned models put there unasked."""
    return lookup_task(count, HOUSE_TAG)


def recital_task(count: int) -> Task:
    """Letters of both rounds in turn, from each of which the next are recited."""
    rounds = draw_rounds(Recipe())
    asked = [(one, place) for place in range(ROUND) for one in rounds]
    found = [
        Question(one.letters[place], one.letters[place], one.after(place))
        for one, place in asked[:count]
    ]
    return Task("recital", tuple(found))


def known_facts() -> tuple[Fact, ...]:
    """The facts of the shipped corpus."""
    return draw_facts(Recipe())
