"""The studies that put the ladder to its questions: ordinary study files and items files.

A study crosses everything in it with everything, so tasks that are asked in different ways have
studies of their own. `read_outcomes` takes the folders of all of them as one table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from confounds.files import write_whole
from confounds.ladder import items
from confounds.ladder.corpus import CUE, KEYS, MARKS, Recipe, count_addition
from confounds.ladder.shipped import READER, RECITER, Member, read_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PROMPTS = dict(zip(("arrow", "colon"), MARKS, strict=True))
ITEMS = {"facts": 40, "addition": 80, "lookup": 100, "tagged": 80, "sums": 80, "recital": 48}
"""Items a task; of facts, for each dose; of addition, for each of three kinds."""
SEEN_TASKS, ONE_TOKEN, WHOLE = ("facts", "addition"), "choice_accuracy", "exact_match"
OF_CHOICES = (ONE_TOKEN, "choice_probability", "brier", "target_log_prob")
OF_TEXTS = (WHOLE, "token_accuracy", "target_log_prob")
CONTROL, CONTROL_FAMILY = "-control", "attention"
BY_TOKENS = "-by-tokens"
OF_CONTROL = ("seen", "lookup")
OF_TUNED = ("lookup", "tagged")
"""Studies that the attention-only control, and the instruction-tuned models, are put to."""
APART = (CONTROL_FAMILY, READER, RECITER)
"""Families that have tasks of their own: another truth holds of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One study before its models are named.

    Attributes:
        name: of the study, its file and its folder of results.
        tasks: what is asked.
        metrics: how answers are scored.
        conditions: factor -> levels.
    """

    name: str
    tasks: tuple[str, ...]
    metrics: tuple[str, ...]
    conditions: Mapping[str, Sequence[Any]]


BOTH = {"prompt": tuple(PROMPTS)}
PLANS: tuple[Plan, ...] = (
    Plan("seen", SEEN_TASKS, OF_TEXTS, {**BOTH, "shots": (0,)}),
    Plan(
        "lookup",
        ("lookup",),
        OF_CHOICES,
        {**BOTH, "shots": (0, items.SHOWN)},
    ),
    Plan("tagged", ("tagged",), OF_TEXTS, {**BOTH, "shots": (0, items.SHOWN)}),
    Plan(
        "map",
        ("map",),
        OF_CHOICES,
        {**BOTH, "shots": (0, KEYS), "demonstrations": ("gold", "shuffled")},
    ),
    Plan("sums", ("sums",), (WHOLE,), {"prompt": ("arrow",), "reasoning": ("direct", "chain")}),
)
RECITAL = Plan("recital", ("recital",), OF_TEXTS, {**BOTH, "shots": (0,)})
"""Put to reciters alone."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Which part of the ladder is asked.

    Attributes:
        seeds: training seeds.
        tuned: whether tuned arms are asked too.
        checkpoints: whether earlier steps are.
        items: share of the items.
        studies: names of those that are put; none named, all.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    tuned: bool = True
    checkpoints: bool = True
    items: float = 1.0
    studies: tuple[str, ...] = ()

    def includes(self, study: str) -> bool:
        """Whether a study belongs to this part."""
        return not self.studies or study in self.studies


FULL = Crossing()


def write_studies(
    folder: Path, crossing: Crossing = FULL, members: Sequence[Member] | None = None
) -> tuple[Path, ...]:
    """Write items and study files.

    Args:
        folder: to write into.
        crossing: which part of the ladder is asked.
        members: models to ask, by default the shipped ones.

    Returns:
        The study files. Tasks put to the `attention` family, a control, end in `-control`: what
        it cannot learn at any size must not be pooled with what the others do.
    """
    members = tuple(read_members() if members is None else members)
    chosen = [one for one in members if one.seed in crossing.seeds]
    able = [one for one in chosen if one.family not in APART]
    folder.mkdir(parents=True, exist_ok=True)
    _write_items(folder, crossing)
    found = [
        _write(folder, plan, asked)
        for plan, asked in _asked(chosen, able, crossing)
        if asked and crossing.includes(plan.name.removesuffix(CONTROL).removesuffix(BY_TOKENS))
    ]
    if crossing.tuned:
        found += _write_finetuned(folder, able)
    if crossing.checkpoints:
        found += _write_checkpoints(folder, able)
    return tuple(found)


