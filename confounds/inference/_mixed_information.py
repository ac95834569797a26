"""How well the fixed effects and the standard deviations are known.

All from one factorisation at the restricted mode, as in a linear mixed model on the working
response: the information on the standard deviations is 1/2 tr(Q dS_j Q dS_k), Q the
precision of the effects less what their prior explains (Searle, Casella & McCulloch 1992,
ch. 6), and the derivatives of the fixed effects' covariance follow from dH^-1 = -H^-1 dP H^-1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from confounds.inference._mixed_design import Booleans, Floats
from confounds.inference._mixed_laplace import Mode
from confounds.inference._mixed_problem import Problem

# A standard deviation below this counts as zero: its component is then taken as known.
BOUNDARY = 1e-3
# Standard deviation of max(Z, 0), Z standard normal.
CUT_OFF = float(np.sqrt(0.5 - 0.5 / np.pi))
# Relative size of an eigenvalue that counts as zero.
TINY = 1e-15


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What one restricted mode says of precision.

    Attributes:
        conditional: covariance of the fixed effects at known standard deviations.
        slopes: its derivative in each standard deviation, shape [components, terms, terms].
        drift: derivative of the fixed effects in each standard deviation, [components, terms].
        information: on the standard deviations, shape [components, components].
        full_information: the same with the fixed effects known.
        sd: the standard deviations.
        levels: number of levels per component.
        free: which of them lie off the boundary.
    """

    conditional: Floats
    slopes: Floats
    drift: Floats
    information: Floats
    full_information: Floats
    sd: Floats
    levels: Floats
    free: Booleans

    @cached_property
    def of_sd(self) -> Floats:
        """Covariance of the estimated standard deviations; 0 for those at the boundary.

        Near a chance floor the information need not be positive: what it then takes away is 0.
        """
        covariance = np.zeros_like(self.information)
        place = np.ix_(np.flatnonzero(self.free), np.flatnonzero(self.free))
        covariance[place] = _inverse_where_positive(self.information[place])
        return covariance

    @cached_property
    def of_variance(self) -> Floats:
        """Covariance of the estimated variances, those at the boundary included.

        A variance that was estimated at 0 is not known to be 0, though to first order its
        standard deviation changes nothing there; its estimate has the spread of a normal one
        that is cut off at 0.
        """
        return self._of_variance(self.information)

    @cached_property
    def variance_slopes(self) -> Floats:
        """Derivative of `conditional` in each variance, shape [components, terms, terms]."""
        return np.asarray(self.slopes / self._per[:, None, None])

    def _of_variance(self, information: Floats) -> Floats:
        covariance = _inverse_where_positive(information / np.outer(self._per, self._per))
        return np.asarray(covariance * np.outer(self._cut, self._cut))

    @property
    def _cut(self) -> Floats:
        return np.where(self.free, 1.0, CUT_OFF)

    @property
    def _per(self) -> Floats:
        return np.asarray(2.0 * self.sd)

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the fixed effects, that of the variances carried through."""
        drift = self.drift / self._per[:, None]
        return np.asarray(self.conditional + drift.T @ self.of_variance @ drift)

    def in_units(self, scale: Floats) -> Uncertainty:
        """The same for fixed effects whose columns were divided by `scale`, shape [terms]."""
        outer = np.outer(scale, scale)
        return replace(
            self,
            conditional=self.conditional / outer,
            slopes=self.slopes / outer,
            drift=self.drift / scale,
        )

    def degrees(self, contrast: Floats) -> float:
        """Satterthwaite degrees of freedom of a contrast, shape [terms]; at least 1.

        Source: Satterthwaite 1946; Giesbrecht & Burns 1985.
        """
        return self._satterthwaite(contrast, self.of_variance)

    def number(self, contrast: Floats) -> float:
        """The same as the unrestricted likelihood has it: of models, their number.

        It takes variances for smaller, as if the fixed effects had been known; a contrast is
        concerned by the share that the variance between levels has in its own.
        """
        degrees = self.degrees(contrast)
        known = self._of_variance(self.full_information)
        full = max(degrees, self._satterthwaite(contrast, known))
        if not np.isfinite(full):
            return full
        slope = np.einsum("j,cjk,k->c", contrast, self.variance_slopes, contrast)
        foremost = int(np.argmax(slope**2 * np.diag(self.of_variance)))
        levels = self.levels[foremost] / self._cut[foremost] ** 2
        share = min(1.0, float(np.sqrt(levels / full)))
        return degrees / (1.0 - share * (1.0 - degrees / full))

    def _satterthwaite(self, contrast: Floats, of_variance: Floats) -> float:
        variance = float(contrast @ self.covariance @ contrast)
        slope = np.einsum("j,cjk,k->c", contrast, self.variance_slopes, contrast)
        spread = float(slope @ of_variance @ slope)
        return max(1.0, 2.0 * variance**2 / spread) if spread > 0.0 else float("inf")


def uncertainty(problem: Problem, mode: Mode) -> Uncertainty:
    """The uncertainty at a restricted mode (fixed effects free)."""
    groups, prior, shape = problem.groups, mode.prior, mode.curvature
    covariance = shape.covariance()
    terms = covariance[groups:]
    precision, tau = prior.precision, prior.item_precision
    gram = shape.ratio.T @ shape.ratio
    to_group = terms[:, :groups] @ precision
    weighted = precision @ mode.state.group
    sd = float(prior.sd[0])
    slopes = [2.0 * tau / sd * (terms @ gram @ terms.T)]
    drift = [-2.0 * tau / sd * (terms @ (shape.ratio.T @ mode.state.item))]
    for slope in prior.slopes:
        slopes.append(to_group @ slope @ to_group.T)
        drift.append(to_group @ slope @ weighted)
    return Uncertainty(
        conditional=terms[:, groups:],
        slopes=np.stack(slopes),
        drift=np.stack(drift),
        information=_information(problem, mode, covariance, shape.ratio),
        full_information=_information(
            problem, mode, _at_known_terms(covariance, groups), shape.ratio[:, :groups]
        ),
        sd=prior.sd,
        levels=np.array([problem.items, *(np.sum(1.0 / k.sum(axis=0)) for k in problem.kernels)]),
        free=prior.sd > BOUNDARY,
    )


def _at_known_terms(covariance: Floats, groups: int) -> Floats:
    inner, cross = covariance[groups:, groups:], covariance[groups:, :groups]
    return np.asarray(covariance[:groups, :groups] - cross.T @ np.linalg.solve(inner, cross))


def _inverse_where_positive(information: Floats) -> Floats:
    """Near a chance floor information need not be positive: what it then takes away is 0."""
    values, vectors = np.linalg.eigh(information)
    known = values > TINY * np.abs(values).max(initial=0.0)
    return np.asarray((vectors[:, known] / values[known]) @ vectors[:, known].T)


def _information(problem: Problem, mode: Mode, covariance: Floats, ratio: Floats) -> Floats:
    prior, shape, groups = mode.prior, mode.curvature, problem.groups
    tau, sd = prior.item_precision, float(prior.sd[0])
    precision, gram = prior.precision, ratio.T @ ratio
    alone = tau * (1.0 - tau / shape.item)
    through = np.einsum("ij,jk,ik->i", ratio, covariance, ratio, optimize=True)
    chained = gram @ covariance
    squared = float(np.sum(alone**2) - 2.0 * tau**2 * (alone @ through))
    squared += tau**4 * float(np.sum(chained * chained.T))
    information = np.zeros((len(prior.sd), len(prior.sd)))
    information[0, 0] = 2.0 * sd**2 * squared
    side = covariance[:, :groups] @ precision
    crossing = tau**2 * side.T @ gram @ side
    inner = precision - precision @ covariance[:groups, :groups] @ precision
    moved = [inner @ slope for slope in prior.slopes]
    for j, slope in enumerate(prior.slopes, start=1):
        information[0, j] = information[j, 0] = sd * float(np.sum(crossing * slope))
        for k in range(1, j + 1):
            value = 0.5 * float(np.sum(moved[j - 1] * moved[k - 1].T))
            information[j, k] = information[k, j] = value
    return information
