"""The items of one task, from the samples that the LM Evaluation Harness logs.

Schema: EleutherAI/lm-evaluation-harness, `lm_eval/evaluator.py` (`example` at v0.4.0, v0.4.3 and
v0.4.9; `write_out_info` at 2e046ce), `lm_eval/__main__.py` at v0.4.0 and v0.4.2 and
`lm_eval/loggers/evaluation_tracker.py` since (names of files, numbers as text).
The harness writes log-probabilities, flags and targets as text; answers by choice are scored
again from the log-probabilities.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.errors import FormatError
from confounds.ingest._json import check_size, lines, listing, mapping, opening
from confounds.ingest._lm_eval_run import TaskRun, number
from confounds.outcomes.storage import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FIRST_BYTES = 4096
_BETWEEN = re.compile(r"[\s,]*")
_FLAGS = {"True", "False"}
_PLAIN = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One item under one filter.

    Attributes:
        line: in the file.
        item: `doc_id`.
        filter: name of the filter.
        logged: the harness's metric -> score of this item, where that is one number.
        log_prob: (choices,) log-probability of each continuation; empty for generations.
        greedy: whether each continuation is the greedy one.
        choices: the choices as text; empty where they cannot be told.
        gold: indices of the right choices; empty where they cannot be told.
        repeats: the harness's metric -> its score in each repeat of the request, where logged.
    """

    line: int
    item: str
    filter: str
    logged: Mapping[str, float]
    log_prob: NDArray[np.float64]
    greedy: tuple[bool, ...]
    choices: tuple[str, ...]
    gold: tuple[int, ...]
    repeats: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def read_samples(path: Path, task: TaskRun) -> list[Sample]:
    """Read the samples of one task.

    Raises:
        FormatError: a line is not the JSON of a sample.
    """
    samples, seen = [], Counter[str]()
    for line, row in _listed(path) if opening(path, _FIRST_BYTES)[:1] == b"[" else lines(path):
        if not isinstance(row, dict) or "doc_id" not in row:
            msg = f"{path}:{line}: not a sample of lm-eval; it must be an object with 'doc_id'"
            raise FormatError(msg)
        item = str(row["doc_id"])
        samples.append(_sample(row, line, task, seen[item]))
        seen[item] += 1
    return samples


