"""How a run is set, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a study is run; none of it changes a number beyond rounding.

    Attributes:
        device: `auto`, `cpu`, `cuda`, `cuda:1`, or several joined by commas, one worker each;
            `auto` takes every CUDA device.
        shard: `(i, N)`: the i-th of N parts, counted from 1.
        batch_tokens: tokens in one pass; None lets the backend choose.
        share: False scores every text by itself.
    """

    device: str = "auto"
    shard: tuple[int, int] | None = None
    batch_tokens: int | None = None
    share: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that could not be asked, and why."""

    model: str
    cell: str
    reason: str


@dataclass(slots=True)
class Run:
    """What a run did.

    Attributes:
        folder: where its cells are.
        done: cells asked in this run.
        found: cells that were there already.
        rescored: those of `done` that were scored from stored answers, without a model.
        tokens: tokens that passed through models.
        failures: cells that could not be asked.
        notes: what else is to be known of the answers.
    """

    folder: Path
    done: int = 0
    found: int = 0
    rescored: int = 0
    tokens: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
