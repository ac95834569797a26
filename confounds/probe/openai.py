"""Backend for models that a server completes text with: vLLM, llama.cpp, `transformers serve`.

Any server with the completions of OpenAI's interface. Texts are scored by the log-probabilities of
the echoed prompt where the server gives them and they are shown to be the prompt's; from any other
server only written text is taken, and what needs log-probabilities is not available.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from confounds.errors import MissingExtraError, StudyError
from confounds.probe import _echo, _folder
from confounds.probe._echo import (
    FAR,
    NOISE,
    Before,
    Echo,
    EchoError,
    check_agreement,
    check_places,
    check_position,
    find_text,
    find_tokens,
    read_echo,
)
from confounds.probe._encoding import Encoded, Encoder
from confounds.probe._http import Client, ServerError
from confounds.probe._questions import Answer, Estimate, LogitSink, OpenSettings, Question, StopRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from confounds.study import ModelSpec, Server, TokenScores

_PATH = "completions"
_TRIAL = Question("one two three four", (" five six",))
_FEW = 3
_EVERY = 16
"""Of so many questions of a cell, the context of one is sent alone again."""
_NO_LIMIT = 10**8
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class _Part:
    """What came back for one text.

    Attributes:
        scores: of its tokens.
        cut: whether its context was.
        tokens: that were read.
        before: what the echo says of the context.
    """

    scores: TokenScores
    cut: bool
    tokens: int
    before: Before


class ServerAsker:
    """A model behind a server; see `Asker`.

    Args:
        model: its name at the server.
        client: sends requests.
        tokenizer: of transformers; None sends text.
        settings: with questions to try.

    Attributes:
        named: whether its lists of the likeliest tokens have the token that is there besides.

    Raises:
        ServerError: the server cannot be reached, or does not complete text for this model.
    """

    parameters: float | None = None

    def __init__(
        self, model: str, client: Client, tokenizer: Any | None, settings: OpenSettings
    ) -> None:
        self.model = model
        self.client = client
        self.tokenizer = tokenizer
        self.encoder = None if tokenizer is None else Encoder(tokenizer, _longest(tokenizer))
        self.named = False
        self.obstacle = self._obstacle(settings.trials)
        self.scores = self.obstacle is None
        self.limits = self.obstacle or "a server tells nothing of the distribution around a token"
        self.facts = {
            "device": "server",
            "server": client.server.url,
            "scoring": "echo" if self.scores else f"text only: {self.obstacle}",
            "tokenizer": client.server.tokenizer or "the server's",
        }

    def ask(
        self,
        questions: Sequence[Question],
        progress: Callable[[int], None] | None = None,
        logits: LogitSink | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions; without scores where the server gives none.

        Raises:
            EchoError: an answer is not that to what was sent.
            ServerError: a request was refused, or failed too often.
        """
        del logits
        pool = ThreadPoolExecutor(self.client.server.at_once)
        try:
            jobs = [
                self._submit(pool, question, tried=number % _EVERY == 0)
                for number, question in enumerate(questions)
            ]
            found = []
            for scored, written in jobs:
                parts = [job.result() for job in scored]
                text, ids, tokens = written.result() if written else (None, (), 0)
                if progress is not None:
                    progress(tokens + sum(part.tokens for part in parts))
                check_agreement([part.before for part in parts if not part.cut])
                found.append(
                    Answer(
                        scored=tuple(part.scores for part in parts),
                        generated=text,
                        generated_ids=ids,
                        truncated=any(part.cut for part in parts),
                    )
                )
            return found
        finally:
            pool.shutdown(cancel_futures=True)

    def chat(self, context: str) -> str:
        """The context as a user's turn in the chat template of the study's tokenizer.

        Raises:
            ValueError: there is no tokenizer, or it has no template.
        """
        if getattr(self.tokenizer, "chat_template", None) is None:
            msg = "chat = true needs the key 'tokenizer' of the server, and a chat template in it"
            raise ValueError(msg)
        turns = [{"role": "user", "content": context}]
        text: str = self.tokenizer.apply_chat_template(  # type: ignore[union-attr]
            turns, tokenize=False, add_generation_prompt=True
        )
        return text

    def close(self) -> None:
        """Nothing is held."""

    def _obstacle(self, asked: Sequence[Question]) -> str | None:
        """Why no text can be scored here, found out with a few; None where they can."""
        usable = [question for question in asked if question.context.strip() and question.texts]
        trials = usable[:: max(1, len(usable) // _FEW)][:_FEW] or [_TRIAL]
        named = []
        try:
            for trial in trials:
                echo, start, stop, _ = self._echoed(trial, 0)
                self._read(echo, start, stop)
                self._check_position(trial, echo, start, NOISE)
                named.append(echo.names_its_tokens)
        except EchoError as error:
            why = str(error)
        except ServerError as error:
            if error.status is None:
                raise
            why = f"asked to echo, the server answers {error}"
        else:
            self.named = all(named)
            return None
        self._written(trials[0].context, StopRule(1, ()))  # does it complete text at all?
        return why

    def _submit(
        self, pool: ThreadPoolExecutor, question: Question, *, tried: bool
    ) -> tuple[list[Any], Any]:
        texts = range(len(question.texts)) if self.scores else ()
        scored = [
            pool.submit(self._scored, question, number, tried=tried and number == 0)
            for number in texts
        ]
        if question.generate is None:
            return scored, None
        return scored, pool.submit(self._written, question.context, question.generate)

    def _scored(self, question: Question, number: int, *, tried: bool) -> _Part:
        """Scores of one text; where `tried` or doubtful, its context is sent alone once more."""
        echo, start, stop, encoded = self._echoed(question, number)
        scores = self._read(echo, start, stop, None if encoded is None else encoded.targets)
        cut = encoded is not None and encoded.truncated
        doubtful = tried or not echo.ends_likeliest(stop)
        if doubtful and not cut and question.context.strip():
            self._check_position(question, echo, start, FAR)
        return _Part(scores, cut, stop, echo.before(start))

    def _read(
        self, echo: Echo, start: int, stop: int, ids: Sequence[int] | None = None
    ) -> TokenScores:
        """Scores, where the numbers at every place can be right."""
        scores = echo.scores(start, stop, ids)
        check_places(echo, named=self.named)
        return scores

    def _check_position(self, question: Question, echo: Echo, start: int, tolerance: float) -> None:
        """Hold an echo against its context alone.

        Raises:
            EchoError: its numbers are those of another position.
        """
        written = self._complete(self._prompt(question.context.rstrip()), 1, logprobs=1)
        check_position(echo.likeliest(start), read_echo(written).likeliest(0), tolerance)

    def _echoed(self, question: Question, number: int) -> tuple[Echo, int, int, Encoded | None]:
        """An echo, and which of its tokens are those of the text; how it was sent, if as tokens."""
        if self.encoder is None:
            prompt = question.context + question.texts[number]
            echo = self._echo(prompt)
            return echo, *find_text(echo, prompt, len(question.context.rstrip())), None
        asked = Question(question.context, (question.texts[number],))
        encoded = self.encoder.encode([asked])[0][0]
        ids = [*encoded.inputs, encoded.targets[-1]]
        echo = self._echo(ids)
        stop = len(ids) - find_tokens(echo, [_forms(self.tokenizer, one) for one in ids])
        return echo, stop - len(encoded.targets), stop, encoded

    def _echo(self, prompt: str | list[int]) -> Echo:
        return read_echo(self._complete(prompt, _echo.WRITTEN, echo=True, logprobs=1))

    def _prompt(self, context: str) -> str | list[int]:
        return context if self.encoder is None else self.encoder.context_ids(context)

    def _written(self, context: str, rule: StopRule) -> tuple[str, tuple[int, ...], int]:
        """Text, its tokens where the tokenizer is known, and tokens read and written.

        Raises:
            ServerError: the answer has no text.
        """
        prompt = self._prompt(context)
        stop = {"stop": list(rule.stop)} if rule.stop else {}
        document = self._complete(prompt, rule.max_tokens, **stop)
        try:
            text = document["choices"][0]["text"]
        except (KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str):
            msg = "the answer has no choices[0].text"
            raise ServerError(msg)
        stops = [text.find(stop) for stop in rule.stop if stop in text]
        text = text[: min(stops)] if stops else text
        if self.tokenizer is None:
            return text, (), _guess(context + text)
        ids = tuple(self.tokenizer.encode(text, add_special_tokens=False))
        return text, ids, len(prompt) + len(ids)

    def _complete(self, prompt: str | list[int], max_tokens: int, **more: Any) -> dict[str, Any]:
        body = {"model": self.model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0}
        return self.client.post(_PATH, {**body, **more})


class OpenAI:
    """Models behind a server with the completions of OpenAI's interface."""

    name = "openai"
    uses_device = False
    keeps_logits = False
    may_only_write = True

    def check(self, model: ModelSpec, folder: Path | None) -> None:
        """See that the study says where the server is.

        Raises:
            StudyError: it does not, or there is no such tokenizer.
        """
        server = _server(model)
        if server.tokenizer is not None:
            _folder.locate_named(server.tokenizer, f"model '{model.label}': tokenizer", folder)

    def fingerprint(self, model: ModelSpec, folder: Path | None) -> str:
        """Names the model as the server does, and its tokenizer.

        Where the server runs is left out: the same model at another address is asked no cell twice.
        """
        server = _server(model)
        parts = [f"server:{model.path}@{model.revision or ''}"]
        if server.tokenizer is not None:
            parts.append(_folder.fingerprint_tokenizer(server.tokenizer, folder))
        return "#".join(parts)

    def estimate(
        self, model: ModelSpec, folder: Path | None, sheets: Sequence[Sequence[Question]]
    ) -> Estimate:
        """Tokens from characters, seconds from the rate limit where there is one."""
        del folder
        server = _server(model)
        tokens = tuple(sum(_cost(question) for question in questions) for questions in sheets)
        if server.requests_per_minute is None:
            return Estimate(tokens, (None,) * len(sheets))
        each = 60 / server.requests_per_minute
        requests = [
            sum(len(question.texts) + (question.generate is not None) for question in questions)
            for questions in sheets
        ]
        return Estimate(tokens, tuple(each * count for count in requests))

    def open(self, model: ModelSpec, folder: Path | None, settings: OpenSettings) -> ServerAsker:
        """Find out what the server gives.

        Raises:
            ServerError: it cannot be reached, or does not complete text for this model.
            LookupError: the key is not in the environment.
        """
        server = _server(model)
        client = Client(server, _key(server))
        tokenizer = None if server.tokenizer is None else _tokenizer(server.tokenizer, folder)
        return ServerAsker(model.path, client, tokenizer, settings)


def _server(model: ModelSpec) -> Server:
    if model.server is None:
        msg = (
            f"model '{model.label}': backend 'openai' needs the key 'server', such as "
            f'server = {{ url = "http://localhost:8000/v1" }}'
        )
        raise StudyError(msg)
    return model.server


def _key(server: Server) -> SecretStr | None:
    """The key, from the environment alone.

    Raises:
        LookupError: the variable is not set, or holds what no header can.
    """
    if server.key_variable is None:
        return None
    value = os.environ.get(server.key_variable, "").strip()
    if not value:
        msg = f"the environment variable {server.key_variable} is not set where this model is asked"
        raise LookupError(msg)
    if not (value.isascii() and value.isprintable()) or " " in value:
        msg = f"the environment variable {server.key_variable} holds characters that no key has"
        raise LookupError(msg)
    return SecretStr(value)


def _tokenizer(name: str, folder: Path | None) -> Any:
    try:
        from transformers import AutoTokenizer  # noqa: PLC0415 - only where tokens are sent
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "probe") from error
    source = _folder.locate_named(name, "tokenizer", folder) or name
    return AutoTokenizer.from_pretrained(source, trust_remote_code=False)


def _longest(tokenizer: Any) -> int:
    """Tokens that a model reads, as its tokenizer says; the server refuses longer ones itself."""
    return int(min(tokenizer.model_max_length, _NO_LIMIT))


def _forms(tokenizer: Any, token: int) -> frozenset[str]:
    """How a server may write a token."""
    piece = str(tokenizer.convert_ids_to_tokens(token))
    plain = piece.replace("\u2581", " ").replace("\u0120", " ")
    return frozenset({piece, plain, tokenizer.decode([token]), f"token_id:{token}"})


def _guess(text: str) -> int:
    return len(text) // _CHARACTERS_A_TOKEN


def _cost(question: Question) -> int:
    """About how many tokens the server reads and writes: every text comes with its context."""
    read = sum(_guess(question.context + text) for text in question.texts)
    if question.generate is None:
        return read
    return read + _guess(question.context) + question.generate.max_tokens


BACKEND = OpenAI()
