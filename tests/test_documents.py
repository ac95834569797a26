"""The text of a document is that of the standard library, and faster to make."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confounds.documents import plain, to_text
from confounds.results import CurvePoint, Estimate, Part

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.text(max_size=5) | st.integers() | st.booleans() | st.none() | NUMBERS
DOCUMENTS = st.recursive(
    SCALARS | NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_the_text_is_that_of_the_standard_library(document):
    expected = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    assert to_text(document) == expected


def test_numbers_of_numpy_are_numbers_where_the_standard_library_takes_them():
    document = {"p": np.float64(0.1), "inside": [{"q": (np.float64(2.0),)}]}
    assert to_text(document) == json.dumps(document, indent=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_text({"p": [value]})


def test_what_json_does_not_know_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        to_text({"p": {1, 2}})


def test_dataclasses_are_the_dictionaries_of_the_standard_library():
    part = Part("presence", "passed", "shown", (Estimate("score", 0.5), Estimate("chance", None)))
    mixed = {"part": part, "parts": [part], "pairs": ((1.0, 2.0),)}
    assert plain(part) == asdict(part)
    assert plain(mixed) == {"part": asdict(part), "parts": [asdict(part)], "pairs": ((1.0, 2.0),)}


def test_a_point_of_a_line_comes_back_from_another_process():
    points = (CurvePoint(1e9, 0.25), CurvePoint(1e10, 0.5, 0.25, 0.75))
    assert pickle.loads(pickle.dumps(points)) == points  # noqa: S301  written a line above
