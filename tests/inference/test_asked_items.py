"""Models that were asked different items: their difficulty is no threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from confounds import plugins
from confounds.claim import Claim
from confounds.inference.asked_items import Answers, unlike_items
from confounds.inference.fits import Fits, Settings
from confounds.inference.threshold import test_threshold as threshold_of
from confounds.outcomes import Outcomes
from confounds.pipeline import audit, split_items

QUICK = Settings(replicates=99, sharpness=False)
CLAIM = Claim(id="made", task="made", metric="accuracy")
MODELS, LINKS, OWN = 16, 20, 30
ITEMS = LINKS + 2 * OWN


def answers(*, step=0.0, easier=0.0, asked="apart", seed=3):
    """0/1 answers (M, I), NaN where not asked: both sides share the first items, if any."""
    rng = np.random.default_rng(seed)
    large = np.arange(MODELS) >= MODELS // 2
    easy = np.zeros(ITEMS)
    easy[LINKS : LINKS + OWN] = easier
    eta = 0.3 * rng.standard_normal(MODELS)[:, None] - step / 2 + step * large[:, None]
    eta = eta + easy + 0.5 * rng.standard_normal(ITEMS)
    block = (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float)
    if asked == "apart":
        block[np.ix_(~large, np.arange(LINKS, LINKS + OWN))] = np.nan
        block[np.ix_(large, np.arange(LINKS + OWN, ITEMS))] = np.nan
    return block


def fits_of(block, *, items=None, **columns):
    model, item = np.nonzero(np.isfinite(block))
    names = [f"i{one}" for one in item] if items is None else items(model, item)
    frame = pd.DataFrame(
        {
            "task": "made",
            "metric": "accuracy",
            "model": [f"m{one:02d}" for one in model],
            "family": [f"f{one % 4}" for one in model],
            "parameters": 10 ** (7 + 5 * model / MODELS),
            "item": names,
            "score": block[model, item],
            "n": 1,
            "chance": 0.0,
        }
    ).assign(**columns)
    return Fits(CLAIM, Outcomes(frame), QUICK)


def answers_and_sample(block):
    model, item = np.nonzero(np.isfinite(block))
    sample = fits_of(block).raw_observation.sample
    return Answers(model, item, block[model, item], np.full(len(model), np.nan)), sample


def notes(fits):
    return " ".join(fits.raw.fit.notes)


def test_easier_items_of_the_larger_models_are_no_threshold():
    fits = fits_of(answers(easier=4.0))
    on_means = threshold_of(fits.raw_observation.sample, fits.plan)
    assert on_means.fit.significant
    assert not fits.raw.fit.significant
    assert fits.raw.fit["effect"].ci_lower <= 0
    assert "with their difficulty taken out, p = " in notes(fits)


def test_a_threshold_outlasts_the_items_difficulty():
    fits = fits_of(answers(step=4.0))
    assert fits.raw.fit.significant
    assert "models were asked different items" in notes(fits)


@pytest.mark.parametrize("lacking", [0, 1])
def test_the_same_items_need_no_second_look(lacking):
    block = answers(step=4.0, asked="all")
    block[0, :lacking] = np.nan
    assert "different items" not in notes(fits_of(block))


def test_without_items_in_common_a_step_is_not_told_from_harder_items():
    block = answers(step=4.0)
    block[:, :LINKS] = np.nan
    fits = fits_of(block)
    assert not fits.raw.fit.significant
    assert fits.raw.fit.p_two_level == 1.0
    assert "no item was asked of models on both sides" in notes(fits)
    assert fits.raw.fit.blocks == fits.raw.fit.notes[-1:]
    departure = audit(CLAIM, fits.outcomes, settings=QUICK).apparent["departure"]
    assert departure.reason.endswith("more models of the same kind would not tell")


def test_items_split_by_scale_are_a_finding_before_any_threshold_is_known():
    apart = answers(step=4.0)
    apart[:, : LINKS - 3] = np.nan
    (finding,) = split_items(fits_of(apart))
    assert finding.kind == "items_split_by_scale"
    assert finding.message.startswith("only 3 items were asked of models on both sides of 2.2e+09")
    assert split_items(fits_of(answers(step=4.0))) == ()
    assert split_items(fits_of(answers(step=4.0, asked="all"))) == ()


def test_items_that_no_two_models_share_are_taken_to_be_drawn_alike():
    fits = fits_of(
        answers(step=4.0, asked="all"),
        items=lambda model, item: [f"{one}-{two}" for one, two in zip(model, item, strict=True)],
    )
    assert fits.raw.fit.significant
    assert "taken to be drawn alike" in notes(fits)


def test_a_chance_floor_and_pooled_columns_are_kept():
    block = answers(step=4.0)
    guessed = np.random.default_rng(0).random(block.shape) < 0.1
    block = np.where(guessed & (block == 0), 1.0, block)
    model = np.nonzero(np.isfinite(block))[0]
    tuning = np.where(model % 3 == 0, "chat", "base")
    fits = fits_of(block, chance=0.1, tuning=tuning)
    assert fits.raw.sample.covariates is not None
    assert fits.raw.sample.floor.max() == pytest.approx(0.1)
    assert fits.raw.fit.significant


@pytest.mark.parametrize(("easier", "says"), [(3.0, "easier"), (-3.0, "harder"), (0.0, None)])
def test_the_difficulty_of_both_sides_is_compared_net_of_the_models(easier, says):
    found = unlike_items(*answers_and_sample(answers(easier=easier, step=2.0)), 9.4, 0.10)
    assert (found is None) if says is None else (f"were asked {says} items" in found)


def test_items_missed_at_random_are_alike():
    block = answers(step=2.0, asked="all")
    block[np.random.default_rng(0).random(block.shape) < 0.3] = np.nan
    assert unlike_items(*answers_and_sample(block), 9.4, 0.10) is None


def test_nothing_is_explained_where_harder_items_hide_the_step():
    """At zero shots the larger models were asked harder items, so that the means stand still."""
    shown, hidden = answers(step=3.0, asked="all"), answers(step=2.0, easier=-8.0)
    frames = []
    for shots, block in ((5, shown), (0, hidden)):
        frames.append(fits_of(block).outcomes.frame.assign(shots=float(shots)))
    claim = CLAIM.with_condition(shots=5)
    fits = Fits(claim, Outcomes(pd.concat(frames, ignore_index=True)), QUICK)
    means = np.nanmean(hidden, axis=1)
    assert abs(means[MODELS // 2 :].mean() - means[: MODELS // 2].mean()) < 0.1
    found = plugins.load("rivals", "in_context").test(claim, fits.outcomes, fits)
    assert found.outcome == "inconclusive"
    assert found.reason.startswith("models above the threshold were asked harder items")
