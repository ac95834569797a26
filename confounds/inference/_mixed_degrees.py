"""Degrees of freedom of joint tests on a mixed model, by Wald and by likelihood ratio.

Several terms may differ in how well their variances are known: one between models rests on the
number of models, one within them on that of rows. Both tests are carried over to an F on one number
of degrees of freedom by their means, over as many uncorrelated contrasts (Fai & Cornelius
1996, Journal of Statistical Computation and Simulation 54:363-378). Theirs are the principal axes
of the covariance, which turn with the unit of a term; here they are those whose variances are
known least and best, whatever the units.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, special

from confounds.inference._mixed_design import Floats
from confounds.inference._mixed_fit import MANY, MixedFit


def joint_degrees(fit: MixedFit, chosen: list[int]) -> float:
    """Denominator degrees of freedom of the Wald F of the chosen terms; infinite where many."""
    return combined([fit.uncertainty.degrees(contrast) for contrast in contrasts(fit, chosen)])


def combined(degrees: list[float]) -> float:
    """One number for F from those of its contrasts; where one of them is 2, F has no mean."""
    number = len(degrees)
    if number == 1 or min(degrees) <= 2.0:
        return min(degrees)
    excess = sum(0.0 if v > MANY else 2.0 / (v - 2.0) for v in degrees)
    return 2.0 + 2.0 * number / excess if excess > 0.0 else float("inf")


def effective_number(fit: MixedFit, chosen: list[int], degrees: float) -> float:
    """The n at which (v / k) (exp(LR / n) - 1) is F on k and v degrees of freedom, in the mean.

    A contrast adds n_i log(1 + t_i^2 / v_i) to LR, n_i being the number that the unrestricted
    likelihood counts. Where contrasts share the estimate of a variance, the later ones have
    the earlier ones' degree of freedom besides, as in Wilks's lambda.
    """
    axes, known = contrasts(fit, chosen), fit.uncertainty
    slopes = np.einsum("ij,cjk,ik->ic", axes, known.variance_slopes, axes)
    errors = slopes @ known.of_variance @ slopes.T
    mean = 0.0
    for i, axis in enumerate(axes):
        v = known.degrees(axis)
        if v > MANY:
            mean += 1.0
            continue
        larger = np.maximum(np.diag(errors)[:i], errors[i, i])
        shared = float(np.sum(np.clip(errors[i, :i] / larger, 0.0, 1.0)))
        mean += known.number(axis) * _mean_log(v + shared, 1)
    return mean / _mean_log(degrees, len(chosen))


def contrasts(fit: MixedFit, chosen: list[int]) -> Floats:
    """Uncorrelated contrasts of the chosen terms, of unit variance, shape [number, terms]."""
    place = np.ix_(chosen, chosen)
    covariance, known = fit.covariance[place], fit.uncertainty
    slopes = [slope[place] for slope in known.variance_slopes]
    solved = [np.linalg.solve(covariance, slope) for slope in slopes]
    spread = sum(
        known.of_variance[j, k] * slopes[j] @ solved[k]
        for j in range(len(slopes))
        for k in range(len(slopes))
    )
    _, vectors = linalg.eigh(spread + spread.T, covariance)
    axes = np.zeros((len(chosen), len(fit.estimates)))
    axes[:, chosen] = vectors.T
    return axes


def _mean_log(degrees: float, number: int) -> float:
    """The mean of log(1 + number F / degrees), F on `number` and `degrees` degrees of freedom."""
    return float(special.digamma((degrees + number) / 2.0) - special.digamma(degrees / 2.0))
