"""The specification curve: which choices, their effects, and the joint test."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from _simulated import Truth, draw_effects, draw_sample, layout, middle
from inference.crossed import QUICK, STEPS, crossed_frame, fits_of, with_column

from confounds.claim import Claim
from confounds.inference._choices import MOST, NOBODY, POOLED, choose, lay_out
from confounds.inference._effect import fit_threshold
from confounds.inference._nested import fit_nested
from confounds.inference._null import Slopes
from confounds.inference._own_threshold import Scanned, own_effects
from confounds.inference._scan import sharpen
from confounds.inference._shared_null import draw_sources, source_of
from confounds.inference.fits import Fits
from confounds.inference.multiverse import Run, joint_test, ranks, run_all, specification_curve
from confounds.inference.sample import threshold_columns
from confounds.outcomes import Outcomes

SETTINGS = replace(QUICK, replicates=59)


@pytest.fixture(scope="module")
def frame():
    one = {(5, "memorized"): STEPS[5, "memorized"]}
    return crossed_frame(one, noise=0.06).drop(columns=["shots", "exposure"])


@pytest.fixture(scope="module")
def fits(frame):
    return fits_of(frame, SETTINGS)


@pytest.fixture(scope="module")
def curve(fits):
    return specification_curve(fits)


def test_a_true_step_is_seen_whatever_is_chosen(curve):
    joint = {item.term: item for item in curve.joint}
    assert joint["median_effect"].estimate == pytest.approx(0.5, abs=0.1)
    assert joint["median_effect"].p_value <= 0.05
    assert joint["share_significant"].p_value <= 0.05


def test_specifications_are_sorted_by_effect_and_the_claims_own_is_marked(fits, curve):
    effects = [item.effect.estimate for item in curve.specifications]
    assert effects == sorted(effects)
    own = [item for item in curve.specifications if item.default]
    assert len(own) == 1
    assert own[0].choices == lay_out(fits).default
    assert own[0].effect.estimate == fits.raw.fit["effect"].estimate
    assert own[0].effect.ci_lower == fits.raw.fit["effect"].ci_lower


def test_every_combination_is_run_once_where_they_are_few(curve):
    seen = {tuple(item.choices.values()) for item in curve.specifications}
    # four nulls, two shapes (no hinge beside a spline); nobody, one or two smallest, largest,
    # each of five families
    assert len(seen) == len(curve.specifications) == (4 * 2 - 1) * 9
    assert curve.notes[0] == "all 63 specifications were run"
    assert curve.left_out[0].startswith("a hinge beside a spline null")


def test_what_cannot_be_varied_is_named_with_its_reason(curve):
    assert "scale compute: known for 0 of 20 models" in curve.left_out
    assert "metric: no other metric of this task can be tested" in curve.left_out
    assert "floor: the score of the best constant answer is not known" in curve.left_out
    assert "prompt: no other format can be tested alone" in curve.left_out


def test_the_same_table_gives_the_same_curve(frame, curve):
    again = specification_curve(fits_of(frame.sample(frac=1, random_state=5), SETTINGS))
    assert again == curve


def test_a_table_that_cannot_be_tested_has_a_reason_and_no_curve(frame):
    found = specification_curve(fits_of(frame[frame["model"] < "m05"], SETTINGS))
    assert found.specifications == ()
    assert "needs 8 models" in found.reason


@pytest.fixture(scope="module")
def wide(frame):
    """Two axes, three metrics, two prompts, a majority answer and tuned models."""
    rng = np.random.default_rng(2)
    tokens = dict(zip(sorted(set(frame["model"])), rng.uniform(10, 12, 20), strict=True))
    base = frame.assign(
        compute=[
            6 * size * 10 ** tokens[name]
            for name, size in zip(frame["model"], frame["parameters"], strict=True)
        ],
        majority=0.22,
    )
    base = with_column(base, "tuning", lambda row: "chat" if row["family"] == "f4" else "base")
    logs = base.assign(metric="target_log_prob", score=base["score"] - 3)
    logs[["chance", "majority"]] = np.nan
    other = base.assign(metric="choice_accuracy")
    together = pd.concat([base, other, logs], ignore_index=True)
    prompts = [together.assign(prompt=name) for name in ("closed", "open")]
    return pd.concat(prompts, ignore_index=True)


def test_all_dimensions_of_a_rich_table_are_found(wide):
    garden = lay_out(fits_of(wide, SETTINGS))
    assert garden.dimensions["scale"] == ("parameters", "compute")
    assert garden.dimensions["metric"] == ("accuracy", "choice_accuracy", "target_log_prob")
    assert garden.dimensions["prompt"] == (POOLED, "closed", "open")
    assert garden.dimensions["floor"] == ("declared chance", "majority answer")
    assert garden.dimensions["excluded"][0] == NOBODY
    assert "tuned models" in garden.dimensions["excluded"]
    assert garden.excluded["tuned models"] == {"m04", "m09", "m14", "m19"}


def test_a_claim_made_in_one_prompt_may_be_seen_in_the_others(wide):
    garden = lay_out(fits_of(wide, SETTINGS, prompt="open"))
    assert garden.dimensions["prompt"] == ("open", "closed", POOLED)


def test_too_many_combinations_are_drawn_from_and_the_claims_own_kept(wide):
    fits = fits_of(wide, SETTINGS)
    garden = lay_out(fits)
    chosen, how = choose(garden, fits, np.random.default_rng(0))
    assert len(chosen) <= MOST
    assert chosen[0] == garden.default
    assert len({tuple(item.items()) for item in chosen}) == len(chosen)
    singles = sum(len(choices) - 1 for choices in garden.dimensions.values())
    departures = [
        sum(item[name] != garden.default[name] for name in item) for item in chosen[: singles + 1]
    ]
    assert max(departures) == 1
    assert "a random draw of the others" in how


def test_an_unbounded_metric_has_no_second_floor_or_link(wide):
    fits = fits_of(wide, SETTINGS)
    chosen, _ = choose(lay_out(fits), fits, np.random.default_rng(0), 10**6)
    logs = [item for item in chosen if item["metric"] == "target_log_prob"]
    assert {item["null"] for item in logs} == {"gradual", "quadratic", "spline"}
    assert {item["floor"] for item in logs} == {"declared chance"}


def test_a_rich_table_gives_effects_in_shares_of_each_metrics_range(wide):
    found = specification_curve(fits_of(wide, SETTINGS))
    assert found.reason is None
    assert {item.choices["metric"] for item in found.specifications} == {
        "accuracy",
        "choice_accuracy",
        "target_log_prob",
    }
    steps = [item for item in found.specifications if item.choices["shape"] == "step"]
    of_logs = [item for item in steps if item.choices["metric"] == "target_log_prob"]
    assert all(abs(item.effect.estimate) < 1.5 for item in of_logs)


def test_ranks_count_the_observed_among_the_drawn():
    run = Run({"shape": "step"}, np.array([4.0, 1, 2, 3, 5]), np.arange(5.0), None, None, 0, 1)
    assert ranks([run])[0].tolist() == [0.4, 1.0, 0.8, 0.6, 0.2]


def test_the_joint_test_takes_the_median_over_one_shape_only():
    def run(shape, effect):
        return Run({"shape": shape}, np.zeros(4), np.array(effect), None, None, 0, 1)

    runs = [run("step", [3.0, 1, 2, 0]), run("hinge", [0.0, 9, 9, 9])]
    median, share = joint_test(runs, "step")
    assert (median.estimate, median.p_value) == (3.0, 0.25)
    assert (share.estimate, share.p_value) == (0.0, 1.0)


def simulated(truth, seed, models=20):
    rng = np.random.default_rng(seed)
    x, family = layout(models, False, rng)
    truth = replace(truth, level=truth.level - truth.slope * (middle(x) - 9.0))
    return draw_sample(truth, x, family, draw_effects(family, rng), rng)


@pytest.mark.parametrize("seed", range(4))
def test_the_quick_effect_is_near_the_one_that_is_shown(seed):
    sample = simulated(Truth(0.7, -1.0, 0.3), seed)
    columns = threshold_columns(sample.x, sample.grid, "step")
    y = np.repeat(sample.score[None], 2, axis=0)
    null = fit_nested(y, sample, Slopes(upper=2.2)).two_level
    scan = sharpen(null, sample, columns, len(sample) - 2)
    growth = Slopes(0.0, 2.2)
    quick = own_effects(Scanned(y, sample, null, scan, columns), "step", growth)
    psi = float(sample.grid[scan.best[0]])
    full = fit_threshold(sample.score[None], sample, psi, "step", growth).effect[0]
    assert quick == pytest.approx(full, abs=0.05)


def test_sources_that_share_their_effects_are_drawn_together():
    sample = simulated(Truth(1.0), 3)
    frame = pd.DataFrame({"family": sample.family})
    plan = fits_of(crossed_frame(STEPS)).plan
    other = sample.with_score(np.clip(sample.score - 0.01, 0, 1))
    sources = [source_of(item, frame, plan, 1.0) for item in (sample, other)]
    first, second = draw_sources(sources, 300, np.random.default_rng(0))
    expected = sample.score * 0
    for row in range(len(sample)):
        expected[row] = np.corrcoef(first[:, row], second[:, row])[0, 1]
    assert expected.mean() > 0.8


def test_under_a_smooth_truth_the_joint_p_values_are_not_small():
    found = []
    for seed in range(6):
        sample = simulated(Truth(1.0), 50 + seed)
        frame = pd.DataFrame(
            {
                "task": "made",
                "metric": "accuracy",
                "model": sample.models,
                "family": [f"f{code}" for code in sample.family],
                "parameters": 10**sample.x,
                "score": sample.score,
                "n": 500,
                "chance": 0.25,
            }
        )
        fits = Fits(Claim("made", "made", "accuracy"), Outcomes(frame), SETTINGS)
        garden = lay_out(fits)
        rng = np.random.default_rng(seed)
        runs = run_all(fits, garden, choose(garden, fits, rng, 16)[0], rng)
        found.append([item.p_value for item in joint_test(runs, "step")])
    assert (np.array(found) <= 0.05).sum(axis=0).max() <= 2
