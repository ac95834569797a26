"""A worker keeps to the model that it has open, and no cell is given twice or lost."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from confounds.engines._affinity import TRIES, Queue
from confounds.probe import plan_study


@pytest.fixture
def cells(write_study: Any) -> Any:
    return plan_study(write_study()).cells


def test_a_worker_changes_models_once_each(cells: Any) -> None:
    queue, models = Queue(cells), []
    while cell := queue.take(models[-1] if models else None, {}):
        models.append(cell.model.label)
    assert len(models) == len(cells) == 18
    assert sum(a != b for a, b in itertools.pairwise(models)) == 1
    assert len(queue) == 0


def test_two_workers_begin_with_different_models(cells: Any) -> None:
    queue = Queue(cells)
    first = queue.take(None, {})
    assert first is not None
    second = queue.take(None, {first.model.label: 1})
    assert second is not None
    assert {first.model.label, second.model.label} == {"one", "two"}


def test_a_worker_whose_model_is_done_helps_where_most_is_left(cells: Any) -> None:
    few = [cell for cell in cells if cell.model.label == "one"][:1]
    many = [cell for cell in cells if cell.model.label == "two"]
    queue = Queue([*few, *many])
    assert queue.take("one", {"two": 1}) is few[0]
    helped = queue.take("one", {"two": 1})
    assert helped is not None
    assert helped.model.label == "two"


def test_what_a_worker_was_lost_with_waits_again_but_not_for_ever(cells: Any) -> None:
    queue = Queue(cells)
    given: Counter[Path] = Counter()
    poison = cells[3].digest
    while cell := queue.take(None, {}):
        given[cell.digest] += 1
        if cell.digest == poison:
            queue.put_back(cell)
    assert given.pop(poison) == TRIES
    assert set(given.values()) == {1}
    assert len(given) == 17
