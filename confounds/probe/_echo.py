"""The log-probabilities of an echoed prompt, believed only where they are those of the prompt.

A server that drops the prompt, cuts it, or counts its tokens otherwise gives numbers all the same,
and a table of them lies at chance. So every answer is held against what was sent. Formats, as of
2026: vLLM answers `echo` with `logprobs` as OpenAI did (`token_logprobs`, `tokens`,
`top_logprobs`, `text_offset`; vllm/entrypoints/openai/completion/serving.py); llama-cpp-python
likewise, but leaves the start token out, and without one its numbers are off by one place
(llama_cpp/llama.py); llama.cpp's own server refuses `echo` (tools/server/server-common.cpp) and
gives `logprobs.content`, of written tokens only; `transformers serve` ignores both.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.study import TokenScores

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITTEN = 1
"""Tokens that are asked for beyond the prompt: none is too few for some servers."""
_ROUNDING = 1e-3
_NOISE = 0.1
"""What half precision makes of one log-probability in two batches."""
_UNKNOWN_ID = -1


class EchoError(ValueError):
    """The answer's log-probabilities are not those of the prompt that was sent."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The tokens of an answer, prompt first.

    Attributes:
        tokens: as the server writes them.
        log_probs: None where it gives none, as for the first token.
        best: log-probability of the likeliest token there.
        offsets: where each token begins in the text, None where that is not given.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float | None, ...]
    best: tuple[float | None, ...]
    offsets: tuple[int, ...] | None

    def scores(self, start: int, stop: int, ids: Sequence[int] | None = None) -> TokenScores:
        """Scores of the tokens from `start` to `stop`.

        A server lists the likeliest token only: rank 1 is any that is not it. Mean and deviation
        of log p are not known, nor are ids where the prompt was sent as text (-1).

        Raises:
            EchoError: a log-probability is missing, or none can be right.
        """
        found = []
        for position in range(start, stop):
            value, best = self.log_probs[position], self.best[position]
            if value is None or best is None:
                msg = (
                    f"no log-probability for token {position + 1} of {len(self.tokens)}; where "
                    f"that is the first, a context or a 'tokenizer' is needed"
                )
                raise EchoError(msg)
            if not value <= _ROUNDING:
                msg = f"the log-probability of token {position + 1} is {value}, which none can be"
                raise EchoError(msg)
            found.append((min(value, 0.0), value < best))
        if not found:
            msg = "no token of the answer belongs to the text that was to be scored"
            raise EchoError(msg)
        if all(value == 0 for value, _ in found):
            msg = "every log-probability is exactly 0"
            raise EchoError(msg)
        count = len(found)
        return TokenScores(
            ids=np.full(count, _UNKNOWN_ID, np.int32) if ids is None else np.array(ids, np.int32),
            log_probs=np.array([value for value, _ in found], np.float32),
            means=np.full(count, np.nan, np.float32),
            deviations=np.full(count, np.nan, np.float32),
            ranks=np.array([below for _, below in found], np.int32),
        )


