"""One run of HELM: what was asked of which model (`run_spec.json`), and the scores beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._json import (
    listing,
    load,
    load_mapping,
    mapping,
    number,
    require,
    text,
    whole,
)
from confounds.ingest._rows import demonstrations, known, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CONDITIONS = (
    "model",
    "model_deployment",
    "method",
    "max_train_instances",
    "num_train_trials",
    "data_augmentation",
    "stop",
)
_CHAIN = "chain_of_thought"
_MANY = "multiple_choice"
_SEPARATE = "multiple_choice_separate"
_TESTED = "test"
_ITEMS = "num_instances"
_SHOTS_USED = "num_train_instances"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        path: of its `run_spec.json`.
        conditions: columns that are the same on every row.
        method: how the model was asked (`adapter_spec.method`).
        trials: draws of demonstrations.
    """

    path: Path
    conditions: Mapping[str, Any]
    method: str
    trials: int

    @property
    def chooses(self) -> bool:
        """True where an answer is one of several given ones."""
        return self.method.startswith(_MANY)

    @property
    def ranks(self) -> bool:
        """True where the likeliest of them is taken, none is written."""
        return self.method.startswith(_SEPARATE)


@dataclass(frozen=True, slots=True)
class Scored:
    """The statistics of one item in one draw of demonstrations."""

    item: str
    trial: int
    split: str | None
    perturbed: bool
    values: Mapping[str, float]
    place: str


def read_run(path: Path) -> Run:
    """Read a `run_spec.json`.

    Raises:
        FormatError: it cannot be read, or does not name its model.
    """
    document = load_mapping(path, "name", "adapter_spec")
    adapter = mapping(document["adapter_spec"])
    model, name = text(adapter.get("model")), text(document["name"])
    if model is None or name is None:
        msg = f"{path}: the run has no name, or does not name its model (adapter_spec.model)"
        raise FormatError(msg)
    method = str(adapter.get("method") or "")
    shots = whole(adapter.get("max_train_instances"))
    found = model_of(model)
    conditions = known(
        task=task_name(name),
        model=found.name,
        checkpoint=found.checkpoint,
        shots=shots,
        demonstrations=demonstrations(shots),
        reasoning=_reasoning(adapter, method),
        prompt=method or None,
        adaptation="prompted",
        run=name,
    )
    trials = whole(adapter.get("num_train_trials")) or 1
    return Run(path, conditions, method, trials)


def task_name(run: str) -> str:
    """The scenario and its arguments, without those that say which model and how asked.

    >>> task_name("mmlu:subject=anatomy,method=multiple_choice_joint,model=openai_gpt2")
    'mmlu:subject=anatomy'
    """
    scenario, _, given = run.partition(":")
    arguments = re.split(r",(?=[^,=]+=)", given) if given else []
    kept = [one for one in arguments if one.partition("=")[0] not in _CONDITIONS]
    return f"{scenario}:{','.join(kept)}" if kept else scenario


def read_scored(run: Run) -> tuple[Scored, ...]:
    """Item by item, from `per_instance_stats.json`, else from `display_predictions.json`.

    Raises:
        FormatError: the file cannot be read.
    """
    folder = run.path.parent
    for name, reader in (
        ("per_instance_stats.json", _from_stats),
        ("display_predictions.json", _from_predictions),
    ):
        if (folder / name).is_file():
            return tuple(reader(folder / name))
    return ()


def plain_items(scored: tuple[Scored, ...]) -> tuple[Scored, ...]:
    """The items as they are (not perturbed), of the split `test` where there is one."""
    whole_items = [one for one in scored if not one.perturbed]
    has_test = any(one.split == _TESTED for one in whole_items)
    return tuple(one for one in whole_items if not has_test or one.split == _TESTED)


def fewer_shots(run: Run, scored: tuple[Scored, ...]) -> int:
    """Items whose prompt had room for fewer demonstrations than were asked for."""
    asked = run.conditions.get("shots")
    used = [one.values[_SHOTS_USED] for one in scored if _SHOTS_USED in one.values]
    return 0 if asked is None else sum(one < asked for one in used)


