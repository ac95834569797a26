"""Files of results that are wrong in one way each, made again whenever the tests run.

A name says what is wrong. `says` is what the message must name besides the file: the place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from result_files import EVALS, FILES, SAMPLES, changed

Break = Callable[[bytes], bytes]
AT = r"line \d+ column \d+|:\d+: .* at column \d+"
LINE = r":\d+: "


@dataclass(frozen=True)
class Malformed:
    """One wrong file.

    Attributes:
        form: name of the reader.
        write: writes it into a folder; returns the file to read.
        says: pattern of the place in the message.
        file: name of the file that is wrong, where that is not the one to read.
        options: option -> file beside it, for the command.
    """

    form: str
    write: Callable[[Path], Path]
    says: str
    file: str | None = None
    options: dict[str, str] = field(default_factory=dict)


DOCUMENTS: dict[str, tuple[Break, str]] = {
    "nothing": (lambda _: b"", "is empty"),
    "white space": (lambda _: b" \n\t\n", AT),
    "half of it": (lambda raw: raw[: len(raw) // 2], AT),
    "all but the last bracket": (lambda raw: raw[:-1], AT),
    "all but the first bracket": (lambda raw: raw[1:], AT),
    "a byte that is not UTF-8": (lambda raw: raw.replace(b'"', b'"\xff', 1), "byte 0xff"),
    "UTF-16": (lambda raw: raw.decode().encode("utf-16"), "byte 0xff"),
    "Latin-1": (lambda raw: raw.replace(b'"', b'"\xe9', 1), "byte 0xe9"),
    "single quotes": (lambda raw: raw.replace(b'"', b"'"), AT),
    "a control character in a text": (lambda raw: raw.replace(b'"', b'"\x01', 1), AT),
    "a comment": (lambda raw: b"// results\n" + raw, AT),
    "words": (lambda _: b"Traceback (most recent call last):", AT),
    "a page of HTML": (lambda _: b"<!DOCTYPE html><title>404</title>", AT),
    "two documents": (lambda raw: raw + raw, AT),
    "a comma too many": (lambda raw: raw[:-1] + b"," + raw[-1:], AT),
    "brackets nested 100,000 deep": (lambda _: b"[" * 100_000, "nested too deeply"),
    "a number of 10,000 digits": (lambda _: b"1" * 10_000, "not valid JSON|too long"),
    "a text": (lambda _: b'"results"', "must be|no table"),
    "a number": (lambda _: b"7", "must be|no table"),
    "null": (lambda _: b"null", "must be|no table"),
}
LINES: dict[str, tuple[Break, str]] = {
    "nothing": (lambda _: b"", "is empty"),
    "a line cut short": (lambda raw: raw + b'\n{"task": "t", "metr', LINE),
    "a byte that is not UTF-8": (lambda raw: raw + b'\n{"a": "\xff"}', ":\\d+: byte 0xff"),
    "UTF-16": (lambda raw: raw.decode().encode("utf-16"), ":1: byte 0xff"),
    "single quotes": (lambda raw: raw.replace(b'"', b"'"), LINE),
    "words between": (lambda raw: raw + b"\nKilled\n", LINE),
    "two objects in a line": (lambda raw: raw + b"\n{} {}", LINE),
    "a list in a line": (lambda raw: raw + b"\n[1]", LINE),
    "a number in a line": (lambda raw: raw + b"\n7", LINE),
    "null in a line": (lambda raw: raw + b"\nnull", LINE),
    "brackets nested 100,000 deep": (lambda raw: raw + b"\n" + b"[" * 100_000, LINE),
    "a number of 10,000 digits": (lambda raw: raw + b"\n" + b"1" * 10_000, LINE),
}
OF_DOCUMENTS = (
    "inspect json", "helm spec", "helm stats", "big_bench", "evalplus", "lm_eval", "probed",
)  # fmt: skip
OF_LINES = ("openai_evals", "lm_eval samples", "table jsonl")

GONE = object()
Edit = tuple[tuple[Any, ...], Any, str]
EDITS: dict[str, dict[str, Edit]] = {
    "inspect json": {
        "no eval": (("eval",), GONE, "'eval' is missing"),
        "eval is a list": (("eval",), [], r"eval\.task"),
        "no task": (("eval", "task"), GONE, r"eval\.task"),
        "the task is a number": (("eval", "task"), 7, r"eval\.task"),
        "no model": (("eval", "model"), GONE, r"eval\.model"),
        "the model is empty": (("eval", "model"), " ", r"eval\.model"),
        "a sample without id": (("samples", 1, "id"), GONE, r"\[1\]: 'id' is missing"),
        "a sample without epoch": (("samples", 0, "epoch"), GONE, r"\[0\]: 'epoch' is missing"),
        "an epoch is a text": (("samples", 0, "epoch"), "one", r"\[0\]: .*epoch 'one'"),
        "an epoch is negative": (("samples", 0, "epoch"), -1, r"\[0\]: .*epoch -1"),
        "an id is a list": (("samples", 1, "id"), [1], r"\[1\]: id \[1\]"),
        "a sample is a text": (("samples", 1), "x", r"\[1\]: must be a JSON object"),
        "a sample is null": (("samples", 0), None, r"\[0\]: must be a JSON object"),
        "no sample has a score": (("samples",), [{"id": 1, "epoch": 1}], "no scores"),
    },
    "helm spec": {
        "no name": (("name",), GONE, "'name' is missing"),
        "no adapter": (("adapter_spec",), GONE, "'adapter_spec' is missing"),
        "the adapter is a list": (("adapter_spec",), [], r"adapter_spec\.model"),
        "no model": (("adapter_spec", "model"), GONE, r"adapter_spec\.model"),
        "the model is a number": (("adapter_spec", "model"), 1, r"adapter_spec\.model"),
    },
    "helm stats": {
        "an item without id": ((0, "instance_id"), GONE, r"\[0\]: 'instance_id' is missing"),
        "an item without statistics": ((0, "stats"), GONE, r"\[0\]: 'stats' is missing"),
        "an item is a text": ((0,), "id0", r"\[0\]: must be a JSON object"),
        "a score of 7": ((0, "stats", 0, "mean"), 7, r"7 in column 'score'.*\[0\]"),
    },
    "big_bench": {
        "no scores": (("scores",), GONE, "'scores' is missing"),
        "no model": (("model",), GONE, "'model' is missing"),
        "no name of the model": (("model", "model_name"), GONE, r"model\.model_name"),
        "the model is a text": (("model",), "m", r"model\.model_name"),
        "no task": (("task",), GONE, r"task\.task_name"),
        "an entry without scores": (("scores", 0, "score_dict"), GONE, r"scores\[0\]: "),
        "an entry is a number": (("scores", 0), 1, r"scores\[0\]: must be a JSON object"),
        "no scores in an entry": (("scores", 0, "score_dict"), {}, "no scores"),
    },
    "evalplus": {
        "no eval": (("eval",), GONE, "'eval' is missing"),
        "a problem is a text": (("eval", "HumanEval/0"), "pass", r"eval\['HumanEval/0'\]"),
        "a problem is null": (("eval", "HumanEval/0"), None, r"eval\['HumanEval/0'\]"),
        "a sample without status": (("eval", "HumanEval/0", 0, "base_status"), GONE, r"\[0\]: "),
        "a sample is a text": (("eval", "HumanEval/0", 0), "pass", r"\[0\]: must be a JSON object"),
        "no problems": (("eval",), {}, "no scores"),
        "a status that is unknown": (("eval", "HumanEval/0", 0, "base_status"), "ok", "no scores"),
    },
    "lm_eval": {
        "no results": (("results",), GONE, "no table 'results'"),
        "results are a list": (("results",), [1], "no table 'results'"),
        "no model": (("config",), {}, r"config\.model_args"),
        "no scores": (("results", "t"), {"alias": "t"}, "no scores"),
        "an accuracy of 7": (("results", "t", "acc,none"), 7, r"7 in column 'score'.*results_"),
    },
    "probed": {
        "no cells": (("cells",), GONE, "'cells' is missing"),
        "cells are an object": (("cells",), {}, "'cells' must be a list"),
        "a cell is a text": (("cells", 0), "x", r"cells\[0\]: must be a JSON object"),
        "a cell without file": (("cells", 1, "file"), GONE, r"cells\[1\]: 'file' is missing"),
        "a cell's file is a number": (("cells", 0, "file"), 7, r"cells\[0\]: 'file' is 7"),
        "a cell outside the folder": (("cells", 0, "file"), "../../x.parquet", r"cells\[0\]: "),
        "a cell at the root": (("cells", 1, "file"), "/etc/passwd", r"cells\[1\]: 'file'"),
        "a cell of a model that is not there": (("cells", 0, "model"), "z", r"cells\[0\]: 'model'"),
        "a condition is a list": (("cells", 0, "condition"), [1], r"cells\[0\]: condition"),
        "a seed is a list": (("cells", 0, "seed"), [1], r"cells\[0\]: 'seed'"),
        "no models": (("models",), GONE, "'models' is missing"),
        "a model is a text": (("models", "m"), "x", r"models\['m'\]"),
        "a size is a list": (("models", "m", "parameters"), [1], r"models\['m'\]: 'parameters'"),
        "no cell is there yet": (("cells", 0, "file"), "cells/none.parquet", "none of 2 planned"),
        "a cell is another file": (("cells", 0, "file"), "manifest.json", "cannot be read"),
        "the study is a list": (("study",), [], "'study' a text"),
        "a rule without threshold": (("exposure",), {"measure": "x"}, "exposure: '.*' is missing"),
    },
}  # fmt: skip
ROWS: dict[str, dict[str, tuple[list[Any], str]]] = {
    "openai_evals": {
        "no specification": (EVALS[1:], r":1: .*spec\."),
        "no model": ([{"spec": {"eval_name": "t"}}], r":1: .*completion_fns"),
        "no task": ([{"spec": {"completion_fns": ["m"]}}], r":1: .*eval_name"),
        "an event without sample": ([EVALS[0], {"type": "match", "data": {}}], r":2: .*sample_id"),
        "right is a text": (
            [EVALS[0], {"type": "match", "sample_id": "1", "data": {"correct": "yes"}}],
            r":2: 'correct' is 'yes'",
        ),
        "a sample that is a list": ([EVALS[0], {"type": "metrics", "sample_id": []}], ":2: "),
        "no scores": (EVALS[:1], "no scores"),
        "a score of 7": (
            [EVALS[0], {"type": "metrics", "sample_id": "1", "data": {"f1_score": 7}}],
            r"7 in column 'score'.*run\.jsonl:2",
        ),
    },
    "lm_eval samples": {
        "a sample without number": ([{"acc": 1.0}], r":1: .*doc_id"),
        "a second sample without number": ([*SAMPLES, {"acc": 1.0}], r":2: .*doc_id"),
    },
}  # fmt: skip


def without(document: Any, place: tuple[Any, ...]) -> Any:
    """The document without what stands in one place."""
    copy = json.loads(json.dumps(document))
    target = copy
    for key in place[:-1]:
        target = target[key]
    del target[place[-1]]
    return copy


def broken(name: str, change: Break) -> Callable[[Path], Path]:
    """Writes a valid file, then changes its bytes."""

    def write(folder: Path) -> Path:
        path, content = FILES[name].place(folder)
        content.write_bytes(change(content.read_bytes()))
        return path

    return write


def edited(name: str, place: tuple[Any, ...], value: Any) -> Callable[[Path], Path]:
    """Writes a valid file with another value in one place, or with none there."""
    document = FILES[name].document
    new = without(document, place) if value is GONE else changed(document, place, value)
    return lambda folder: FILES[name].write(folder, new)


def in_json() -> Iterator[tuple[str, Malformed]]:
    """Every reader of JSON and JSON Lines, wrong as text and wrong in what it says."""
    for names, breaks in ((OF_DOCUMENTS, DOCUMENTS), (OF_LINES, LINES)):
        for name in names:
            valid = FILES[name]
            for what, (change, says) in breaks.items():
                case = Malformed(valid.form, broken(name, change), says, valid.content)
                yield f"{name}: {what}", case
    for name, edits in EDITS.items():
        for what, (place, value, says) in edits.items():
            valid = FILES[name]
            case = Malformed(valid.form, edited(name, place, value), says, valid.content)
            yield f"{name}: {what}", case
    for name, rows in ROWS.items():
        valid = FILES[name]
        for what, (document, says) in rows.items():
            writer = valid.write
            case = Malformed(
                valid.form,
                lambda folder, writer=writer, document=document: writer(folder, document),
                says,
                valid.content,
            )
            yield f"{name}: {what}", case
