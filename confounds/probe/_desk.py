"""Asks cells of the models that they belong to, one model open at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from confounds.errors import ConfoundsError
from confounds.probe import _limits
from confounds.probe._questions import Asker, OpenSettings, Question, StopRule
from confounds.probe._table import cell_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from confounds.probe._cells import Cell
    from confounds.probe._plan import Plan
    from confounds.probe._runs import RunSettings
    from confounds.probe._store import Store


class NotAskedError(Exception):
    """A cell that its model could not answer; the message is the reason."""


class Desk:
    """Keeps the model of the last cell open, so that cells in order open each model once.

    Args:
        plan: the study's plan.
        settings: device and batch size.
    """

    def __init__(self, plan: Plan, settings: RunSettings) -> None:
        self.plan = plan
        self.settings = settings
        self.facts: dict[str, Any] = {}
        self._asker: Asker | None = None
        self._open: str | None = None
        self._broken: dict[str, str] = {}

    def ask(self, cell: Cell, store: Store, count: Callable[[int], None]) -> None:
        """Put a cell to its model and write its file.

        Args:
            cell: of the plan.
            store: the folder to write into.
            count: hears of tokens done.

        Raises:
            NotAskedError: the model cannot be opened, or fails on this cell.
            ProbeError: the disk is full.
        """
        try:
            asker = self._opened(cell, store)
            questions = self._questions(asker, cell)
            store.write(cell, self._table(asker, cell, questions, store, count))
        except (ConfoundsError, NotAskedError):
            raise
        except Exception as error:
            raise NotAskedError(_reason(error)) from error

    def close(self) -> None:
        """Free the memory that the open model holds."""
        if self._asker is not None:
            self._asker.close()
        self._asker, self._open = None, None

    def _opened(self, cell: Cell, store: Store) -> Asker:
        label = cell.model.label
        if label in self._broken:
            raise NotAskedError(self._broken[label])
        if self._asker is not None and self._open == label:
            return self._asker
        self.close()
        settings = OpenSettings(
            device=self.settings.device,
            moments=self.plan.study.store != "scores",
            batch_tokens=self.settings.batch_tokens,
            share=self.settings.share,
            trials=cell.sheet.questions,
        )
        backend = self.plan.backends[cell.model.backend]
        try:
            asker = backend.open(cell.model, self.plan.folder, settings)
        except ConfoundsError:
            raise
        except Exception as error:
            self._broken[label] = _reason(error)
            raise
        self._asker, self._open = asker, label
        self.facts[label] = {**asker.facts, "parameters": asker.parameters}
        facts = _limits.facts_of(asker)
        if facts:
            store.write_json(_limits.place_of(label), facts)
        return asker

    def _questions(self, asker: Asker, cell: Cell) -> Sequence[Question]:
        """The questions as this model is asked them.

        Raises:
            NotAskedError: nothing that the study wants of them can be had from this model.
        """
        questions = _final(asker, cell)
        if getattr(asker, "scores", True):
            return questions
        names = _limits.wanted(self.plan, cell.sheet)
        if names == _limits.unavailable(self.plan, cell.sheet, scores=False):
            msg = (
                f"not available: {', '.join(names)} ({asker.limits}); written text has "
                f"exact_match and answer_parsed"
            )
            raise NotAskedError(msg)
        rule = _rule(self.plan)
        return [replace(one, generate=one.generate or rule) for one in questions]

    def _table(
        self,
        asker: Asker,
        cell: Cell,
        questions: Sequence[Question],
        store: Store,
        count: Callable[[int], None],
    ) -> pa.Table:
        """The cell's table; full logits, where they are wanted, go into a file of their own."""
        if self.plan.study.store != "logits":
            return cell_table(self.plan, cell, questions, asker.ask(questions, count))
        with store.logits(cell) as sink:
            answers = asker.ask(questions, count, sink)
        return cell_table(self.plan, cell, questions, answers, sink.rows)


def _final(asker: Asker, cell: Cell) -> Sequence[Question]:
    """The questions as this model is asked them: with its chat template where one is wanted."""
    questions = cell.sheet.questions
    if cell.sheet.condition is None or not cell.sheet.condition.chat:
        return questions
    return [
        replace(
            question,
            context=asker.chat(question.context),
            texts=tuple(text.lstrip() for text in question.texts),
        )
        for question in questions
    ]


def _rule(plan: Plan) -> StopRule:
    """When the answer to a direct question ends, where it is written."""
    return StopRule(plan.study.generation.max_tokens, plan.study.generation.stop)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
