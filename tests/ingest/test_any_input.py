"""Whatever a file holds, its reader answers with a table or with one line that says why not.

The same files are cut, and broken on purpose, in `tests/security/test_malformed_files.py`.
"""

from __future__ import annotations

import random
import warnings
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from result_files import FILES, NotWritableError, changed, places

from confounds.errors import ConfoundsError
from confounds.ingest import read_outcomes
from confounds.outcomes.storage import to_arrow

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, 10**400, "", "x", [], {}, [[]], {"": None}, float("nan"),
    [None], "\0", "../../x", {"a": {"b": 1}}, "x" * 20_000,
)  # fmt: skip
SETTINGS = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def said(path: Path, form: str | None, *, rescore: bool = False) -> str:
    """What reading answers: nothing where it gives a table that can be written, else one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = read_outcomes(path, format=form, rescore=rescore)
            to_arrow(found.frame, measures={}, notes=())
    except ConfoundsError as error:
        assert "\n" not in str(error)  # noqa: PT017  any kind of answer is right
        assert len(str(error)) < 2000  # noqa: PT017
        return str(error)
    return ""


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_whole_are_read(tmp_path: Path, name: str):
    valid = FILES[name]
    path = valid.write(tmp_path, valid.document)
    tasks = tmp_path / "tasks.csv"
    tasks.write_text("task,n\nt,10\n")
    assert len(read_outcomes(path, format=valid.form, tasks=tasks)) > 0


@pytest.mark.parametrize("name", FILES)
def test_any_value_in_any_place_is_read_or_refused(tmp_path: Path, name: str):
    valid = FILES[name]
    turn = count(len(name))
    written = 0
    for place in places(valid.document):
        value = ODD[next(turn) % len(ODD)]
        try:
            path = valid.write(tmp_path, changed(valid.document, place, value))
        except NotWritableError:
            continue
        written += 1
        said(path, valid.form, rescore=written % 2 == 0)
    assert written


@pytest.mark.parametrize("name", FILES)
def test_no_place_takes_half_of_a_character(tmp_path: Path, name: str):
    valid = FILES[name]
    for place in places(valid.document):
        try:
            path = valid.write(tmp_path, changed(valid.document, place, "\ud800"))
        except (NotWritableError, UnicodeError):
            continue
        said(path, valid.form)


@pytest.mark.parametrize("name", FILES)
def test_any_changed_byte_is_read_or_refused(tmp_path: Path, name: str):
    path, content = FILES[name].place(tmp_path)
    raw = content.read_bytes()
    draw = random.Random(9)
    for _ in range(8):
        place = draw.randrange(len(raw))
        content.write_bytes(raw[:place] + bytes([draw.randrange(256)]) + raw[place + 1 :])
        said(path, FILES[name].form)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@SETTINGS
def test_any_bytes_are_read_or_refused(tmp_path: Path, name: str, data: st.DataObject):
    path, content = FILES[name].place(tmp_path)
    raw = content.read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    content.write_bytes(raw[:start] + data.draw(st.binary(max_size=40)))
    message = said(path, FILES[name].form)
    assert message == "" or content.name in message or path.name in message or "column" in message


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["id", "scores"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@SETTINGS
def test_any_document_in_any_place_is_read_or_refused(
    tmp_path: Path, name: str, data: st.DataObject
):
    valid = FILES[name]
    place = data.draw(st.sampled_from(places(valid.document)))
    value = data.draw(JSON)
    try:
        path = valid.write(tmp_path, changed(valid.document, place, value))
    except (NotWritableError, UnicodeEncodeError):
        return
    said(path, valid.form)


@given(st.binary(max_size=60), st.sampled_from([".json", ".jsonl", ".csv", ".parquet", ".eval"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_recognised_or_refused(tmp_path: Path, raw: bytes, suffix: str):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(raw)
    assert path.name in said(path, None)