def choices(run: Run) -> dict[str, int]:
    """Item -> number of answers to choose from, where a file beside the run tells it."""
    folder = run.path.parent
    if not run.chooses:
        return {}
    if (folder / "instances.json").is_file():
        instances = listing(load(folder / "instances.json"))
    elif (folder / "scenario_state.json").is_file():
        states = listing(mapping(load(folder / "scenario_state.json")).get("request_states"))
        instances = [mapping(one).get("instance") for one in states]
    else:
        return {}
    return {
        str(one.get("id")): len(listing(one.get("references")))
        for one in map(mapping, instances)
        if one.get("perturbation") is None
    }


def read_averages(run: Run) -> tuple[dict[str, float], float | None]:
    """Metric -> mean, and the items behind them, from `stats.json`.

    Raises:
        FormatError: the file cannot be read.
    """
    path = run.path.parent / "stats.json"
    if not path.is_file():
        return {}, None
    found: dict[str | None, dict[str, dict[str | None, float]]] = {}
    for row in map(mapping, listing(load(path))):
        name = mapping(row.get("name"))
        mean, called = number(row.get("mean")), text(name.get("name"))
        if name.get("perturbation") is None and mean is not None and called is not None:
            parts = found.setdefault(text(name.get("split")), {}).setdefault(called, {})
            parts[text(name.get("sub_split"))] = mean
    named = [split for split in found if split is not None]
    wanted = _TESTED if _TESTED in named else next(iter(named), None)
    averages = found.get(wanted, {})
    items = averages.pop(_ITEMS, {})
    means = {name: _pooled(name, parts, items, path) for name, parts in averages.items()}
    return means, sum(items.values()) if items else None


def _pooled(
    name: str,
    parts: Mapping[str | None, float],
    items: Mapping[str | None, float],
    path: Path,
) -> float:
    """The mean over all items of a split, of which HELM may average parts (`sub_split`).

    Raises:
        FormatError: there are parts, and nothing tells how many items each has.
    """
    if len(parts) == 1:
        return next(iter(parts.values()))
    if not all(items.get(part, 0.0) > 0 for part in parts):
        msg = (
            f"{path}: '{name}' is averaged over parts of a split ({', '.join(map(str, parts))}), "
            f"and no '{_ITEMS}' says how many items each has; per_instance_stats.json would"
        )
        raise FormatError(msg)
    total = sum(mean * items[part] for part, mean in parts.items())
    return total / sum(items[part] for part in parts)


def _reasoning(adapter: Mapping[str, Any], method: str) -> str | None:
    if method.endswith(_CHAIN) or text(adapter.get("chain_of_thought_prefix")):
        return "chain"
    return "direct" if method.startswith(_MANY) else None


def _from_stats(path: Path) -> Iterator[Scored]:
    for number_, given in enumerate(_rows(path)):
        place = f"{path.name}[{number_}]"
        row = require(given, f"{path}[{number_}]", "instance_id", "stats")
        values, split = {}, None
        for stat in map(mapping, listing(row["stats"])):
            name = mapping(stat.get("name"))
            mean = number(stat.get("mean"))
            split = text(name.get("split")) or split
            if mean is not None and name.get("perturbation") is None:
                values[str(name.get("name"))] = mean
        yield _scored(row, values, split, place)


def _from_predictions(path: Path) -> Iterator[Scored]:
    for number_, given in enumerate(_rows(path)):
        row = require(given, f"{path}[{number_}]", "instance_id", "stats")
        values = {
            str(name): found
            for name, value in mapping(row["stats"]).items()
            if (found := number(value)) is not None
        }
        yield _scored(row, values, None, f"{path.name}[{number_}]")


def _rows(path: Path) -> list[Any]:
    document = load(path)
    if not isinstance(document, list):
        msg = f"{path}: must be a list of items; found {type(document).__name__}"
        raise FormatError(msg)
    return document


def _scored(
    row: Mapping[str, Any], values: Mapping[str, float], split: str | None, place: str
) -> Scored:
    return Scored(
        item=str(row["instance_id"]),
        trial=whole(row.get("train_trial_index")) or 0,
        split=split,
        perturbed=row.get("perturbation") is not None,
        values=values,
        place=place,
    )
