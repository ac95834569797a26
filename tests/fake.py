"""A backend without a model: scores are a function of the question alone."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from confounds.probe._questions import Answer, Estimate
from confounds.study import TokenScores

SECONDS = "FAKE_SECONDS"
"""Environment variable: how long a cell takes, in processes that inherit it."""


def scores(context: str, text: str) -> TokenScores:
    words = text.split() or [""]
    draws = [hashlib.sha256(f"{context}|{text}|{i}".encode()).digest() for i in range(len(words))]
    values = np.array([one[0] / 64 for one in draws], dtype=np.float32)
    return TokenScores(
        ids=np.array([one[1] for one in draws], dtype=np.int32),
        log_probs=-values - np.float32(0.01),
        means=-values - 1,
        deviations=values + np.float32(0.5),
        ranks=np.array([one[2] % 3 for one in draws], dtype=np.int32),
    )


class FakeAsker:
    parameters: float | None = 1000.0
    scores = True
    limits = None
    facts = {"device": "none", "dtype": "none"}  # noqa: RUF012

    def __init__(self, seconds: float, name: str) -> None:
        self.seconds = seconds
        self.name = name

    def ask(self, questions: Any, progress: Any = None) -> list[Answer]:
        if self.name == "kills":
            os._exit(9)
        if "dies" in self.name and not Path(self.name).exists():
            Path(self.name).touch()
            os._exit(9)  # as a worker does that is killed for its memory
        if self.name == "breaks":
            msg = "out of memory"
            raise RuntimeError(msg)
        time.sleep(self.seconds)
        if progress is not None:
            progress(len(questions))
        return [
            Answer(
                scored=tuple(scores(self.name + q.context, text) for text in q.texts),
                generated=None if q.generate is None else " red",
                generated_ids=() if q.generate is None else (1,),
            )
            for q in questions
        ]

    def chat(self, context: str) -> str:
        return f"<user>{context}<model>"

    def close(self) -> None:
        pass


class Fake:
    name = "fake"
    uses_device = True
    keeps_logits = False
    may_only_write = False
    seconds = 0.0

    def check(self, model: Any, folder: Any) -> None:
        del model, folder

    def fingerprint(self, model: Any, folder: Any) -> str:
        del folder
        return str(model.path)

    def estimate(self, model: Any, folder: Any, sheets: Any) -> Estimate:
        del model, folder
        return Estimate((1,) * len(sheets), (0.5,) * len(sheets))

    def open(self, model: Any, folder: Any, settings: Any) -> FakeAsker:
        del folder, settings
        if model.path == "absent":
            msg = "weights are corrupt"
            raise OSError(msg)
        return FakeAsker(float(os.environ.get(SECONDS, self.seconds)), str(model.path))


class Slow(Fake):
    seconds = 0.05


BACKEND = Fake()
SLOW = Slow()
