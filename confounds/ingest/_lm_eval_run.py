"""One run of the LM Evaluation Harness, as its result file tells it (0.3 and 0.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._facts import published_task
from confounds.ingest._identity import loaded_as
from confounds.ingest._json import load_mapping, mapping
from confounds.ingest._rows import Model, model_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_KEYS = ("peft", "delta", "pretrained", "model", "path", "engine")
_NOT_SCORES = ("alias", "name", "sample_len", "sample_count")
_SIGNS = (r"/|=", r"[\"<>:/|\\?*\[\]]+")
"""What 0.4.0 and 0.4.2 put two underscores for."""
_DATE = re.compile(r"_(\d{4}-\d\d-\d\dT[\d.\-]+)$")


@dataclass(frozen=True, slots=True)
class Score:
    """One average: the harness's name of the metric, the filter before it, value and error."""

    metric: str
    filter: str
    value: float
    std_error: float | None


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One task of a run.

    Attributes:
        name: of the task.
        scores: its averages.
        n: items behind them, where the file says.
        shots: demonstrations in the prompt.
        config: of the task, in 0.4 files.
        choices: True when an answer is one of several given ones.
    """

    name: str
    scores: tuple[Score, ...]
    n: int | None
    shots: int | None
    config: Mapping[str, Any] = field(default_factory=dict)
    choices: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One result file.

    Attributes:
        path: of the file.
        model: hub id, or the part of a local path that names it.
        checkpoint: training step, where the revision or the local path names one.
        load: how the weights differ from those that the name stands for; "" where they do not.
        parameters: where the file says.
        seed: of the choice of demonstrations, where the file says.
        prompt: `chat` where a chat template was applied, `completion` where the file says
            that none was, else None.
        date: as in the names of the file and of its samples; None where it has none.
        prefixes: of the names of files of samples before 0.4.3, which have the model's arguments
            in place of a date.
        tasks: those that were run; averages over groups of them are left out.
        groups: names of those groups.
    """

    path: Path
    model: str
    checkpoint: int | None
    load: str
    parameters: float | None
    seed: int | None
    prompt: str | None
    date: str | None
    prefixes: tuple[str, ...]
    tasks: tuple[TaskRun, ...]
    groups: tuple[str, ...]

    def samples_path(self, task: TaskRun) -> Path | None:
        """The file with the samples of one task, where there is one.

        0.3 writes them with `--write_out`, later ones with `--log_samples`. The second Open LLM
        Leaderboard calls its JSON Lines `.json`.
        """
        if self.date is None:
            names = [f"{prefix}_{task.name}.jsonl" for prefix in self.prefixes]
            names += [f"{task.name}_write_out_info.json"]
        else:
            names = [f"samples_{task.name}_{self.date}{end}" for end in (".jsonl", ".json")]
        paths = [self.path.parent / name for name in names if name == Path(name).name]
        return next((path for path in paths if path.is_file()), None)


def read_run(path: Path) -> Run:
    """Read a result file.

    Raises:
        FormatError: it is cut short, not JSON, or lacks what makes a result file.
    """
    document = _load(path)
    config = mapping(document.get("config"))
    arguments = _arguments(config.get("model_args"))
    groups = tuple(
        name for name, members in mapping(document.get("group_subtasks")).items() if members
    )
    results = mapping(document["results"])
    tasks = tuple(
        _task(document, config, name, table)
        for name, table in results.items()
        if name not in groups and isinstance(table, dict)
    )
    date = _DATE.search(path.stem)
    revision = arguments.get("revision") or config.get("model_revision")
    model = _model(document, config, arguments, path)
    return Run(
        path=path,
        model=model.name,
        checkpoint=model.checkpoint,
        load=loaded_as(arguments, revision if model.checkpoint is None else None),
        parameters=_positive(config.get("model_num_parameters")),
        seed=_whole(config.get("fewshot_seed")),
        prompt=_prompt(document),
        date=date.group(1) if date else None,
        prefixes=_prefixes(config.get("model_args")),
        tasks=tasks,
        groups=tuple(name for name in groups if name in results),
    )


def number(value: Any) -> float | None:
    """A number, or a number written as text; None for anything else, such as "N/A"."""
    if isinstance(value, str | int | float):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None


def _load(path: Path) -> dict[str, Any]:
    document = load_mapping(path)
    if not isinstance(document.get("results"), dict):
        msg = f"{path}: no table 'results'; a result file of lm-eval has one"
        raise FormatError(msg)
    return document


def _task(
    document: Mapping[str, Any], config: Mapping[str, Any], name: str, table: Mapping[str, Any]
) -> TaskRun:
    own = mapping(mapping(document.get("configs")).get(name))
    samples = mapping(mapping(document.get("n-samples")).get(name))
    shots = mapping(document.get("n-shot")).get(name, own.get("num_fewshot"))
    known = published_task(name)
    choices = (
        own.get("output_type") == "multiple_choice"
        if "output_type" in own
        else "acc_norm" in table or bool(known and known.chance)
    )
    return TaskRun(
        name=name,
        scores=_scores(table),
        n=_whole(samples.get("effective", table.get("sample_len"))),
        shots=_whole(config.get("num_fewshot") if shots is None else shots),
        config=own,
        choices=choices,
    )


def _scores(table: Mapping[str, Any]) -> tuple[Score, ...]:
    scores = []
    for key, value in table.items():
        metric, _, name = key.partition(",")
        average = number(value) if not isinstance(value, bool) else None
        if metric in _NOT_SCORES or metric.endswith("_stderr") or average is None:
            continue
        error = table.get(f"{metric}_stderr" + (f",{name}" if name else ""))
        scores.append(Score(metric, name or "none", average, number(error)))
    return tuple(scores)


def _arguments(given: Any) -> dict[str, str]:
    """Model arguments, which are a table or a text `key=value,key=value`."""
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items()}
    pairs = (part.partition("=") for part in str(given or "").split(","))
    return {key.strip(): value.strip() for key, sign, value in pairs if sign}


def _prefixes(given: Any) -> tuple[str, ...]:
    """What 0.4.0 and 0.4.2 make of the model's arguments in the name of a file."""
    if not isinstance(given, str):
        return ()
    return tuple(dict.fromkeys(re.sub(signs, "__", given) for signs in _SIGNS))


def _model(
    document: Mapping[str, Any], config: Mapping[str, Any], arguments: Mapping[str, str], path: Path
) -> Model:
    named = next((arguments[key] for key in _NAME_KEYS if key in arguments), None)
    name = named or document.get("model_name") or config.get("model")
    if not isinstance(name, str) or not name:
        msg = f"{path}: the file does not name its model (config.model_args, model_name)"
        raise FormatError(msg)
    return model_of(name, arguments.get("revision") or config.get("model_revision"))


def _prompt(document: Mapping[str, Any]) -> str | None:
    if "chat_template" not in document:
        return None
    return "chat" if document["chat_template"] else "completion"


def _whole(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found >= 0 else None


def _positive(value: Any) -> float | None:
    found = number(value)
    return found if found is not None and found > 0 else None
