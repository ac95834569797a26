"""What a reader must know of a table of outcomes before believing a number in it.

Each check is one function from a `Survey` of the table to findings; `inspect_outcomes` runs
them all, after what was noted when the table was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, log
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from confounds.outcomes.cells import average_items, group_ids
from confounds.outcomes.schema import CELL_KEYS
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from confounds.measures import Measure
    from confounds.outcomes import Outcomes

Level = Literal["error", "warning", "note"]

_PLACES = 8
_LEVELS = ("error", "warning", "note")
_CODES = (-1.0, -99.0, -100.0, -999.0, -9999.0, 999.0, 9999.0)
_IMPOSSIBLE = 1e-6
_EXACT = 1e-6
_UNLIKELY = 1e-4
_F1_OF = {"exact_match": ("exact_match_macro_f1", "macro_f1")}
_SETTING = ("task", "metric", "shots", "prompt", "demonstrations", "reasoning", "checkpoint")


@dataclass(frozen=True, slots=True)
class Survey:
    """What the checks look at.

    Attributes:
        runs: one row a run (items averaged), columns of the table.
        measures: metric -> its declaration.
    """

    runs: pd.DataFrame
    measures: dict[str, Measure]

    def of(self, keep: Callable[[Measure], bool]) -> pd.DataFrame:
        """The runs whose metric's declaration passes."""
        names = [name for name, measure in self.measures.items() if keep(measure)]
        return self.runs[self.runs["metric"].isin(names)]


def inspect_outcomes(outcomes: Outcomes) -> tuple[Finding, ...]:
    """What is in the table that a reader must know?

    Returns:
        What was noted when the table was read, and what the checks of this module find:
        errors first, then warnings, then notes.
    """
    survey = Survey(average_items(outcomes.frame), outcomes.measures)
    found = [*outcomes.notes]
    for check in CHECKS:
        found += check(survey)
    return tuple(sorted(found, key=lambda finding: _LEVELS.index(finding.level)))


def unknown_sizes(survey: Survey) -> list[Finding]:
    """Models without a known size are left out of tests along parameters."""
    unknown = survey.runs.loc[survey.runs["parameters"].isna(), "model"]
    message = "Models have no known size (--models can give it); tests along size leave them out"
    return _finding("unknown_size", message, _ordered(unknown))


def inconsistent_models(survey: Survey) -> list[Finding]:
    """A model has one size, one family and one tuning."""
    found = []
    for column in ("parameters", "family", "tuning"):
        different = survey.runs.groupby("model")[column].nunique()
        models = _ordered(different[different > 1].index)
        message = f"Models have more than one value of {column}"
        found += _finding("inconsistent_model", message, models, level="error")
    return found


def repeated_runs(survey: Survey) -> list[Finding]:
    """Runs under several seeds that agree to the last digit on every metric are one run."""
    keys = [name for name in CELL_KEYS if name != "metric"]
    runs = survey.runs
    ids, count = group_ids(runs, keys)
    pairs, _ = group_ids(runs.assign(_cell=ids), ["_cell", "metric"])
    differs = runs["score"].to_numpy() != _first(runs["score"], pairs)[pairs]
    varied = np.bincount(ids[differs], minlength=count) > 0
    same = (_distinct(runs["seed"], ids, count) > 1) & ~varied
    if not same.any():
        return []
    repeated = runs[same[ids]]
    distinct, _ = group_ids(repeated, [*keys, "seed", "run"])
    message = (
        "Runs differ in seed but not in any score: the seed did not vary anything, so the runs "
        f"of one condition count as one ({int(same.sum())} conditions)"
    )
    return _finding(
        "pseudo_replication", message, _places(repeated), count=len(np.unique(distinct))
    )


def same_seed(survey: Survey) -> list[Finding]:
    """Several runs of one condition under one seed add nothing unless something was drawn."""
    ids, count = group_ids(survey.runs, CELL_KEYS)
    runs = np.bincount(ids, minlength=count)
    repeated = (runs > 1) & (_distinct(survey.runs["seed"], ids, count) <= 1)
    chosen = survey.runs[repeated[ids]]
    message = "Conditions were run more than once without different seeds"
    return _finding("same_seed", message, _places(chosen), count=int(repeated.sum()), level="note")


def differing_items(survey: Survey) -> list[Finding]:
    """Runs of one task on different numbers of items are not scores of one test."""
    runs = survey.runs
    values = {
        task: np.unique(runs.loc[runs["task"] == task, "n"]) for task in runs["task"].unique()
    }
    places = [f"{task}: {_listed(n)}" for task, n in sorted(values.items()) if len(n) > 1]
    message = "Tasks were run on different numbers of items"
    return _finding("differing_n", message, places)


