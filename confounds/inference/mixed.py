"""Item-level mixed model: models and items crossed, with a chance floor.

The sampling unit of scale is the model, so intervals and tests rest on the number of models. With
the floor left out where truth is .25 the slope's interval seldom holds it: declare it
(`tests/inference/test_mixed_coverage.py`).
Needed where models were asked different items.

Laplace approximation with exact gradient. At floor 0 and ceiling 1 it is lme4's `glmer`
(nAGQ = 1; Bates, Maechler, Bolker & Walker 2015): `tests/reference/` holds its numbers and
the R script that made them.

Intervals and tests count a variance that was estimated at zero as unknown, not as zero. Their
coverage and size are in `benchmarks/mixed_coverage.py` and `benchmarks/mixed_size.py`.

Estimand: the coefficients of the terms on the logit between floor and ceiling, and the standard
deviations of the effects.

Formula: p = floor + (ceiling - floor) logistic(eta), eta = terms + family effect + model effect
+ item effect (+ model-by-condition effect), effects normal with mean 0.

Assumption that would break it: effects are normal on the logit, and an item is as hard for every
model.

Source: Bates, Maechler, Bolker & Walker 2015, Journal of Statistical Software 67(1); Baayen,
Davidson & Bates 2008 (items and subjects crossed).

Example:
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> scale = np.linspace(7.0, 11.0, 12)
    >>> eta = (scale - 9.0)[:, None, None] + rng.normal(0, 1, (1, 80, 1)) + [0.0, 0.5]
    >>> block = rng.binomial(1, 0.25 + 0.75 / (1 + np.exp(-eta))).astype(float)
    >>> design = MixedDesign.from_block(
    ...     block,
    ...     terms=(
    ...         Term("intercept"),
    ...         Term("scale", model=scale - 9.0),
    ...         Term("few_shot", condition=np.array([0.0, 1.0])),
    ...     ),
    ...     floor=0.25,
    ... )
    >>> fit = fit_mixed(design)
    >>> fit.converged, bool(0.7 < fit["scale"].estimate < 1.3)
    (True, True)
"""

from confounds.inference._mixed_comparison import (
    MixedTest,
    compare_mixed,
    simulate_mixed,
    wald_test,
)
from confounds.inference._mixed_design import MixedDesign, Term
from confounds.inference._mixed_fit import MixedFit, fit_mixed
from confounds.inference._mixed_units import WorkingUnits, working_units

__all__ = [
    "MixedDesign",
    "MixedFit",
    "MixedTest",
    "Term",
    "WorkingUnits",
    "compare_mixed",
    "fit_mixed",
    "simulate_mixed",
    "wald_test",
    "working_units",
]
