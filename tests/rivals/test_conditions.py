"""Reasoning, adaptation, distribution and training mix: what they refuse, and what they add."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rivals.axis_cases import abilities
from rivals.made import World, claim_of, frame_of, outcomes_of

from confounds import plugins
from confounds.inference.fits import Fits, Settings
from confounds.measures import DECLARED
from confounds.outcomes import Outcomes
from confounds.rivals.answer_parsing import RIVAL

SETTINGS = Settings(replicates=99, sharpness=False)
WORLD = World(models=24, spread=0.15, seed=5)


def judged(rival, claim, *frames):
    outcomes = outcomes_of(*frames)
    fits = Fits(claim, outcomes, SETTINGS)
    return plugins.load("rivals", rival).test(claim, outcomes, fits)


def rows(world=WORLD, **kinds):
    return frame_of(world, kinds)


def named(found, term):
    return next(item for item in found.estimates if item.term == term)


@pytest.mark.parametrize(
    ("rival", "column", "seen", "says"),
    [
        ("distribution", "distribution", "out", "made out of distribution"),
        ("reasoning", "reasoning", "direct", "made on direct answers"),
        ("adaptation", "adaptation", "finetuned", "made on fine-tuned models"),
    ],
)
def test_a_claim_in_the_controlled_condition_has_nothing_to_take_away(rival, column, seen, says):
    found = judged(rival, claim_of(**{column: seen}), rows(all=("step", {column: seen})))
    assert found.outcome == "not_testable"
    assert says in found.reason


@pytest.mark.parametrize(
    ("rival", "columns", "says"),
    [
        ("distribution", {"distribution": "in"}, "no items out of distribution"),
        ("reasoning", {"reasoning": "direct"}, "only one level of reasoning (direct)"),
        ("reasoning", {}, "does not say whether models reasoned"),
        ("adaptation", {"adaptation": "prompted"}, "the other adaptation is missing"),
        ("adaptation", {}, "does not say which models were fine-tuned"),
    ],
)
def test_one_level_alone_is_not_enough(rival, columns, says):
    found = judged(rival, claim_of(), rows(all=("step", columns)))
    assert found.outcome == "not_testable"
    assert says in found.reason


def test_zero_shots_are_found_where_the_claim_fixes_the_demonstrations():
    table = rows(
        gold=("step", {"shots": 5, "demonstrations": "gold"}),
        shuffled=("step", {"shots": 5, "demonstrations": "shuffled"}),
        none=("flat", {"shots": 0, "demonstrations": "none"}),
    )
    found = judged("in_context", claim_of(shots=5, demonstrations="gold"), table)
    assert found.outcome == "explained", found.reason


def test_reasoning_tells_where_the_chain_begins_to_help():
    found = judged(
        "reasoning",
        claim_of(reasoning="chain"),
        rows(chain=("step", {"reasoning": "chain"}), direct=("flat", {"reasoning": "direct"})),
    )
    crossing = named(found, "crossing_threshold")
    assert crossing.ci_lower < 1e10 < crossing.ci_upper
    assert crossing.ci_upper / crossing.ci_lower < 30


def test_the_reason_names_the_axis_of_ability_once():
    found = judged("general_ability", claim_of(), abilities("scale", models=16))
    assert found.status == "tested"
    way = "(in place of|beside) scale"
    assert re.match(rf"with the first principal component of 6 other tasks {way}: ", found.reason)
    assert found.reason.count("principal component") == 1


def unfair():
    """Large prompted models, small fine-tuned ones of another name, four of both kinds."""
    prompted = rows(all=("step", {"adaptation": "prompted"}))
    tuned = rows(all=("slow", {"adaptation": "finetuned"})).nsmallest(12, "parameters")
    names = {name: f"{name}-t5" for name in tuned["model"].to_numpy()[4:]}
    return prompted, tuned.assign(model=tuned["model"].replace(names))


def test_a_large_prompted_model_is_not_held_against_a_small_fine_tuned_one():
    prompted, tuned = unfair()
    found = judged("adaptation", claim_of(adaptation="prompted"), prompted, tuned)
    largest = prompted.loc[prompted["parameters"].idxmax(), "model"]
    other = tuned.loc[tuned["parameters"].idxmax(), "model"]
    assert found.outcome == "not_testable"
    assert f"refused: {largest} (" in found.reason
    assert f"against {other} (" in found.reason
    assert "only 4 base models were run both prompted and fine-tuned" in found.reason


def test_prompting_and_fine_tuning_are_compared_in_each_distribution():
    """Fu et al.: fine-tuning leads in distribution, prompting out of it."""

    def side(adaptation, distribution, kind):
        return kind, {"adaptation": adaptation, "distribution": distribution}

    found = judged(
        "adaptation",
        claim_of(adaptation="prompted"),
        rows(
            prompted_in=side("prompted", "in", "flat"),
            prompted_out=side("prompted", "out", "step"),
            tuned_in=side("finetuned", "in", "step"),
            tuned_out=side("finetuned", "out", "flat"),
        ),
    )
    inside = named(found, "prompted_minus_finetuned:in")
    outside = named(found, "prompted_minus_finetuned:out")
    assert outside.ci_lower > 0.1
    assert inside.ci_upper < -0.1
    assert named(found, "prompted_minus_finetuned").estimate == pytest.approx(
        (inside.estimate + outside.estimate) / 2
    )


def test_code_tuned_models_are_left_out_where_they_are_told():
    """All that a family of code models shows above 1e10, no other model shows."""
    plain = rows(all=("flat", {"tuning": "base"}))
    code = rows(all=("step", {"tuning": "code"}))
    code[["model", "family"]] = code[["model", "family"]] + "-code"
    found = judged("training_mix", claim_of(), plain, code)
    without = named(found, "effect:without code")
    assert without.ci_upper < 0.1
    assert found.outcome != "survives"


def test_families_in_blocks_of_scale_are_aliased_with_it():
    frame = rows(all=("step", {}))
    rank = frame["parameters"].rank().astype(int) - 1
    frame["family"] = [f"block{place // 4}" for place in rank]
    found = judged("training_mix", claim_of(), frame)
    assert found.outcome == "not_testable"
    assert "there, scale and recipe cannot be told apart" in found.reason


def test_one_family_says_nothing_of_recipes():
    found = judged("training_mix", claim_of(), rows(all=("step", {})).assign(family="one"))
    assert found.outcome == "not_testable"
    assert "there is no other recipe" in found.reason


def test_within_families_the_levels_of_families_are_free():
    """Families that differ in level by up to .5 and have no step of their own."""
    frame = rows(all=("flat", {}))
    step = rows(all=("step", {}))
    rng = np.random.default_rng(2)
    level = dict(zip(frame["family"].unique(), rng.uniform(0, 0.5, 6), strict=True))
    flat = frame.assign(score=frame["score"] + frame["family"].map(level))
    assert judged("training_mix", claim_of(), flat).effect.ci_upper < 0.15
    assert judged("training_mix", claim_of(), step).effect.ci_lower > 0.3


def trained(last, kind="step"):
    """Every model at steps 100 and 1000, and at `last` those above 1e10 parameters."""
    frames = [rows(all=(kind, {"checkpoint": step})) for step in (100, 1000)]
    late = rows(all=(kind, {"checkpoint": last}))
    return *frames, late[late["parameters"] > 1e10] if last != 1000 else frames[1].iloc[:0]


def test_models_read_at_the_same_step_differ_by_no_training():
    found = judged("training_phase", claim_of(), *trained(1000))
    assert found.outcome == "not_testable"
    assert "read at the same step (1000)" in found.reason


def test_models_are_compared_at_the_latest_step_that_they_share():
    found = judged("training_phase", claim_of(), *trained(9000))
    assert found.outcome == "survives"
    assert found.reason.startswith("all models at step 1000: ")


def test_a_claim_at_one_step_and_models_without_a_common_one_say_so():
    found = judged("training_phase", claim_of(checkpoint=1000), *trained(9000))
    assert "made at one training step" in found.reason
    apart = rows(all=("step", {}))
    apart["checkpoint"] = range(1, len(apart) + 1)
    found = judged("training_phase", claim_of(), apart)
    assert "no training step has 19 of the models" in found.reason


@pytest.mark.parametrize(
    ("strict", "lenient"),
    [
        ("exact_match:strict-match", "exact_match:flexible-extract"),
        ("exact_match:strict", "exact_match:flexible"),
        ("exact_match", "exact_match:flexible-extract"),
        ("exact_match", "bert_score_accuracy"),
    ],
)
def test_a_lenient_extraction_of_the_same_answers_is_found_by_the_names_that_readers_give(
    strict, lenient
):
    step = frame_of(WORLD, {"all": ("step", {"metric": strict, "chance": 0.0})})
    flat = frame_of(WORLD, {"all": ("flat", {"metric": lenient, "chance": 0.0})})
    measures = {name: replace(DECLARED["exact_match"], name=name) for name in (strict, lenient)}
    outcomes = Outcomes(pd.concat([step, flat], ignore_index=True), measures=measures)

    def under(metric):
        claim = claim_of(metric)
        return RIVAL.test(claim, outcomes, Fits(claim, outcomes, SETTINGS))

    assert under(strict).outcome == "explained"
    assert under(strict).reason.startswith(f"extraction rule {lenient}: ")
    assert under(lenient).outcome == "not_testable"


def test_where_no_threshold_can_be_tested_the_mean_difference_is_told():
    made = rows(few=("step", {"shots": 5}), none=("flat", {"shots": 0}))
    made["parameters"] = np.where(made["parameters"] > 1e10, 1e11, 1e9)
    found = judged("in_context", claim_of(shots=5), made)
    assert found.status == "not_testable"
    difference = named(found, "mean_difference")
    wide = made.pivot_table(index="model", columns="shots", values="score")
    assert difference.estimate == pytest.approx(float((wide[5] - wide[0]).mean()))
    assert difference.ci_lower < difference.estimate < difference.ci_upper
    assert "the mean score of the raw condition less that of the controlled one" in found.reason
    assert found.reason.endswith("(24 models run both ways)")


def test_the_mean_difference_is_that_of_models_run_both_ways():
    made = rows(chain=("step", {"reasoning": "chain"}), direct=("flat", {"reasoning": "direct"}))
    kept = made[made["model"].isin(["m0", "m1", "m2"]) | (made["reasoning"] == "chain")]
    few = kept[kept["model"].isin([f"m{place}" for place in range(6)])]
    found = judged("reasoning", claim_of(reasoning="chain"), few)
    assert found.reason.endswith("(3 models run both ways)")
    alone = few[few["model"].isin(["m0", "m1"]) | (few["reasoning"] == "chain")]
    assert not judged("reasoning", claim_of(reasoning="chain"), alone).estimates


PAIRED = "; the change rests on 16 models run both ways"
APART = "; 4 models run both ways, too few for a paired change: it takes all as different models"


@pytest.mark.parametrize(("both", "says"), [(16, PAIRED), (4, APART)])
def test_on_how_many_models_the_change_rests_is_told(both, says):
    made = rows(few=("step", {"shots": 5}), none=("flat", {"shots": 0}))
    place = made["model"].str[1:].astype(int).mul(7).mod(24)
    each = both + (24 - both) // 2
    here = made["shots"] == 5
    kept = made[(here & (place < each)) | (~here & ((place < both) | (place >= each)))]
    found = judged("in_context", claim_of(shots=5), kept)
    assert found.status == "tested"
    sides = f"{each} in the raw condition, {each} in the controlled one"
    assert found.reason.endswith(f"{says} ({sides})")
    whole = judged("in_context", claim_of(shots=5), made)
    assert "run both ways" not in whole.reason
