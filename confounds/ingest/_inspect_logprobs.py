"""What a sample of Inspect keeps of the log-probabilities of its choices.

Schema: UKGovernmentBEIS/inspect_ai at 0.3.285, `src/inspect_ai/model/_model_output.py`
(`ChatCompletionChoice.logprobs`: a token, and the most probable ones in its place, where
`logprobs` and `top_logprobs` were asked for) and `solver/_multiple_choice.py` (answers are
letters) and `scorer/_choice.py` (where choices were shuffled for the model, the scored answer is
another letter than the one written: such samples are not rescored). The last token that is a
letter of a choice is the answer; every letter must be among the most probable tokens there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.ingest._inspect_scores import score_of
from confounds.ingest._json import listing, mapping, number
from confounds.ingest._rescoring import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping


def kept(row: Mapping[str, Any], choices: int, target: str | None) -> Kept | None:
    """What is kept of the choices of one sample; None where that is not all of them.

    Args:
        row: the sample.
        choices: how many there are.
        target: letter of the right one.
    """
    score = mapping(mapping(row.get("scores")).get("choice"))
    logged = score_of(score.get("value"))
    output = mapping(row.get("output"))
    first = mapping(next(iter(listing(output.get("choices"))), None))
    tokens = [mapping(one) for one in listing(mapping(first.get("logprobs")).get("content"))]
    letters = [chr(ord("A") + place) for place in range(choices)]
    answer = next((one for one in reversed(tokens) if _said(one) in letters), None)
    if logged is None or target is None or answer is None or choices < 2:
        return None
    log_prob = _letters(answer, letters)
    if log_prob is None:
        return None
    shuffled = score.get("answer") not in (None, _said(answer))
    accuracy = 1 - logged if shuffled else float(_said(answer) == target)
    return Kept(np.array(log_prob), (letters.index(target),), accuracy, logged)


def _said(token: Mapping[str, Any]) -> str:
    return str(token.get("token")).replace("\u2581", " ").strip()


def _letters(answer: Mapping[str, Any], letters: list[str]) -> list[float] | None:
    """Log-probability of each letter, however it is spaced."""
    top: dict[str, dict[str, float]] = {}
    for one in (answer, *map(mapping, listing(answer.get("top_logprobs")))):
        log_prob = number(one.get("logprob"))
        if log_prob is not None and log_prob <= 0:
            top.setdefault(_said(one), {})[str(one.get("token"))] = log_prob
    if not set(letters) <= set(top):
        return None
    return [float(np.logaddexp.reduce(list(top[letter].values()))) for letter in letters]
