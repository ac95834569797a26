from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confounds.errors import FormatError
from confounds.ingest import _json
from confounds.ingest._json import lines, load, load_mapping, number, parse, whole

BAD = {
    "deep": "[" * 200_000 + "]" * 200_000,
    "digits": "1" * 10_000,
    "cut": '{"a": [1, 2',
    "words": "hello",
    "two": "{} {}",
    "empty": " ",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_document_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / "x.json"
    path.write_text(BAD[name])
    with pytest.raises(FormatError, match=r"x\.json") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_large_files_and_other_encodings_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(FormatError, match="0xe9 is not UTF-8"):
        load(path)
    monkeypatch.setattr(_json, "LARGEST_FILE", 5)
    with pytest.raises(FormatError, match="at most 5 are read"):
        load(path)
    with pytest.raises(FormatError, match="cannot be read"):
        load(tmp_path / "absent.json")


def test_lines_name_their_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}\n[3]\n')
    found = lines(path)
    assert next(found) == (1, {"a": 1})
    assert next(found) == (3, {"a": 2})
    with pytest.raises(FormatError, match=r"x\.jsonl:4: must be a JSON object; found list"):
        next(found)


def test_lines_are_read_however_they_end(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n  {"a": 2}\n{"a": 3} \n{"a": "\xc3\xa9"}')
    assert [row["a"] for _, row in lines(path)] == [1, 2, 3, "é"]


@pytest.mark.parametrize("line", ['{"a": 1} {"a": 2}', '{"a": 1},', '{"a": 1}]', '{"a": [1'])
def test_a_line_that_says_more_or_less_than_one_object_is_refused(tmp_path, line):
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"a": 0}}\n{line}\n{{"a": 3}}\n')
    with pytest.raises(FormatError, match=r"x\.jsonl:2: "):
        list(lines(path))


def test_keys_that_are_missing_are_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    with pytest.raises(FormatError, match="'b' is missing; it has: a"):
        load_mapping(path, "a", "b")


@pytest.mark.parametrize(
    "text",
    [
        '{"stats": [{"mean": 0.1, "count": 1, "mean": 0.9}]}',
        '{"a": {"é": "😀"}, "score": 1, "b": [{"score":0}], "b": []}',
        '{"pad": "' + "é" * 200_000 + '", "mean": 1, "mean": 2}',
    ],
)
def test_a_key_that_is_there_twice_is_refused(text):
    with pytest.raises(FormatError, match=r"^here: '(mean|b)' is there twice; name each once$"):
        parse(text, "here")


@given(
    st.recursive(
        st.none() | st.text(alphabet='a":\\ \t{}é😀'),
        lambda some: st.lists(some) | st.dictionaries(st.text(alphabet='a":\\é'), some),
    ),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_keys_that_differ_are_not_taken_for_one(document, indent, ascii_only):
    assert parse(json.dumps(document, indent=indent, ensure_ascii=ascii_only), "here") == document


def test_texts_that_hold_json_are_read_once(monkeypatch):
    """Answers of models are often JSON: colons in them are not taken for keys."""
    monkeypatch.setattr(_json, "_check_once", None)
    parse(json.dumps([{"answer": json.dumps({"a": {"b": "c"}})}] * 9), "here")


@given(st.text())
def test_any_text_is_a_document_or_refused(text):
    refused = ""
    try:
        parse(text, "here")
    except FormatError as error:
        refused = str(error)
    assert refused == "" or refused.startswith("here: ")


def test_only_finite_numbers_are_numbers():
    assert number(True) == 1.0
    assert number(0.5) == 0.5
    assert [number(one) for one in (None, "1", [], float("nan"), float("inf"), 10**400)] == [
        None
    ] * 6
    assert [whole(one) for one in (3, 3.0, 3.5, -1, True, None)] == [3, 3, None, None, None, None]
