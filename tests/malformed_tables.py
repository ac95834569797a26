"""Tables, archives and settings that are wrong in one way each; see `malformed`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from archives import DEFLATED, ZSTANDARD, write_zip
from malformed import GONE, Break, Malformed, broken, edited
from result_files import DATE, DETAILS_NAME, FILES, INSPECT, PUBLISHED, TABLE

HEADER = "task,metric,model,score,n"
ROW = "t,accuracy,m,0.5,10"
CSV: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "is empty"),
    "header alone": (f"{HEADER}\n", "no scores"),
    "blank lines": ("\n\n\n", r"t\.csv:1: no column is named"),
    "a line with more cells": (
        f"{HEADER}\n{ROW},extra\n",
        r"t\.csv:2: 6 cells, where the header has 5",
    ),
    "a line with fewer cells": (
        f"{HEADER},shots\n{ROW},5\n\n{ROW.replace('m', 'k')}\n",
        r"t\.csv:4: 5 cells, where the header has 6 columns; a cell that is not known is empty",
    ),
    "a line that was cut": (f"{HEADER},shots\n{ROW},5\nt,acc", r"t\.csv:3: 2 cells, where"),
    "a line of one empty cell": (f'{HEADER}\n{ROW}\n""\n', r"t\.csv:3: 1 cell, where"),
    "fewer cells below a break in one": (
        f'{HEADER},prompt,shots\n{ROW},"a\n\nb",5\n{ROW.replace("m", "k")},p\n',
        r"t\.csv:5: 6 cells, where the header has 7 columns",
    ),
    "rows that end in carriage returns alone": (
        "prompt,task,metric,model,score,n\rp,t,accuracy,m,1,9\r\r,t,accuracy,k,1,9\r",
        r"t\.csv: lines end in carriage returns, and not alike; end each with a line feed",
    ),
    "a column twice": (f"{HEADER},n\n{ROW},1\n", r"t\.csv:1: column 'n' is there twice"),
    "a text that never ends": (
        f'{HEADER}\n"t,accuracy,m,0.5,10\n',
        r"t\.csv:2: a double quote opens",
    ),
    "a byte that is not UTF-8": (f"{HEADER}\n".encode() + b"\xff,accuracy,m,0.5,10\n", ":2: byte"),
    "Latin-1": (f"{HEADER}\n{ROW}\n".replace(",m,", ",modèle,").encode("latin-1"), ":2: byte"),
    "UTF-16": (f"{HEADER}\n{ROW}\n".encode("utf-16"), ":1: byte 0xff"),
    "semicolons": (f"{HEADER}\n{ROW}\n".replace(",", ";"), "separated by semicolons"),
    "tabs": (f"{HEADER}\n{ROW}\n".replace(",", "\t"), "separated by tabs"),
    "capital letters": (f"{HEADER.title()}\n{ROW}\n", "'task' is missing; 'Task' is it but for"),
    "no header": (f"{ROW}\n{ROW}\n", "is missing"),
    "a metric that is unknown": (
        f"{HEADER}\nt,acuracy,m,0.5,10\n",
        r"'acuracy' \(t\.csv:2\)",
    ),
    "two scores of one run": (
        f"{HEADER}\n{ROW}\nt,accuracy,m,0.6,10\n",
        r"first: t\.csv:3 has score 0\.6, t\.csv:2",
    ),
    "a score of -100": (f"{HEADER}\nt,accuracy,m,-100,10\n", r"-100 in column 'score'.*t\.csv:2"),
    "percent": (f"{HEADER}\n{ROW}\nt,accuracy,k,87.5,10\n", r"87\.5 in column 'score'.*t\.csv:3"),
    "UTF-16 without a mark": (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), ":1: holds NUL characters"),
    "a name of 20,000 letters": (
        f"{HEADER}\n{ROW.replace('m', 'm' * 20_000)}\n",
        r"'model' in t\.csv:2 has 20000 characters; a name has at most 10000",
    ),
    "a page of HTML": ("<!DOCTYPE html>\n<title>404</title>\n", "is missing"),
}
WRONG_CELLS: dict[str, tuple[str, ...]] = {
    "task": ("",),
    "metric": ("",),
    "model": ("",),
    "score": ("", "half", "nan", "inf", "-0.5", "1.5", "0,5", "50%"),
    "n": ("", "ten", "0", "-7", "2.5", "inf", "1e22"),
    "chance": ("a quarter", "-1", "2"),
    "majority": ("most", "2"),
    "parameters": ("7B", "0", "-1", "inf"),
    "tokens": ("1T", "-1"),
    "compute": ("1e24 FLOP", "0"),
    "checkpoint": ("last", "0.5", "-1"),
    "seed": ("first", "0.5", "99999999999999999999"),
    "shots": ("five", "-1", "2.5"),
    "dose": ("often", "-1"),
    "variance": ("small", "-0.1"),
    "adaptation": ("few-shot",),
    "demonstrations": ("random",),
    "reasoning": ("cot",),
    "exposure": ("seen",),
    "distribution": ("ood",),
}
WRONG_VALUES: dict[str, tuple[Any, ...]] = {
    "task": (None, [], {"a": 1}, True, "a\0b"),
    "model": (None, ["m"], 0.5),
    "metric": (None, {}),
    "score": (None, [1], "half", 10**400),
    "n": (None, {}, "ten", 10**400),
    "shots": ([0], "five"),
}
LINES_OF_JSON: dict[str, tuple[str, str]] = {
    "a key twice": (', "score": 0.9', r"t\.jsonl:1: 'score' is there twice; name each once"),
    "a key twice, with a blank": (', "n" : 8', r"t\.jsonl:1: 'n' is there twice"),
    "a key twice below": (', "x": {"a": 1, "a": 2}', r"t\.jsonl:1: 'a' is there twice"),
    "half of a character": (', "item": "\\ud83d"', r"t\.jsonl:1: \\ud83d is half of a character"),
}
DETAILS: dict[str, tuple[Break, str]] = {
    "nothing": (lambda _: b"", "is empty|not a readable Parquet"),
    "half of it": (lambda raw: raw[: len(raw) // 2], "not a readable Parquet"),
    "all but the last byte": (lambda raw: raw[:-1], "not a readable Parquet"),
    "no footer": (lambda raw: raw[:-40] + raw[-8:], "not a readable Parquet"),
    "a footer longer than the file": (
        lambda raw: raw[:-8] + b"\xff\xff\xff\x7f" + raw[-4:], "not a readable Parquet",
    ),
    "words": (lambda _: b"PAR1 this is no table PAR1", "not a readable Parquet"),
    "pages of zeros": (lambda raw: raw[:4] + bytes(200) + raw[204:], "Parquet|row"),
}  # fmt: skip
MAPS: dict[str, tuple[str | bytes, str]] = {
    "nothing closes the text": ('missing = ["a', "not valid TOML"),
    "two signs": ("missing = = 1", r"line 1, column 11"),
    "a byte that is not UTF-8": (b'a = "\xff"', "not valid TOML"),
    "brackets nested 10,000 deep": ("a = " + "[" * 10_000, "nested too deeply"),
    "a number of 10,000 digits": ("a = " + "1" * 10_000, "too long|not valid TOML"),
    "an unknown key": ("scores_ = 1", "'scores_'"),
    "an unknown column": ('[columns]\ntasks = "t"', "'tasks'"),
    "a column that is not there": ('[columns]\nscore = "points"', "'points'"),
    "missing is a number": ("missing = -100", "missing is -100"),
    "columns are a text": ('columns = "task"', r"\[columns\]"),
    "scores are a table": ("[scores]\na = 1", r"\[\[scores\]\]"),
    "a score without column": ('[[scores]]\nmetric = "accuracy"', r"\[\[scores\]\] 1: 'column'"),
    "a factor of zero": (
        '[[scores]]\ncolumn = "score"\nmetric = "accuracy"\nmultiply = 0', "multiply is 0",
    ),
    "a range that is empty": (
        '[metrics.x]\nkind = "linear"\nrange = [1, 0]', r"\[metrics\.x\] range",
    ),
    "a kind that is unknown": ('[metrics.x]\nkind = "smooth"', r"\[metrics\.x\] kind"),
}  # fmt: skip
FACTS: dict[str, tuple[str, str, str]] = {
    "models with a misnamed column": ("models", "model,famly\nm,1\n", "nearest is family"),
    "models without model": ("models", "name,parameters\nm,1\n", "'model' is missing"),
    "models with an unknown column": ("models", "model,size\nm,1\n", "'size'"),
    "a size that is a text": ("models", "model,parameters\nm,7B\n", r":2: parameters is '7B'"),
    "a size of zero": ("models", "model,parameters\nm,0\n", r":2: parameters is '0'"),
    "a model twice": ("models", "model\nm\nm\n", "model 'm' is in line 2 already"),
    "a model without name": ("models", "model,tokens\n,1\n", ":2: 'model' is empty"),
    "a line with more cells": ("models", "model\nm,1,2\n", ":2: 3 cells, where the header has 1 c"),
    "a line with fewer cells": (
        "models",
        "model,family,tokens\nm,f,1e9\n\nk,f\n",
        ":4: 2 cells, where the header has 3 columns",
    ),
    "tasks without task": ("tasks", "name,n\nt,1\n", "'task' is missing"),
    "items that are not whole": ("tasks", "task,n\nt,2.5\n", r":2: n is '2\.5'"),
    "chance beyond its metric": ("tasks", "task,chance\nt,3\n", ":2: chance is 3"),
}


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    """Writes a file as it stands."""
    raw = content if isinstance(content, bytes) else content.encode()

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(raw)
        return folder / name

    return write


def beside(first: Callable[[Path], Path], second: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Writes two files, of which the first is read."""

    def write(folder: Path) -> Path:
        second(folder)
        return first(folder)

    return write


