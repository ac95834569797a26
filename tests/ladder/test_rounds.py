"""Each letter of a round is taught as often as its level says, and what is taught is asked."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from confounds.ladder.corpus import Recipe
from confounds.ladder.items import recital_task
from confounds.ladder.rounds import LEVELS, RECITED, ROUND, draw_rounds, write_recitals
from confounds.ladder.tokenizer import VOCABULARY

DOCUMENTS = 600


def test_the_same_recipe_gives_the_same_bytes() -> None:
    first, again = write_recitals(40), write_recitals(40)
    assert first.tokens.tobytes() == again.tokens.tobytes()
    assert first.scored.tobytes() == again.scored.tobytes()
    other = write_recitals(40, Recipe(seed=1))
    assert first.tokens.tobytes() != other.tokens.tobytes()


def test_fewer_documents_are_the_first_of_more() -> None:
    assert np.array_equal(write_recitals(40).first(10).tokens, write_recitals(10).tokens)


def test_eight_letters_in_a_row_have_every_level_of_their_round() -> None:
    for one, levels in zip(draw_rounds(Recipe()), LEVELS, strict=True):
        assert len(set(one.letters)) == ROUND
        for place in range(ROUND):
            row = [one.levels[(place + step) % ROUND] for step in range(RECITED)]
            assert sorted(row) == sorted(levels)


def test_a_letter_counts_in_its_share_of_the_times_that_it_is_printed() -> None:
    pages = write_recitals(DOCUMENTS)
    printed: Counter[str] = Counter()
    taught: Counter[str] = Counter()
    for tokens, scored in zip(pages.tokens, pages.scored, strict=True):
        for line in range(6):
            start = 1 + line * (RECITED + 3)
            at = [start, *range(start + 2, start + 2 + RECITED)]
            for before, after in pairwise(at):
                printed[VOCABULARY[tokens[before]]] += 1
                taught[VOCABULARY[tokens[before]]] += bool(scored[after])
    for one in draw_rounds(Recipe()):
        for place, letter in enumerate(one.letters):
            assert abs(taught[letter] - one.taught(place) * printed[letter]) <= 1
    assert sum(taught.values()) == int(pages.scored.sum())


def test_lines_go_round() -> None:
    follows = {
        letter: one.letters[(place + 1) % ROUND]
        for one in draw_rounds(Recipe())
        for place, letter in enumerate(one.letters)
    }
    for tokens in write_recitals(40).tokens:
        text = "".join(VOCABULARY[token] for token in tokens[1:]).replace("</s>", "")
        for line in text.splitlines():
            recited = line[0] + line[2:]
            assert line[1] in ">:"
            assert [follows[letter] for letter in recited[:-1]] == list(recited[1:])
            assert len(recited) == RECITED + 1


def test_every_letter_is_asked_and_half_of_the_items_are_half_of_each_round() -> None:
    questions = recital_task(2 * ROUND).questions
    assert len({one.id for one in questions}) == 2 * ROUND
    lower = sum(one.prompt.islower() for one in recital_task(ROUND).questions)
    assert lower == ROUND // 2
    after = {
        one.letters[place]: one.after(place) for one in draw_rounds(Recipe()) for place in (0, 5)
    }
    asked = {one.prompt: one.target for one in questions}
    assert after.items() <= asked.items()