def _listed(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number and row of one list, as 0.4.0 to 0.4.2 write it."""
    check_size(path)
    text, decoder = read_text(path), json.JSONDecoder()
    place, line = text.index("[") + 1, text.count("\n", 0, text.index("[")) + 1
    while True:
        found = _BETWEEN.match(text, place)
        line += text.count("\n", place, found.end() if found else place)
        place = found.end() if found else place
        if text[place : place + 1] == "]":
            return
        try:
            row, end = decoder.raw_decode(text, place)
        except (RecursionError, ValueError) as error:
            raise _refused(path, line, error) from error
        yield line, row
        line += text.count("\n", place, end)
        place = end


def _refused(path: Path, line: int, error: RecursionError | ValueError) -> FormatError:
    if isinstance(error, json.JSONDecodeError):
        msg = f"{path}:{line}: not valid JSON ({error.msg} at column {error.colno})"
    else:
        msg = f"{path}:{line}: nested too deeply, or a number too long, to be a sample"
    return FormatError(msg)


def string_scores(sample: Sample) -> dict[str, float]:
    """Scores of one item whose target's log-probability was asked: accuracy when greedy."""
    scores = {"accuracy": float(sample.greedy[0])}
    if np.isfinite(sample.log_prob[0]):
        scores["target_log_prob"] = float(min(sample.log_prob[0], 0.0))
    return scores


def majority_share(samples: Sequence[Sample]) -> float | None:
    """Score of the best constant answer, where every item has the same choices."""
    if not samples or any(len(one.gold) != 1 for one in samples):
        return None
    first = samples[0].choices
    if not first or any(one.choices != first for one in samples):
        return None
    golds = np.bincount([one.gold[0] for one in samples])
    return float(golds.max() / len(samples))


def _sample(row: Mapping[str, Any], line: int, task: TaskRun, before: int) -> Sample:
    """One row; `before` counts those of the same item before it.

    Up to 0.4.8, rows name neither metrics nor filter: their metrics are those that the result
    file has for the task, and an item's rows follow the order of the task's filters.
    """
    names = row.get("metrics")
    names = names if isinstance(names, list) else dict.fromkeys(one.metric for one in task.scores)
    logged = {str(name): _logged(row.get(str(name))) for name in names}
    pairs = _pairs(row) if task.config.get("output_type") != "generate_until" else []
    if "acc_mutual_info" in names and len(pairs) % 2 == 0:
        pairs = pairs[: len(pairs) // 2]
    choices = _choices(row, task, len(pairs))
    return Sample(
        line=line,
        item=str(row["doc_id"]),
        filter=str(row["filter"]) if "filter" in row else _filter(task, before),
        logged={name: value for name, value in logged.items() if value is not None},
        log_prob=np.array([log_prob for log_prob, _ in pairs], dtype=np.float64),
        greedy=tuple(greedy for _, greedy in pairs),
        choices=choices,
        gold=_gold(row.get("target", row.get("truth")), choices, len(pairs)),
        repeats={
            str(name): few
            for name, given in mapping(row.get("scores_per_repeat")).items()
            if (few := _repeats(given))
        },
    )


def _repeats(given: Any) -> tuple[float, ...]:
    """The scores of all repeats (0.5 and later); empty where one is none."""
    found = [_logged(one) for one in listing(given)]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else ()


def _filter(task: TaskRun, before: int) -> str:
    """The filter of a row that does not name it."""
    filters = list(dict.fromkeys(one.filter for one in task.scores)) or ["none"]
    return filters[min(before, len(filters) - 1)]


def _logged(value: Any) -> float | None:
    if isinstance(value, str):
        value = {"True": 1.0, "False": 0.0}.get(value, value)
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


def _pairs(row: Mapping[str, Any]) -> list[tuple[float, bool]]:
    """(log-probability, greedy) of each request; empty where the answers are not that."""
    if "logit_0" in row:
        return _written_out(row)
    pairs = []
    for answer in listing(row.get("filtered_resps")):
        while isinstance(answer, list) and len(answer) == 1:
            answer = answer[0]  # noqa: PLW2901  one repeat wraps the pair in a list
        if not isinstance(answer, list) or len(answer) != 2:
            return []
        log_prob, greedy = number(answer[0]), str(answer[1])
        if log_prob is None or greedy not in _FLAGS:
            return []
        pairs.append((log_prob, greedy == "True"))
    return pairs


def _written_out(row: Mapping[str, Any]) -> list[tuple[float, bool]]:
    """The log-probabilities that 0.3 writes; whether they are the greedy ones it does not say."""
    found = [number(row[name]) for name in row if re.fullmatch(r"logit_\d+", name)]
    known = [one for one in found if one is not None and one <= 0]
    return [(one, False) for one in known] if len(known) == len(found) > 1 else []


def _choices(row: Mapping[str, Any], task: TaskRun, count: int) -> tuple[str, ...]:
    """Texts of the choices without the delimiter before them; empty where they cannot be told."""
    fixed = task.config.get("doc_to_choice")
    if isinstance(fixed, list) and len(fixed) == count:
        return tuple(str(choice) for choice in fixed)
    asked = row.get("arguments")
    requests = list(asked.values()) if isinstance(asked, dict) else listing(asked)
    texts = [_continuation(request) for request in requests[:count]]
    if count == 0 or len(texts) != count or len(set(texts)) == 1 < count:
        return ()
    delimiter = str(task.config.get("target_delimiter", " "))
    return tuple(text.removeprefix(delimiter) for text in texts)


def _continuation(request: Any) -> str:
    if isinstance(request, dict):
        return str(request.get("arg_1", ""))
    return str(request[1]) if isinstance(request, list) and len(request) > 1 else ""


def _gold(target: Any, choices: tuple[str, ...], count: int) -> tuple[int, ...]:
    if isinstance(target, str):
        text = target.strip()
        if _PLAIN.fullmatch(text):
            return (int(text),) if int(text) < count else ()
        if text in choices and not text.lstrip("-").isdigit():
            return (choices.index(text),)
        try:
            target = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return ()
    given = target if isinstance(target, list | tuple) else [target]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in given):
        return ()
    return tuple(one for one in given if 0 <= one < count)
