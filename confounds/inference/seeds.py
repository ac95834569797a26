"""Training runs of one size: do their scores fall into two modes?

A mean over runs that jump at random is not a smooth curve (Zhao et al. 2025: performance bimodal
over random seeds, and scale changes the probability of the better mode). Runs of one size are
either several models of one family, tuning and scale, or levels of `seed` of one model; levels of
`seed` that never change a score are one run told several times and do not count.

Two tests within sizes, so that growth with scale cannot look like two modes. *Mixture*: the
likelihood ratios of two normal components against one, summed over sizes, referred to normal runs
with the spread of each size. *Dip*: the dips, summed over sizes of four runs or more, referred to
uniform runs; it assumes no normality and has less power.

Estimand: whether runs of one size fall into two modes, and which runs are in which.

Formula: the sum over sizes of 2 log likelihood ratio (`mixture`), and the sum over sizes of the
dip times the root of its runs, each with p = (1 + #{T* >= T}) / (B + 1).

Assumption that would break it: at one size, scores within a mode are not skewed (the mixture), and
runs of one size differ by seed alone (both).

Source: Hartigan & Hartigan 1985; McLachlan 1987; Zhao et al. 2025 (arXiv 2502.17356).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from confounds.errors import NothingSelectedError
from confounds.inference._dip import dip_p_value, dip_statistic, null_dips
from confounds.inference._link import sampling_variance
from confounds.inference.mixture import fit_mixture, null_ratios
from confounds.inference.observe import Observation, observe
from confounds.outcomes.cells import average_items, cells

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Flags, Floats, Ints, Sample

MIXTURE_RUNS = 3
DIP_RUNS = 4
SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Runs:
    """Training runs, one row each, and which of them are of one size.

    Attributes:
        sample: the runs, with `models` naming model and seed.
        size: (M,) code of family, tuning and scale.
    """

    sample: Sample
    size: Ints

    @property
    def groups(self) -> list[Ints]:
        """Rows of each size that has two runs or more, ascending in scale."""
        found = [np.flatnonzero(self.size == code) for code in np.unique(self.size)]
        several = [rows for rows in found if len(rows) > 1]
        return sorted(several, key=lambda rows: float(self.sample.x[rows[0]]))


@dataclass(frozen=True, slots=True)
class SizeModes:
    """What the runs of one size say.

    Attributes:
        scale: log10 scale.
        runs: number of runs.
        lucky: runs that lie in the upper mode of the whole table.
        spread: standard deviation between the runs.
        dip: dip statistic; None below four runs.
        p_dip: its p-value.
        ratio: twice the log likelihood ratio of two components; None below three runs.
        bic_difference: BIC of two components above that of one, larger is better.
    """

    scale: float
    runs: int
    lucky: int
    spread: float
    dip: float | None = None
    p_dip: float | None = None
    ratio: float | None = None
    bic_difference: float | None = None

    @property
    def split(self) -> bool:
        """Whether the runs lie in both modes."""
        return 0 < self.lucky < self.runs


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of all runs, and whether they show within sizes.

    Attributes:
        sizes: one a size with two runs or more.
        lucky: (M,) True where a run lies in the upper mode.
        low: mean of the lower mode.
        high: mean of the upper mode.
        p_mixture: joint p-value of one normal component within every size; None where no size
            has three runs.
        p_dip: joint p-value of one mode within every size; None where none has four.
    """

    sizes: tuple[SizeModes, ...]
    lucky: Flags
    low: float
    high: float
    p_mixture: float | None
    p_dip: float | None


def training_runs(fits: Fits) -> Runs | str:
    """The runs of the claim's condition, or why there are none of one size."""
    plain = fits.raw_observation
    by_seed = _seeds_apart(fits)
    if isinstance(by_seed, Observation) and by_seed.sample is not None:
        plain = by_seed
    if plain.sample is None:
        return "no model of known scale was run in this condition"
    keys = plain.frame[["family", "tuning", "scale"]]
    codes = keys.groupby(["family", "tuning", "scale"], dropna=False).ngroup()
    runs = Runs(plain.sample, np.asarray(codes, dtype=np.int64))
    if not runs.groups:
        said = f" ({by_seed})" if isinstance(by_seed, str) else ""
        return f"no size has two training runs or seeds{said}"
    return runs


