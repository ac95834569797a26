"""Responses of one cell as a table: a row an item, scores of metrics beside scores of tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from confounds.probe import _exchangeability, _memorization
from confounds.probe._answers import find_answer
from confounds.probe._templates import write_answers
from confounds.study import Item, Response, TokenScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.measures import Measure
    from confounds.probe._cells import Cell, Sheet
    from confounds.probe._plan import Plan
    from confounds.probe._questions import Answer, Question

SCORE = "score:"
_INT32, _INT64 = pa.int32(), pa.int64()


def cell_table(
    plan: Plan,
    cell: Cell,
    questions: Sequence[Question],
    answers: Sequence[Answer],
    logit_rows: int = 0,
) -> pa.Table:
    """The table that a cell's file holds.

    Args:
        plan: the study's plan.
        cell: the cell.
        questions: as asked, chat template included.
        answers: one for each question.
        logit_rows: positions whose full logits are in the file beside it.
    """
    answers = [_rounded(answer) for answer in answers]
    sheet = cell.sheet
    rows = _scores(plan, sheet, questions, answers)
    columns: dict[str, Any] = {} if sheet.kind == "contamination" else _facts(sheet)
    for name in dict.fromkeys(name for row in rows for name in row):
        columns[SCORE + name] = pa.array([row.get(name) for row in rows], pa.float64())
    if sheet.kind != "contamination":
        columns |= _answer_columns(plan, sheet, questions, answers)
    metadata = _metadata(plan, cell, list(rows[0]) if rows else [])
    return pa.table(columns, metadata={**metadata, "confounds.logit_rows": str(logit_rows)})


def _rounded(answer: Answer) -> Answer:
    """Moments as they are stored, in half precision: rescoring gives the same numbers."""
    for scores in answer.scored:
        for values in (scores.means, scores.deviations):
            values[:] = values.astype(np.float16)
    return answer


def response(sheet: Sheet, item: Item, question: Question, answer: Answer) -> Response:
    """A backend's answer in the terms that metrics use."""
    if sheet.form is None or sheet.condition is None:
        msg = "a probe has no response to an item"
        raise ValueError(msg)
    texts, target = write_answers(sheet.form, item)
    chain = sheet.condition.reasoning == "chain"
    found = None
    if answer.generated is not None:
        found = find_answer(sheet.form, item, answer.generated, chain=chain)
    return Response(
        scored=answer.scored,
        texts=question.texts,
        target=target,
        expected=texts[target].strip(),
        generated=answer.generated,
        generated_ids=answer.generated_ids,
        answer=found,
    )


def _scores(
    plan: Plan, sheet: Sheet, questions: Sequence[Question], answers: Sequence[Answer]
) -> list[dict[str, float | None]]:
    study = plan.study
    if sheet.kind == "contamination" and study.contamination is not None:
        return [dict(_exchangeability.contamination_scores(study.contamination, answers))]
    pairs = zip(sheet.items, questions, answers, strict=True)
    if study.memorization is not None and sheet.kind == "memorization":
        settings = study.memorization
        return [dict(_memorization.memorization_scores(settings, q, a)) for _, q, a in pairs]
    found = []
    for item, question, answer in pairs:
        given = response(sheet, item, question, answer)
        found.append({name: metric(item, given) for name, metric in plan.metrics.items()})
    return found


def _facts(sheet: Sheet) -> dict[str, pa.Array]:
    offered = [len(item.choices) if _offers(sheet) else 0 for item in sheet.items]
    return {
        "item": pa.array([item.id for item in sheet.items], pa.string()),
        "exposure": pa.array([item.exposure for item in sheet.items], pa.string()),
        "dose": pa.array([item.dose for item in sheet.items], pa.float64()),
        "distribution": pa.array([item.distribution for item in sheet.items], pa.string()),
        "choices": pa.array(offered, _INT32),
    }


def _offers(sheet: Sheet) -> bool:
    return sheet.form is not None and sheet.form.style != "open"


def _answer_columns(
    plan: Plan, sheet: Sheet, questions: Sequence[Question], answers: Sequence[Answer]
) -> dict[str, pa.Array]:
    found = {
        "question": pa.array([question.digest for question in questions], pa.string()),
        "truncated": pa.array([answer.truncated for answer in answers], pa.bool_()),
        "generated": pa.array([answer.generated for answer in answers], pa.string()),
        "generated_ids": pa.array(
            [list(answer.generated_ids) for answer in answers], pa.list_(_INT32)
        ),
        "lengths": pa.array(
            [[len(scores.ids) for scores in answer.scored] for answer in answers],
            pa.list_(_INT32),
        ),
        "totals": pa.array(
            [[scores.total for scores in answer.scored] for answer in answers],
            pa.list_(pa.float64()),
        ),
    }
    if sheet.form is not None and sheet.condition is not None:
        given = [response(sheet, *parts) for parts in zip(sheet.items, questions, answers,
                                                          strict=True)]  # fmt: skip
        found["answer"] = pa.array([one.answer for one in given], pa.string())
    if plan.study.store != "scores":
        found |= _token_columns(answers)
    if plan.study.store == "logits":
        rows = [_joined(answer.scored, "logit_rows", _INT32) for answer in answers]
        found["logit_rows"] = pa.array(rows, pa.list_(_INT32))
    return found


def _token_columns(answers: Sequence[Answer]) -> dict[str, pa.Array]:
    """The per-token store: the texts' tokens one after the other, split by `lengths`."""
    columns = {
        "ids": ("ids", _INT32),
        "log_probs": ("log_probs", pa.float32()),
        "means": ("means", pa.float16()),
        "deviations": ("deviations", pa.float16()),
        "ranks": ("ranks", _INT32),
    }
    found = {
        name: pa.array([_joined(answer.scored, key, kind) for answer in answers], pa.list_(kind))
        for name, (key, kind) in columns.items()
    }
    if any((scores.ids < 0).any() for answer in answers for scores in answer.scored):
        found["ids"] = _without_unknown(found["ids"])
    return found


def _without_unknown(ids: pa.ListArray) -> pa.ListArray:
    """Token ids of which those below 0, that nobody knows, are null."""
    values = ids.flatten()
    known = pc.if_else(pc.less(values, 0), pa.scalar(None, _INT32), values)
    return pa.ListArray.from_arrays(ids.offsets, known)


def _joined(scored: Sequence[TokenScores], key: str, kind: pa.DataType) -> np.ndarray:
    parts = [getattr(scores, key) for scores in scored] or [np.empty(0)]
    return np.concatenate(parts).astype(kind.to_pandas_dtype())


def _metadata(plan: Plan, cell: Cell, names: list[str]) -> dict[str, str]:
    sheet = cell.sheet
    known: dict[str, Measure] = {
        **_memorization.MEASURES,
        **_exchangeability.MEASURES,
        **{name: metric.measure for name, metric in plan.metrics.items()},
    }
    return {
        "confounds.digest": cell.digest,
        "confounds.specification": json.dumps(cell.specification, sort_keys=True),
        "confounds.baselines": json.dumps(sheet.baselines, sort_keys=True),
        "confounds.measures": json.dumps(
            {name: _declaration(known[name]) for name in names}, sort_keys=True
        ),
    }


def _declaration(measure: Measure) -> dict[str, Any]:
    return {
        "kind": measure.kind,
        "lower": str(measure.lower),
        "upper": str(measure.upper),
        "higher_is_better": measure.higher_is_better,
        "chance": measure.chance,
        "summary": measure.summary,
    }
