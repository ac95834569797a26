"""The evaluation scores published with Lu et al. (2024).

"Are Emergent Abilities in Large Language Models just In-Context Learning?", ACL 2024;
UKPLab/on-emergence, `evaluation_scores.csv`. A row is one run: task, model, prompt type,
shots, seed, and several scores. -100 is missing.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from confounds.errors import FormatError
from confounds.ingest._reading import Reading, first_places, stack
from confounds.measures import Measure
from confounds.outcomes._csv_lines import bounded_lines
from confounds.outcomes.storage import read_frame
from confounds.results import Finding

if TYPE_CHECKING:
    from pathlib import Path

_MISSING = -100.0
_SCORES = {
    "exact_match_accuracy": "exact_match",
    "bert_score_accuracy": "bert_score_accuracy",
    "bert_score_f1": "macro_f1",
    "exact_match_f1": "exact_match_macro_f1",
    "edit_distance": "edit_distance",
    "single_bert_score": "bert_score",
}
_COLUMNS = (
    "run_id",
    "filename",
    "number_of_data",
    "model",
    "prompt_type",
    "number_of_shots",
    "seed",
    *_SCORES,
)
_MACRO_F1 = Measure(
    "exact_match_macro_f1",
    "discontinuous",
    chance="none",
    summary="mean F1 over the classes, answers by exact match",
)

_GUESSABLE = ("exact_match", "bert_score_accuracy")

# 1 / number of options; where that varies by item, its mean. Tasks without options have none.
_CHANCE = {
    "analytic_entailment": 1 / 2,
    "causal_judgment": 1 / 2,
    "fact_checker": 1 / 2,
    "implicatures": 1 / 2,
    "misconceptions": 1 / 2,
    "strategyqa": 1 / 2,
    "logical_deduction": 1 / 3,
    "modified_arithmetic": 1 / 3,
    "social_iqa": 1 / 3,
    "tracking_shuffled_objects": 1 / 3,
    "common_morpheme": 1 / 4,
    "hindu_knowledge": 1 / 4,
    "phrase_relatedness": 1 / 4,
    "strange_stories": 1 / 4,
    "commonsense_qa": 1 / 5,
    "english_proverbs": 1 / 5,
    "gsm8k": 1 / 5,
    "rhyming": 1 / 5,
    "figure_of_speech_detection": 1 / 10,
    "nonsense_words_grammar": 0.24,
    "physical_intuition": 0.26,
}


@dataclass(frozen=True, slots=True)
class _Model:
    family: str
    parameters: float | None
    tuning: str


_MODELS = {
    "gpt2": _Model("gpt2", 0.117e9, "base"),
    "Rachneet/gpt2-alpaca": _Model("gpt2", 0.117e9, "instruct"),
    "gpt2-xl": _Model("gpt2", 1.6e9, "base"),
    "Rachneet/gpt2-xl-alpaca": _Model("gpt2", 1.6e9, "instruct"),
    "EleutherAI/gpt-j-6b": _Model("gpt-j", 6e9, "base"),
    "togethercomputer/GPT-JT-6B-v1": _Model("gpt-j", 6e9, "instruct"),
    "t5-small": _Model("t5", 0.06e9, "base"),
    "google/flan-t5-small": _Model("t5", 0.06e9, "instruct"),
    "t5-large": _Model("t5", 0.77e9, "base"),
    "google/flan-t5-large": _Model("t5", 0.77e9, "instruct"),
    "davinci": _Model("gpt-3", 175e9, "base"),
    "text-davinci-001": _Model("gpt-3", 175e9, "instruct"),
    "text-davinci-003": _Model("gpt-3", 175e9, "instruct"),
    "tiiuae/falcon-7b": _Model("falcon", 7e9, "base"),
    "tiiuae/falcon-7b-instruct": _Model("falcon", 7e9, "instruct"),
    "tiiuae/falcon-40b": _Model("falcon", 40e9, "base"),
    "tiiuae/falcon-40b-instruct": _Model("falcon", 40e9, "instruct"),
    "models--llama/7B": _Model("llama", 7e9, "base"),
    "chavinlo/alpaca-native": _Model("llama", 7e9, "instruct"),
    "models--llama/13B": _Model("llama", 13e9, "base"),
    "chavinlo/alpaca-13b": _Model("llama", 13e9, "instruct"),
    "models--llama/30B": _Model("llama", 30e9, "base"),
    "code": _Model("gpt-3", None, "code"),
    "gpt-4": _Model("gpt-4", None, "instruct"),
}


class OnEmergence:
    """Reads `evaluation_scores.csv`."""

    name = "on_emergence"
    summary = "evaluation_scores.csv of Lu et al. (2024)"

    def recognises(self, path: Path) -> bool:
        """A CSV whose header has the columns of the published file."""
        if path.suffix != ".csv":
            return False
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            try:
                return set(_COLUMNS) <= set(next(csv.reader(bounded_lines(file)), []))
            except csv.Error:
                return False

    def read(self, path: Path) -> Reading:
        """One row per run and metric; duplicates and missing scores are dropped and noted.

        Raises:
            FormatError: the file is not UTF-8 CSV with the published columns and numbers.
        """
        raw = _load(path)
        repeated = raw.duplicated(subset=[name for name in raw.columns if name != "source"])
        notes = _note(
            "duplicate_rows",
            "Rows repeat an earlier row exactly and are left out",
            raw.loc[repeated, "source"],
        )
        runs = _runs(raw[~repeated].reset_index(drop=True), path)
        notes += _note_missing(runs)
        frame = _long(runs)
        notes += _fill_majority(frame, runs)
        measures = {_MACRO_F1.name: _MACRO_F1}
        return Reading(frame, measures, notes, complete=True)


def _load(path: Path) -> pd.DataFrame:
    content = read_frame(path)
    raw = content.frame.fillna("")
    missing = [name for name in _COLUMNS if name not in raw.columns]
    if missing:
        msg = f"{path}: column '{missing[0]}' is missing; this format has {', '.join(_COLUMNS)}"
        raise FormatError(msg)
    places = [f"{path.name}:{line}" for line in content.lines]
    return raw.assign(source=places or path.name)


def _runs(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """One row a run: conditions as columns of the table, scores as numbers, missing as NaN."""
    known = raw["model"].map(lambda name: _MODELS.get(name, _Model(name, None, "")))
    shots = _number(raw, "number_of_shots", path)
    task = raw["filename"].str.split("/").str[0]
    runs = {
        "task": task,
        "model": raw["model"],
        "n": _number(raw, "number_of_data", path),
        "family": known.map(lambda model: model.family),
        "parameters": known.map(lambda model: model.parameters),
        "tuning": known.map(lambda model: model.tuning),
        "seed": _number(raw, "seed", path),
        "adaptation": "prompted",
        "shots": shots,
        "demonstrations": np.where(shots > 0, "gold", "none"),
        "reasoning": "direct",
        "prompt": raw["prompt_type"],
        "run": raw["run_id"],
        "source": raw["source"],
        **{name: _number(raw, name, path) for name in _SCORES},
    }
    return pd.DataFrame(runs)


def _number(raw: pd.DataFrame, name: str, path: Path) -> pd.Series[float]:
    text = raw[name].replace({"None": "", "none": ""})
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna() & (text != "")
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        line = raw["source"].iloc[row]
        msg = f"{path.parent / line}: {name} is {text.iloc[row]!r}; it must be a number"
        raise FormatError(msg)
    return numbers


def _note_missing(runs: pd.DataFrame) -> tuple[Finding, ...]:
    """Blanks the sentinel out of the scores; changes the frame."""
    notes: tuple[Finding, ...] = ()
    for name in _SCORES:
        sentinel = runs[name] == _MISSING
        notes += _note(
            "missing_code", f"Scores of {name} are the code -100 and count as missing",
            runs.loc[sentinel, "task"],
        )  # fmt: skip
        runs.loc[sentinel, name] = np.nan
    return notes


def _long(runs: pd.DataFrame) -> pd.DataFrame:
    conditions = runs.drop(columns=list(_SCORES))
    parts = []
    for column, metric in _SCORES.items():
        part = conditions.assign(metric=metric, score=runs[column])
        part["chance"] = _chance(part) if metric in _GUESSABLE else np.nan
        part["chance_source"] = np.where(part["chance"].notna(), "uniform", "")
        parts.append(part[part["score"].notna()])
    return stack(parts)


def _chance(part: pd.DataFrame) -> pd.Series[float]:
    """A guesser needs to be shown the options, or to have its answer matched to them."""
    shown = (part["prompt"] != "open") | (part["metric"] == "bert_score_accuracy")
    return part["task"].map(_CHANCE).where(shown)


def _fill_majority(frame: pd.DataFrame, runs: pd.DataFrame) -> tuple[Finding, ...]:
    """A lower bound of the majority class's share, from runs that are right on one class only.

    With two classes macro-F1 = accuracy / (1 + accuracy) exactly when every right answer is
    of one class, so that class holds at least that share of the items.
    """
    binary = runs["task"].map(_CHANCE) == 1 / 2
    best: dict[str, float] = {}
    pairs = (("bert_score_accuracy", "bert_score_f1"), ("exact_match_accuracy", "exact_match_f1"))
    for accuracy, f1 in pairs:
        share = runs[accuracy]
        one_class = binary & (share > 1 / 2) & ((share / (1 + share) - runs[f1]).abs() < 1e-6)
        for task, value in share[one_class].groupby(runs["task"]).max().items():
            best[str(task)] = max(best.get(str(task), 0.0), float(value))
    rows = frame["metric"].isin(_GUESSABLE)
    frame["majority"] = frame["task"].map(best).where(rows)
    if not best:
        return ()
    message = "Tasks have a majority class, seen in runs that are right on that class only"
    where = tuple(f"{task} {share:.4f}" for task, share in sorted(best.items()))
    return (Finding("majority_class", message, len(best), where, "note"),)


def _note(kind: str, message: str, places: pd.Series[str]) -> tuple[Finding, ...]:
    if not len(places):
        return ()
    return (Finding(kind, message, len(places), first_places(places)),)


FORMAT = OnEmergence()
