"""Is a variance component zero? The restricted likelihood ratio of few levels, as an F.

Where levels are many, the ratio is half a chi-squared (Self & Liang 1987). With few, a variance
that is zero is estimated at zero more often than half of the time, and that reference rejects too
seldom (Crainiceanu & Ruppert 2004, JRSS B 66:165-185). In a one-way layout the ratio is a function
of F, the mean square between groups over that within them:

    LR = (v1 + v2) log((v1 F + v2) / (v1 + v2)) - v1 log F    where F > 1, else 0.

Here v1 and v2 are Satterthwaite's, from the working units: the score of the tested variance, the
other variances estimated, is a quadratic form, whose positive eigenvalues make the mean square
above the line and whose negative ones that below it. What is known of the latter (the sampling of
items) has no part in v2, which is infinite where nothing else is below the line.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from confounds.inference._mixed_design import Floats, MixedDesign
from confounds.inference._mixed_fit import MixedFit
from confounds.inference._mixed_information import BOUNDARY
from confounds.inference._mixed_units import WorkingUnits, unit_kernels, unit_terms, working_units

# Degrees of freedom beyond which a mean square counts as known.
MANY = 1e6
LARGEST_LOG_F = 60.0


def boundary_tail(ratio: float, null: MixedFit, alternative: MixedDesign) -> float:
    """P-value of a restricted likelihood ratio for one or two components that the null lacks."""
    if ratio <= 0.0:
        return 1.0
    added = [name for name in alternative.components if name not in null.design.components]
    units = working_units(null)
    tails = [
        variance_ratio_tail(ratio, *variance_degrees(null, units, alternative, name))
        for name in added
    ]
    if len(tails) == 1:
        return tails[0]
    # The ratio of which half a chi-squared has the mean tail, in place of the ratio.
    likened = float(stats.chi2.isf(min(1.0, 2.0 * float(np.mean(tails))), 1))
    return float(0.5 * stats.chi2.sf(likened, 1) + 0.25 * stats.chi2.sf(likened, 2))


def variance_degrees(
    null: MixedFit, units: WorkingUnits, alternative: MixedDesign, component: str
) -> tuple[float, float]:
    """Degrees of freedom above and below the line for one component that the null lacks."""
    kernels = unit_kernels(units, alternative)
    estimated = [
        kernels[name]
        for name, sd in zip(null.design.components[1:], null.restricted_sd[1:], strict=True)
        if sd > BOUNDARY
    ]
    root = _root_of_precision(units, unit_terms(units, null.design))
    tested = root.T @ kernels[component] @ root
    others = [root.T @ kernel @ root for kernel in estimated]
    if others:
        gram = np.array([[np.sum(a * b) for b in others] for a in others])
        shared = np.linalg.lstsq(gram, np.array([np.sum(a * tested) for a in others]), rcond=None)
        tested = tested - np.tensordot(shared[0], np.array(others), axes=1)
    values = np.linalg.eigvalsh(tested)
    above, below = values[values > 0.0], values[values < 0.0]
    if not len(above):
        return float("inf"), float("inf")
    size, spread = float(above.sum()) ** 2, float(np.sum(below**2))
    freedom = size / spread if spread > size / MANY else float("inf")
    return size / float(np.sum(above**2)), freedom


def variance_ratio_tail(ratio: float, above: float, below: float) -> float:
    """P-value of a restricted likelihood ratio that is a function of F on these degrees."""
    if above > MANY:
        return 0.5 * float(stats.chi2.sf(ratio, 1))

    def short(log_f: float) -> float:
        f = np.exp(log_f)
        if below > MANY:
            return float(above * (f - 1.0 - log_f) - ratio)
        total = above + below
        return float(total * np.log((above * f + below) / total) - above * log_f - ratio)

    if short(LARGEST_LOG_F) < 0.0:
        return 0.0
    f = float(np.exp(optimize.brentq(short, 0.0, LARGEST_LOG_F)))
    if below > MANY:
        return float(stats.chi2.sf(above * f, above))
    return float(stats.f.sf(f, above, below))


def _root_of_precision(units: WorkingUnits, terms: Floats) -> Floats:
    """R with R R' the precision of the units less what their terms explain."""
    precision = np.linalg.inv(units.sampling + units.effects)
    weighted = precision @ terms
    left = precision - weighted @ np.linalg.solve(terms.T @ weighted, weighted.T)
    values, vectors = np.linalg.eigh((left + left.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
