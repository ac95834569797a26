"""How much do the same models gain by one condition over another, on average?

Estimand: the mean within-model difference.

Formula: mean +- t sqrt(G / (G - 1) sum over families of (sum of residuals)^2) / M, with G families,
M models and G - 1 degrees of freedom. Families are the clusters: the interval is Student's t on a
cluster-robust standard error with one degree of freedom less than there are families (Cameron &
Miller 2015). Where families differ by less than their models would by themselves, the models' own
standard error is taken, on M - G degrees of freedom, so that few families that happen to agree give
no interval of width 0. With one family its models are the clusters, and nothing is said of others.

Assumption that would break it: the models are a fair sample of those the sentence is about.

Source: Cameron & Miller 2015, Journal of Human Resources 50(2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from confounds.results import Estimate

if TYPE_CHECKING:
    from confounds.inference.crossing_point import Gains
    from confounds.inference.sample import Floats, Ints


def mean_gain(gains: Gains, term: str, level: float = 0.95) -> Estimate:
    """Mean gain over the models, with its interval over families.

    Args:
        gains: one row a model.
        term: name of the estimate.
        level: confidence level.
    """
    several = len(np.unique(gains.family)) > 1
    clusters = gains.family if several else np.arange(len(gains))
    return cluster_mean(gains.gain, clusters, term, level)


def cluster_mean(values: Floats, clusters: Ints, term: str, level: float = 0.95) -> Estimate:
    """Mean of some values with Student's t interval over clusters.

    Args:
        values: (M,) one a unit.
        clusters: (M,) which units hang together.
        term: name of the estimate.
        level: confidence level.
    """
    names, codes = np.unique(clusters, return_inverse=True)
    mean, groups, size = float(values.mean()), len(names), len(values)
    if groups == 1:
        return Estimate(term, mean, level=level)
    rest = values - mean
    error = float(np.sqrt(groups / (groups - 1) * (np.bincount(codes, rest) ** 2).sum())) / size
    freedom = groups - 1
    alone = float(rest.std(ddof=1)) / float(np.sqrt(size))
    if alone > error and size > groups:
        error, freedom = alone, size - groups
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, freedom)) if error > 0 else None
    return Estimate(
        term, mean, error, p_value=p, ci_lower=mean - half, ci_upper=mean + half, level=level
    )
