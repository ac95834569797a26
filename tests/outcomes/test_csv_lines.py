"""Lines are counted as an editor counts them, whatever stands between the rows."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confounds import Outcomes, read_outcomes
from confounds.errors import FormatError, OutcomesError
from confounds.outcomes import _csv_lines
from confounds.outcomes._csv_lines import (
    bounded_lines,
    count_lines,
    line_numbers,
    lines_of,
    may_have_short_lines,
    what_is_broken,
)
from confounds.outcomes.storage import read_frame
from confounds.outcomes.streaming import stream

HEAD = "task,metric,model,score,n,prompt"
GOOD = 't,accuracy,m{},0.5,10,"two\nlines"'
BAD = "t,accuracy,bad,7,10,p"


@pytest.mark.parametrize("read", [Outcomes.read, read_outcomes])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ((HEAD, BAD), 2),
        ((HEAD, "", "", BAD), 4),
        ((HEAD, GOOD.format(1), GOOD.format(2), "  ", BAD, ""), 7),
        (("", HEAD, BAD), 3),
        ((f"{HEAD},source", f"{GOOD.format(1)},lab notes", f"{BAD},http://there:80/a"), 4),
    ],
)
def test_an_error_names_the_line_of_the_file(tmp_path, read, end, lines, line):
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(lines).replace("\n", end).encode())
    with pytest.raises(OutcomesError, match=rf"\(t\.csv:{line}, task 't'\)") as raised:
        read(path)
    assert "row " not in str(raised.value)


@pytest.mark.parametrize("read", [Outcomes.read, read_outcomes])
def test_lines_of_jsonl_count_blank_ones(tmp_path, read):
    path = tmp_path / "t.jsonl"
    row = '{"task": "t", "metric": "accuracy", "model": "m", "score": %s, "n": 1, "source": "s"}'
    path.write_text(f"{row % '1'}\n\n\n{row % '-3'}\n")
    with pytest.raises(OutcomesError, match=r"\(t\.jsonl:4, task 't'\)"):
        read(path)


def test_half_a_character_is_refused_with_its_line(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"task": "a"}\n{"task": "\\ud800"}\n')
    with pytest.raises(FormatError, match=r"t\.jsonl:2: \\ud800 is half of a character"):
        read_outcomes(path)


CELLS = st.text(alphabet='ab,"\n\r ', max_size=5)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6))
def test_lines_are_those_that_the_rows_of_pandas_begin_on(rows):
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    begins = []
    for row in [["x", "y"], *rows]:
        told = file.getvalue()
        begins.append(1 + told.count("\n") + told.count("\r") - told.count("\r\n"))
        writer.writerow(row)
    text = file.getvalue()
    frame = pd.read_csv(io.StringIO(text, newline=""), dtype=object, index_col=False)
    assert list(line_numbers(lines_of(text), frame["x"].fillna("").tolist())) == begins[1:]
    told = list(lines_of(text))
    assert ("".join(told), len(told)) == (text, count_lines(text))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a,b\n1,2\n\n1,2,3\n", 4, "3 cells, where the header has 2 columns"),
        ('a,b\n1,"2\n3"\n1,2,3\n', 4, "3 cells"),
        ('a,b\n1,2\n1,"2\n1,2\n', 3, "a double quote opens"),
        ("\n\n", 1, "no column is named"),
    ],
)
def test_what_is_broken_is_found_where_it_is(text, line, says):
    found, told = what_is_broken(lines_of(text), unclosed=True)
    assert found == line
    assert says in told


def test_a_misnamed_column_is_named_where_rows_repeat(tmp_path):
    path = tmp_path / "t.csv"
    lines = ["task,metric,model,score,n,shot,famly,remark"]
    lines += [f"t,accuracy,m,0.{shots + 1},10,{shots},f,ok" for shots in (0, 5)]
    path.write_text("\n".join(lines))
    says = r"not used: shot \(the nearest is shots\), famly \(the nearest is family\), remark\."
    with pytest.raises(OutcomesError, match=says):
        read_outcomes(path)
    path.write_text("\n".join(lines[:2]))
    (note,) = [one for one in read_outcomes(path).notes if one.kind == "unused_columns"]
    assert note.where == ("shot (the nearest is shots)", "famly (the nearest is family)", "remark")


ROW = "t,accuracy,m{},0.5,10"


@pytest.mark.parametrize("read", [Outcomes.read, read_outcomes, stream])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((ROW + ",p,1",), "2: 7 cells, where the header has 6 columns; a cell that holds a comma"),
        ((ROW,), "2: 5 cells, where the header has 6 columns; a cell that is not known is empty"),
        ((GOOD, "", ROW), "5: 5 cells, where the header has 6 columns"),
        ((ROW + ",p", "t,accuracy"), "3: 2 cells, where"),
        ((ROW + ",p", ","), "3: 2 cells, where"),
        ((ROW + ",p", '""'), "3: 1 cell, where"),
    ],
)
def test_a_line_has_as_many_cells_as_the_header(tmp_path, read, end, lines, says):
    path = tmp_path / "t.csv"
    text = "\n".join([HEAD, *(line.format(n) for n, line in enumerate(lines)), ""])
    path.write_bytes(text.replace("\n", end).encode())
    with pytest.raises(FormatError, match=r"t\.csv:" + says):
        read(path)


@pytest.mark.parametrize("read", [Outcomes.read, read_outcomes, stream])
@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\n{ROW},p\n\n\n",  # lines left blank at the end
        f"{HEAD}\n{ROW},p",  # no end of the last line
        f"\ufeff{HEAD}\r\n{ROW},\r\n",  # the last cell not known
        f"{HEAD}\n{ROW},p,\n",  # a comma at the end
        f'{HEAD}\n{ROW},"two\n\nlines, and ""more"""\n',
    ],
)
def test_what_is_no_line_of_other_cells(tmp_path, read, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.format(1).encode())
    assert list(read(path).frame["model"]) == ["m1"]


def test_rows_of_one_column_may_be_empty(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a\n1\n\n""\n2\n')
    assert read_frame(path).frame["a"].fillna("-").tolist() == ["1", "-", "2"]


@given(st.lists(st.lists(CELLS, max_size=4), max_size=4), st.booleans())
def test_no_short_line_is_read(tmp_path_factory, rows, quoted):
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    # A cell with a character of the end of a line is quoted, one with another end is not.
    writer = csv.writer(file, quoting=quoting, lineterminator="\r\n")
    rows = [row for row in rows if len(row) != 1]  # it may look like a blank line
    writer.writerows([["x", "y", "z"], *rows])
    path = tmp_path_factory.mktemp("short") / "t.csv"
    path.write_bytes(file.getvalue().encode())
    if all(len(row) in (0, 3) for row in rows):
        assert len(read_frame(path).frame) == sum(map(bool, rows))
        assert not may_have_short_lines(path)
    elif any(0 < len(row) < 3 for row in rows):
        assert may_have_short_lines(path)
        with pytest.raises(FormatError):
            read_frame(path)


def test_a_line_without_an_end_is_held_in_pieces(monkeypatch):
    monkeypatch.setattr(_csv_lines, "LONGEST_LINE", 10)
    found = bounded_lines(io.StringIO("a" * 24 + "\nb\n"))
    assert list(found) == ["a" * 10, "a" * 10, "aaaa\n", "b\n"]