def _seeds_apart(fits: Fits) -> Observation | str:
    """The observation with every seed of a model as a row of its own, or why not."""
    claim = fits.claim
    try:
        frame = fits.outcomes.select(task=claim.task, metric=claim.metric, **claim.condition).frame
    except NothingSelectedError:
        return "nothing was run in this condition"
    known = frame[frame["seed"].notna()]
    levels = known.groupby("model")["seed"].nunique()
    several = set(levels.index[levels > 1])
    if not several:
        return "one seed a model"
    runs = average_items(frame)
    chosen = runs["model"].isin(several) & runs["seed"].notna()
    spread = runs[chosen].groupby(["model", "seed"])["score"].mean().groupby(level=0).agg(np.ptp)
    if float(spread.max()) <= SAME:
        return "the seeds of a model do not change its score: one run told several times"
    names = runs["model"].astype(object).to_numpy(copy=True)
    seeds = runs["seed"].to_numpy(np.float64)
    for row in np.flatnonzero(chosen.to_numpy()):
        names[row] = f"{names[row]}, seed {seeds[row]:g}"
    apart = runs.assign(model=pd.Series(names, index=runs.index, dtype=object))
    return observe(cells(apart), fits.measure(claim.metric), claim.scale, claim.condition)


def find_modes(runs: Runs, draws: int, rng: np.random.Generator) -> Modes:
    """Do the scores of runs of one size fall into two modes?

    Args:
        runs: at least one size with two runs.
        draws: of each reference distribution.
        rng: source of randomness.
    """
    sample = runs.sample
    noise = item_noise(sample)
    whole = fit_mixture(sample.score[None], float(np.median(noise)))
    lucky = whole.lucky[0]
    groups = runs.groups
    sizes = tuple(_size(sample, rows, lucky, noise) for rows in groups)
    return Modes(
        sizes,
        lucky,
        float(whole.low[0]),
        float(whole.high[0]),
        _joint_mixture(sample, groups, noise, draws, rng),
        _joint_dip(sizes, draws, rng),
    )


def item_noise(sample: Sample) -> Floats:
    """(M,) standard deviation of a score by its items alone, never 0."""
    noise = np.sqrt(sampling_variance(sample.score, sample))
    least = 1e-3 * max(float(np.ptp(sample.score)), 1e-9)
    floor: Floats = np.maximum(noise, least)
    return floor


def _size(sample: Sample, rows: Ints, lucky: Flags, noise: Floats) -> SizeModes:
    values = sample.score[rows]
    found = SizeModes(
        float(sample.x[rows[0]]), len(rows), int(lucky[rows].sum()), float(values.std(ddof=1))
    )
    if len(rows) >= MIXTURE_RUNS:
        fit = fit_mixture(values[None], float(noise[rows].mean()))
        found = replace(
            found, ratio=float(fit.ratio[0]), bic_difference=float(fit.bic_difference[0])
        )
    if len(rows) >= DIP_RUNS:
        dip = dip_statistic(values)
        found = replace(found, dip=dip, p_dip=dip_p_value(dip, len(rows)))
    return found


def _joint_mixture(
    sample: Sample, groups: list[Ints], noise: Floats, draws: int, rng: np.random.Generator
) -> float | None:
    """p-value of the summed likelihood ratios under one normal component in every size."""
    usable = [rows for rows in groups if len(rows) >= MIXTURE_RUNS]
    if not usable:
        return None
    total, reference = 0.0, np.zeros(draws)
    for rows in usable:
        values, least = sample.score[rows], float(noise[rows].mean())
        total += float(fit_mixture(values[None], least).ratio[0])
        spread = max(float(values.std(ddof=1)), least)
        reference += null_ratios(len(rows), spread, least, draws, rng)
    return float((1 + np.count_nonzero(reference >= total - 1e-9)) / (draws + 1))


def _joint_dip(sizes: tuple[SizeModes, ...], draws: int, rng: np.random.Generator) -> float | None:
    """p-value of the summed dips, each times the root of its runs, under uniform runs."""
    usable = [(item.dip, item.runs) for item in sizes if item.dip is not None]
    if not usable:
        return None
    total = sum(dip * runs**0.5 for dip, runs in usable)
    reference = np.zeros(draws)
    for _, runs in usable:
        reference += rng.choice(null_dips(runs), draws) * runs**0.5
    return float((1 + np.count_nonzero(reference >= total - 1e-9)) / (draws + 1))


def split_rate(modes: Modes, kept: Floats, reach: float) -> tuple[float, float, float]:
    """How often do two runs of one size, near a threshold, lie in different modes?

    Args:
        modes: of all runs.
        kept: log10 scales of the thresholds that the data do not reject.
        reach: decades on either side of them that are near.

    Returns:
        Pairs of runs (half of the runs of every near size), the share of them that are split, and
        its 95 % upper bound (Clopper & Pearson 1934).
    """
    low, high = float(kept.min()) - reach, float(kept.max()) + reach
    near = [size for size in modes.sizes if low <= size.scale <= high]
    pairs = sum(size.runs / 2 for size in near)
    split = float(sum(min(size.lucky, size.runs - size.lucky) for size in near))
    if pairs == 0:
        return 0.0, 0.0, 1.0
    upper = 1.0 if split >= pairs else float(stats.beta.ppf(0.95, split + 1, pairs - split))
    return pairs, split / pairs, upper