def differing_shots(survey: Survey) -> list[Finding]:
    """Few-shot means another number of demonstrations on some tasks than on most."""
    levels = {
        str(task): tuple(np.unique(shots.dropna()))
        for task, shots in survey.runs.groupby("task")["shots"]
    }
    levels = {task: values for task, values in levels.items() if values}
    if not levels:
        return []
    common = pd.Series(list(levels.values())).value_counts().index[0]
    places = [f"{task}: {_listed(one)}" for task, one in levels.items() if one != common]
    message = f"Tasks have other numbers of demonstrations than most ({_listed(common)})"
    return _finding("differing_shots", message, places)


def scoring_failures(survey: Survey) -> list[Finding]:
    """A score of exactly 0 where a guesser would not get it says that scoring failed."""
    runs = survey.of(lambda measure: measure.likelihood == "binomial")
    with np.errstate(divide="ignore"):
        log_zero = runs["n"] * np.log1p(-runs["chance"].clip(upper=1 - 1e-12))
    failed = (runs["score"] == 0) & (log_zero < log(_IMPOSSIBLE))
    message = (
        "Scores are exactly 0 where a guesser would score: the answers were not found, which "
        "says nothing of ability"
    )
    return _finding("scoring_failure", message, _places(runs[failed]), count=int(failed.sum()))


def below_chance(survey: Survey) -> list[Finding]:
    """Scores too far below chance for a guesser: answers in a form that scoring misses."""
    runs = survey.of(lambda measure: measure.likelihood == "binomial" and measure.higher_is_better)
    chance, score = runs["chance"], runs["score"]
    # Chernoff: a binomial share lies this far below its mean with at most this probability.
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = score * np.log(score / chance) + (1 - score) * np.log(
            (1 - score) / (1 - chance)
        )
    low = (score > 0) & (score < chance) & (-runs["n"] * divergence < log(_IMPOSSIBLE))
    message = (
        "Scores are too low for a guesser: answers were not in the form that is scored, or the "
        "items were chosen against models"
    )
    return _finding("below_chance", message, _places(runs[low]), count=int(low.sum()))


def constant_answers(survey: Survey) -> list[Finding]:
    """With two classes macro-F1 = accuracy / (1 + accuracy) when one class is never right."""
    runs = survey.runs
    keys = [name for name in (*CELL_KEYS, "seed", "run") if name != "metric"]
    ids, _ = group_ids(runs, keys)
    binary = runs[runs["chance"] == 1 / 2].assign(_run=ids[(runs["chance"] == 1 / 2).to_numpy()])
    f1 = {name: runs["score"].groupby([runs["metric"], ids]).first().get(name)
          for name in ("macro_f1", "exact_match_macro_f1")}  # fmt: skip
    constant = pd.Series(data=False, index=binary.index)
    for metric in binary["metric"].unique():
        names = _F1_OF.get(metric, ("macro_f1",))
        partner = next((f1[name] for name in names if f1[name] is not None), None)
        if partner is None or metric in f1:
            continue
        rows = binary["metric"] == metric
        score = binary.loc[rows, "score"]
        expected = score / (1 + score)
        there = binary.loc[rows, "_run"].map(partner)
        constant[rows] = (score > 0) & ((there - expected).abs() < _EXACT)
    message = (
        "Runs are right on one of the two classes only (macro-F1 = accuracy / (1 + accuracy)): "
        "a constant answer, whatever the accuracy"
    )
    flagged = binary[constant]
    return _finding("constant_answer", message, _places(flagged), count=len(flagged))


def shared_scores(survey: Survey) -> list[Finding]:
    """Models that share a score to the last digit gave one answer, or were not scored."""
    runs = survey.of(lambda measure: measure.likelihood == "binomial")
    ids, count = group_ids(runs, [*_SETTING, "n"])
    together, groups = group_ids(runs.assign(_setting=ids), ["_setting", "score"])
    models = _distinct(runs["model"], ids, count)
    sharing = _distinct(runs["model"], together, groups)
    first = np.unique(together, return_index=True)[1]
    n, score = runs["n"].to_numpy()[first], runs["score"].to_numpy()[first]
    width = np.sqrt(2 * np.pi * n * score * (1 - score))
    chances = [
        _coincidence(int(all_models), int(shared), float(at))
        for all_models, shared, at in zip(models[ids[first]], sharing, width, strict=True)
    ]
    suspect = (np.array(chances) < _UNLIKELY / max(count, 1))[together]
    flagged = runs[suspect]
    message = (
        "Models share a score to the last digit more often than chance allows: they gave the "
        "same answer to every item, or were scored alike whatever they answered"
    )
    places = _ordered(f"{row.task} {row.metric} {row.score:.4f}" for row in _rows(flagged))
    return _finding("shared_score", message, places, count=len(flagged))