def _asked(
    chosen: Sequence[Member], able: Sequence[Member], crossing: Crossing
) -> Iterator[tuple[Plan, list[Member]]]:
    """Each plan, and the models that are put to it."""
    asked = [one for one in able if one.checkpoint is None and one.arm != "finetuned"]
    base = [one for one in asked if one.arm is None]
    tuned = asked if crossing.tuned else base
    for plan in PLANS:
        yield plan, tuned if plan.name in OF_TUNED else base
    controls = [one for one in chosen if one.family == CONTROL_FAMILY]
    for plan in PLANS:
        if plan.name in OF_CONTROL:
            yield _apart(plan, CONTROL), controls
    yield _apart(PLANS[1], BY_TOKENS), [one for one in chosen if one.family == READER]
    yield RECITAL, [one for one in chosen if one.family == RECITER]


def _apart(plan: Plan, suffix: str) -> Plan:
    """The same questions under names of their own, for a family that is not pooled with others."""
    tasks = tuple(f"{task}{suffix}" for task in plan.tasks)
    return replace(plan, name=f"{plan.name}{suffix}", tasks=tasks)


def _write_finetuned(folder: Path, members: Sequence[Member]) -> list[Path]:
    """Fine-tuned models under the names of their base models, asked without examples."""
    tuned = [one for one in members if one.arm == "finetuned"]
    plan = replace(PLANS[2], name="finetuned", conditions={**BOTH, "shots": (0,)})
    return [_write(folder, plan, tuned)] if tuned else []


def _write_checkpoints(folder: Path, members: Sequence[Member]) -> list[Path]:
    """One study a step: a study names a model once."""
    steps = sorted({one.checkpoint for one in members if one.checkpoint is not None})
    return [
        _write(
            folder,
            replace(PLANS[0], name=f"checkpoints-{step}"),
            [one for one in members if one.checkpoint == step],
        )
        for step in steps
    ]


def _write(folder: Path, plan: Plan, members: Sequence[Member]) -> Path:
    lines = [f'name = "{plan.name}"', f"metrics = {_value(plan.metrics)}", ""]
    for task in plan.tasks:
        asked = task.removesuffix(CONTROL).removesuffix(BY_TOKENS)
        lines += ["[[tasks]]", f'name = "{task}"', f'items = "{asked}.jsonl"']
        if plan.conditions.get("shots", (0,))[-1]:
            lines.append(f'demonstrations = "{asked}.shown.jsonl"')
        lines.append("")
    lines += ["[conditions]", *(f"{key} = {_value(on)}" for key, on in plan.conditions.items()), ""]
    for name, mark in PROMPTS.items():
        lines += [
            f"[prompts.{name}]",
            f'item = "{{prompt}}{mark}"',
            'target = "{target}"',
            'separator = "\\n"',
            f'cue = "{CUE}"',
            "",
        ]
    lines += ["[generation]", "chain_max_tokens = 10", 'chain_stop = ["\\n"]', ""]
    for one in members:
        lines += ["[[models]]", *(f"{key} = {_value(on)}" for key, on in one.columns().items()), ""]
    return write_whole(folder / f"{plan.name}.toml", "\n".join(lines).encode())


def _value(value: Any) -> str:
    """A value in TOML; strings, numbers and lists are written there as in JSON."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _write_items(folder: Path, crossing: Crossing) -> None:
    """The questions of the tasks that are asked."""
    count = {name: max(8, round(number * crossing.items)) for name, number in ITEMS.items()}
    tasks: dict[str, Callable[[], items.Task]] = {
        "facts": lambda: items.fact_task(items.known_facts(), count["facts"]),
        "addition": lambda: items.addition_task(count_addition(Recipe()), count["addition"]),
        "map": items.map_task,
        "lookup": lambda: items.lookup_task(count["lookup"]),
        "tagged": lambda: items.tagged_task(count["tagged"]),
        "sums": lambda: items.sums_task(count["sums"]),
        "recital": lambda: items.recital_task(count["recital"]),
    }
    asked = {
        task for plan in (*PLANS, RECITAL) if crossing.includes(plan.name) for task in plan.tasks
    }
    asked |= set(PLANS[2].tasks) if crossing.tuned else set()
    asked |= set(SEEN_TASKS) if crossing.checkpoints else set()
    for task in (tasks[name]() for name in tasks if name in asked):
        for questions, name in (
            (task.questions, f"{task.name}.jsonl"),
            (task.demonstrations, f"{task.name}.shown.jsonl"),
        ):
            if questions:
                lines = [json.dumps(one.as_fields()) for one in questions]
                write_whole(folder / name, ("\n".join(lines) + "\n").encode())
