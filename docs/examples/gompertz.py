"""A Gompertz curve: a rise that starts abruptly and levels off slowly.

mean(x) = upper exp(-exp(-rate (x - midpoint))), after Gompertz 1825.
"""

from __future__ import annotations

import numpy as np

from confounds.curves._curve import Array, Curve, Parameter, Rows


def start(x: Array, y: Array) -> Rows:
    """The highest score as the upper level, at several places and rates."""
    top = float(y.max())
    return [(top, place, rate) for place in np.quantile(x, [0.2, 0.5, 0.8]) for rate in (1.0, 4.0)]


def mean(x: Array, parameters: tuple[Array, ...]) -> Array:
    """The curve at `x`, log10 scale from its mean."""
    upper, midpoint, rate = parameters
    return upper * np.exp(-np.exp(-rate * (x - midpoint)))


CURVE = Curve(
    summary="an abrupt start that levels off slowly",
    parameters=(
        Parameter("upper", "level at large scale", binomial_bounds=(0.0, 1.0)),
        Parameter("midpoint", "log10 scale at which 1/e of it is reached", role="location"),
        Parameter("rate", "per decade", bounds=(0.05, 50.0)),
    ),
    start=start,
    mean=mean,
    link="identity",
)
