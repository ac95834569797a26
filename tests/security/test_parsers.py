"""Documents that exhaust a parser: deep, wide, long numbers, long keys, in JSON and in TOML.

Neither format has entities, so there is no billion laughs proper; what comes near is nesting, and
text that is read as Python literals.
"""

from __future__ import annotations

import json
import time

import pytest
from result_files import FILES, NotWritableError
from typer.testing import CliRunner

from confounds.claim import read_claims
from confounds.cli import app
from confounds.errors import ClaimError, ConfoundsError, FormatError, MapError, StudyError
from confounds.ingest import read_outcomes
from confounds.ingest._lighteval_items import plain
from confounds.ingest._map import read_map
from confounds.study import Study

DEEP = {
    "lists": "a = " + "[" * 50_000,
    "lists that end": "a = " + "[" * 5_000 + "]" * 5_000,
    "tables in a line": "a = " + "{b = " * 5_000,
    "digits": "a = " + "1" * 100_000,
    "hexadecimal digits": "a = 0x" + "f" * 100_000,
    "text": "a = '" + "x" * 1_000_000 + "'",
    "a key": "x" * 1_000_000 + " = 1",
    "a dotted key": ".".join("a" * 100_000) + " = 1",
    "a dotted key in quotes": ".".join(["'a'"] * 100_000) + " = 1",
    "a dotted table": "[" + ".".join("a" * 100_000) + "]",
    "a dotted key in a table": "a = {" + ".".join("a" * 100_000) + " = 1}",
    "keys": "\n".join(f"k{number} = 1" for number in range(20_000)),
}
READERS = {"map": (read_map, MapError), "claims": (read_claims, ClaimError),
           "study": (Study.read, StudyError)}  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("name", DEEP)
def test_toml_is_refused_in_one_line(tmp_path, kind, name):
    read, error = READERS[kind]
    path = tmp_path / f"x.{kind}.toml"
    path.write_text(DEEP[name])
    started = time.process_time()
    with pytest.raises(error, match=path.name) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 2


WIDE = {
    "a key of a megabyte": {"x" * 2**20: 1},
    "1,000 keys": {str(number): number for number in range(1000)},
    "a text of a megabyte": "x" * 2**20,
    "numbers of 4,000 digits": [10**4000, -(10**4000)],
    "numbers beyond floats": [1e308 * 10, -1e308 * 10],
    "500 lists in lists": json.loads("[" * 500 + "]" * 500),
}


@pytest.mark.parametrize("what", WIDE)
def test_documents_with_large_parts_are_read_or_refused(tmp_path, what):
    """As one more key of every document and row, where no reader looks for it."""
    for name, valid in FILES.items():
        document = json.loads(json.dumps(valid.document))
        rows = document if isinstance(document, list) else [document]
        rows[0]["unexpected"] = WIDE[what]
        home = tmp_path / name.replace(" ", "_")
        home.mkdir()
        try:
            path = valid.write(home, document)
        except NotWritableError:
            continue
        try:
            read_outcomes(path, format=valid.form)
        except ConfoundsError as error:
            assert "\n" not in str(error)  # noqa: PT017  a table is as good an answer


@pytest.mark.parametrize(
    "value",
    ["(" * 5_000, "-" * 50_000 + "1", "9**9**9", "'a' * 10**10", "[" * 300 + "]" * 300, "x" * 2**21,
     "__import__('os').system('true')", "(lambda: 1)()", "f'{1}'", "{1: {2: " * 500],
)  # fmt: skip
def test_text_that_is_read_as_a_literal_runs_and_exhausts_nothing(value):
    """Early versions of lighteval wrote Python literals: names, calls and powers are none."""
    started = time.process_time()
    try:
        found = plain(value, "here")
    except FormatError as error:
        assert str(error).startswith("here: ")  # noqa: PT017
        found = None
    assert found is None or isinstance(found, list | int)
    assert time.process_time() - started < 2


def test_the_command_ends_with_4(tmp_path):
    path, out = tmp_path / "map.toml", tmp_path / "out.csv"
    path.write_text(DEEP["lists"])
    table = tmp_path / "t.csv"
    table.write_text("task,metric,model,score,n\nt,accuracy,m,0.5,10\n")
    arguments = ["ingest", str(table), "--map", str(path), "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, out.exists()) == (4, False)
    assert "nested too deeply" in done.stderr
