"""A whole study file, and the conditions that it crosses.

Reading checks keys and values only; items, templates and model folders are checked when the
study is planned (`confounds.probe`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from confounds.errors import StudyError
from confounds.files import read_toml
from confounds.study._parts import (
    FORMATS,
    Contamination,
    Factors,
    Generation,
    Memorization,
    ModelSpec,
    Name,
    Overlap,
    Part,
    PromptFormat,
    TaskSpec,
)
from confounds.study._server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel


class Study(Part):
    """A study file, with keys and values checked; `path` is where it was read.

    Attributes:
        store: `scores` keeps the metrics alone, `tokens` what the model said of every token,
            `logits` also the logits over the whole vocabulary at every scored position.
    """

    name: Name
    metrics: tuple[str, ...] = Field(min_length=1)
    models: tuple[ModelSpec, ...] = Field(min_length=1)
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    conditions: Factors = Factors()
    prompts: dict[str, PromptFormat] = Field(default_factory=dict)
    crossing: str = Field(default="full", pattern=r"^(full|1/[2-9])$")
    exclude: tuple[dict[str, Any], ...] = ()
    generation: Generation = Generation()
    store: Literal["scores", "tokens", "logits"] = "tokens"
    memorization: Memorization | None = None
    overlap: Overlap | None = None
    contamination: Contamination | None = None
    path: Path = Field(default=Path(), exclude=True)

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read and check a study file.

        Raises:
            StudyError: it cannot be read, or a key or value is wrong; the message names the
                key and what is allowed.
        """
        path = Path(path)
        document = read_toml(path, StudyError)
        try:
            study = cls.model_validate({**document, "path": path})
        except ValidationError as error:
            raise StudyError(f"{path}: {_explain(error, document)}") from error  # noqa: EM102, TRY003
        study.check_names()
        return study

    def resolve(self, name: str) -> Path:
        """A path of the study, relative to its file."""
        return (self.path.parent / name).resolve()

    def format(self, name: str) -> PromptFormat:
        """The prompt format `name`: the study's own, else a built-in one."""
        return self.prompts[name] if name in self.prompts else FORMATS[name]

    def conditions_crossed(self) -> tuple[Condition, ...]:
        """Every condition of the study, once, in the order of the file.

        Without shots there are no demonstrations, so those levels collapse into one. A
        fraction 1/k keeps combinations whose level numbers add up to a multiple of k, which
        leaves pairs of factors balanced where their levels divide by k.
        """
        factors = self.conditions
        levels = [getattr(factors, name) for name in Factors.model_fields]
        step = 1 if self.crossing == "full" else int(self.crossing.split("/")[1])
        found: dict[Condition, None] = {}
        for indices in itertools.product(*(range(len(values)) for values in levels)):
            if sum(indices) % step:
                continue
            chosen = dict(
                zip(
                    Factors.model_fields,
                    (values[i] for values, i in zip(levels, indices, strict=True)),
                    strict=True,
                )
            )
            if not any(_covers(rule, chosen) for rule in self.exclude):
                found[Condition(**_collapse(chosen))] = None
        return tuple(found)

    def check_names(self) -> None:
        """Check names that refer to one another.

        Raises:
            StudyError: two models or tasks share a name, or a name is not known.
        """
        _check_unique(self.path, "models", [model.label for model in self.models])
        tasks = [task.name for task in self.tasks]
        _check_unique(self.path, "tasks", tasks)
        known = [*self.prompts, *(name for name in FORMATS if name not in self.prompts)]
        for name in self.conditions.prompt:
            _check_known(self.path, "conditions.prompt", name, known)
        for rule in self.exclude:
            for key in rule:
                _check_known(self.path, "exclude", key, list(Factors.model_fields))
        if "other_task" in self.conditions.demonstrations:
            for task in self.tasks:
                allowed = [name for name in tasks if name != task.name]
                _check_known(self.path, f"tasks '{task.name}' key 'other'", task.other, allowed)
        if not self.conditions_crossed():
            msg = f"{self.path}: 'crossing' and 'exclude' leave no condition"
            raise StudyError(msg)


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything controlled in a run besides the model."""

    shots: int = 0
    demonstrations: str = "none"
    reasoning: str = "direct"
    prompt: str = "closed"
    chat: bool = False

    @property
    def columns(self) -> dict[str, str | int]:
        """The condition as columns of the table; a chat template is part of the format."""
        return {
            "shots": self.shots,
            "demonstrations": self.demonstrations,
            "reasoning": self.reasoning,
            "prompt": f"{self.prompt}+chat" if self.chat else self.prompt,
        }


def _covers(rule: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    return all(chosen.get(key) == value for key, value in rule.items())


def _collapse(chosen: dict[str, Any]) -> dict[str, Any]:
    if chosen["shots"] == 0 or chosen["demonstrations"] == "none":
        return {**chosen, "shots": 0, "demonstrations": "none"}
    return chosen


def _check_unique(path: Path, key: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            msg = f"{path}: two of '{key}' are named '{name}'; give each its own 'name'"
            raise StudyError(msg)


def _check_known(path: Path, key: str, name: object, known: Sequence[str]) -> None:
    if name not in known:
        msg = f"{path}: {key} is {name!r}; allowed: {', '.join(known) or 'none'}"
        raise StudyError(msg)


_PARTS: dict[str, type[Part]] = {
    "models": ModelSpec,
    "tasks": TaskSpec,
    "conditions": Factors,
    "prompts": PromptFormat,
    "generation": Generation,
    "memorization": Memorization,
    "overlap": Overlap,
    "contamination": Contamination,
}


def _explain(error: ValidationError, document: Mapping[str, Any]) -> str:
    """The first error as one sentence that names the key and what is allowed."""
    # A misspelt key is both unknown and missing; that it is unknown says more.
    found = error.errors(include_url=False)
    first = min(found, key=lambda one: one["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        part: type[BaseModel] = _PARTS.get(location[0], Study) if len(location) > 1 else Study
        part = Server if location[-2:-1] == ["server"] else part
        allowed = [name for name in part.model_fields if name != "path" or part is ModelSpec]
        noun = "factor" if location[0] == "conditions" else "key"
        return f"unknown {noun} '{key}'; allowed: {', '.join(allowed)}"
    if first["type"] == "missing":
        return f"key '{key}' is missing"
    reason = first["msg"].removeprefix("Value error, ").replace("valid tuple", "valid list")
    reason = f"{reason[0].lower()}{reason[1:]}"
    if "server" in location:  # where a key may have been put by mistake
        return f"key '{key}': {reason}"
    value: Any = document
    for step in first["loc"]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return f"key '{key}' is {value!r}; {reason}"
