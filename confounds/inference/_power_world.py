"""The truth that power is simulated from: a layout of models, a curve, and variances.

A world is what a study would draw its scores from, had the curve a step of a given size. It
comes from a layout that somebody plans (`Layout`) or from a table (`world_of`), and it can be
made larger by repeating its models in new families.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from confounds.errors import UsageError
from confounds.inference import _link
from confounds.inference._constrained import reference_point
from confounds.inference._plan import TestPlan, with_null
from confounds.inference._reference import drawn_scatter
from confounds.inference._variances import Scatter
from confounds.inference.sample import MIN_MODELS, Sample, threshold_columns

if TYPE_CHECKING:
    from confounds.inference._null import NullFit
    from confounds.inference.sample import Floats, Ints
    from confounds.inference.threshold import FittedThreshold

CENTRE = 9.0
"""log10 scale in the middle of a planned layout; nothing depends on it."""
NEAREST = 0.01
"""How near to the ceiling, in shares of the room above the floor, a step may lead."""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, eq=False)
class Source:
    """A table that a world was estimated from.

    Attributes:
        fit: its curve with a step, (1, M).
        sample: its models.
    """

    fit: NullFit
    sample: Sample


@dataclass(frozen=True, eq=False)
class World:
    """Models and what their scores are drawn around.

    Attributes:
        sample: the models; their scores are not read.
        intercept: of the smooth curve on the link scale, at `pivot`.
        slope: of the smooth curve, per decade.
        pivot: log10 scale at which the intercept is meant.
        rest: (M,) what covariates add to the smooth curve.
        psi: log10 scale of the threshold.
        tau2: variance between models.
        phi2: variance between families.
        rho: spread of the rates of guessing right.
        plan: the test.
        source: what the variances were estimated from; None where they are known.
    """

    sample: Sample
    intercept: float
    slope: float
    pivot: float
    rest: Floats
    psi: float
    tau2: float
    phi2: float
    rho: float
    plan: TestPlan
    source: Source | None = None

    def scatter(self, count: int, rng: np.random.Generator) -> Scatter:
        """Variances of as many simulated tables: those that the table might have had."""
        if self.source is None:
            return Scatter(*(np.full(count, one) for one in (self.tau2, self.phi2, self.rho)))
        return drawn_scatter(self.source.fit, self.source.sample, count, rng)

    @property
    def smooth(self) -> Floats:
        """(M,) the curve without a step, on the link scale."""
        return self.intercept + self.slope * (self.sample.x - self.pivot) + self.rest

    @property
    def room(self) -> float:
        """The largest step that the curve has room for, in score points."""
        if not self.sample.binomial:
            return np.inf
        floor = self._floor
        return float(1 - NEAREST * (1 - floor) - self._mean(self._before))

    def eta(self, effect: float) -> Floats:
        """(M,) the curve with a step of `effect` score points at psi, on the link scale."""
        if effect == 0:
            return self.smooth
        binomial, before = self.sample.binomial, self._before
        after = _link.inverse(
            np.array(self._mean(before) + effect), np.array(self._floor), binomial=binomial
        )
        _, height = reference_point(self.sample, self.psi, self.plan.shape)
        column = threshold_columns(self.sample.x, np.array([self.psi]), self.plan.shape)[:, 0]
        total: Floats = self.smooth + (float(after) - before) / height * column
        return total

    def with_models(self, rows: Ints, x: Floats, family: Ints) -> World:
        """The same truth with other models: like those of `rows`, at scales x, in `family`."""
        old = self.sample
        covariates = None if old.covariates is None else old.covariates[rows]
        names = old.covariate_names
        planned = [name.startswith("null:") for name in names]
        if covariates is not None:
            covariates = covariates[:, [not item for item in planned]]
            covariates = covariates - covariates.mean(axis=0) if covariates.shape[1] else None
        sample = replace(
            old,
            x=x,
            score=old.score[rows],
            n=old.n[rows],
            floor=old.floor[rows],
            family=family,
            models=tuple(f"{old.models[row]}/{place}" for place, row in enumerate(rows)),
            covariates=covariates,
            covariate_names=tuple(n for n, item in zip(names, planned, strict=True) if not item),
            variance=None if old.variance is None else old.variance[rows],
        )
        return replace(self, sample=with_null(sample, self.plan.null), rest=self.rest[rows])

    def repeated(self, models: int) -> World:
        """As many models as asked for, laid out like these.

        Further models stand in new families that mirror the old ones, between the old scales;
        fewer than all are taken evenly over the scales, by the golden ratio, which falls into
        step with no order of the families.
        """
        count = len(self.sample)
        order = np.argsort(self.sample.x, kind="stable")
        order = order[np.argsort(np.arange(1, count + 1) * GOLDEN % 1, kind="stable")]
        copy, within = np.divmod(np.arange(models), count)
        rows = order[within]
        spacing = np.ptp(self.sample.x) / max(count - 1, 1)
        shift = spacing * ((copy * GOLDEN + 0.5) % 1 - 0.5)
        family = self.sample.family[rows] + copy * (self.sample.family.max() + 1)
        return self.with_models(rows, self.sample.x[rows] + shift, family)

    @property
    def _floor(self) -> float:
        return float(self.sample.floor.mean())

    @property
    def _before(self) -> float:
        """The curve on the link scale where the effect is read off, before the step."""
        at, _ = reference_point(self.sample, self.psi, self.plan.shape)
        return self.intercept + self.slope * (at - self.pivot)

    def _mean(self, eta: float) -> float:
        floor = np.array(self._floor)
        return float(_link.mean(np.array(eta), floor, binomial=self.sample.binomial))


@dataclass(frozen=True, slots=True)
class Layout:
    """A study that is planned: models, families and items, and the curve without a step.

    Attributes:
        models: number of models, evenly spaced in log scale.
        families: number of families; each has models all along the range, unless `disjoint`.
        items: items behind each score.
        disjoint: whether families occupy blocks of scale of their own.
        decades: range of scale.
        chance: chance floor.
        model_sd: standard deviation between models of a family, on the logit.
        family_sd: standard deviation between families, on the logit.
        before: share of the way from chance to 1 that the curve has gone just below the
            threshold, which lies in the middle of the range; where families are disjoint, in
            the middle of a family, since between two of them no model tells it from a family.
        slope: of the smooth curve on the logit, per decade.
        shared: share of the model and family variance that both conditions of a pair have.
        plan: the test: null, `gradual`, step or hinge.

    Raises:
        UsageError: a value is not allowed; the message names it and what is.
    """

    models: int
    families: int
    items: int
    disjoint: bool = False
    decades: float = 6.0
    chance: float = 0.25
    model_sd: float = 0.5
    family_sd: float = 0.5
    before: float = 0.27
    slope: float = 0.7
    shared: float = 0.8
    plan: TestPlan = field(default_factory=lambda: TestPlan(detailed=False))

    def __post_init__(self) -> None:
        steepest = self._steepest
        allowed = {
            "models": (self.models >= MIN_MODELS, f"a whole number of at least {MIN_MODELS}"),
            "families": (1 <= self.families <= self.models, "from 1 to the number of models"),
            "items": (self.items >= 1, "a whole number of at least 1"),
            "decades": (0 < self.decades < np.inf, "above 0"),
            "chance": (0 <= self.chance < 1, "at least 0 and below 1"),
            "model_sd": (0 <= self.model_sd <= 2, "from 0 to 2, on the logit"),
            "family_sd": (0 <= self.family_sd <= 2, "from 0 to 2, on the logit"),
            "before": (0 < self.before < 1, "between 0 and 1"),
            "slope": (0 <= self.slope <= steepest, self._slopes_allowed(steepest)),
            "shared": (0 <= self.shared <= 1, "from 0 to 1"),
            "gradual": (0 < self.plan.gradual < np.inf, "above 0"),
        }
        for name, (fine, what) in allowed.items():
            if not fine:
                value = self.plan.gradual if name == "gradual" else getattr(self, name)
                msg = f"{name} is {value}; it must be {what}"
                raise UsageError(msg)

    @property
    def _steepest(self) -> float:
        """The steepest smooth growth that the test takes for gradual, on the logit per decade."""
        if self.plan.null != "gradual" or not self.plan.gradual > 0:
            return np.inf
        return float(_link.TRANSITION / self.plan.gradual)

    def _slopes_allowed(self, steepest: float) -> str:
        if not np.isfinite(steepest):
            return "at least 0"
        return (
            f"from 0 to {np.floor(1000 * steepest) / 1000:g} a decade: steeper growth is sharper "
            f"than gradual, whose transition takes {self.plan.gradual:g} decades or more"
        )

    def world(self) -> World:
        """The layout as models at known scales."""
        x = CENTRE + self.decades * (np.arange(self.models) / (self.models - 1) - 0.5)
        place = np.arange(self.models)
        family = place * self.families // self.models if self.disjoint else place % self.families
        sample = Sample(
            x=x,
            score=np.zeros(self.models),
            n=np.full(self.models, float(self.items)),
            floor=np.full(self.models, self.chance),
            family=family.astype(np.int64),
            models=tuple(f"model {index}" for index in place),
        )
        inside = sample.family == sample.family[self.models // 2]
        wanted = float(x[inside].mean()) if self.disjoint else CENTRE
        psi = float(sample.grid[np.abs(sample.grid - wanted).argmin()])
        return World(
            with_null(sample, self.plan.null),
            intercept=float(np.log(self.before / (1 - self.before))),
            slope=self.slope,
            pivot=psi,
            rest=np.zeros(self.models),
            psi=psi,
            tau2=self.model_sd**2,
            phi2=self.family_sd**2,
            rho=0.0,
            plan=self.plan,
        )


def world_of(fitted: FittedThreshold) -> World:
    """A table's own layout and curve, with the variances that it might have had."""
    sample, fit = fitted.sample, fitted.curve.fit
    theta = fit.theta[0]
    rest = np.zeros(len(sample))
    if sample.covariates is not None:
        rest = sample.covariates @ theta[2:-1]
    return World(
        sample,
        intercept=float(theta[0]),
        slope=float(theta[1]),
        pivot=sample.centre,
        rest=rest,
        psi=fitted.psi,
        tau2=float(fit.tau2[0]),
        phi2=float(fit.phi2[0]),
        rho=float(fit.rho[0]),
        plan=fitted.plan,
        source=Source(fit, sample),
    )
