from __future__ import annotations

import pandas as pd
import pytest

from confounds import Outcomes
from confounds.claim import Claim, read_claims, with_ceiling
from confounds.errors import ClaimError

FILE = """
outcomes = "table.csv"

[[claim]]
id = "one"
task = "addition"
metric = "exact_match"
condition = { shots = 5 }
expect = "explained"
gradual = 1.5

[[claim]]
id = "two"
task = "sorting"
metric = "accuracy"
"""


def test_a_claim_file_names_its_table_and_its_claims(tmp_path):
    path = tmp_path / "a.claims.toml"
    path.write_text(FILE)
    found = read_claims(path)
    assert found.outcomes == tmp_path / "table.csv"
    assert found.claims == (
        Claim(
            "one",
            "addition",
            "exact_match",
            condition={"shots": 5},
            expect="explained",
            gradual=1.5,
        ),
        Claim("two", "sorting", "accuracy"),
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('outcomes = "table.csv"', "", "'outcomes' must be the path of a table"),
        (
            'outcomes = "table.csv"',
            'outcome = "a"',
            "unknown key 'outcome'; allowed: outcomes, claim",
        ),
        ('id = "two"', 'id = "one"', "two claims have the id 'one'"),
        ('id = "two"', "", "claim 2 needs 'id', a string; found None"),
        ("gradual = 1.5", "gradul = 1.5", "ceiling; the nearest is gradual"),
        ("gradual = 1.5", "gradual = 0", "gradual is 0; it must be a number above 0"),
        ("gradual = 1.5", "gradual = true", "gradual is True; it must be a number above 0"),
        ('"explained"', '"proven"', "expect is 'proven'; allowed: survives, explained"),
        ("{ shots = 5 }", "5", "condition is 5; it must be a table"),
        ("{ shots = 5 }", "{ shot = 5 }", "distribution; the nearest is shots"),
        ("[[claim]]", "[[claims]]", "unknown key 'claims'"),
        ('id = "one"', "id = one", "not valid TOML"),
    ],
)
def test_a_wrong_claim_file_is_refused_with_what_is_allowed(tmp_path, old, new, says):
    assert old in FILE
    path = tmp_path / "a.claims.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ClaimError) as caught:
        read_claims(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_claim_file_is_said(tmp_path):
    with pytest.raises(ClaimError, match="cannot be read"):
        read_claims(tmp_path / "none.toml")


def test_a_file_without_claims_is_refused(tmp_path):
    path = tmp_path / "a.claims.toml"
    path.write_text('outcomes = "table.csv"\n')
    with pytest.raises(ClaimError, match=r"no \[\[claim\]\] table"):
        read_claims(path)


def test_the_same_claim_in_another_condition():
    claim = Claim("a", "t", "accuracy", condition={"shots": 5})
    assert claim.with_condition(prompt="open").condition == {"shots": 5, "prompt": "open"}
    assert claim.condition == {"shots": 5}


@pytest.mark.parametrize(
    ("declared", "column", "tested"),
    [
        (None, [0.9, 0.9], 0.9),
        (None, [0.9, None], 0.9),
        (0.8, [0.9, 0.9], 0.8),
        (None, [None, None], None),
        (None, [0.9, 0.8], None),
        (None, [0.0, 0.0], None),
    ],
)
def test_a_claim_that_declares_no_ceiling_takes_that_of_the_table(declared, column, tested):
    about = {"metric": "accuracy", "model": ["a", "b"], "score": 0.5, "n": 10}
    own = pd.DataFrame({"task": "sorting", **about, "ceiling": column})
    other = pd.DataFrame({"task": "other", **about, "ceiling": 0.7})
    outcomes = Outcomes(pd.concat([own, other], ignore_index=True))
    claim = Claim("one", "sorting", "accuracy", ceiling=declared)
    assert with_ceiling(claim, outcomes).ceiling == tested
    absent = Claim("one", "sorting", "exact_match")
    assert with_ceiling(absent, outcomes) == absent
