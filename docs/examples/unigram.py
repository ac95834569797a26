"""A backend without a network or a GPU: words scored by how often a corpus has them.

A model is a text file; `path` in the study names it. A word's probability is its share of the
corpus with one added to every count, whatever stands before it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from confounds.errors import StudyError
from confounds.probe._questions import Answer, Estimate, LogitSink, OpenSettings, Question
from confounds.study import ModelSpec, TokenScores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class UnigramAsker:
    """One corpus, ready to answer.

    Args:
        counts: word -> times seen.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self.parameters = float(len(counts))
        self.facts = {"device": "none", "dtype": "float64", "scoring": "counted"}
        total = sum(counts.values()) + len(counts) + 1
        self._rank = {word: rank for rank, (word, _) in enumerate(counts.most_common())}
        self._log_prob = {word: math.log((n + 1) / total) for word, n in counts.items()}
        self._unseen = -math.log(total)
        values = np.array([*self._log_prob.values(), self._unseen])
        shares = np.exp(values)
        self._mean = float(shares @ values)
        self._deviation = float(np.sqrt(shares @ (values - self._mean) ** 2))

    def ask(
        self,
        questions: Sequence[Question],
        progress: Callable[[int], None] | None = None,
        logits: LogitSink | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions; nothing is generated."""
        del logits
        answers = [Answer(tuple(self._scores(text) for text in one.texts)) for one in questions]
        if progress is not None:
            progress(sum(len(scores.ids) for one in answers for scores in one.scored))
        return answers

    def _scores(self, text: str) -> TokenScores:
        words = text.split() or [""]
        rank = [self._rank.get(word, len(self._rank)) for word in words]
        log_probs = [self._log_prob.get(word, self._unseen) for word in words]
        return TokenScores(
            ids=np.array(rank, dtype=np.int32),
            log_probs=np.array(log_probs, dtype=np.float32),
            means=np.full(len(words), self._mean, dtype=np.float32),
            deviations=np.full(len(words), self._deviation, dtype=np.float32),
            ranks=np.array(rank, dtype=np.int32),
        )

    def chat(self, context: str) -> str:
        """A corpus has no chat template: the context as it is."""
        return context

    def close(self) -> None:
        """Nothing to free."""


class Unigram:
    """Opens a corpus."""

    name = "unigram"
    uses_device = False
    keeps_logits = False

    def check(self, model: ModelSpec, folder: Path | None) -> None:
        """See that the corpus is there.

        Raises:
            StudyError: it is not.
        """
        if not _corpus(model, folder).is_file():
            msg = f"model '{model.label}': no corpus at '{_corpus(model, folder)}'"
            raise StudyError(msg)

    def fingerprint(self, model: ModelSpec, folder: Path | None) -> str:
        """Names the corpus by its content."""
        return hashlib.sha256(_corpus(model, folder).read_bytes()).hexdigest()

    def estimate(
        self, model: ModelSpec, folder: Path | None, sheets: Sequence[Sequence[Question]]
    ) -> Estimate:
        """Words to look up; counting them takes no time worth the name."""
        del model, folder
        words = [sum(len(text.split()) for q in sheet for text in q.texts) for sheet in sheets]
        return Estimate(tuple(words), (0.0,) * len(words))

    def open(self, model: ModelSpec, folder: Path | None, settings: OpenSettings) -> UnigramAsker:
        """Count the words of the corpus."""
        del settings
        return UnigramAsker(Counter(_corpus(model, folder).read_text(encoding="utf-8").split()))


def _corpus(model: ModelSpec, folder: Path | None) -> Path:
    return (folder or Path()) / model.path


BACKEND = Unigram()
