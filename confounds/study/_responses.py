"""Items asked and responses given, in terms that no backend is needed for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a task.

    Attributes:
        choices: empty where the answer is open; else it holds `target`.
        group: items of one group (variants of one question) never demonstrate one another.
        fields: further text fields that templates may name.
    """

    id: str
    prompt: str
    target: str
    choices: tuple[str, ...] = ()
    exposure: str | None = None
    dose: float | None = None
    distribution: str | None = None
    group: str | None = None
    rationale: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """What a model said of each token of one text, shape (tokens,).

    Attributes:
        ids: token ids; -1 where a server does not name them.
        log_probs: log-probability of each token (natural log).
        means: mean of log p over the vocabulary, weighted by p.
        deviations: its standard deviation.
        ranks: how many tokens of the vocabulary were likelier; 0 is the greedy choice. Of a
            server it is known only whether there were any (1).
        logit_rows: row of each token in the file of full logits; None where none was asked for.
    """

    ids: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    means: NDArray[np.float32]
    deviations: NDArray[np.float32]
    ranks: NDArray[np.int32]
    logit_rows: NDArray[np.int32] | None = None

    @property
    def total(self) -> float:
        """Summed log-probability of the text."""
        return float(self.log_probs.astype(float).sum())

    @property
    def greedy(self) -> bool:
        """True when greedy decoding writes exactly this text."""
        return bool((self.ranks == 0).all())


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What one model answered to one item in one condition.

    Attributes:
        scored: the texts that were scored: the choices, or the target alone; empty under
            chain of thought.
        texts: those texts.
        target: which of them is the target.
        expected: the answer as the format writes it, without spaces around it.
        generated: generated text, None where none was asked for.
        generated_ids: its tokens.
        answer: the answer found in it, None where none was found.
    """

    scored: tuple[TokenScores, ...] = ()
    texts: tuple[str, ...] = ()
    target: int = 0
    expected: str = ""
    generated: str | None = None
    generated_ids: tuple[int, ...] = ()
    answer: str | None = None

    @property
    def target_scores(self) -> TokenScores | None:
        """Scores of the target's tokens, None where it was not scored."""
        return self.scored[self.target] if self.scored else None
