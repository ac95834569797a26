"""Results of EvalPlus: `*_eval_results.json`, one a model and benchmark.

Schema: evalplus/evalplus at 26d6d00, `evalplus/evaluate.py` (`evaluate`: `eval` holds, per task,
one entry a sample with `base_status` and `plus_status`) and `evalplus/codegen.py` (names of
files: `MODEL_BACKEND_temp_T`). Up to v0.2.0 `eval` holds, per task, a table of lists of pairs
(status, details), with the statuses of `evalplus/eval/__init__.py` there; v0.1.0 writes
`HumanEval_0` for `HumanEval/0`. The tests of HumanEval or MBPP, and those tests with the added
ones, are two tasks. A sample more of the same problem is a seed, and adds no items.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest._json import load_mapping, mapping, opening, require, text
from confounds.ingest._reading import Reading, first_places
from confounds.ingest._rows import frame_of
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NAME = re.compile(r"(?P<stem>.+?)[._]eval_results\.json")
_FOLDER_NAME = "eval_results.json"
_BACKENDS = "vllm|hf_gaudi|hf|openai|ollama|anthropic|google|bedrock|gptqmodel|mistral|gguf"
_BACKEND = re.compile(rf"(?P<model>.+?)_(?:{_BACKENDS})_temp_.+")
_FIRST_BYTES = 4096
_PASSED = "pass"
_STATUSES = (_PASSED, "fail", "timeout")
_FIRST_STATUSES = {"success": _PASSED, "failed": "fail", "timed out": "timeout"}
_FIRST_NAME = re.compile(r"HumanEval_(\d+)")
_BENCHMARKS = {"HumanEval": "humaneval", "Mbpp": "mbpp"}


@dataclass(frozen=True, slots=True)
class _Sample:
    problem: str
    number: int
    base: Any
    plus: Any
    place: str


class Evalplus:
    """Reads one file of results."""

    name = "evalplus"
    summary = "EvalPlus: *_eval_results.json"

    def recognises(self, path: Path) -> bool:
        """A JSON file named so, with the table `eval`."""
        named = path.name == _FOLDER_NAME or _NAME.fullmatch(path.name) is not None
        return named and b'"eval"' in opening(path, _FIRST_BYTES)

    def read(self, path: Path) -> Reading:
        """One row per problem, sample and set of tests.

        Raises:
            FormatError: the file cannot be read, or lacks what makes a file of results.
        """
        document = load_mapping(path, "eval")
        samples = list(_samples(document, path))
        model = _model(path)
        repeated = any(one.number for one in samples)
        rows: list[dict[str, Any]] = []
        for one in samples:
            same: dict[str, Any] = {"model": model, "metric": "pass_at_1", "adaptation": "prompted"}
            same |= {"item": one.problem, "n": 1, "source": one.place}
            if repeated:
                same["seed"] = one.number
            rows += [{**same, **score} for score in _scores(one)]
        return Reading(frame_of(rows), notes=_notes(samples))


FORMAT = Evalplus()


def _samples(document: Mapping[str, Any], path: Path) -> Iterator[_Sample]:
    """The samples of both layouts: a list of tables, and the first one's lists of pairs."""
    for problem, given in mapping(document["eval"]).items():
        if isinstance(given, dict):
            base, plus = given.get("base") or [], given.get("plus") or []
            given = [  # noqa: PLW2901  brought into the layout that came later
                {"base_status": _first(one), "plus_status": _first(plus[number : number + 1])}
                for number, one in enumerate(base)
            ]
        if not isinstance(given, list):
            msg = f"{path}: eval[{problem!r}] must be a list of samples"
            raise FormatError(msg)
        for number, one in enumerate(given):
            place = f"eval[{problem!r}][{number}]"
            row = require(one, f"{path}: {place}", "base_status")
            name = _FIRST_NAME.sub(r"HumanEval/\1", problem)
            source = f"{path.name}: {place}"
            yield _Sample(name, number, row["base_status"], row.get("plus_status"), source)


def _first(given: Any) -> Any:
    """The status of a pair (status, details), or of a list that holds one, as called since."""
    while isinstance(given, list):
        given = given[0] if given else None
    return _FIRST_STATUSES.get(given) if isinstance(given, str) else None


def _scores(one: _Sample) -> Iterator[dict[str, Any]]:
    """What a sample scores with the tests of the benchmark, and with all tests.

    A status that is unknown gives no score. To pass all tests is to pass both sets.
    """
    prefix = one.problem.partition("/")[0]
    task = _BENCHMARKS.get(prefix, prefix)
    if one.base in _STATUSES:
        yield {"task": task, "score": float(one.base == _PASSED)}
        if one.plus in _STATUSES:
            yield {"task": f"{task}_plus", "score": float(one.base == one.plus == _PASSED)}


def _model(path: Path) -> str:
    """The name of the file without backend and temperature, or of its folder."""
    named = _NAME.fullmatch(path.name)
    stem = named["stem"] if named is not None else path.resolve().parent.name
    backend = _BACKEND.fullmatch(stem)
    model = text(backend["model"] if backend is not None else stem)
    if model is None:
        msg = f"{path}: neither the file nor its folder names the model"
        raise FormatError(msg)
    return model.replace("--", "/")


def _notes(samples: list[_Sample]) -> tuple[Finding, ...]:
    unread = [one.place for one in samples if one.base not in _STATUSES]
    if not unread:
        return ()
    message = "Samples have no status that is known and are left out"
    return (Finding("unscored_samples", message, len(unread), first_places(unread)),)
