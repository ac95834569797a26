"""Which names, and which runs, are of one model? The sampling unit must not be counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.ingest._facts import published_model
from confounds.ingest._naming import model_key, split_revision
from confounds.ingest._reading import first_places
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from confounds.ingest._facts import ModelFacts
    from confounds.ingest._reading import Reading

TWO_NAMES = "two_names"
_ALTERING = (
    "load_in_4bit",
    "load_in_8bit",
    "quantization",
    "autogptq",
    "gptqmodel",
    "gguf_file",
    "lora_local_path",
    "subfolder",
)
"""Arguments of lm-eval's models, and of Inspect's, that make other weights of those named."""
_NOT_GIVEN = ("", "none", "false", "main")
_OF_A_MODEL = ("family", "parameters", "tokens", "compute", "tuning")


def loaded_as(arguments: Mapping[str, Any], revision: Any = None) -> str:
    """How the weights differ from those that the model's name stands for; "" where they do not.

    Args:
        arguments: of the model, as the tool was given them.
        revision: of the model, where it names no training step: that is a checkpoint.

    >>> loaded_as({"pretrained": "gpt2", "load_in_4bit": "True"}), loaded_as({"dtype": "float16"})
    ('load_in_4bit=True', '')
    """
    given = {name: arguments.get(name) for name in _ALTERING} | {"revision": revision}
    told = {name: str("" if value is None else value) for name, value in given.items()}
    return ", ".join(f"{k}={v}" for k, v in told.items() if v.lower() not in _NOT_GIVEN)


def differing_loads(readings: Iterable[Reading], joined: Mapping[str, str]) -> tuple[Finding, ...]:
    """Models whose runs are not all of the same weights, and are read as runs of one model.

    Args:
        readings: all of them.
        joined: name in the results -> name in the models table.
    """
    loads: dict[str, dict[str, None]] = {}
    for reading in readings:
        for model, load in reading.loads.items():
            loads.setdefault(joined.get(model, model), {})[load or "no such argument"] = None
    places = [f"{model}: {'; '.join(sorted(few))}" for model, few in loads.items() if len(few) > 1]
    if not places:
        return ()
    message = (
        "Runs of a model were made of other weights (quantised, an adapter, a revision) and are "
        "averaged with the rest as one model; read them apart to tell them apart"
    )
    return (Finding("differing_loads", message, len(places), first_places(places)),)


def join_aliases(
    frame: pd.DataFrame, models: Mapping[str, ModelFacts]
) -> tuple[pd.DataFrame, dict[str, str], tuple[Finding, ...]]:
    """Rows under the name that the models table gives each model, where they have an alias of it.

    Args:
        frame: the scores, filled with what is known of models.
        models: of the user; by name and by alias.

    Returns:
        The rows; name in the results -> name in the models table, where they differ; a note.
    """
    if not len(frame):
        return frame, {}, ()
    names = [name for name in frame["model"].unique() if isinstance(name, str)]
    joined = {
        name: models[name].model for name in names if name in models and models[name].model != name
    }
    if not joined:
        return frame, {}, ()
    frame = frame.assign(model=frame["model"].map(lambda name: joined.get(name, name)))
    rows = frame["model"].isin(set(joined.values()))
    by = [frame.loc[rows, name] for name in ("model", "checkpoint") if name in frame.columns]
    for column in (name for name in _OF_A_MODEL if name in frame.columns):
        known = frame.loc[rows, column].groupby(by, dropna=False).transform("first")
        frame.loc[rows, column] = frame.loc[rows, column].where(lambda one: one.notna(), known)
    message = "Models go by an alias in the results, and are read as the models table names them"
    places = first_places(f"{name} -> {model}" for name, model in joined.items())
    return frame, joined, (Finding("joined_models", message, len(joined), places, "note"),)


def two_names(frame: pd.DataFrame, models: Mapping[str, ModelFacts]) -> tuple[Finding, ...]:
    """Models that the results have under several names, as far as a name tells.

    They are not joined: a copy of somebody's own may be another model. A models table that has a
    line for each says so.
    """
    if not len(frame):
        return ()
    same: dict[tuple[str, str | None], list[str]] = {}
    for name in frame["model"].unique():
        if isinstance(name, str):
            same.setdefault(_key(name), []).append(name)
    few = [names for names in same.values() if sum(name not in models for name in names)]
    places = [" = ".join(names) for names in few if len(names) > 1]
    if not places:
        return ()
    message = (
        "Names are of one model, as far as names tell, and count as several; in the table of "
        "--models, 'aliases' of one line join them, and a line for each keeps them apart"
    )
    return (Finding(TWO_NAMES, message, len(places), first_places(places)),)


def _key(name: str) -> tuple[str, str | None]:
    """The published model, else the name without organisation and case; and a revision in it."""
    bare, revision = split_revision(name)
    known = published_model(bare)
    return (model_key(bare) if known is None else known.model, revision)
