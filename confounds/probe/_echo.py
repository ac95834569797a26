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
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.study import TokenScores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WRITTEN = 1
"""Tokens that are asked for beyond the prompt: none is too few for some servers."""
_CERTAIN = math.log(0.6)
"""More than half, and more than rounding could make of it."""
_LISTED = 2
"""The likeliest token and the one that is there."""
_ROUNDING = 1e-3
NOISE = 0.1
"""What half precision makes of one log-probability in two batches."""
FAR = 0.5
"""What it makes of none among thousands."""
_UNKNOWN_ID = -1


class EchoError(ValueError):
    """The answer's log-probabilities are not those of the prompt that was sent."""


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The likeliest token at one place, and its log-probability."""

    token: str
    log_prob: float

    def __str__(self) -> str:
        return f"{self.token!r} with log-probability {self.log_prob}"

    def may_be(self, other: Likeliest, tolerance: float) -> bool:
        """Can both be of one place? Two tokens cannot be likelier than everything else together."""
        if not abs(self.log_prob - other.log_prob) <= tolerance:
            return False
        certain = min(self.log_prob, other.log_prob) > _CERTAIN
        return not certain or self.token.strip() == other.token.strip()


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """What an echo says of the context, small enough to be kept for every text.

    Attributes:
        tokens: hash of the context's tokens.
        best: log-probability of the likeliest at each that has one.
        after: the likeliest after them all.
    """

    tokens: int
    best: NDArray[np.float32]
    after: Likeliest | None


@dataclass(frozen=True, slots=True)
class Echo:
    """The tokens of an answer, prompt first.

    Attributes:
        tokens: as the server writes them.
        log_probs: None where it gives none, as for the first token.
        best: log-probability of the likeliest token there.
        offsets: where each token begins in the text, None where that is not given.
        tops: token -> log-probability, of the likeliest; many servers add the token that is there.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float | None, ...]
    best: tuple[float | None, ...]
    offsets: tuple[int, ...] | None
    tops: tuple[Mapping[str, float], ...]

    @property
    def names_its_tokens(self) -> bool:
        """Does every list of the likeliest have the token itself, where it is not that too?"""
        pairs = [(token, top) for token, top in zip(self.tokens, self.tops, strict=True) if top]
        named = all(token in top for token, top in pairs if _is_text(token))
        return named and any(top.get(token, math.inf) < max(top.values()) for token, top in pairs)

    def likeliest(self, position: int) -> Likeliest | None:
        """The likeliest token at a place; None where the server tells none."""
        top = self.tops[position] if position < len(self.tops) else None
        return Likeliest(*max(top.items(), key=lambda pair: pair[1])) if top else None

    def before(self, position: int) -> Before:
        """What the echo says of the tokens before a place, and of the likeliest there."""
        best = [one for one in self.best[:position] if one is not None]
        tokens = hash((self.tokens[:position], len(best)))
        return Before(tokens, np.array(best, np.float32), self.likeliest(position))

    def ends_likeliest(self, position: int) -> bool:
        """Is the token written behind the prompt the likeliest? Yes where none is written."""
        if position >= len(self.tokens):
            return True
        value, best = self.log_probs[position], self.best[position]
        return value is not None and best is not None and value >= best - _ROUNDING

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
            tuple(top or {} for top in tops),
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


def _is_text(token: str) -> bool:
    """Part of a character may be written in one way here and in another there."""
    return bool(token) and "\ufffd" not in token and not token.startswith("bytes:")


def check_places(echo: Echo, *, named: bool) -> None:
    """See that what stands at each place of an echo can be of one token.

    Args:
        echo: of any prompt.
        named: whether the server's lists of the likeliest name the tokens that are there.

    Raises:
        EchoError: a token is likelier than the likeliest, or a list is another token's.
    """
    places = zip(echo.tokens, echo.log_probs, echo.best, echo.tops, strict=True)
    for number, (token, value, best, top) in enumerate(places, start=1):
        if value is None or best is None:
            continue
        listed = top.get(token)
        own = listed is not None and listed < best and len(top) <= _LISTED
        if value > best + _ROUNDING or (own and abs(value - (listed or 0.0)) > _ROUNDING):
            msg = (
                f"token {number} has log-probability {value}, and the list of the likeliest says "
                f"{best if listed is None else listed}: its numbers are not of one position"
            )
            raise EchoError(msg)
        if named and listed is None and _is_text(token):
            msg = (
                f"the list of the likeliest tokens at token {number} leaves out that token, which "
                f"this server's lists named at first: its numbers are those of another position"
            )
            raise EchoError(msg)


def check_agreement(parts: Sequence[Before]) -> None:
    """See that the likeliest tokens of one context are the same whatever text follows.

    Args:
        parts: of every text that was scored after it.

    Raises:
        EchoError: they are others after the same tokens.
    """
    first: dict[int, Before] = {}
    for one in parts:
        other = first.setdefault(one.tokens, one)
        apart = float(np.abs(one.best - other.best).mean()) if len(one.best) else 0.0
        after = None in (one.after, other.after) or one.after.may_be(other.after, FAR)  # type: ignore[union-attr,arg-type]
        if apart > FAR / 2 or not after:
            msg = (
                f"the likeliest token after one context is {other.after} in one echo and "
                f"{one.after} in another, and those before differ by {apart:.2g} on average: the "
                f"numbers of one are those of another position"
            )
            raise EchoError(msg)


def check_position(found: Likeliest | None, written: Likeliest | None, tolerance: float) -> None:
    """See that the numbers of an echo belong to the tokens that they stand beside.

    The likeliest token after a context is as likely whatever follows: in an echo of the context
    with more text behind it, and where the context is sent alone and a token is written greedily.
    Off by one place, as some servers are, it is another.

    Args:
        found: at the text's first token, in an echo of a context and a text.
        written: at the first token written after the context.
        tolerance: of two log-probabilities that are of one token.

    Raises:
        EchoError: they are not equally likely, or cannot be one token.
    """
    if found is None or written is None or not found.may_be(written, tolerance):
        msg = (
            f"the likeliest token after a context is {written} where it is written and {found} "
            f"in the echo: its numbers are those of another position"
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
