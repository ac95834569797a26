"""Backend for models of transformers: local folders or hub ids, on CPU or CUDA."""

from __future__ import annotations

import gc
import os
import time
from typing import TYPE_CHECKING, Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from confounds.errors import UsageError
from confounds.probe import _folder
from confounds.probe._architecture import Architecture, describe, max_length
from confounds.probe._check import disagreement
from confounds.probe._encoding import Encoded, Encoder
from confounds.probe._generate import Generator
from confounds.probe._plain import PlainScorer
from confounds.probe._questions import (
    Answer,
    Estimate,
    LogitSink,
    OpenSettings,
    Question,
    Tally,
)
from confounds.probe._shared import Pace, SharedScorer, count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from confounds.study import ModelSpec, TokenScores

EFFICIENCY = 0.6
_SMALLEST_PASS = 256


class HuggingFaceAsker:
    """A loaded model; see `Asker`.

    Args:
        model: of transformers, in evaluation mode, on its device.
        tokenizer: of that model.
        settings: how to ask.
    """

    scores = True
    limits: str | None = None

    def __init__(self, model: Any, tokenizer: Any, settings: OpenSettings) -> None:
        self.architecture: Architecture = describe(model, tokenizer)
        self.tokenizer = tokenizer
        self.tally = Tally()
        self.parameters: float | None = float(model.num_parameters())
        self.device = self.architecture.device
        self.pace = Pace.of(self.device, settings.batch_tokens)
        self.encoder = Encoder(
            tokenizer, self.architecture.max_length, seq2seq=self.architecture.seq2seq
        )
        parts = (self.architecture, self.pace, self.tally)
        self._plain = PlainScorer(*parts, moments=settings.moments)
        self._shared = SharedScorer(*parts, moments=settings.moments)
        self.obstacle = self._obstacle(settings)
        self.facts = {
            "device": name_device(self.device),
            "dtype": str(model.dtype).removeprefix("torch."),
            "scoring": "shared" if self.obstacle is None else f"plain: {self.obstacle}",
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        }

    def _obstacle(self, settings: OpenSettings) -> str | None:
        if not settings.share:
            return "sharing is switched off"
        return self.architecture.obstacle or disagreement(self.architecture)

    def ask(
        self,
        questions: Sequence[Question],
        progress: Callable[[int], None] | None = None,
        logits: LogitSink | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions; see `Asker.ask`."""
        encoded = self.encoder.encode(questions)
        flat = [text for texts in encoded for text in texts]
        scores = iter(self.score(flat, progress, logits))
        written = self._generate(questions, progress)
        return [
            Answer(
                scored=tuple(next(scores) for _ in texts),
                generated=written[number][0] if number in written else None,
                generated_ids=written[number][1] if number in written else (),
                truncated=any(text.truncated for text in texts),
            )
            for number, texts in enumerate(encoded)
        ]

    def score(
        self,
        texts: Sequence[Encoded],
        progress: Callable[[int], None] | None = None,
        sink: LogitSink | None = None,
    ) -> list[TokenScores]:
        """Scores of encoded texts, in order; cut texts share nothing and go one by one."""
        found: dict[int, TokenScores] = {}
        for cut in (False, True):
            numbers = [i for i, text in enumerate(texts) if text.truncated is cut]
            scorer = self._plain if cut or self.obstacle is not None else self._shared
            if numbers:
                scored = self._score(scorer, [texts[i] for i in numbers], progress, sink)
                found.update(zip(numbers, scored, strict=True))
        return [found[number] for number in range(len(texts))]

    def _score(
        self,
        scorer: PlainScorer | SharedScorer,
        texts: Sequence[Encoded],
        progress: Callable[[int], None] | None,
        sink: LogitSink | None,
    ) -> list[TokenScores]:
        """Score; where the device's memory does not do, again in passes half as large."""
        while True:
            try:
                return scorer.score(texts, progress, sink)
            except torch.OutOfMemoryError:
                if self.pace.batch_tokens <= _SMALLEST_PASS:
                    raise
            self._free()
            self.pace = self.pace.halved()
            self._plain.pace = self._shared.pace = self.pace

    def _free(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def chat(self, context: str) -> str:
        """The context as a user's turn in the model's chat template.

        Raises:
            ValueError: the tokenizer has none.
        """
        if self.tokenizer.chat_template is None:
            msg = "chat = true, and the tokenizer has no chat template"
            raise ValueError(msg)
        turns = [{"role": "user", "content": context}]
        text: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return text

    def close(self) -> None:
        """Free the memory that the model holds."""
        del self._plain, self._shared, self.architecture
        self._free()

    def _generate(
        self, questions: Sequence[Question], progress: Callable[[int], None] | None
    ) -> dict[int, tuple[str, tuple[int, ...]]]:
        numbers = [i for i, question in enumerate(questions) if question.generate is not None]
        generator = Generator(
            self.architecture.model,
            self.tokenizer,
            self.architecture.max_length,
            max(self.pace.batch_tokens, 4096),
        )
        found: dict[int, tuple[str, tuple[int, ...]]] = {}
        for rule in {questions[i].generate for i in numbers}:
            chosen = [i for i in numbers if questions[i].generate == rule]
            contexts = [self.encoder.context_ids(questions[i].context) for i in chosen]
            if rule is not None:
                written = generator.write(contexts, rule, progress)
                found.update(zip(chosen, written, strict=True))
        return found


class HuggingFace:
    """Models of transformers. No remote code runs, and only safetensors are read."""

    name = "huggingface"
    uses_device = True
    keeps_logits = True
    may_only_write = False

    def check(self, model: ModelSpec, folder: Path | None) -> None:
        """See that the model's files are there."""
        _folder.check(model, folder)

    def fingerprint(self, model: ModelSpec, folder: Path | None) -> str:
        """Names the content of the model's folder."""
        return _folder.fingerprint(model, folder)

    def estimate(
        self, model: ModelSpec, folder: Path | None, sheets: Sequence[Sequence[Question]]
    ) -> Estimate:
        """What answering would cost: tokens exactly, seconds from a matrix product timed here."""
        source: str | Path = _folder.locate(model, folder) or model.path
        options = {"revision": model.revision, "trust_remote_code": False}
        config = AutoConfig.from_pretrained(source, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        longest = max_length(config.get_text_config(), tokenizer)
        encoder = Encoder(tokenizer, longest, seq2seq=bool(config.is_encoder_decoder))
        tokens = tuple(count_questions(encoder, questions) for questions in sheets)
        size = model.parameters or _folder.count_parameters(model, folder)
        kind = getattr(config, "dtype", None) if model.dtype == "auto" else model.dtype
        dtype = kind if isinstance(kind, torch.dtype) else getattr(torch, kind or "float32")
        rate = EFFICIENCY * matrix_product_rate(choose_device("auto"), dtype)
        return Estimate(tokens, tuple(2 * size * count / rate for count in tokens))

    def open(
        self, model: ModelSpec, folder: Path | None, settings: OpenSettings
    ) -> HuggingFaceAsker:
        """Load model and tokenizer onto the device."""
        source: str | Path = _folder.locate(model, folder) or model.path
        options = {"revision": model.revision, "trust_remote_code": False}
        config = AutoConfig.from_pretrained(source, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        loading = {
            **options,
            "dtype": model.dtype if model.dtype == "auto" else getattr(torch, model.dtype),
            "use_safetensors": True,
        }
        try:
            loaded = kind.from_pretrained(source, attn_implementation="sdpa", **loading)
        except ValueError:  # an architecture without sdpa says so with this
            loaded = kind.from_pretrained(source, **loading)
        placed: Any = loaded.eval().requires_grad_(requires_grad=False)
        placed = placed.to(choose_device(settings.device))
        return HuggingFaceAsker(placed, tokenizer, settings)


def count_questions(encoder: Encoder, questions: Sequence[Question]) -> int:
    """Distinct tokens to score, and tokens to read and write at most where text is generated."""
    flat = [text for texts in encoder.encode(questions) for text in texts]
    scored = count_tokens(flat, Pace.of(torch.device("cpu"), None).row_tokens) if flat else 0
    return scored + sum(
        len(encoder.context_ids(question.context)) + question.generate.max_tokens
        for question in questions
        if question.generate is not None
    )


def matrix_product_rate(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """FLOP per second of a matrix product on a device, best of a few."""
    side = 1024 if device.type == "cpu" else 8192
    a = torch.randn(side, side, device=device).to(dtype)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        (a @ a)[0, 0].item()  # a GPU is waited for
        best = min(best, time.perf_counter() - start)
    return float(2 * side**3 / best)


def name_device(device: torch.device) -> str:
    """The device with what it is, for the record."""
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_name(device)})"


def choose_device(name: str) -> torch.device:
    """The device that `auto`, `cpu`, `cuda` or `cuda:1` names here.

    Raises:
        UsageError: there is no such device.
    """
    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    count = torch.cuda.device_count() if available else 0
    known = ["auto", "cpu", *(["cuda"] if count else []), *(f"cuda:{i}" for i in range(count))]
    if name not in known:
        msg = f"no device '{name}' here; there are: {', '.join(known)}"
        raise UsageError(msg)
    return torch.device(name)


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
BACKEND = HuggingFace()