def cell(column: str, value: str) -> Callable[[Path], Path]:
    """A CSV table with a wrong value in its third line."""
    row = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    wrong = row | {"model": "k", column: f'"{value}"'}
    lines = [row | {column: row.get(column, "")}, wrong]
    names = list(wrong)
    rows = [",".join(one.get(name, "") for name in names) for one in lines]
    return text("t.csv", "\n".join([",".join(names), *rows]))


def parquet(name: str, rows: list[Any], metadata: Any = None) -> Callable[[Path], Path]:
    """Writes rows as Parquet."""

    def write(folder: Path) -> Path:
        (folder / name).parent.mkdir(exist_ok=True)
        table = pa.Table.from_pylist(rows)
        if metadata is not None:
            table = table.replace_schema_metadata(metadata)
        pq.write_table(table, folder / name)
        return folder / name

    return write


def archive(members: dict[str, Any], **options: Any) -> Callable[[Path], Path]:
    """Writes members as JSON, or as bytes, into an archive."""
    content = {
        name: one if isinstance(one, bytes) else json.dumps(one).encode()
        for name, one in members.items()
    }
    return lambda folder: write_zip(folder / "a.eval", content, **options)


def archives() -> Iterator[tuple[str, Malformed]]:
    """Archives of Inspect."""
    header, rows = {**INSPECT, "samples": None}, INSPECT["samples"]
    both = {"header.json": header, "summaries.json": rows}
    wrong: dict[str, tuple[Callable[[Path], Path], str]] = {
        "no member": (archive({}), "neither header.json"),
        "no header": (archive({"summaries.json": rows}), "neither header.json"),
        "a header that is a list": (archive({"header.json": []}), "a.eval:header.json: must be"),
        "a header of words": (archive({"header.json": b"oops"}), r"header\.json: .*line 1"),
        "a header that is not UTF-8": (archive({"header.json": b'"\xff"'}), r"header\.json: byte"),
        "a deep header": (archive({"header.json": b"[" * 100_000}), "header.json: nested too"),
        "summaries that are an object": (archive(both | {"summaries.json": {}}), "summaries.json"),
        "a summary that is a text": (archive(both | {"summaries.json": ["x"]}), r"\.json\[0\]: "),
        "a sample that is no JSON": (
            archive({"header.json": header, "samples/1_epoch_1.json": b"{"}), "samples/1_epoch_1",
        ),
        "a member larger than it says": (archive(both, said=5), "a.eval:header.json: "),
        "a bomb": (archive({"header.json": b"0" * 2**21}, method=DEFLATED, said=2**31), "unpacks"),
        "a bomb of Zstandard": (
            archive({"header.json": b"0" * 2**21}, method=ZSTANDARD, said=2**31), "unpacks",
        ),
    }  # fmt: skip
    cuts: dict[str, Break] = {
        "nothing": lambda _: b"",
        "half of it": lambda raw: raw[: len(raw) // 2],
        "no end": lambda raw: raw[:-22],
        "no start": lambda raw: raw[60:],
        "members of zeros": lambda raw: raw[:60] + bytes(60) + raw[120:],
        "a method that is unknown": lambda raw: raw.replace(b"\x08\x00", b"\x63\x00"),
        "encrypted": lambda raw: raw.replace(b"\x3f\x00\x00\x00", b"\x3f\x00\x01\x00"),
        "words": lambda _: b"PK\x03\x04 no archive",
    }  # fmt: skip
    for what, (write, says) in wrong.items():
        yield f"inspect archive: {what}", Malformed("inspect_ai", write, says)
    for what, change in cuts.items():
        case = Malformed("inspect_ai", broken("inspect archive", change), r"a\.eval: |a\.eval:\w")
        yield f"inspect archive: {what}", case


def tables() -> Iterator[tuple[str, Malformed]]:
    """Tables of text and of Parquet, with the settings beside them."""
    for what, (content, says) in CSV.items():
        yield f"table csv: {what}", Malformed("table", text("t.csv", content), says)
    for column, values in WRONG_CELLS.items():
        for value in values:
            says = rf"'{column}'.*[ (]t\.csv:3"
            name = f"table csv: {column} is {value or 'empty'}"
            yield name, Malformed("table", cell(column, value), says)
    for column, wrong in WRONG_VALUES.items():
        for value in wrong:
            name = f"table jsonl: {column} is {json.dumps(value)[:12]}"
            says = rf"'{column}'.*[ (]t\.jsonl:2"
            yield name, Malformed("table", edited("table jsonl", (1, column), value), says)
    for column in HEADER.split(","):
        rows = [{key: value for key, value in row.items() if key != column} for row in TABLE]
        case = Malformed("table", parquet("t.parquet", rows), f"'{column}'")
        yield f"table parquet: no {column}", case
    for what, (change, says) in DETAILS.items():
        yield f"table parquet: {what}", Malformed("table", broken("table parquet", change), says)
    kept = {"declarations nested 100,000 deep": b"[" * 100_000, "declarations of words": b"oops"}
    for what, raw in kept.items():
        write = parquet("t.parquet", TABLE, {"confounds": raw})
        yield f"table parquet: {what}", Malformed("table", write, "declarations of metrics")
    for what, raw in kept.items():
        write = beside(text("t.csv", f"{HEADER}\n{ROW}\n"), text("t.csv.meta.json", raw))
        yield f"table csv: {what}", Malformed("table", write, "cannot be read", "t.csv.meta.json")


def lines_of_json() -> Iterator[tuple[str, Malformed]]:
    """Lines that are no row of a table."""
    line = '{"task": "t", "metric": "accuracy", "model": "m", "n": 9, "score": 0.1'
    for what, (end, says) in LINES_OF_JSON.items():
        yield f"table jsonl: {what}", Malformed("table", text("t.jsonl", f"{line}{end}}}\n"), says)


def settings() -> Iterator[tuple[str, Malformed]]:
    """Maps, and tables of models and tasks."""
    valid = text("t.csv", f"{HEADER}\n{ROW}\n")
    for what, (content, says) in MAPS.items():
        write = beside(valid, text("map.toml", content))
        yield f"map: {what}", Malformed("table", write, says, "map.toml", {"map": "map.toml"})
    for what, (option, content, says) in FACTS.items():
        file = f"{option}.csv"
        write = beside(valid, text(file, content))
        yield f"{option}: {what}", Malformed("table", write, says, file, {option: file})


def details() -> Iterator[tuple[str, Malformed]]:
    """Details of lighteval, and the published scores of Lu et al."""
    for what, (change, says) in DETAILS.items():
        yield f"lighteval: {what}", Malformed("lighteval", broken("lighteval", change), says)
    wrong: dict[str, tuple[str, list[Any], str]] = {
        "no scores": (DETAILS_NAME, [{"example": "?"}], "no column of scores"),
        "a model that nothing tells": (
            f"details_t|1_{DATE}.parquet", FILES["lighteval"].document, "nothing tells the model",
        ),
        "a name without task": ("details.parquet", [{"metric": 1}], "details_TASK_DATE"),
        "scores that are no literal": (DETAILS_NAME, [{"metrics": "{'acc': "}], "row 0: "),
        "scores that are code": (DETAILS_NAME, [{"metrics": "__import__('os')"}], "row 0: "),
        "scores of brackets": (DETAILS_NAME, [{"metrics": "(" * 5000}], "row 0: "),
        "scores of two million letters": (DETAILS_NAME, [{"metrics": "x" * 2**21}], "row 0: "),
        "a score of 7": (DETAILS_NAME, [{"metric": {"acc": 7.0}}], "7 in column 'score'.*row 0"),
    }  # fmt: skip
    for what, (name, rows, says) in wrong.items():
        yield f"lighteval: {what}", Malformed("lighteval", parquet(name, rows), says)
    for column in PUBLISHED[0]:
        write = edited("on_emergence", (0, column), GONE)
        yield f"on_emergence: no {column}", Malformed("on_emergence", write, column)


def in_tables() -> Iterator[tuple[str, Malformed]]:
    """Everything that is not JSON by itself."""
    for part in (archives, tables, lines_of_json, settings, details):
        yield from part()
