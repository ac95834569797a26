"""Two lines: does the curve turn round (a U or an inverted U), or is it monotone?

Estimand: the average slope of the score below and above a break, and whether the two have
opposite signs.

A quadratic answers another question: a curve that only levels off has a significant square.

Formula: (Simonsohn 2018, the Robin Hood algorithm, as in the author's own `twolines` 0.52) a
penalised spline finds the most extreme fitted value among the middle 80 % of the models; the points
within one standard error of it are the flat region; an interrupted regression at its median gives
|z1| and |z2|, and the break is moved to the quantile |z2| / (|z1| + |z2|) of the flat region, which
takes from the stronger line and gives to the weaker. The interrupted regression there, once with
the break in the lower and once in the upper line, has heteroskedasticity-robust errors (HC3;
MacKinnon & White 1985). A turn is shown where both slopes are significant at 5 % and of opposite
sign.

Three departures from the source. Families are fixed effects where they have models enough, since a
good family among the small models is no U. Student's t has the degrees of freedom of the line's own
models, since a line may have four. Both break and shape are searched, yet the size is kept because
both slopes must be significant: of curves that are flat on one side, the worst case, at most 2.3 %
were called a turn (8 to 50 models, `benchmarks/results/shapes.json`).

Assumption that would break it: the curve turns once.

Source: Simonsohn 2018, AMPPS 1(4), 538-555.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from confounds.inference._nested import has_fixed_effects
from confounds.inference._smoother import smooth
from confounds.results import Estimate, Part

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Flags, Floats, Sample
    from confounds.results import PartStatus

Shape = Literal["u", "inverted_u", "monotone", "undecided"]

LEVEL = 0.05
MIN_LINE = 3
"""Distinct scales that a line needs."""
NAMES = {"u": "a U", "inverted_u": "an inverted U"}


@dataclass(frozen=True, slots=True)
class TwoLines:
    """The two lines and what they say.

    Attributes:
        shape: `u` or `inverted_u` where both slopes are significant and of opposite sign;
            `monotone` where neither line turns back by the smallest effect of interest over its
            own range (95 % bound); else `undecided`.
        low: slope below the break, in score points a decade.
        high: slope above it.
        turn: log10 scale of the break.
    """

    shape: Shape
    low: Estimate
    high: Estimate
    turn: float


def why_no_lines(sample: Sample) -> str | None:
    """Why no two lines can be drawn through this sample, or None."""
    if sample.scales < 2 * MIN_LINE:
        return f"needs {2 * MIN_LINE} distinct scales, {MIN_LINE} a line; there are {sample.scales}"
    if np.ptp(sample.score) == 0:
        return "every model has the same score"
    return None


def two_lines(sample: Sample, smallest: float) -> TwoLines:
    """Does the curve of this sample turn round?

    Args:
        sample: one row a model; `why_no_lines` must be None.
        smallest: smallest effect of interest in the units of the score.

    Raises:
        ValueError: there are too few scales; ask `why_no_lines` first.
    """
    reason = why_no_lines(sample)
    if reason is not None:
        raise ValueError(reason)
    further = _families(sample)
    turn = _robin_hood(sample, further)
    low, high = _lines(sample, further, turn)
    return TwoLines(_shape(sample, low, high, turn, smallest), low, high, turn)


def raw_shape(fits: Fits) -> Part:
    """Is the claim's own curve a U, an inverted U, or monotone?

    Returns:
        `shape`: passed where it turns round, failed where it is shown to be monotone up to the
        smallest effect of interest, else undecided.
    """
    sample = fits.raw_observation.sample
    if sample is None:
        return Part("shape", "undecided", "no model of known scale was run in this condition")
    unit = 1.0 if sample.binomial else float(np.ptp(sample.score))
    smallest = fits.claim.smallest_effect * unit
    key = ("shape", smallest)
    if key not in sample.remembered:
        sample.remembered[key] = shape_of(sample, smallest)
    shape: Part = sample.remembered[key]
    return shape


def shape_of(sample: Sample, smallest: float) -> Part:
    """The two-lines test of one sample as a part; see `raw_shape` for its status."""
    reason = why_no_lines(sample)
    if reason is not None:
        return Part("shape", "undecided", reason)
    found = two_lines(sample, smallest)
    shown = (found.low, found.high, Estimate("turn", float(10**found.turn)))
    slopes = " and ".join(_words(item) for item in (found.low, found.high))
    statuses: dict[Shape, PartStatus] = {
        "u": "passed",
        "inverted_u": "passed",
        "monotone": "failed",
        "undecided": "undecided",
    }
    texts: dict[Shape, str] = {
        "u": "the curve is a U: it falls, then rises",
        "inverted_u": "the curve is an inverted U: it rises, then falls",
        "monotone": f"neither side turns back by {smallest:g}",
        "undecided": "neither a turn nor its absence is shown",
    }
    reason = f"{texts[found.shape]} (slopes a decade {slopes}, about {10**found.turn:.2g})"
    return Part("shape", statuses[found.shape], reason, shown)


def turns(part: Part) -> bool:
    """Whether a part of `raw_shape` says that the curve turns round."""
    return part.name == "shape" and part.status == "passed"


def _words(slope: Estimate) -> str:
    if slope.ci_lower is None or slope.ci_upper is None:
        return f"{slope.estimate:.2f} [no interval]"
    return f"{slope.estimate:.2f} [{slope.ci_lower:.2f}, {slope.ci_upper:.2f}]"


def _families(sample: Sample) -> Floats:
    """Further columns (M, q): covariates, and families where they can be told from two lines."""
    columns = [np.zeros((len(sample), 0))]
    if sample.covariates is not None:
        columns.append(sample.covariates)
    if has_fixed_effects(sample):
        columns.append(sample.membership[:, 1:] - sample.membership[:, 1:].mean(axis=0))
    return np.hstack(columns)


def _robin_hood(sample: Sample, further: Floats) -> float:
    """Where to break the line, in log10 scale."""
    x, y = sample.x, sample.score
    curve = smooth(x, y, further)
    square = np.column_stack([np.ones(len(x)), x, x**2, further])
    theta = np.linalg.lstsq(square, y, rcond=None)[0]
    sign = 1.0 if theta[1] + 2 * theta[2] * x.min() > 0 else -1.0
    low, high = _bounds(x)
    inside = (x > np.quantile(x, 0.1)) & (x < np.quantile(x, 0.9)) & (x >= low) & (x <= high)
    if not inside.any():
        return float((low + high) / 2)
    height, error = sign * curve.fitted[inside], curve.std_error[inside]
    flat = np.sort(x[inside][height + error >= height.max()])
    first = [abs(line.statistic or 0.0) for line in _lines(sample, further, float(np.median(flat)))]
    share = first[1] / sum(first) if sum(first) > 0 else 0.5
    return float(np.clip(np.quantile(flat, share), low, high))


def _bounds(x: Floats) -> tuple[float, float]:
    """The breaks that leave `MIN_LINE` distinct scales on each side."""
    levels = np.unique(x)
    return float(levels[MIN_LINE - 1]), float(levels[-MIN_LINE])


def _lines(sample: Sample, further: Floats, turn: float) -> tuple[Estimate, Estimate]:
    """Slopes below and above, the model at the break counted with the line in question."""
    below = sample.x <= turn
    low = _slope(sample, further, below, turn, column=1)
    high = _slope(sample, further, sample.x < turn, turn, column=2)
    return low, high


def _slope(sample: Sample, further: Floats, below: Flags, turn: float, column: int) -> Estimate:
    """One slope of the interrupted regression with its HC3 interval."""
    x = sample.x - turn
    above = ~below
    columns = [np.ones(len(x)), np.where(above, 0.0, x), np.where(above, x, 0.0), above, further]
    design = np.column_stack(columns)
    inverse = np.linalg.pinv(design.T @ design)
    theta = inverse @ (design.T @ sample.score)
    residual = sample.score - design @ theta
    lever = np.einsum("ij,jk,ik->i", design, inverse, design)
    meat = (residual / np.maximum(1 - lever, 1e-3)) ** 2
    covariance = inverse @ (design.T * meat) @ design @ inverse
    error = float(np.sqrt(max(covariance[column, column], 0.0)))
    own = above if column == 2 else ~above
    freedom = _freedom(sample, own, further.shape[1])
    value = float(theta[column])
    if error == 0:
        return Estimate(("", "slope_low", "slope_high")[column], value)
    reach = float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error
    return Estimate(
        ("", "slope_low", "slope_high")[column],
        value,
        std_error=error,
        statistic=value / error,
        p_value=float(2 * stats.t.sf(abs(value) / error, freedom)),
        ci_lower=value - reach,
        ci_upper=value + reach,
    )


def _freedom(sample: Sample, own: Flags, further: int) -> float:
    """Degrees of freedom of one line: its models less two, less its part of the further columns."""
    count = float(np.sum(own))
    return max(count - 2 - further * count / len(sample), 1.0)


def _shape(sample: Sample, low: Estimate, high: Estimate, turn: float, smallest: float) -> Shape:
    """What the two slopes show together."""
    p = [1.0 if item.p_value is None else item.p_value for item in (low, high)]
    first, second = low.estimate or 0.0, high.estimate or 0.0
    if max(p) < LEVEL and first * second < 0:
        return "u" if first < 0 else "inverted_u"
    reach = (turn - float(sample.x.min()), float(sample.x.max()) - turn)
    for side in (1, -1):
        worst = [
            max(-side * edge for edge in (item.ci_lower, item.ci_upper) if edge is not None)
            if item.ci_lower is not None
            else 0.0
            for item in (low, high)
        ]
        if all(fall * length < smallest for fall, length in zip(worst, reach, strict=True)):
            return "monotone"
    return "undecided"
