"""Words whose letters are learned one by one, evenly in the logarithm of size.

A second corpus, for a family of its own. Every letter of a word follows from the two before it by a
table, so a word of eight letters is right where eight entries of the table are known. Entries are
taught at different rates: all words are equally frequent, but a letter counts in the loss only as
often as its entry is taught. The rates are such that the share of entries that a model learns grows
about evenly with the logarithm of its size (larger ones learn what is taught more rarely). Nothing
is meant to have a threshold but exact match, which wants eight entries at once.

The steps from one pair of letters to the next are a permutation of all pairs, so that each is met
as often as any other, in training and in the questions.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from confounds.ladder.corpus import Pages
from confounds.ladder.tokenizer import CONTEXT, END, NUMBERS, START

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPELLER = "speller"
"""The family that reads this corpus and no other."""
LETTERS = string.ascii_lowercase[:16]
SHOWN = 2
"""Letters of a word that are given."""
SPELLED = 8
"""Letters that follow."""
LINES = (CONTEXT - 1) // (SHOWN + SPELLED + 1)
DOCUMENTS = 6400
RATES = (
    (0.0, 0.0),
    (0.1, 0.0),
    (0.19, 0.9),
    (0.36, 2.3),
    (0.52, 4.0),
    (0.68, 6.9),
    (0.83, 7.75),
    (0.95, 8.1),
    (1.0, 8.4),
)
"""Share of the entries, and how often their rate is halved at most; straight lines between. Where
models of six sizes of a first attempt, with evenly spread rates, stopped learning."""


@dataclass(frozen=True, eq=False)
class Table:
    """What there is to be learned.

    Attributes:
        following: (16, 16) the letter that follows two letters.
        taught: (16, 16) how often it counts in the loss, of the times that it is met.
    """

    following: NDArray[np.int64]
    taught: NDArray[np.float64]

    def spell(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Words from their first two letters: the same shape and one axis of all letters more."""
        letters = [first, second]
        for _ in range(SPELLED):
            letters.append(self.following[letters[-2], letters[-1]])
        return np.stack(letters, axis=-1)


def draw_table(seed: int) -> Table:
    """The table of a seed."""
    rng = np.random.default_rng([seed, 4])
    count = len(LETTERS)
    following = np.stack([rng.permutation(count) for _ in range(count)], axis=1)
    place = rng.permutation(count**2) / (count**2 - 1)
    halvings = np.interp(place, *np.transpose(RATES))
    return Table(following, (2.0**-halvings).reshape(count, count))


def write_spelling(seed: int, documents: int = DOCUMENTS) -> Pages:
    """Documents of words; fewer documents are the first of more.

    Args:
        seed: of the table and of the words.
        documents: how many.
    """
    table = draw_table(seed)
    starts = np.random.default_rng([seed, 5]).integers(len(LETTERS), size=(documents, LINES, 2))
    words = table.spell(starts[..., 0], starts[..., 1])
    lucky = np.random.default_rng([seed, 6]).random((documents, LINES, SPELLED))
    shape = (documents, LINES, SHOWN + SPELLED + 1)
    ids = np.full(shape, NUMBERS["\n"], dtype=np.uint8)
    ids[..., :-1] = np.array([NUMBERS[letter] for letter in LETTERS], dtype=np.uint8)[words]
    flags = np.zeros(shape, dtype=np.bool_)
    flags[..., SHOWN:-1] = lucky < table.taught[words[..., :-2], words[..., 1:-1]]
    flags[..., -1] = True
    return _pages(ids.reshape(documents, -1), flags.reshape(documents, -1))


def _pages(ids: NDArray[np.uint8], flags: NDArray[np.bool_]) -> Pages:
    tokens = np.full((len(ids), CONTEXT), NUMBERS[END], dtype=np.uint8)
    scored = np.zeros((len(ids), CONTEXT), dtype=np.bool_)
    tokens[:, 0] = NUMBERS[START]
    tokens[:, 1 : 1 + ids.shape[1]] = ids
    scored[:, 1 : 1 + ids.shape[1]] = flags
    return Pages(tokens, scored)