def majority_above_chance(survey: Survey) -> list[Finding]:
    """Where a constant answer beats a guesser, beating the guesser shows nothing."""
    runs = survey.runs
    above = runs[runs["majority"] > runs["chance"] + _EXACT]
    places = _ordered(
        f"{row.task}: {row.majority:.4f} against {row.chance:.4f}"
        for row in _rows(above.drop_duplicates(["task", "majority", "chance"]))
    )
    message = "Tasks have a constant answer that scores above chance"
    return _finding("majority_above_chance", message, places)


def mixed_scales(survey: Survey) -> list[Finding]:
    """Proportions among percents: some models' scores are a hundredth of the others'."""
    runs = survey.of(lambda measure: measure.upper == 100)
    if runs.empty:
        return []
    top = runs.groupby(["task", "metric", "model"])["score"].max()
    typical = runs.groupby(["task", "metric"])["score"].median()
    table = top.reset_index().merge(typical.rename("typical").reset_index())
    mixed = table[(table["score"] > 0) & (table["score"] <= 1) & (table["typical"] > 10)]
    places = [f"{row.model} on {row.task}" for row in _rows(mixed)]
    message = "Scores of models are proportions where the others' are percent"
    return _finding("mixed_scales", message, places, level="error")


def missing_codes(survey: Survey) -> list[Finding]:
    """Numbers that usually mean "missing" among the scores of an unbounded metric."""
    runs = survey.of(lambda measure: not measure.bounded)
    if runs.empty:
        return []
    coded = runs[runs["score"].isin(_CODES)]
    repeats = coded.groupby(["metric", "score"])["score"].transform("size") > 1
    flagged = coded[repeats]
    message = "Scores repeat a number that usually means missing"
    return _finding(
        "suspected_missing_code", message, _places(flagged), count=len(flagged), level="error"
    )


def unknown_chance(survey: Survey) -> list[Finding]:
    """Without chance there is no baseline to be above."""
    runs = survey.of(lambda measure: measure.chance == "uniform" and measure.higher_is_better)
    unknown = runs[runs["chance"].isna()]
    places = _ordered(
        f"{row.task} {row.metric}" for row in _rows(unknown.drop_duplicates(["task", "metric"]))
    )
    message = (
        "Scores that a guesser can reach come without the guesser's expected score "
        "(--tasks can give it)"
    )
    return _finding("unknown_chance", message, places, level="note")


CHECKS: tuple[Callable[[Survey], list[Finding]], ...] = (
    mixed_scales,
    missing_codes,
    inconsistent_models,
    scoring_failures,
    below_chance,
    constant_answers,
    shared_scores,
    repeated_runs,
    same_seed,
    differing_items,
    differing_shots,
    majority_above_chance,
    unknown_sizes,
    unknown_chance,
)


def _finding(
    kind: str,
    message: str,
    places: list[str],
    *,
    count: int | None = None,
    level: Level = "warning",
) -> list[Finding]:
    total = len(places) if count is None else count
    if not total:
        return []
    return [Finding(kind, message, total, tuple(places[:_PLACES]), level)]


def _places(runs: pd.DataFrame) -> list[str]:
    """Task and metric with the number of runs, the most frequent first."""
    if runs.empty:
        return []
    counts = runs.groupby(["task", "metric"]).size().reset_index(name="count")
    ordered = counts.sort_values("count", ascending=False, kind="stable")
    return [f"{row.task} {row.metric} ({row.count})" for row in _rows(ordered)]


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return iter(frame.itertuples(index=False))


def _ordered(values: Iterable[Any]) -> list[str]:
    return sorted({str(value) for value in values})


def _listed(values: Iterable[float]) -> str:
    return " and ".join(f"{value:g}" for value in values)


def _distinct(values: pd.Series[Any], ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many distinct known values there are in each group."""
    codes = pd.factorize(values.to_numpy())[0].astype(np.int64)
    known = codes >= 0
    pairs = np.unique(np.stack([ids[known], codes[known]]), axis=1)
    return np.bincount(pairs[0], minlength=count).astype(np.int64)


def _first(values: pd.Series[Any], ids: NDArray[np.int64]) -> NDArray[Any]:
    """The first value of each group."""
    return np.asarray(values.to_numpy()[np.unique(ids, return_index=True)[1]])


def _coincidence(models: int, sharing: int, width: float) -> float:
    """Bound on the probability that this many of the models share one count by chance.

    Two models with the same ability agree in their count with probability about 1 / width.
    """
    if sharing < 3 or width <= 1:
        return 1.0
    return min(1.0, comb(models, sharing) * width ** (1 - sharing))
