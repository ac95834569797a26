"""What a backend is asked and what it answers: text in, scores of tokens out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from confounds.study import ModelSpec, TokenScores


@dataclass(frozen=True, slots=True)
class StopRule:
    """When generated text ends: after `max_tokens`, or before the first of the `stop` texts."""

    max_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One context, the texts whose likelihood after it is asked, and text to generate.

    Attributes:
        context: may be empty; the first token is then scored after the model's start token.
        texts: scored one by one after the context.
        generate: None where no text is to be generated.
    """

    context: str
    texts: tuple[str, ...] = ()
    generate: StopRule | None = None

    @property
    def digest(self) -> str:
        """Names the question by its content, so that a stored answer is found again."""
        stop = (self.generate.max_tokens, self.generate.stop) if self.generate else None
        content = json.dumps([self.context, self.texts, stop], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model made of a question.

    Attributes:
        scored: one for each of the question's texts.
        generated: text, without the stop text; None where none was asked for.
        generated_ids: its tokens.
        truncated: True where the context was cut at the left to fit the model.
    """

    scored: tuple[TokenScores, ...] = ()
    generated: str | None = None
    generated_ids: tuple[int, ...] = ()
    truncated: bool = False


class LogitSink(Protocol):
    """Takes full logits as they come."""

    def add(self, logits: NDArray[np.float32]) -> int:
        """Keep logits, shape (positions, vocabulary); returns the number of the first."""
        ...


class Asker(Protocol):
    """A model that is ready to answer.

    Attributes:
        parameters: as counted; None where they cannot be.
        facts: for the record.
        scores: False where texts cannot be scored here, and only written ones are answered.
        limits: why some metrics cannot be had from this model; None where all can.
    """

    parameters: float | None
    facts: Mapping[str, str]
    scores: bool
    limits: str | None

    def ask(
        self,
        questions: Sequence[Question],
        progress: Callable[[int], None] | None = None,
        logits: LogitSink | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions.

        Args:
            questions: what to answer.
            progress: hears of tokens done.
            logits: takes full logits; given only to backends that `keeps_logits`.
        """
        ...

    def chat(self, context: str) -> str:
        """The context as a user's turn in the model's chat template."""
        ...

    def close(self) -> None:
        """Free the memory that the model holds."""
        ...


@dataclass(frozen=True, slots=True)
class OpenSettings:
    """How a model is opened.

    Attributes:
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        moments: whether mean, standard deviation and rank of log p are computed.
        batch_tokens: tokens in one pass; None lets the backend choose.
        share: False scores every text by itself, without shared prefixes.
        trials: some of the questions that will be asked, to find out what the model can.
    """

    device: str = "auto"
    moments: bool = True
    batch_tokens: int | None = None
    share: bool = True
    trials: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of some questions.

    Attributes:
        tokens: that pass through the model, for each sheet.
        seconds: for each sheet; a guess from the model's size and this machine's speed, None
            where nothing is known.
    """

    tokens: tuple[int, ...]
    seconds: tuple[float | None, ...]


class Backend(Protocol):
    """Opens models; a file of this folder without a leading underscore exports one.

    Attributes:
        name: as in a study.
        uses_device: False where nothing runs on the CPU or GPU that a device names.
        keeps_logits: True where `ask` can hand over full logits.
        may_only_write: True where it depends on the model whether texts can be scored.
    """

    name: str
    uses_device: bool
    keeps_logits: bool
    may_only_write: bool

    def check(self, model: ModelSpec, folder: Path | None) -> None:
        """Say before anything runs what is wrong with a model.

        Raises:
            StudyError: its folder is missing or incomplete.
        """
        ...

    def fingerprint(self, model: ModelSpec, folder: Path | None) -> str:
        """Names the model's content; another content is another cell."""
        ...

    def estimate(
        self, model: ModelSpec, folder: Path | None, sheets: Sequence[Sequence[Question]]
    ) -> Estimate:
        """What answering would cost, found without loading the model."""
        ...

    def open(self, model: ModelSpec, folder: Path | None, settings: OpenSettings) -> Asker:
        """Load the model; any exception is recorded as its reason to fail."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts what was done, for progress and for benchmarks."""

    unique_tokens: int = 0
    head_rows: int = 0
    requests: int = 0
