"""What is known where no threshold can be tested: how far the scores of two conditions differ.

With four sizes, or six models, nothing can be said of a step. The mean score of the same models
with and without the confound can still be compared. It decides nothing: a difference that is alike
at every scale is no step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.claim import CONDITIONS
from confounds.inference.paired_gain import cluster_mean
from confounds.text import estimate, plural

if TYPE_CHECKING:
    from confounds.inference.fits import Fits
    from confounds.inference.observe import Observation
    from confounds.results import Estimate, RivalTest

FEWEST = 3
"""Models run both ways."""


def mean_difference(fits: Fits, observation: Observation) -> tuple[Estimate, int] | None:
    """Mean score of the raw condition less that of another, over the models run both ways.

    Returns:
        `mean_difference` with its 95 % t interval (models of one family hang together), and the
        number of models; None where too few were run both ways, or the two conditions are one.
    """
    raw, other = fits.raw_observation.sample, observation.sample
    if fits.settings.only_testable or raw is None or other is None:
        return None
    if observation.condition == fits.raw_observation.condition:
        return None
    if not set(observation.condition) <= set(CONDITIONS):
        return None
    place = {name: row for row, name in enumerate(other.models)}
    rows = [row for row, name in enumerate(raw.models) if name in place]
    if len(rows) < FEWEST:
        return None
    score = np.array([other.score[place[raw.models[row]]] for row in rows])
    families = raw.family[rows]
    clusters = families if len(np.unique(families)) > 1 else np.arange(len(rows))
    return cluster_mean(raw.score[rows] - score, clusters, "mean_difference"), len(rows)


def with_difference(test: RivalTest, found: tuple[Estimate, int] | None) -> RivalTest:
    """A rival that cannot be tested, with what is known of it all the same."""
    if found is None:
        return test
    difference, models = found
    reason = (
        f"{test.reason}; the mean score of the raw condition less that of the controlled one: "
        f"{estimate(difference)} ({plural(models, 'model')} run both ways)"
    )
    return replace(test, reason=reason, estimates=(*test.estimates, difference))
