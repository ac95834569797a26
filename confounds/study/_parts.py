"""The tables of a study file: every key, its default and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from confounds.study._server import Server

Demonstrations = Literal["none", "gold", "shuffled", "other_task"]
Reasoning = Literal["direct", "chain"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]


class Part(BaseModel):
    """A table of the file: frozen, no key beyond those it names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, hide_input_in_errors=True)


class ModelSpec(Part):
    """One model: where it is, and what is known of it (columns of the table).

    Attributes:
        path: local folder, relative to the study file, or hub id; for the backend `replay`
            the folder of an earlier run, for `openai` the model's name at its server.
        name: as in the `model` column; defaults to the last part of `path`.
        backend: name of a backend, or `package.module:OBJECT`.
        dtype: `auto` is the dtype of the weights.
        parameters: counted from the weights where it is not given.
        server: where the model is served; for the backend `openai`.
    """

    path: str = Field(min_length=1)
    name: Name | None = None
    backend: str = "huggingface"
    revision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    family: str | None = None
    parameters: float | None = Field(default=None, gt=0)
    tokens: float | None = Field(default=None, gt=0)
    compute: float | None = Field(default=None, gt=0)
    checkpoint: int | None = Field(default=None, ge=0)
    tuning: str | None = None
    adaptation: Literal["prompted", "finetuned"] | None = "prompted"
    server: Server | None = None

    @property
    def label(self) -> str:
        """The model's name in the table."""
        return self.name or re.sub(r"[^A-Za-z0-9._+-]", "-", Path(self.path).name)


class TaskSpec(Part):
    """One task: a JSONL file of items.

    Attributes:
        items: lines with `id prompt target`; optional `choices exposure dose distribution
            group rationale`, and any further field that a template names.
        demonstrations: file of items to demonstrate with; without it, a pool of `pool`
            items is set apart from `items` and asked in no condition.
        pool: how many are set apart; defaults to the largest number of shots for each seed,
            or a quarter of the items where that is less, but never below the shots.
        other: task whose items demonstrate under `demonstrations = "other_task"`.
    """

    name: Name
    items: str = Field(min_length=1)
    demonstrations: str | None = None
    pool: int | None = Field(default=None, ge=1)
    other: str | None = None


class PromptFormat(Part):
    """How an item is put to a model. Fields: `{prompt}`, `{choices}`, and any of the item's.

    Attributes:
        item: the context; `target`: what is scored, in the same form for every choice, with
            `{target}`, or `{letter}` for formats by letter.
        kind: `closed` (choices are scored as text), `letter`, or `open` (choices are not
            shown to the scorer); found from `target` where it is not given.
        instruction: put once before everything.
        separator: between demonstrations, and before the item.
        choice: one line of `{choices}`.
        cue: added to the context under `reasoning = "chain"`.
        answer: regular expression whose first group is the answer in generated text.
    """

    item: str
    target: str = " {target}"
    kind: Literal["closed", "letter", "open"] | None = None
    instruction: str = ""
    separator: str = "\n\n"
    choice: str = "{letter}. {choice}"
    cue: str = " Let's think step by step."
    answer: str | None = None

    @field_validator("answer")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None and re.compile(value).groups < 1:
            msg = "needs one group (...) around the answer"
            raise ValueError(msg)
        return value

    @property
    def style(self) -> Literal["closed", "letter", "open"]:
        """`kind`, or what `target` says it is."""
        return self.kind or ("letter" if "{letter}" in self.target else "closed")


FORMATS: dict[str, PromptFormat] = {
    "closed": PromptFormat(item="Question: {prompt}\nAnswer:"),
    "letter": PromptFormat(item="Question: {prompt}\n{choices}\nAnswer:", target=" {letter}"),
    "open": PromptFormat(item="Question: {prompt}\nAnswer:", kind="open"),
}


class Factors(Part):
    """The levels that a study crosses."""

    shots: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    demonstrations: tuple[Demonstrations, ...] = Field(default=("gold",), min_length=1)
    reasoning: tuple[Reasoning, ...] = Field(default=("direct",), min_length=1)
    prompt: tuple[str, ...] = Field(default=("closed",), min_length=1)
    chat: tuple[bool, ...] = Field(default=(False,), min_length=1)


class Generation(Part):
    """When generated text ends."""

    max_tokens: int = Field(default=64, ge=1)
    stop: tuple[str, ...] = ("\n",)
    chain_max_tokens: int = Field(default=256, ge=1)
    chain_stop: tuple[str, ...] = ("\n\n",)


Measure = Literal["loss", "zlib_ratio", "min_k", "min_k_plus", "verbatim"]


class Memorization(Part):
    """Memorisation probes over the text of each item; each measure becomes a metric.

    Attributes:
        text: what is looked for in the model, a template over the item's fields.
        fraction: share of the least likely tokens in Min-K %.
        prefix: share of the text given before verbatim extraction.
        exposure: measure that fills the column `exposure`, model by model, of items that do
            not say it themselves. `text` must then leave the target out: an item would be
            called memorized because it was answered.
        threshold: from here on `memorized`, else `unseen`; `loss` and `zlib_ratio` are low in
            memorised texts, the others high.
    """

    measures: tuple[Measure, ...] = ("loss", "zlib_ratio", "min_k", "min_k_plus", "verbatim")
    text: str = "{prompt} {target}"
    fraction: float = Field(default=0.2, gt=0, le=1)
    prefix: float = Field(default=0.5, gt=0, lt=1)
    exposure: Measure | None = None
    threshold: float = 0.5

    @model_validator(mode="after")
    def _exposed_by_its_question(self) -> Self:
        if self.exposure is None:
            return self
        if self.exposure not in self.measures:
            msg = (
                f"exposure '{self.exposure}' is not among its measures: {', '.join(self.measures)}"
            )
            raise ValueError(msg)
        if "{target" in self.text or "{choices" in self.text:
            msg = f"exposure is to be found from text = '{self.text}', which holds the answer"
            raise ValueError(msg)
        return self


class Overlap(Part):
    """Exposure by n-gram overlap with a corpus (text or JSONL with a `text` field).

    An item of which at least `threshold` of the n-grams occur is `memorized`, one with none
    `unseen`; between them exposure is left unknown. Dose is the smallest count of its n-grams.
    """

    corpus: str
    n: int = Field(default=8, ge=1)
    threshold: float = Field(default=0.5, gt=0, le=1)


class Contamination(Part):
    """Exchangeability of a task's items (Oren et al. 2023): costs permutations + 1 passes."""

    permutations: int = Field(default=19, ge=4)
    shards: int = Field(default=5, ge=2)
    text: str = "{prompt} {target}"
