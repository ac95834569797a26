"""Strategies: where they begin to help, whose gain it is, and what the command says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from confounds.claim import Claim
from confounds.errors import NothingSelectedError, UsageError
from confounds.outcomes import Outcomes
from confounds.strategies import find_strategies

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = 400
BEGINS = 6.2e10


def rows(*, gain=0.4, parsed_by_chain=1.0, task="steps", flag=True):
    """Twenty models of five families; a chain of thought helps those above 62 billion.

    Args:
        gain: of the chain, above the threshold.
        parsed_by_chain: share of the direct answers that are parsed, where chains all are.
        task: its name.
        flag: whether the table tells which answers were parsed.
    """
    rng = np.random.default_rng(4)
    sizes = 10 ** np.linspace(9, 12.2, 20)
    found = []
    for index, size in enumerate(sizes):
        for reasoning in ("direct", "chain"):
            chain = reasoning == "chain"
            parsed = 1.0 if chain or size < BEGINS else parsed_by_chain
            right = 0.1 + (gain if chain and size > BEGINS else 0.0)
            right = 0.8 if parsed_by_chain < 1 and size > BEGINS else right
            answered = rng.binomial(ITEMS, parsed)
            base = {
                "task": task,
                "model": f"m{index}",
                "family": f"f{index % 5}",
                "parameters": size,
                "n": ITEMS,
                "reasoning": reasoning,
            }
            score = rng.binomial(answered, right) / ITEMS
            found.append({**base, "metric": "exact_match", "score": score})
            if flag:
                share = answered / ITEMS
                found.append({**base, "metric": "answer_parsed", "score": share})
    return pd.DataFrame(found)


def only(frame, **options):
    (found,) = find_strategies(Outcomes(frame), "reasoning", **options)
    return found


def test_a_chain_that_helps_from_62_billion_is_found_there():
    found = only(rows(), stated=6.2e10)
    assert found.crossing.ci_lower < BEGINS < found.crossing.ci_upper
    assert found.crossing.ci_upper / found.crossing.ci_lower < 10
    assert found.stated.p_value > 0.05
    assert found.gain.estimate == pytest.approx(0.4, abs=0.1)
    assert (found.source, found.models, found.families) == ("strategy", 20, 5)
    assert found.strategy.words == "chain against direct"
    assert "from between" in found.reason


def test_a_wrong_stated_scale_is_rejected():
    assert only(rows(), stated=2e9).stated.p_value < 0.05


def test_a_gain_that_parsed_answers_do_not_show_is_the_parsers():
    """Large models know both ways; of their direct answers a quarter is parsed."""
    found = only(rows(parsed_by_chain=0.25))
    assert found.gain.estimate > 0.4
    assert found.source == "parser"
    assert abs(found.parsed_gain.estimate) < 0.05


def test_a_gain_that_a_lenient_rule_does_not_show_is_the_parsers():
    strict = rows(parsed_by_chain=0.25, flag=False)
    lenient = rows(parsed_by_chain=0.999, flag=False).assign(metric="bert_score_accuracy")
    claim = Claim("steps", "steps", "exact_match")
    found = only(pd.concat([strict, lenient]), claims=[claim])
    assert found.source == "parser"
    assert abs(found.parsed_gain.estimate) < 0.05


def test_without_a_parsed_flag_whose_gain_it_is_cannot_be_told():
    found = only(rows(flag=False))
    assert found.source == "not testable"
    assert "cannot be told: no parsed flag" in found.reason


def test_a_chain_that_never_helps_says_so():
    found = only(rows(gain=0.0))
    assert found.crossing.estimate is None
    assert found.crossing.ci_upper is None
    assert "if at all" in found.reason
    assert found.source == "undecided"


def test_p_values_are_adjusted_over_tasks():
    frame = pd.concat([rows(), rows(gain=0.0, task="other")])
    other, steps = find_strategies(Outcomes(frame), "reasoning")
    assert steps.p_adjusted == pytest.approx(2 * steps.gain.p_value)
    assert other.p_adjusted == pytest.approx(other.gain.p_value)


def test_what_cannot_be_compared_is_said():
    direct = rows().query("reasoning == 'direct'")
    with pytest.raises(NothingSelectedError, match="not run with and without it"):
        find_strategies(Outcomes(direct), "reasoning")
    with pytest.raises(UsageError, match="no strategy 'tuning'; there are: demonstrations"):
        find_strategies(Outcomes(rows()), "tuning")
    with pytest.raises(UsageError, match="LEVEL/AGAINST"):
        find_strategies(Outcomes(rows()), "prompt=open")


def test_several_levels_have_to_be_named():
    frame = rows().assign(prompt=lambda table: table["model"].map({"m0": "a"}).fillna("b"))
    third = rows().assign(prompt="c")
    outcomes = Outcomes(pd.concat([frame, third]))
    with pytest.raises(NothingSelectedError, match="several levels"):
        find_strategies(outcomes, "prompt")
    (found,) = find_strategies(outcomes, "prompt=c/b")
    assert found.models == 19


def command(*arguments: str, folder: Path):
    return subprocess.run(
        [sys.executable, "-m", "confounds.cli", "audit", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command(tmp_path):
    rows().to_csv(tmp_path / "table.csv", index=False)
    asked = ("table.csv", "--strategy", "reasoning", "--stated", "6.2e10")
    shown = command(*asked, folder=tmp_path)
    assert shown.returncode == 0
    assert "chain against direct" in shown.stdout
    assert "p stated: of the gain reaching it at 62B (parameters)" in shown.stdout
    document = json.loads(command(*asked, "--json", folder=tmp_path).stdout)
    assert document["findings"][0]["source"] == "strategy"
    refused = command("table.csv", "--stated", "1e9", folder=tmp_path)
    assert refused.returncode == 2
    assert "--stated is the scale" in refused.stderr
