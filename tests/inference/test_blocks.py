"""What blocks a threshold test, however many models of the same kind are run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from inference.samples import stepped

from confounds.inference.blocks import why_families_block, with_blocks
from confounds.inference.needed import lack_of
from confounds.inference.threshold import FittedThreshold
from confounds.results import Estimate, ThresholdFit

EFFECT = Estimate("effect", 0.43, ci_lower=0.39, ci_upper=0.47)


def found(family, *, check=0.26, psi=9.5):
    """A test whose check within families fails, on 16 models along three decades."""
    sample = replace(stepped(16), x=np.linspace(8, 11, 16), family=np.asarray(family))
    fit = ThresholdFit({}, (EFFECT,), 0.006, check, False, 16, len(set(family)), "")
    return SimpleNamespace(sample=sample, fit=fit, psi=psi)


BLOCKS = np.arange(16) // 4


def test_families_apart_at_the_threshold_block_the_check_within_them():
    reason = why_families_block(found(BLOCKS))
    assert reason.startswith("none of the 4 families has models on both sides of 3.2e+09")


def test_one_family_on_both_sides_is_enough_for_more_models_to_tell():
    assert why_families_block(found(BLOCKS, psi=9.9)) is None
    assert why_families_block(found(np.arange(16) % 4)) is None


def test_a_check_that_passes_or_is_not_made_blocks_nothing():
    assert why_families_block(found(BLOCKS, check=0.05)) is None
    assert why_families_block(found(BLOCKS, check=None)) is None


def test_no_number_of_models_is_named_where_families_block():
    made = found(BLOCKS)
    rest = {"kept": np.array([9.5]), "curve": None, "profile": None, "plan": None}
    blocked = with_blocks(FittedThreshold(made.sample, made.fit, made.psi, **rest)).fit
    lack = lack_of(blocked, 0.1)
    assert (lack.models, lack.helps) == (None, False)
    assert lack.reason.endswith("more models of the same kind would not tell")
    assert lack_of(made.fit, 0.1).models is None
