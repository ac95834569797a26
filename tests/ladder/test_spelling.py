"""Words: the book of what is taught is what the pages hold, and questions are what it demands."""

from __future__ import annotations

import numpy as np
import pytest

from confounds.ladder import spelling
from confounds.ladder.corpus import Pages, Recipe
from confounds.ladder.items import spelling_task
from confounds.ladder.tokenizer import CONTEXT, NUMBERS, encode

LETTERS = len(spelling.LETTERS)
WORD = spelling.SHOWN + spelling.SPELLED


@pytest.fixture(scope="module")
def table() -> spelling.Table:
    return spelling.draw_table(7)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return spelling.write_spelling(7, 3000)


def test_every_pair_of_letters_follows_on_one_other(table: spelling.Table) -> None:
    first, second = np.divmod(np.arange(LETTERS**2), LETTERS)
    pairs = second * LETTERS + table.following[first, second]
    assert sorted(pairs) == list(range(LETTERS**2))


def test_rates_fall_from_always_to_hardly_ever(table: spelling.Table) -> None:
    rates = np.sort(table.taught.ravel())[::-1]
    always, rarest = spelling.RATES[1][0], spelling.RATES[-1][1]
    assert float((rates == 1).mean()) == pytest.approx(always, abs=0.01)
    assert rates[-1] == pytest.approx(2**-rarest)
    assert np.all(np.diff(rates)[round(always * len(rates)) + 1 :] < 0)


def test_pages_hold_words_of_the_table_and_teach_each_entry_at_its_rate(
    table: spelling.Table, pages: Pages
) -> None:
    lines = pages.tokens[:, 1 : 1 + spelling.LINES * (WORD + 1)].reshape(-1, WORD + 1)
    flags = pages.scored[:, 1 : 1 + spelling.LINES * (WORD + 1)].reshape(-1, WORD + 1)
    words = lines[:, :-1].astype(np.int64) - NUMBERS[spelling.LETTERS[0]]
    np.testing.assert_array_equal(words, table.spell(words[:, 0], words[:, 1]))
    assert set(lines[:, -1]) == {NUMBERS["\n"]}
    assert flags[:, -1].all()
    assert not flags[:, : spelling.SHOWN].any()
    entries = words[:, :-2] * LETTERS + words[:, 1:-1]
    met = np.bincount(entries.ravel(), minlength=LETTERS**2)
    taught = np.bincount(entries[flags[:, spelling.SHOWN : -1]], minlength=LETTERS**2)
    rates = table.taught.ravel()
    error = (taught / met - rates) / np.sqrt(np.maximum(rates * (1 - rates), 1e-3) / met)
    assert np.abs(error).max() < 4.5
    assert met.min() > 0.7 * met.mean()


def test_fewer_documents_are_the_first_of_more(pages: Pages) -> None:
    few = spelling.write_spelling(7, 40)
    np.testing.assert_array_equal(few.tokens, pages.tokens[:40])
    np.testing.assert_array_equal(few.scored, pages.scored[:40])
    assert few.tokens.shape == (40, CONTEXT)


def test_questions_are_words_of_the_shipped_table() -> None:
    table = spelling.draw_table(Recipe().seed)
    task = spelling_task(50)
    assert len({one.prompt for one in task.questions}) == 50
    for one in task.questions:
        numbers = np.array(encode(one.prompt + one.target)) - NUMBERS[spelling.LETTERS[0]]
        np.testing.assert_array_equal(numbers, table.spell(numbers[0], numbers[1]))
