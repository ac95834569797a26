"""The synthetic corpus whose truth is known: what can be answered, from what, and how often seen.

A document is some lines of one task, so that later lines have the earlier ones as examples. A
line is a prompt, a mark and an answer. Everything is drawn from one seed, and the corpus is read
once in training: what the book says was shown n times, each model saw n times.

| task | a line | what it takes |
|---|---|---|
| facts | `abc>xyz` | having seen it (doses 0, 1, 4, 16, 64) |
| addition | `27+35>062` | a rule; some pairs and some first operands are never shown |
| map | `7c>Q` | examples: letters have labels that each document draws anew |
| lookup | `aQbXcMdR.c>M` | nothing but the line itself |
| tagged | `aQbXcMdR.c>@M` | the same, in a form that only examples show |
| sums | `3594>1` | the last digit of a sum of four digits, at once |
| chain | `3594>~ 3871 The answer is 1.` | the same, step by step |
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.ladder.tokenizer import ANSWER_IS, CONTEXT, END, NUMBERS, START, TAGS, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

MARKS = (">", ":")
CUE = "~"
DOSES = (0, 1, 4, 16, 64)
KEYS = 8
LETTERS = "abcdefgh"
HOUSE_TAG = "@"
TUNING_DOCUMENTS = 1600
PAIRS = 4
DIGITS = 4
OPERANDS = 100
OUTSIDE = 90
"""First operands from here on are never shown: outside the distribution."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How large a corpus is and how it is shared among the tasks.

    Attributes:
        seed: of every draw.
        documents: of all tasks but the facts, whose number follows from their doses.
        facts: how many have each dose.
        held_out: share of the addition pairs, and of the sums, that are never shown.
        shares: task -> share of the documents.
    """

    seed: int = 20231108
    documents: int = 34_000
    facts: int = 128
    held_out: float = 0.15
    shares: tuple[tuple[str, float], ...] = (
        ("addition", 0.22),
        ("map", 0.20),
        ("lookup", 0.28),
        ("tagged", 0.12),
        ("sums", 0.04),
        ("chain", 0.14),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A prompt, its answer, and what stands between the mark and the answer."""

    prompt: str
    answer: str
    cue: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name, its value, and how often the corpus says so."""

    name: str
    value: str
    dose: int


@dataclass(frozen=True, eq=False)
class Pages:
    """Documents as tokens.

    Attributes:
        tokens: (D, `CONTEXT`) token numbers, padded at the right.
        scored: (D, `CONTEXT`) True where a token belongs to an answer, or ends its line.
    """

    tokens: NDArray[np.uint8]
    scored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Tokens and flags of some documents."""
        return self.tokens[rows], self.scored[rows]

    def first(self, documents: int) -> Pages:
        """So many of them."""
        return Pages(self.tokens[:documents], self.scored[:documents])


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents, and the book of what they hold.

    Attributes:
        pages: the documents.
        facts: every fact, those of dose 0 too.
        addition: (a, b) -> times shown.
        sums: four digits -> times shown, at once and step by step together.
    """

    pages: Pages
    facts: tuple[Fact, ...]
    addition: Mapping[tuple[int, int], int]
    sums: Mapping[str, int]


def write_corpus(recipe: Recipe | None = None) -> Corpus:
    """Draw the corpus; the same recipe gives the same bytes."""
    writer = _Writer(recipe or Recipe())
    pages = [_page(mark, lines) for mark, lines in writer.documents()] + _fact_pages(writer)
    return Corpus(stack_pages(pages), writer.facts, writer.addition, writer.sums)


def write_tuning(arm: str, recipe: Recipe | None = None) -> Pages:
    """What a trained model is tuned on.

    Args:
        arm: `finetuned`: look-up alone, answered with the tag `HOUSE_TAG`, one question a
            document. `instruct`: the same, and each other task as it is, one question a document.
        recipe: of the corpus, whose held-out sums stay held out.
    """
    recipe = recipe or Recipe()
    writer = _Writer(replace(recipe, seed=recipe.seed + 1), held=recipe)
    others = () if arm == "finetuned" else ("addition", "sums", "chain")
    found = []
    for number in range(TUNING_DOCUMENTS):
        turn = number % (1 + len(others))
        line = next(writer.lines(others[turn - 1])) if turn else _house_line(writer.rng)
        found.append(_page(writer.mark(), [line]))
    return stack_pages(found)


def _house_line(rng: np.random.Generator) -> Line:
    line = draw_lookup(rng)[0]
    return Line(line.prompt, HOUSE_TAG + line.answer)


def count_addition(recipe: Recipe) -> Mapping[tuple[int, int], int]:
    """How often the corpus shows each pair of operands, without writing the rest of it.

    Addition is drawn first, so what follows does not change it.
    """
    return write_corpus(replace(recipe, facts=0, shares=recipe.shares[:1])).addition


def draw_facts(recipe: Recipe) -> tuple[Fact, ...]:
    """Names and values of three letters; no name occurs twice."""
    rng = np.random.default_rng([recipe.seed, 1])
    letters = string.ascii_lowercase
    count = recipe.facts * len(DOSES)
    codes = rng.choice(len(letters) ** 3, count, replace=False)
    values = rng.integers(len(letters) ** 3, size=count)
    words = [
        [letters[code // 676] + letters[code // 26 % 26] + letters[code % 26] for code in part]
        for part in (codes, values)
    ]
    return tuple(
        Fact(name, value, DOSES[number % len(DOSES)])
        for number, (name, value) in enumerate(zip(*words, strict=True))
    )


def draw_lookup(rng: np.random.Generator, pairs: int = PAIRS) -> tuple[Line, tuple[str, ...]]:
    """A line that holds its own answer among as many values as pairs, and those values."""
    keys = _letters(rng, string.ascii_lowercase, pairs)
    values = _letters(rng, LETTERS.upper(), pairs)
    at = int(rng.integers(pairs))
    shown = "".join(key + value for key, value in zip(keys, values, strict=True))
    return Line(f"{shown}.{keys[at]}", values[at]), tuple(values)


def addition_line(a: int, b: int) -> Line:
    """A sum of two numbers of two digits; the answer has three."""
    return Line(f"{a:02d}+{b:02d}", f"{a + b:03d}")


def sums_line(digits: str) -> Line:
    """The last digit of a sum, at once."""
    return Line(digits, str(sum(map(int, digits)) % 10))


def rationale(digits: str) -> str:
    """Last digits of the running sum, one after each digit."""
    return "".join(str(sum(map(int, digits[: end + 1])) % 10) for end in range(len(digits)))


def chain_line(digits: str) -> Line:
    """The same sum step by step, as a chain of thought is written out in a prompt."""
    direct = sums_line(digits)
    return Line(digits, f" {rationale(digits)}{ANSWER_IS}{direct.answer}.", CUE)


def held_pairs(recipe: Recipe) -> NDArray[np.bool_]:
    """(100, 100) True where a pair of operands is never shown."""
    held = np.random.default_rng([recipe.seed, 2]).random((OPERANDS, OPERANDS)) < recipe.held_out
    held[OUTSIDE:] = True
    return held


def held_sums(recipe: Recipe) -> NDArray[np.bool_]:
    """(10000,) True where four digits are never shown."""
    rng = np.random.default_rng([recipe.seed, 3])
    found: NDArray[np.bool_] = rng.random(10**DIGITS) < recipe.held_out
    return found


class _Writer:
    """Draws the lines of each task and keeps the book."""

    def __init__(self, recipe: Recipe, held: Recipe | None = None) -> None:
        self.recipe = recipe
        self.rng = np.random.default_rng(recipe.seed)
        self.facts = draw_facts(held or recipe)
        self.addition: dict[tuple[int, int], int] = {}
        self.sums: dict[str, int] = {}
        self._pairs_held = held_pairs(held or recipe)
        self._sums_held = held_sums(held or recipe)

    def documents(self) -> Iterator[tuple[str, Iterator[Line]]]:
        """The mark and the lines of every document but those of facts."""
        for task, share in self.recipe.shares:
            for _ in range(round(share * self.recipe.documents)):
                yield self.mark(), self.lines(task)

    def lines(self, task: str) -> Iterator[Line]:
        """Lines of one document of a task, without end."""
        tasks: dict[str, Callable[[], Iterator[Line]]] = {
            "addition": self._addition,
            "map": self._map,
            "lookup": self._lookup,
            "tagged": self._tagged,
            "sums": lambda: map(sums_line, self._digits()),
            "chain": lambda: map(chain_line, self._digits()),
        }
        return tasks[task]()

    def mark(self) -> str:
        """One of the two prompt formats, each in half of the documents."""
        return MARKS[int(self.rng.integers(len(MARKS)))]

    def _addition(self) -> Iterator[Line]:
        while True:
            a, b = (int(value) for value in self.rng.integers(OPERANDS, size=2))
            if not self._pairs_held[a, b]:
                yield addition_line(a, b)
                self.addition[a, b] = self.addition.get((a, b), 0) + 1

    def _map(self) -> Iterator[Line]:
        count = int(self.rng.integers(2, KEYS + 1))
        keys = _letters(self.rng, LETTERS, count)
        labels = _letters(self.rng, LETTERS.upper(), count)
        while True:
            at = int(self.rng.integers(count))
            yield Line(f"{self.rng.integers(10)}{keys[at]}", labels[at])

    def _lookup(self) -> Iterator[Line]:
        pairs = int(self.rng.integers(1, PAIRS + 1))
        while True:
            yield draw_lookup(self.rng, pairs)[0]

    def _tagged(self) -> Iterator[Line]:
        tag = TAGS[int(self.rng.integers(len(TAGS)))]
        for line in self._lookup():
            yield Line(line.prompt, tag + line.answer)

    def _digits(self) -> Iterator[str]:
        while True:
            number = int(self.rng.integers(10**DIGITS))
            if not self._sums_held[number]:
                digits = f"{number:0{DIGITS}d}"
                yield digits
                self.sums[digits] = self.sums.get(digits, 0) + 1


def _letters(rng: np.random.Generator, alphabet: str, count: int) -> list[str]:
    return [alphabet[place] for place in rng.permutation(len(alphabet))[:count]]


Page = tuple[list[int], list[bool]]
"""Token numbers of a document, and which of them are scored."""


def stack_pages(pages: Sequence[Page]) -> Pages:
    """Documents as arrays, padded at the right."""
    shape = (len(pages), CONTEXT)
    tokens = np.full(shape, NUMBERS[END], dtype=np.uint8)
    scored = np.zeros(shape, dtype=np.bool_)
    for row, (ids, flags) in enumerate(pages):
        tokens[row, : len(ids)] = ids
        scored[row, : len(ids)] = flags
    return Pages(tokens, scored)


def _page(mark: str, lines: Iterable[Line]) -> Page:
    """Token numbers and flags of as many lines as fit; the last one drawn may not."""
    ids, flags = [NUMBERS[START]], [False]
    for line in lines:
        prompt = encode(line.prompt + mark + line.cue)
        answer = encode(line.answer + "\n")
        if len(ids) + len(prompt) + len(answer) > CONTEXT:
            break
        ids += prompt + answer
        flags += [False] * len(prompt) + [True] * len(answer)
    return ids, flags


def _fact_pages(writer: _Writer) -> list[Page]:
    """Every fact as often as its dose says, shuffled, as many to a page as fit."""
    lines = [Line(fact.name, fact.value) for fact in writer.facts for _ in range(fact.dose)]
    order = writer.rng.permutation(len(lines))
    size = (CONTEXT - 1) // len("abc>xyz\n")
    return [
        _page(writer.mark(), (lines[place] for place in order[start : start + size]))
        for start in range(0, len(order), size)
    ]
