"""Power and design: what could this layout of models show, and what would more models buy?

The package's own tests, decided on simulated scores: the threshold test (two-level and within
families), the paired contrast, and the bound on a controlled effect that `explained` needs.
Scores are drawn around a smooth curve with a step at the threshold, with effects of models and
families, and binomial items; the reference distribution of each point is drawn from the fits
of its own simulated data sets (`_power_draws`).

Estimand: how often the tests find a true step, and how often a condition without one is shown to
have none.

Formula: the share of simulated tables with p < .05; its standard error sqrt(power (1 - power) /
tables).

Assumption that would break it: the smooth curve and the place of the step are taken as known,
though a table of twelve models tells them poorly (variances are drawn anew for every simulated
table, as the data might have had them); new models vary as the old ones do; effects are normal on
the logit.

Source: Giacomini, Politis & White 2013 (one draw a data set).
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from confounds import text
from confounds.exploration import Design
from confounds.inference._plan import TestPlan
from confounds.inference._power_search import (
    EFFECTS,
    Search,
    crossing,
    search_effects,
    search_models,
    simulate_point,
)
from confounds.inference._power_world import Layout, World, world_of
from confounds.inference.scale_alias import scale_aliases

__all__ = [
    "ALIASED",
    "PRECISE",
    "SIMULATIONS",
    "Layout",
    "Search",
    "TestPlan",
    "design_of",
    "plan_design",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confounds.exploration import PowerPoint
    from confounds.inference._power_search import Tell
    from confounds.inference.fits import Fits
    from confounds.inference.sample import Floats, Ints

SIMULATIONS = 250
PRECISE = 2000
"""Simulations a point where precise answers are asked for."""
ADDED = 4
"""Models in each addition that is tried."""
EVEN = 0.5
"""Additions are compared at the step that the table itself would see this often."""
ALIASED = "no power for a step that is aliased: "
"""Begins what is said of a factor that changes just where scale passes a threshold."""
BEYOND = 1.0
"""Decades above the largest scale at which one addition is tried."""


def design_of(fits: Fits, *, simulations: int = SIMULATIONS, tell: Tell | None = None) -> Design:
    """What could the table of a claim have shown, and which models would help most?

    Args:
        fits: the claim's fits; its raw condition gives layout, curve and variances.
        simulations: simulated data sets a point; above the default, equivalence is simulated
            at every number of models too.
        tell: is told of every point that is begun.

    Returns:
        Power over true steps at the raw threshold; over numbers of models, laid out as these
        are, at the smallest effect of interest; and with each of several additions. `reason`
        is set, and all else empty, where the raw condition cannot be tested.
    """
    if fits.raw is None:
        return Design(reason=fits.raw_observation.why_not())
    world = world_of(fits.raw)
    score = fits.raw.sample.score
    unit = 1.0 if world.sample.binomial else float(np.ptp(score))
    search = Search(
        smallest=fits.claim.smallest_effect * unit,
        simulations=simulations,
        seed=fits.settings.seed,
        thorough=simulations > SIMULATIONS,
        tell=tell,
    )
    if world.room < search.smallest:
        return Design(
            reason=f"at the threshold the smooth curve leaves {max(world.room, 0):.2f} score "
            f"points of room, less than the smallest effect of interest ({search.smallest:g})"
        )
    found = _search(world, search, search.smallest, unit)
    additions = _additions(world, search, found.by_effect, fits.claim.scale)
    ties = scale_aliases(fits.raw, fits.cells(), fits.claim.scale)
    assumed = (*(f"{ALIASED}{tie}" for tie in ties), *_assumed_of_table(world), *_falls(found))
    return replace(found, additions=additions, assumptions=assumed)


def plan_design(layout: Layout, effect: float, search: Search) -> Design:
    """What could a planned study show, and how many models would it take?

    Args:
        layout: models, families, items, curve and variances.
        effect: the true step over which the number of models is searched, in score points.
        search: simulations, seed, and the smallest effect of interest.

    Raises:
        UsageError: the layout cannot be meant.
    """
    search = replace(search, shared=layout.shared)
    world = layout.world()
    if effect > world.room:
        return Design(
            reason=f"a step of {effect:g} has no room: the curve stands at "
            f"{1 - world.room:.2f} before the threshold"
        )

    def grow(models: int) -> World:
        families = max(1, round(layout.families * models / layout.models))
        return replace(layout, models=models, families=families).world()

    by_effect = search_effects(world, search, 1.0)
    found = _over_models(grow, layout.models, effect, by_effect, search)
    return replace(found, assumptions=(*_assumed_of_layout(layout, world), *_falls(found)))


def _search(world: World, search: Search, effect: float, unit: float) -> Design:
    by_effect = search_effects(world, search, unit)
    return _over_models(world.repeated, len(world.sample), effect, by_effect, search)


def _over_models(
    grow: Callable[[int], World],
    models: int,
    effect: float,
    by_effect: tuple[PowerPoint, ...],
    search: Search,
) -> Design:
    """Add the search over numbers of models, begun where the power over effects points to.

    What a test sees grows with the step times the square root of the number of models.
    """
    least = crossing([point.effect for point in by_effect], [point.power for point in by_effect])
    far = least if least is not None else EFFECTS[-1]
    by_models = search_models(grow, models, effect, models * (far / effect) ** 2, search)
    needed = crossing([point.models for point in by_models], [point.power for point in by_models])
    return Design(
        by_effect,
        by_models,
        minimum_effect=least,
        models_needed=None if needed is None else math.ceil(needed),
    )


def _additions(
    world: World, search: Search, by_effect: tuple[PowerPoint, ...], axis: str
) -> tuple[PowerPoint, ...]:
    """What each of several additions would buy, at a step that the table sees half of the time."""
    if not by_effect:
        return ()
    effects, powers = [item.effect for item in by_effect], [item.power for item in by_effect]
    effect = crossing(effects, powers, EVEN) or effects[-1]
    points = [simulate_point(world, effect, search)]
    for phrase, x, family in _candidates(world, axis):
        points.append(simulate_point(_with(world, x, family), effect, search, phrase))
    return tuple(points)


def _candidates(world: World, axis: str) -> Iterator[tuple[str, Floats, Ints]]:
    """Phrase, log10 scales and families of each addition."""
    x, psi = world.sample.x, world.psi
    low, high = float(x.min()), float(x.max())
    below, above = float(x[x < psi].max()), float(x[x > psi].min())
    around = np.array([below, below, above, above])
    new = np.full(ADDED, world.sample.family.max() + 1)
    one = "one new family"

    def at(value: float) -> str:
        return f"{ADDED} models near {text.scale(10**value, axis)}, {one}"

    yield f"{at(high + BEYOND)} (beyond the largest)", np.full(ADDED, high + BEYOND), new
    yield f"{at(high)} (the largest)", np.full(ADDED, high), new
    yield f"{at(above)} (just above the threshold)", np.full(ADDED, above), new
    yield f"{at(below)} (just below the threshold)", np.full(ADDED, below), new
    yield f"{at(low)} (the smallest)", np.full(ADDED, low), new
    yield f"{ADDED} models, two on each side of the threshold, {one}", around, new
    yield f"{ADDED} sizes over the whole range, {one}", np.linspace(low, high, ADDED), new
    families = np.unique(world.sample.family)
    if len(families) > 1:
        old = np.resize(families, ADDED // 2).repeat(2)
        sides = np.array([below, above, below, above])
        yield f"{ADDED} models, two on each side of the threshold, in families there", sides, old


def _with(world: World, x: Floats, family: Ints) -> World:
    """The world with further models, each like the one that is nearest in scale."""
    old = world.sample
    nearest = np.abs(old.x[None, :] - x[:, None]).argmin(axis=1)
    rows = np.concatenate([np.arange(len(old)), nearest])
    return world.with_models(rows, np.append(old.x, x), np.append(old.family, family))


def _assumed_of_table(world: World) -> tuple[str, ...]:
    like_those = (
        "over true steps the models lie as they do; over numbers of models they are laid out anew, "
        "fewer taken evenly over the scales, more between those there, in new families; additions "
        "are put beside those there. So one number of models can have three powers. Each added "
        "model has the items, the chance level and the covariates of the nearest one there"
    )
    known = (
        "the curve and the place of the step are taken as estimated from this table, without their "
        "error, and variances as it might have had them: over simulated tables of 8 to 40 models "
        "the power so told was 0.00 to 0.13 too high, most where power is low, with a standard "
        "deviation of 0.2"
    )
    return _assumed_of_curve(world), like_those, known


def _assumed_of_layout(layout: Layout, world: World) -> tuple[str, ...]:
    where = "in blocks of scale of their own" if layout.disjoint else "all along the range"
    models = (
        f"models evenly spaced over {layout.decades:g} decades, anew for every number of models, "
        f"families {where}; "
        f"{layout.items:,} items a score, chance {layout.chance:g}"
    )
    pair = f"the conditions of a pair share {layout.shared:.0%} of the variance between models"
    return models, _assumed_of_curve(world), pair


def _falls(design: Design) -> tuple[str, ...]:
    """What is to be known of a power that falls somewhere, where it does."""
    curves = (design.by_effect, design.by_models)
    if not any(b.power < a.power for points in curves for a, b in pairwise(points)):
        return ()
    return (
        (
            "power need not rise from point to point: each carries a simulation error (SE), and a "
            "step that brings the curve to its ceiling can look like the end of a gradual rise; "
            "what is read off it is read off the rising curve nearest to the points"
        ),
    )


def _assumed_of_curve(world: World) -> str:
    unit = " on the logit" if world.sample.binomial else ""
    return (
        f"a smooth curve with a slope of {world.slope:.2f} a decade{unit} and a "
        f"{world.plan.shape} at log10 scale {world.psi:.2f}; standard deviation "
        f"{world.tau2**0.5:.2f} between models and {world.phi2**0.5:.2f} between families{unit}"
    )