def read_echo(document: dict[str, Any]) -> Echo:
    """The tokens of the first choice.

    Raises:
        EchoError: the answer has no log-probabilities of its prompt.
    """
    try:
        given = document["choices"][0].get("logprobs")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        msg = "the answer has no choices"
        raise EchoError(msg) from error
    if not given:
        msg = "the server ignores 'echo' and 'logprobs'"
        raise EchoError(msg)
    if isinstance(given, dict) and "content" in given:
        msg = "the server gives log-probabilities of tokens that it wrote, not of the prompt"
        raise EchoError(msg)
    try:
        tokens, tops = given["tokens"], given["top_logprobs"]
        log_probs, offsets = given["token_logprobs"], given.get("text_offset")
        echo = Echo(
            tuple(str(token) for token in tokens),
            tuple(None if value is None else float(value) for value in log_probs),
            tuple(max(top.values(), default=None) if top else None for top in tops),
            tuple(int(offset) for offset in offsets) if offsets else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"the answer's 'logprobs' is not in the form of completions ({error!r})"
        raise EchoError(msg) from error
    lengths = {len(echo.tokens), len(echo.log_probs), len(echo.best)}
    if len(lengths) > 1 or (echo.offsets is not None and len(echo.offsets) != len(echo.tokens)):
        msg = "the lists in the answer's 'logprobs' are not equally long"
        raise EchoError(msg)
    return echo


def find_tokens(echo: Echo, forms: Sequence[frozenset[str]]) -> int:
    """How many of the tokens that were sent are left out at the beginning: a start token, or none.

    Every token is compared: with only as many of them, numbers could be those of its neighbours.

    Args:
        echo: the answer to a prompt that was sent as tokens.
        forms: how each of them may be written.

    Raises:
        EchoError: there are fewer or more tokens than were sent, or others.
    """
    begins = [some for some in (0, 1) if echo.tokens and _is(echo.tokens[0], forms[some:][:1])]
    left_out = begins[0] if begins else 0
    sent = len(forms) - left_out
    if not sent <= len(echo.tokens) <= sent + WRITTEN:
        msg = f"{sent} tokens were sent, and log-probabilities of {len(echo.tokens)} came back"
        raise EchoError(msg)
    for position, allowed in enumerate(forms[left_out:]):
        if not _is(echo.tokens[position], [allowed]):
            msg = (
                f"token {position + 1} is {echo.tokens[position]!r} at the server and "
                f"{min(allowed)!r} in the study's tokenizer: another tokenizer"
            )
            raise EchoError(msg)
    return left_out


def _is(token: str, forms: Sequence[frozenset[str]]) -> bool:
    """Is it written in one of these forms, spaces aside? Part of a character cannot be written."""
    return any(
        token in allowed
        or token.strip() in {form.strip() for form in allowed}
        or "\ufffd" in token
        or token.startswith("bytes:")
        or (token == "" and any("\ufffd" in form for form in allowed))
        for allowed in forms
    )


def check_position(echo: Echo, position: int, alone: Echo) -> None:
    """See that the numbers of an echo belong to the tokens that they stand beside.

    The likeliest token after a context is as likely whatever follows: in an echo of the context
    with more text behind it, and where the context is sent alone and one token is written greedily.
    Off by one place, as some servers are, it is another number.

    Args:
        echo: of a context and a text.
        position: of the text's first token.
        alone: the one token written after the context.

    Raises:
        EchoError: they are not equally likely.
    """
    best = echo.best[position] if position < len(echo.best) else None
    written = next(iter(alone.best), None)
    if best is None or written is None or not abs(best - written) <= _NOISE:
        msg = (
            f"the likeliest token after a context has log-probability {written} where it is "
            f"written and {best} in the echo: its numbers are those of another position"
        )
        raise EchoError(msg)


def find_text(echo: Echo, prompt: str, boundary: int) -> tuple[int, int]:
    """Which tokens spell the prompt from a boundary on: the first, and one after the last.

    Args:
        echo: the answer to a prompt that was sent as text.
        prompt: that text.
        boundary: character of it at which the scored text begins.

    Raises:
        EchoError: the tokens do not spell the prompt, or one spans the boundary.
    """
    # A start token that the server puts before the prompt is no part of the text.
    extra = int(bool(echo.tokens) and not prompt.startswith(echo.tokens[0]))
    ends = list(itertools.accumulate(map(len, echo.tokens[extra:]), initial=0))
    count = next((number for number, end in enumerate(ends) if end >= len(prompt)), None)
    spelled = "" if count is None else "".join(echo.tokens[extra : extra + count])
    if count is None or spelled != prompt:
        msg = (
            f"the prompt has {len(prompt)} characters, and the {len(echo.tokens)} tokens that came "
            f"back do not spell it: the server drops or cuts it, or cannot write its tokens one by "
            f"one, where a 'tokenizer' helps"
        )
        raise EchoError(msg)
    if len(echo.tokens) - extra - count > WRITTEN:
        written = len(echo.tokens) - extra - count
        msg = f"{written} tokens beyond the prompt came back where {WRITTEN} was asked for"
        raise EchoError(msg)
    _check_offsets(echo, extra, ends[:count])
    if boundary not in ends[: count + 1]:
        msg = (
            f"a token spans the end of the context, {prompt[:boundary][-20:]!r}, and the beginning "
            f"of the answer, {prompt[boundary:][:20]!r}; a 'tokenizer' splits them"
        )
        raise EchoError(msg)
    return extra + ends.index(boundary), extra + count


def _check_offsets(echo: Echo, extra: int, expected: Sequence[int]) -> None:
    """Offsets count from the prompt, or from a start token before it.

    Raises:
        EchoError: they are others.
    """
    if echo.offsets is None or not expected:
        return
    found = np.array(echo.offsets[extra : extra + len(expected)])
    shifts = set((found - np.array(expected)).tolist())
    before = {0, len(echo.tokens[0])} if extra else {0}
    if len(shifts) > 1 or not shifts <= before:
        place = int(np.flatnonzero(found - found[0] != np.array(expected))[:1].sum())
        msg = (
            f"the answer puts token {extra + place + 1} at character {found[place]} of the prompt; "
            f"it is at {expected[place]}"
        )
        raise EchoError(msg)
