"""Rounds of letters, learned by heart, each letter at a pace of its own: what reciters read.

A round is an order of 24 letters, the last followed by the first. A line, `k>qzbdampe`, names a
letter and recites the eight after it; what follows a letter depends on that letter alone. Every
letter of a line is printed, but only a fixed share of the times counts in the loss: always for the
letters of level 0, a tenth of that every five levels. So the letters become known one level after
the other, over two decades of tokens, and no level is more than an eighth of a round.

Any eight letters in a row are of all eight levels of their round, so a recital is right as a whole
once those of its highest level are known, three letters of 24. Of the round in lower case that is
level 14, late in the longer trainings; of the other it is level 18, in none of them. While exact
match goes from nothing to about a half, the share of right letters goes on as before.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.ladder.corpus import MARKS, Recipe, stack_pages
from confounds.ladder.tokenizer import CONTEXT, NUMBERS, START, encode

if TYPE_CHECKING:
    from confounds.ladder.corpus import Page, Pages

ROUND = 24
RECITED = 8
LEVELS = ((0, 2, 4, 5, 7, 9, 11, 14), (1, 3, 6, 8, 10, 12, 15, 18))
"""Of the letters of the round in lower case, and of the one in upper case."""
TENTH = 5
"""Levels over which the share that is taught falls to a tenth."""


@dataclass(frozen=True, slots=True)
class Round:
    """An order of letters.

    Attributes:
        letters: in that order.
        levels: of each; the higher, the later it is known.
    """

    letters: str
    levels: tuple[int, ...]

    def after(self, place: int) -> str:
        """The letters recited after the one at a place."""
        return "".join(self.letters[(place + step) % ROUND] for step in range(1, RECITED + 1))

    def taught(self, place: int) -> float:
        """Share of the times that what follows the letter at a place counts."""
        return float(10 ** (-self.levels[place % ROUND] / TENTH))


def draw_rounds(recipe: Recipe) -> tuple[Round, ...]:
    """Both rounds: the order of their letters, and of their levels."""
    rng = np.random.default_rng([recipe.seed, 4])
    found = []
    for alphabet, levels in zip(
        (string.ascii_lowercase, string.ascii_uppercase), LEVELS, strict=True
    ):
        letters = "".join(alphabet[place] for place in rng.permutation(ROUND))
        order = tuple(levels[place] for place in rng.permutation(RECITED))
        found.append(Round(letters, order * (ROUND // RECITED)))
    return tuple(found)


def write_recitals(documents: int, recipe: Recipe | None = None) -> Pages:
    """Documents of as many lines as fit, each from a letter of either round drawn anew.

    Ends of lines do not count: how many letters are asked is not what is to be learned.
    """
    recipe = recipe or Recipe()
    rng = np.random.default_rng([recipe.seed, 5])
    teachers = [_Teacher(one, rng) for one in draw_rounds(recipe)]
    size = (CONTEXT - 1) // (RECITED + 3)
    pages = []
    for _ in range(documents):
        mark = MARKS[int(rng.integers(len(MARKS)))]
        starts = rng.integers(len(teachers) * ROUND, size=size)
        lines = [teachers[start // ROUND].line(int(start % ROUND), mark) for start in starts]
        ids = [number for line in lines for number in line[0]]
        flags = [flag for line in lines for flag in line[1]]
        pages.append(([NUMBERS[START], *ids], [False, *flags]))
    return stack_pages(pages)


class _Teacher:
    """Says which letters count: exactly their share, so that runs agree on when they are known."""

    def __init__(self, one: Round, rng: np.random.Generator) -> None:
        self._round = one
        self._due = [float(value) for value in rng.random(ROUND)]

    def line(self, place: int, mark: str) -> Page:
        """Token numbers and flags of a line that recites from a place on."""
        text = f"{self._round.letters[place]}{mark}{self._round.after(place)}\n"
        flags = [self._counts((place + step) % ROUND) for step in range(RECITED)]
        return encode(text), [False, False, *flags, False]

    def _counts(self, place: int) -> bool:
        whole, self._due[place] = divmod(self._due[place] + self._round.taught(place), 1.0)
        return whole >= 1
