"""Power: the worlds that are simulated, the decisions on them, and what a design says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference.samples import stepped, unbounded
from power import Cell, draw, full, quick
from rivals.made import World as MadeWorld
from rivals.made import claim_of, frame_of, outcomes_of

from confounds.errors import UsageError
from confounds.exploration import Design, PowerPoint
from confounds.inference import _link
from confounds.inference._batches import taken
from confounds.inference._effect import effect_freedom, fit_threshold, working_covariance
from confounds.inference._plan import TestPlan as Plan
from confounds.inference._power_draws import (
    _covariances,
    draw_chance,
    draw_pairs,
    draw_world,
    effect_freedoms,
    pooled_p,
    shown_below,
    threshold_found,
)
from confounds.inference._power_search import crossing, search_models
from confounds.inference._power_world import Layout, World, world_of
from confounds.inference._reference import p_value
from confounds.inference.fits import Fits, Settings
from confounds.inference.power import Search, _falls, design_of, plan_design
from confounds.inference.threshold import test_threshold as run_test

QUICK = Search(smallest=0.1, simulations=100, seed=1)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@given(
    effect=st.floats(0.01, 0.5),
    chance=st.floats(0.0, 0.5),
    before=st.floats(0.02, 0.3),
    slope=st.floats(0.0, 2.0),
)
def test_the_step_of_a_world_is_the_one_asked_for(effect, chance, before, slope):
    world = Layout(12, 3, 100, chance=chance, before=before, slope=slope).world()
    effect = min(effect, world.room)
    rise = world.eta(effect) - world.smooth
    at = np.log(before / (1 - before))
    mean = [
        _link.mean(np.array(eta), np.array(chance), binomial=True) for eta in (at, at + rise.max())
    ]
    assert set(np.flatnonzero(rise)) == set(np.flatnonzero(world.sample.x > world.psi))
    assert mean[1] - mean[0] == pytest.approx(effect, abs=1e-6)


def test_a_hinge_reaches_its_effect_at_the_largest_scale():
    world = Layout(12, 3, 100, plan=Plan(shape="hinge")).world()
    mean = [
        _link.mean(eta, world.sample.floor, binomial=True)[-1]
        for eta in (world.smooth, world.eta(0.1))
    ]
    assert mean[1] - mean[0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": 5}, "models is 5; it must be a whole number of at least 8"),
        ({"families": 13}, "families is 13; it must be from 1 to the number of models"),
        ({"chance": 1.0}, "chance is 1.0; it must be at least 0 and below 1"),
        ({"decades": float("nan")}, "decades is nan; it must be above 0"),
        ({"plan": Plan(gradual=0.0)}, "gradual is 0.0; it must be above 0"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        Layout(**({"models": 12, "families": 3, "items": 100} | change))


def test_families_of_a_layout_overlap_or_occupy_blocks():
    overlap, disjoint = (Layout(12, 3, 100, disjoint=flag).world() for flag in (False, True))
    assert [
        int(np.ptp(world.sample.x[world.sample.family == 0])) for world in (overlap, disjoint)
    ] == [4, 1]
    assert overlap.sample.families == disjoint.sample.families == 3
    even = Layout(16, 4, 100, disjoint=True).world()
    sides = [
        set(even.sample.family[side])
        for side in (even.sample.x < even.psi, even.sample.x > even.psi)
    ]
    assert len(sides[0] & sides[1]) == 1


def test_more_models_are_laid_out_like_those_there_in_new_families():
    world = Layout(12, 3, 100).world()
    more = world.repeated(20)
    assert len(more.sample) == 20
    assert more.sample.families == 6
    assert more.sample.x.min() > world.sample.x.min() - 1
    assert more.sample.x.max() < world.sample.x.max() + 1
    fewer = world.repeated(8).sample
    assert set(fewer.x) < set(world.sample.x)
    assert fewer.families == 3
    assert np.abs(np.sort(fewer.x) - np.linspace(6, 12, 8)).max() < 1


def test_a_world_of_a_table_has_its_curve_and_variances():
    fitted = run_test(stepped(), Plan(replicates=19, detailed=False))
    world = world_of(fitted)
    effect = fitted.fit["effect"].estimate
    assert np.allclose(world.eta(effect), fitted.curve.fit.eta[0], atol=0.05)
    assert world.tau2 == fitted.curve.fit.tau2[0]


def test_tables_are_simulated_with_variances_that_the_table_might_have_had():
    world = world_of(run_test(stepped(), Plan(replicates=19, detailed=False)))
    drawn = world.repeated(30).scatter(4000, rng())
    assert np.ptp(drawn.tau2) > world.tau2
    assert np.median(drawn.tau2) == pytest.approx(world.tau2, rel=0.25)
    planned = Layout(12, 3, 100).world().scatter(3, rng())
    assert planned.tau2.tolist() == planned.phi2.tolist() == [0.25] * 3


def test_the_columns_of_a_spline_null_move_with_the_models():
    fitted = run_test(stepped(), Plan(null="spline", replicates=19, detailed=False))
    more = world_of(fitted).repeated(30).sample
    assert more.design.shape == (30, 4)
    assert np.linalg.matrix_rank(more.design) == 4


def test_pooled_p_values_are_those_of_a_bootstrap():
    draws, statistic = rng().exponential(size=(3, 33)), np.array([0.1, 1.0, 9.0])
    found = pooled_p(statistic, draws, np.zeros(3))
    assert found.tolist() == [p_value(item, draws.ravel()) for item in statistic]


def test_only_data_sets_that_are_alike_pool_their_draws():
    scale = np.repeat([1.0, 100.0], 200)
    draws = rng().exponential(size=(400, 4)) * scale[:, None]
    p = pooled_p(np.full(400, 10.0), draws, scale)
    assert p[:150].max() < 0.05
    assert p[250:].min() > 0.8


@pytest.mark.parametrize("kind", ["threshold", "paired"])
def test_pooled_decisions_are_mostly_those_of_the_full_procedure(kind):
    cell = Cell(kind, 12, disjoint=False, effect=0.4 if kind == "threshold" else 0.15)
    world, generator = cell.world(), rng()
    y = draw(cell, world, 30, generator)
    fast = quick(cell, world, y, generator, 20)
    assert np.mean(fast != full(cell, world, y, generator)) < 0.2
    assert 0.1 < fast.mean() < 0.95


def test_bounds_are_those_of_the_interval():
    cell = Cell("smooth", 12, disjoint=False, effect=0.0)
    world, generator = cell.world(), rng()
    y = np.vstack([draw_world(world, 0.0, 20, generator), draw_chance(world, 10, generator)])
    below = shown_below(y, world, 0.1)
    assert np.array_equal(below, full(cell, world, y, generator))
    assert below.any()
    assert not below.all()


def test_degrees_of_freedom_are_those_of_one_data_set():
    world = Layout(16, 4, 500, disjoint=True).world()
    y = draw_world(world, 0.2, 6, rng())
    fit = fit_threshold(y, world.sample, world.psi, "step", Plan().growth(world.sample)).fit
    found = effect_freedoms(world.sample, world.psi, "step", _covariances(fit, world.sample))
    for row, freedom in enumerate(found):
        one = taken(fit, np.array([row]))
        covariance = working_covariance(one, world.sample)
        assert freedom == pytest.approx(effect_freedom(world.sample, world.psi, "step", covariance))


def test_without_a_step_a_twentieth_is_found_and_larger_steps_are_found_more_often():
    world = Layout(16, 4, 500).world()
    power = [
        threshold_found(draw_world(world, step, 400, rng()), world, rng()).power
        for step in (0.0, 0.3, 0.5)
    ]
    assert power[0] < 0.08
    assert power[0] < power[1] < power[2]


def test_the_simulation_error_is_the_spread_over_simulations():
    world, generator = Layout(12, 3, 500).world(), rng()
    found = [
        threshold_found(draw_world(world, 0.4, 100, generator), world, generator) for _ in range(25)
    ]
    spread = np.std([item.power for item in found], ddof=1)
    assert np.mean([item.std_error for item in found]) == pytest.approx(spread, rel=0.4)


def test_conditions_of_a_pair_share_what_they_are_said_to_share():
    world = replace(Layout(20, 20, 10**6, slope=0.0).world(), phi2=0.0)
    for shared in (0.0, 0.8):
        raw, other = (
            np.log((y - 0.25) / (1 - y)) for y in draw_pairs(world, 0.0, shared, 400, rng())
        )
        assert np.corrcoef(raw.ravel(), other.ravel())[0, 1] == pytest.approx(shared, abs=0.05)


def test_power_crosses_the_aim_between_two_points():
    assert crossing([10, 20, 30], [0.2, 0.6, 1.0]) == pytest.approx(25)
    assert crossing([10, 20], [0.2, 0.7]) is None
    assert crossing([10, 20], [0.9, 1.0]) == 10
    assert crossing([], []) is None
    assert crossing([1, 2, 3, 4], [0.1, 0.9, 0.7, 1.0]) == pytest.approx(2, abs=0.01)


def test_the_search_goes_down_where_there_are_more_models_than_needed():
    layout = Layout(40, 10, 500)

    def grow(models: int) -> World:
        return replace(layout, models=models, families=models // 4).world()

    points = search_models(grow, 40, 0.5, 20, QUICK)
    assert points[-1].models == 40
    assert points[-1].power > 0.9
    assert points[0].models < 25
    assert points[-1].equivalence is not None


def test_a_planned_study_of_more_models_finds_smaller_steps():
    few, many = (plan_design(Layout(m, m // 4, 500), 0.4, QUICK) for m in (12, 40))
    assert many.minimum_effect is not None
    assert few.minimum_effect is None or few.minimum_effect > many.minimum_effect
    assert few.models_needed is not None
    assert 12 < few.models_needed < 40
    assert few.by_effect[0].paired is not None
    assert few == plan_design(Layout(12, 3, 500), 0.4, QUICK)


def test_a_step_without_room_is_said_to_have_none():
    design = plan_design(Layout(12, 3, 100, before=0.9), 0.3, QUICK)
    assert design.by_effect == ()
    assert "has no room" in (design.reason or "")


def made_fits(models: int = 16, kind: str = "step", **changes: object) -> Fits:
    table = outcomes_of(frame_of(MadeWorld(models=models), {"raw": (kind, {})}))
    claim = replace(claim_of(), **changes)
    return Fits(claim, table, Settings(replicates=99, sharpness=False))


def test_the_design_of_a_table_says_what_each_addition_buys():
    heard: list[str] = []
    fits = made_fits()
    design = design_of(fits, simulations=100, tell=heard.append)
    assert design.reason is None
    assert [point.models for point in design.additions][:2] == [16, 20]
    assert design.additions[0].added is None
    assert "one new family" in (design.additions[1].added or "")
    assert "in families there" in (design.additions[-1].added or "")
    assert any(point.models == 16 and point.equivalence_at_chance for point in design.by_models)
    assert len(heard) == sum(map(len, (design.by_effect, design.by_models, design.additions)))
    assert design == design_of(fits, simulations=100)


def test_a_table_without_a_test_has_the_reason():
    design = design_of(made_fits(models=4))
    assert design.by_effect == design.by_models == design.additions == ()
    assert "8 models" in (design.reason or "")


def test_a_hinge_and_a_spline_null_have_a_design():
    for changes in ({"shape": "hinge"}, {"null": "spline"}):
        design = design_of(made_fits(kind="gradual", **changes), simulations=100)
        assert design.by_effect or design.reason


def test_an_unbounded_metric_has_power():
    sample = unbounded(step=1.0)
    world = world_of(run_test(sample, Plan(replicates=19, detailed=False)))
    power = [
        threshold_found(draw_world(world, step, 200, rng()), world, rng()).power
        for step in (0.0, 1.0)
    ]
    assert power[0] < 0.15
    assert power[1] > 0.8
    assert shown_below(draw_world(world, 0.0, 20, rng()), world, 0.5).any()


def test_a_power_that_falls_is_explained_and_only_then() -> None:
    rising = tuple(PowerPoint(10, step / 10, step / 10, 0.02) for step in (1, 2, 3))
    assert _falls(Design(rising)) == ()
    (said,) = _falls(Design(by_models=(*rising, PowerPoint(12, 0.4, 0.2, 0.02))))
    assert said.startswith("power need not rise from point to point")
