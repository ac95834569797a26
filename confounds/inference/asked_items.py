"""Does a threshold outlast the difficulty of the items, where models were asked different ones?

A model's mean score mixes what it can do with how hard its items are. Items that differ between
conditions are no matter: their difficulty is a level, which every threshold test projects out. But
where the larger models of one condition were asked other items than the smaller ones, easier items
read as a step. Then the threshold is searched for once more inside the crossed mixed model
(`mixed_threshold`), each item with a difficulty of its own, and the larger p-value counts: items
can undo a departure and never make one.

Items that only models above the threshold were asked get a mean difficulty of their own, and so do
those that only models below it were asked; both are known by the items that models on both sides
were asked. Where there are too few of these, harder items cannot be told from a step, and the
departure is not shown. Where no item was asked of two models (each has names or draws of its own),
items are taken to be drawn alike, and it is said.

Harder items of the larger models can also hide a step. So nothing is explained by a condition in
which items differ in difficulty across the threshold by half of the smallest effect of interest.

Size and power, beside the test on means: `benchmarks/mixed_threshold.py`.

Estimand: the p-value of the threshold once every item has a difficulty of its own.

Formula: that of `mixed_threshold`, with a mean difficulty of their own for items that only models
on one side of the threshold were asked; p = the larger of it and that of the test on means.

Assumption that would break it: an item is as hard for every model.

Source: Baayen, Davidson & Bates 2008 (items and subjects crossed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.claim import CONDITIONS
from confounds.inference._mixed_design import MixedDesign, Term
from confounds.inference.mixed_threshold import MixedSearch, search_threshold
from confounds.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.inference._plan import TestPlan
    from confounds.inference.sample import Flags, Floats, Ints, Sample

LACKING = 0.02
"""Share of the items that a model may lack before its mean is held to be of other items."""
LINKS = 5
"""Items that models on both sides of the threshold must have been asked."""
OWN = 5
"""Items that only one side was asked, for a mean difficulty of their own."""
REPLICATES = 499
SWEEPS = 100
KEPT = ("model", "item", "score", "chance", "checkpoint")
ANY_SLOPE = 1e-6
"""`gradual` of a null whose slope is free."""
NOT_OF_ITEMS = frozenset({"metric", "beside", "capability", "families"})
"""What a condition may hold beside columns: the same rows, with other axes or models."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Item rows of one condition, one a model and item.

    Attributes:
        model: (R,) row of the model in the sample.
        item: (R,) index of the item.
        score: (R,) score, the mean over repeats.
        chance: (R,) expected score of a guesser, NaN where it is not known.
    """

    model: Ints
    item: Ints
    score: Floats
    chance: Floats

    @property
    def asked(self) -> Flags:
        """(M, I) True where the model was asked the item."""
        asked = np.zeros((int(self.model.max()) + 1, int(self.item.max()) + 1), dtype=bool)
        asked[self.model, self.item] = True
        return asked

    @property
    def shared(self) -> bool:
        """Whether any item was asked of two models."""
        return bool(int(self.asked.sum(axis=0).max()) > 1)


def item_rows(frame: pd.DataFrame, places: Ints, condition: Mapping[str, Any]) -> pd.DataFrame:
    """The item rows of one condition: of every model its last checkpoint, unless one is named.

    Args:
        frame: a table of outcomes.
        places: where its item rows of one task and metric are; no other row is looked at.
        condition: column -> value or values held fixed.
    """
    for name, value in condition.items():
        values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
        places = places[pd.Series(frame[name].to_numpy()[places]).isin(values).to_numpy()]
    rows = pd.DataFrame({name: frame[name].to_numpy()[places] for name in KEPT})
    if "checkpoint" in condition or rows.empty:
        return rows
    last = rows.groupby("model")["checkpoint"].transform("max")
    return rows[rows["checkpoint"].isna() | (rows["checkpoint"] == last)]


def has_own_items(sample: Sample, condition: Mapping[str, Any]) -> bool:
    """Whether the rows of a condition are those behind the sample, and answers right or wrong."""
    return sample.binomial and not set(condition) - {*CONDITIONS} - NOT_OF_ITEMS


def answers_of(rows: pd.DataFrame, sample: Sample, *, flipped: bool) -> Answers | None:
    """The answers behind a sample, or None where there are none, or all models were asked the same.

    Args:
        rows: item rows of the sample's condition.
        sample: the models.
        flipped: a lower score is better, and the sample's were turned.
    """
    rows = rows[rows["model"].isin(sample.models)]
    if rows["model"].nunique() < len(sample):
        return None
    means = rows.groupby(["model", "item"], sort=True)[["score", "chance"]].mean().reset_index()
    score, chance = (means[name].to_numpy(np.float64) for name in ("score", "chance"))
    found = Answers(
        np.asarray(pd.Index(sample.models).get_indexer(pd.Index(means["model"])), dtype=np.int64),
        np.asarray(pd.factorize(means["item"])[0], dtype=np.int64),
        1 - score if flipped else score,
        1 - chance if flipped else chance,
    )
    return found if float(1 - found.asked.mean(axis=1).min()) > LACKING else None


def beside_items(
    answers: Answers, sample: Sample, psi: float, plan: TestPlan
) -> tuple[float | None, str]:
    """P-value of the threshold with items' difficulty taken out, and what to say of it.

    Args:
        answers: of models that were asked different items.
        sample: the models, with the null's extra columns as covariates.
        psi: log10 scale of the threshold that the mean scores show.
        plan: how the test was run.

    Returns:
        p, or None where every model has items of its own; 1 where items cannot be told from scale.
    """
    asked = answers.asked
    if not answers.shared:
        return None, "no item was asked of two models: items are taken to be drawn alike"
    reason = why_unlinked(answers, sample, psi)
    if reason is not None:
        return 1.0, reason
    large, small = asked[sample.x > psi].any(axis=0), asked[sample.x <= psi].any(axis=0)
    owned = {"larger models' items": large & ~small, "smaller models' items": small & ~large}
    terms = [Term("intercept")]
    terms += [
        Term(name, item=np.asarray(mine, dtype=np.float64))
        for name, mine in owned.items()
        if int(mine.sum()) >= OWN
    ]
    if sample.covariates is not None:
        columns = enumerate(sample.covariates.T)
        terms += [Term(f"covariate {place}", model=column) for place, column in columns]
    design = _design(answers, sample, tuple(terms))
    try:
        found = search_threshold(design, sample.x, _how(plan))
    except np.linalg.LinAlgError:
        return 1.0, "models were asked different items, whose difficulty could not be estimated"
    p = 1.0 if found.threshold.p_value is None else found.threshold.p_value
    return p, f"models were asked different items; with their difficulty taken out, p = {p:.3f}"


def why_unlinked(answers: Answers, sample: Sample, psi: float) -> str | None:
    """Why the difficulty of items cannot be told from a step at psi, or None where it can.

    None too where no item was asked of two models: then items are taken to be drawn alike.
    """
    links = _links(answers, sample, psi)
    if not answers.shared or links >= LINKS:
        return None
    count = f"only {plural(links, 'item')}" if links else "no item"
    was = "was" if links < 2 else "were"
    return (
        f"{count} {was} asked of models on both sides of {10**psi:.2g}: "
        "harder items cannot be told from a step"
    )


def least_linked(answers: Answers, sample: Sample) -> float:
    """The candidate threshold (log10 scale) across which the fewest items were asked."""
    links = [_links(answers, sample, psi) for psi in sample.grid]
    return float(sample.grid[int(np.argmin(links))])


def _links(answers: Answers, sample: Sample, psi: float) -> int:
    """Items that were asked of models on both sides of a threshold."""
    asked, above = answers.asked, sample.x > psi
    return int((asked[above].any(axis=0) & asked[~above].any(axis=0)).sum())


def unlike_items(answers: Answers, sample: Sample, psi: float, most: float) -> str | None:
    """Why mean scores across a threshold cannot be compared, or None where they can.

    Args:
        answers: of models that were asked different items.
        sample: the models.
        psi: log10 scale of the threshold.
        most: difference in mean difficulty, in score points, that is too large.
    """
    if not answers.shared:
        return None
    asked, above = answers.asked, sample.x > psi
    if _links(answers, sample, psi) < LINKS:
        return "models on the two sides of the threshold were asked other items"
    ease = _ease(answers)
    mean = np.array([ease[row].mean() for row in asked])
    gap = float(mean[above].mean() - mean[~above].mean())
    if abs(gap) < most:
        return None
    kind = "easier" if gap > 0 else "harder"
    return f"models above the threshold were asked {kind} items (by {abs(gap):.2f} score points)"


def _ease(answers: Answers) -> Floats:
    """(I,) how easy every item is: least squares of scores on models and items, added up."""
    models, items = answers.asked.shape
    of_models = np.bincount(answers.model, minlength=models)
    of_items = np.bincount(answers.item, minlength=items)
    ease = np.zeros(items)
    for _ in range(SWEEPS):
        rest = np.bincount(answers.model, answers.score - ease[answers.item], models) / of_models
        ease = np.bincount(answers.item, answers.score - rest[answers.model], items) / of_items
    return ease


def _design(answers: Answers, sample: Sample, terms: tuple[Term, ...]) -> MixedDesign:
    floor: float | Floats = 0.0
    if sample.floor.any():
        of_model = sample.floor[answers.model]
        floor = np.where(np.isnan(answers.chance), of_model, answers.chance)
    codes = np.unique(sample.family, return_inverse=True)[1]
    several = 1 < sample.families < len(sample)
    return MixedDesign(
        successes=answers.score,
        trials=np.ones(len(answers.score)),
        model=answers.model,
        item=answers.item,
        terms=terms,
        family=np.asarray(codes, dtype=np.int64) if several else None,
        floor=floor,
    )


def _how(plan: TestPlan) -> MixedSearch:
    return MixedSearch(
        gradual=plan.gradual if plan.null == "gradual" else ANY_SLOPE,
        shape=plan.shape,
        replicates=min(plan.replicates, REPLICATES),
        seed=plan.seed,
    )
