"""Composition: does smooth growth per token, raised to the number of tokens, make the jump?

Exact match over L tokens is about q^L where q is the chance of one token (Schaeffer et al. 2023),
so that a gradual q(x) jumps under exact match. What is looked at is what exact match has beyond
q(x)^L, where q(x) is the claim's smooth null fitted to a per-token metric of the same models. A q
that jumps itself leaves its jump in that rest, since the gradual curve cannot follow it: one number
answers both halves of the question.

L is read from item rows where the table has both the summed and the geometric mean log-probability
of the target (their ratio), else it is the exponent that takes each model's own q nearest to its
exact match (least squares). The models' own departures of q from its curve are a control variate:
multiplied by L q^(L-1) and freed of level, scale and the step itself (so that a step which both
metrics share is not absorbed), they take away most of the variance between models.

Estimand: the step, at the raw threshold, of what exact match has beyond q(x)^L, in score points.

Formula: delta of h(x; psi) in (exact match - q(x)^L) = a + b x + delta h(x; psi) + g L q^(L-1) (q_m
- q(x)) + error, with q_m the model's own per-token score.

Assumption that would break it: tokens are right or wrong independently, with one L; where they hang
together, exact match lies above q^L, and the rest keeps some of the jump (nothing is explained).

Source: Schaeffer, Miranda & Koyejo 2023 (arXiv 2304.15004), section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from confounds.errors import NothingSelectedError
from confounds.inference import _link
from confounds.inference._null import fit_two_level
from confounds.inference.change import Place, independent_change
from confounds.inference.contrast import pair_samples
from confounds.inference.sample import threshold_columns
from confounds.inference.threshold import effect_at
from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Sample

PER_TOKEN = ("token_accuracy", "target_probability")
WHOLE = ("exact_match", "accuracy", "pass_at_1")
LONGEST = 500.0


@dataclass(frozen=True, slots=True)
class Composition:
    """What composition leaves of the step.

    Attributes:
        rest: step beyond q^L at the raw threshold, score points, 90 % interval.
        change: raw effect minus that.
        length: tokens, L.
        measured: whether L was read from the table; else it was fitted.
        models: number of models under both metrics.
    """

    rest: Estimate
    change: Estimate
    length: float
    measured: bool
    models: int


def compose(fits: Fits, metric: str) -> Composition | str:
    """What does smooth growth of a per-token metric leave of the raw step?

    Args:
        fits: the claim's fits; the raw condition must be testable.
        metric: the per-token metric, in [0, 1].

    Returns:
        The answer, or why there is none.
    """
    other = fits.observe({}, metric).sample
    if fits.raw is None or other is None:
        return "the raw condition, or the per-token metric, has no models to test"
    if metric not in PER_TOKEN or fits.claim.metric not in WHOLE:
        return f"{fits.claim.metric} is not known to be a product of {metric}"
    pair = pair_samples(fits.raw.sample, other)
    if pair is None:
        return "too few models were scored under both metrics"
    measured = target_length(fits)
    length = measured or fitted_length(pair.controlled.score, pair.raw.score)
    rest = _beyond(fits, pair.raw, pair.controlled, length)
    psi, plan = fits.raw.psi, fits.plan
    effect, profile = effect_at(rest, psi, replace(plan, null="gradual"))
    low, high = profile.interval(0.90)
    place = Place(psi, fits.raw.kept, plan.shape)
    change = independent_change(pair.raw, rest, place, plan.growth(rest))
    effect = replace(effect, term="beyond_composition", ci_lower=low, ci_upper=high, level=0.90)
    return Composition(effect, change, length, measured is not None, len(rest))


def target_length(fits: Fits) -> float | None:
    """Median tokens of a target, from item rows with both log-probabilities; None without them."""
    try:
        frame = fits.outcomes.select(
            task=fits.claim.task, metric=["target_log_prob", "target_probability"]
        ).frame
    except NothingSelectedError:
        return None
    frame = frame[frame["item"].notna()]
    keys = ["model", "item", "seed", "shots", "prompt"]
    table = frame.pivot_table("score", keys, "metric", "mean", dropna=False).dropna()
    if table.shape[1] < 2 or table.empty:
        return None
    each = np.log(table["target_probability"].clip(1e-12, 1 - 1e-9).to_numpy())
    length = float(np.median(table["target_log_prob"].to_numpy() / each))
    return length if 1 <= length <= LONGEST else None


def fitted_length(per_token: Floats, whole: Floats) -> float:
    """The L with the least squares of exact match about q^L over the models.

    Example:
        >>> import numpy as np
        >>> q = np.linspace(0.5, 0.99, 30)
        >>> round(fitted_length(q, q**8), 3)
        8.0
    """
    q = np.clip(per_token, 1e-9, 1.0)

    def squares(log_length: float) -> float:
        return float(((whole - q ** np.exp(log_length)) ** 2).sum())

    starts = np.linspace(0, np.log(LONGEST), 60)
    best = starts[int(np.argmin([squares(item) for item in starts]))]
    found = minimize_scalar(squares, bounds=(max(best - 0.2, 0.0), best + 0.2), method="bounded")
    return float(np.exp(found.x))


def _beyond(fits: Fits, whole: Sample, per_token: Sample, length: float) -> Sample:
    """Exact match less q(x)^L, with the models' own departures of q as a control variate."""
    fit = fit_two_level(per_token.score[None], per_token, fits.plan.slopes(per_token), None)
    smooth = fit.theta[0] @ per_token.design.T
    q = np.clip(_link.mean(smooth, per_token.floor, binomial=per_token.binomial), 1e-9, 1.0)
    predicted = q**length
    own = (np.clip(per_token.score, 1e-9, 1.0) - q) * length * q ** (length - 1)
    psi = fits.raw.psi if fits.raw is not None else whole.centre
    step = threshold_columns(whole.x, np.array([psi]), fits.plan.shape)
    design = np.column_stack([np.ones(len(whole)), whole.x, step])
    own = own - design @ np.linalg.lstsq(design, own, rcond=None)[0]
    further = [] if whole.covariates is None else list(whole.covariates.T)
    control = [own] if float(own.std()) > 1e-9 else []
    columns = [*control, *further]
    noise = _link.sampling_variance(np.clip(predicted, 0, 1), whole)
    return replace(
        whole,
        score=whole.score - predicted,
        binomial=False,
        floor=np.zeros(len(whole)),
        variance=np.maximum(noise, 1e-8),
        covariates=np.column_stack(columns) if columns else None,
        covariate_names=("own",)[: len(control)] + whole.covariate_names,
    )
