"""The mixed model: exactness, invariance, bounds, tests and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from confounds.inference import _mixed_laplace as engine
from confounds.inference._mixed_information import Uncertainty
from confounds.inference._mixed_problem import State, prepare
from confounds.inference.mixed import (
    MixedDesign,
    Term,
    fit_mixed,
    working_units,
)


def make(models=8, items=24, seed=0, **settings):
    """A design with a term of every kind: by model, item, condition and crossed."""
    rng = np.random.default_rng(seed)
    floor = settings.pop("floor", 0.0)
    missing = settings.pop("missing", 0.0)
    trials = settings.pop("trials", 1)
    x = np.linspace(-1.0, 1.0, models)
    exposed = (np.arange(items) % 3 == 0).astype(float)
    few = np.array([0.0, 1.0])
    eta = 0.3 + 0.8 * x[:, None, None] + 0.5 * few + 0.4 * exposed[:, None] * few
    eta = eta + rng.normal(0, 0.6, (models, 1, 1)) + rng.normal(0, 1, (items, 1))
    successes = rng.binomial(trials, floor + (1 - floor) / (1 + np.exp(-eta))).astype(float)
    successes[rng.random(successes.shape) < missing] = np.nan
    terms = (
        Term("intercept"),
        Term("scale", model=x),
        Term("few", condition=few),
        Term("exposed", item=exposed),
        Term("exposed:few", item=exposed, condition=few),
    )
    design = MixedDesign.from_block(successes, terms=terms, trials=trials, floor=floor)
    return replace(design, **settings)


KINDS = {
    "plain": {},
    "floor": {"floor": 0.25},
    "families": {"family": np.arange(8) // 3, "floor": 0.2},
    "sparse": {"missing": 0.7, "floor": 0.25},
    "binomial": {"trials": 5, "missing": 0.2},
    "heterogeneous": {"model_by_condition": True, "trials": 3, "floor": 0.1},
}
SD = np.array([0.9, 0.5, 0.4])
BETA = np.array([0.2, 0.7, 0.4, 0.1, 0.2])


def evaluate(problem, beta, sd, *, restricted):
    start = State(beta, np.zeros(problem.groups), np.zeros(problem.items))
    mode = engine.find_mode(problem, problem.prior(sd), start, terms=restricted)
    assert mode.converged
    return engine.laplace(problem, mode, restricted=restricted), mode


@pytest.fixture
def exact(monkeypatch):
    """Newton runs on until differences of heights can be trusted."""
    monkeypatch.setattr(engine, "MODE_TOLERANCE", 1e-18)


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("exact")
def test_gradient_is_exact(kind, restricted):
    problem = prepare(make(**KINDS[kind]))
    sd = SD[: 1 + len(problem.kernels)]
    _, mode = evaluate(problem, BETA, sd, restricted=restricted)
    slopes = np.concatenate(engine.gradient(problem, mode, restricted=restricted))
    step = 1e-4

    def height(shift):
        beta, spread = BETA + shift[:5], sd + shift[5:]
        return evaluate(problem, beta, spread, restricted=restricted)[0]

    numeric = [
        (height(step * axis) - height(-step * axis)) / (2 * step) for axis in np.eye(5 + len(sd))
    ]
    assert slopes[5:] == pytest.approx(numeric[5:], abs=1e-5)
    if not restricted:
        assert slopes[:5] == pytest.approx(numeric[:5], abs=1e-5)


def brute_force(design, beta, sd):
    """Laplace by a general optimiser and a differenced Hessian over every single effect."""
    x = np.ones((design.rows, len(design.terms)))
    for j, term in enumerate(design.terms):
        for piece, index in (("model", design.model), ("item", design.item)):
            if getattr(term, piece) is not None:
                x[:, j] *= getattr(term, piece)[index]
        if term.condition is not None:
            x[:, j] *= term.condition[design.condition]
    sizes = (design.items, design.models, design.families)
    ends = np.cumsum(sizes)
    spread = np.repeat(sd, sizes)

    def height(effects):
        items, models, families = np.split(spread * effects, ends[:2])
        eta = x @ beta + items[design.item] + models[design.model]
        eta = eta + families[design.family[design.model]]
        p = design.floor + (1 - design.floor) / (1 + np.exp(-eta))
        y = design.successes
        return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.5 * effects @ effects

    found = optimize.minimize(height, np.zeros(sum(sizes)), method="BFGS", options={"gtol": 1e-7})
    step, axes = 1e-3, np.eye(sum(sizes)) * 1e-3
    hessian = [
        [
            (height(found.x + a + b) - height(found.x + a - b) - height(found.x - a + b)
             + height(found.x - a - b)) / (4 * step**2)
            for a in axes
        ]
        for b in axes
    ]  # fmt: skip
    return -found.fun - 0.5 * np.linalg.slogdet(np.array(hessian))[1]


def test_laplace_with_floor_and_families_equals_brute_force():
    design = make(models=5, items=6, floor=0.25, family=np.array([0, 0, 1, 1, 1]))
    value, _ = evaluate(prepare(design), BETA, SD, restricted=False)
    assert value == pytest.approx(brute_force(design, BETA, SD), abs=1e-4)


def test_the_same_from_a_block_and_from_a_list_of_cells(monkeypatch):
    design = make(floor=0.25, missing=0.3, family=np.arange(8) // 3)
    block = fit_mixed(design)
    monkeypatch.setattr("confounds.inference._mixed_cells.DENSE_FROM", 2.0)
    cells = fit_mixed(design)
    assert cells.log_likelihood == pytest.approx(block.log_likelihood, abs=1e-5)
    errors = [np.sqrt(np.diag(fit.covariance)) for fit in (cells, block)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)


def test_rows_of_one_cell_add_up():
    design = make(trials=1)
    doubled = replace(
        design,
        **{
            name: np.concatenate([getattr(design, name)] * 2)
            for name in ("successes", "trials", "model", "item", "condition")
        },
    )
    summed = replace(design, successes=2 * design.successes, trials=2 * design.trials)
    rows, cells = fit_mixed(doubled), fit_mixed(summed)
    assert rows.coefficients == pytest.approx(cells.coefficients, abs=1e-4)
    # The likelihood of rows is that of their order; the coefficient counts orders.
    assert rows.log_likelihood == pytest.approx(cells.log_likelihood, abs=1e-5)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), unit=st.floats(0.01, 100.0))
def test_row_order_labels_and_units_do_not_matter(seed, unit):
    design = make(floor=0.25, seed=seed % 7, trials=4)
    fit = fit_mixed(design)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(design.rows), rng.permutation(design.models)
    back = np.argsort(names)
    scale = design.terms[1]
    other = fit_mixed(
        replace(
            design,
            successes=design.successes[order],
            trials=design.trials[order],
            model=names[design.model[order]],
            item=design.item[order],
            condition=design.condition[order],
            terms=(
                design.terms[0],
                Term("scale", model=unit * scale.model[back]),
                *design.terms[2:],
            ),
        )
    )
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-4)
    near = 0.01 * fit["scale"].std_error
    assert unit * other["scale"].estimate == pytest.approx(fit["scale"].estimate, abs=near)
    assert unit * other["scale"].std_error == pytest.approx(fit["scale"].std_error, rel=1e-2)
    assert other.effects["model"][names] == pytest.approx(fit.effects["model"], abs=1e-2)


def test_degrees_follow_the_models_not_the_rows():
    design = make(models=12, items=60, trials=20)
    fit = fit_mixed(design)
    degrees = dict(zip((term.name for term in design.terms), fit.degrees, strict=True))
    assert degrees["scale"] == pytest.approx(10, abs=1)
    assert degrees["exposed"] == pytest.approx(58, abs=6)
    assert degrees["few"] > 1000


def test_standard_errors_are_wider_than_at_known_variances():
    fit = fit_mixed(make(models=6, items=60, trials=20))
    assert fit["scale"].std_error > 1.1 * np.sqrt(fit.covariance_ml[1, 1])


def test_predict_meets_the_data_and_respects_the_bounds():
    design = make(floor=0.25, ceiling=0.9, trials=30)
    fit = fit_mixed(design)
    conditional, typical = fit.predict(), fit.predict(conditional=False)
    for scores in (conditional, typical):
        assert scores.min() > 0.25
        assert scores.max() < 0.9
    share = design.successes / design.trials
    assert np.mean((share - conditional) ** 2) < 0.5 * np.mean((share - typical) ** 2)


def test_one_row_per_estimate_and_per_fit():
    fit = fit_mixed(make(family=np.arange(8) // 3))
    assert list(fit.tidy()["term"]) == [
        "intercept", "scale", "few", "exposed", "exposed:few", "sd_item", "sd_model", "sd_family",
    ]  # fmt: skip
    row = fit.glance().iloc[0]
    assert (row["models"], row["families"], row["items"], row["rows"]) == (8, 3, 24, 384)
    assert row["bic"] == pytest.approx(-2 * fit.log_likelihood + 8 * np.log(8))
    with pytest.raises(KeyError, match="no estimate 'size'; there are: intercept, scale"):
        fit["size"]


def test_starting_from_another_fit_ends_in_the_same_place():
    design = make(floor=0.25, trials=5)
    first = fit_mixed(design)
    again = fit_mixed(design, start=first)
    assert again.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("exact")
def test_least_squares_on_the_units_are_the_fixed_effects(kind):
    """Exactly so at the restricted mode: its score equations are theirs."""
    fit = fit_mixed(make(**KINDS[kind]))
    units = working_units(fit)
    scale, few = fit.design.terms[1].model[units.model], units.condition.astype(float)
    x = np.column_stack([np.ones(len(scale)), scale, few])
    weights = np.linalg.inv(units.sampling + units.effects)
    covariance = np.linalg.inv(x.T @ weights @ x)
    problem, sd = prepare(fit.design), np.array(fit.restricted_sd)
    _, mode = evaluate(problem, np.zeros(5), sd, restricted=True)
    known = mode.curvature.covariance()[problem.groups :, problem.groups :]
    assert covariance == pytest.approx(known[:3, :3], abs=1e-6)
    solved = covariance @ x.T @ weights @ units.response
    assert solved == pytest.approx(mode.state.beta[:3], abs=1e-6)
    assert len(units.response) == len(
        np.unique(fit.design.model + fit.design.models * fit.design.condition)
    )


@pytest.mark.parametrize(
    ("kind", "gone"),
    [("ones", "intercept"), ("chance", "intercept"), ("separated", "few")],
)
def test_what_the_logit_scale_cannot_say_is_said(kind, gone):
    design = make(models=10, items=40, floor=0.25 if kind == "chance" else 0.0)
    rng = np.random.default_rng(2)
    answers = {
        "ones": np.ones(design.rows),
        "chance": rng.binomial(1, 0.2, design.rows).astype(float),
        "separated": np.where(design.condition == 1, 1.0, design.successes),
    }[kind]
    fit = fit_mixed(replace(design, successes=answers))
    assert not fit.converged
    assert gone in fit.notes[0].split(" ran off")[0].split(", ")
    assert np.all(np.isfinite(fit.predict()))
    assert fit.predict() == pytest.approx(np.clip(fit.predict(), 0, 1))


def test_a_component_at_its_boundary_has_no_interval():
    design = make(models=9, items=30, trials=10, family=np.arange(9) // 3, seed=3)
    fit = fit_mixed(design)
    assert fit["sd_family"].estimate < 1e-3
    assert fit["sd_family"].ci_lower is None
    assert "no variance was found between levels of family" in fit.notes


def test_floors_may_differ_by_item():
    design = make(items=40, models=12, floor=0.25)
    by_item = np.where(design.item % 2 == 0, 0.25, 0.2)
    fit = fit_mixed(replace(design, floor=by_item))
    assert fit.converged
    even = design.item % 2 == 0
    assert fit.predict()[even].min() > 0.25
    constant = fit_mixed(replace(design, floor=np.full(design.rows, 0.25)))
    assert constant.log_likelihood == pytest.approx(fit_mixed(design).log_likelihood, abs=1e-9)


def test_what_the_variances_do_not_tell_never_makes_a_standard_error_smaller():
    known = Uncertainty(
        conditional=np.eye(1),
        slopes=np.zeros((2, 1, 1)),
        drift=np.array([[1.0], [-1.0]]),
        information=np.array([[1.0, 2.0], [2.0, 1.0]]),
        full_information=np.array([[2.0, 1.0], [1.0, 2.0]]),
        sd=np.array([0.5, 0.5]),
        levels=np.array([9.0, 9.0]),
        free=np.array([True, True]),
    )
    assert np.linalg.eigvalsh(known.of_sd).min() >= -1e-12
    assert known.covariance[0, 0] >= 1.0
    positive = replace(known, information=np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert positive.of_sd == pytest.approx(np.linalg.inv(positive.information))
