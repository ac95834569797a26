"""Backend that answers from stored cells: rescore with another metric, without a model.

A model of the study names the folder of an earlier run as its `path`, and its own `name` as
it was there. Questions are found by their content, so templates, items and demonstrations
have to be the same; text that was not generated then cannot be answered now.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from confounds.errors import StudyError
from confounds.files import read_json
from confounds.probe import _limits
from confounds.probe._questions import Answer, Estimate, LogitSink, OpenSettings, Question
from confounds.probe._stored import read_answers, read_specification
from confounds.study import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class ReplayAsker:
    """Answers of one model, by the digest of their question.

    Args:
        answers: what is stored.
        parameters: the model's size, where it is known.
    """

    scores = True
    limits: str | None = None

    def __init__(self, answers: dict[str, Answer], parameters: float | None) -> None:
        self.answers = answers
        self.parameters = parameters
        self.facts = {"device": "none", "dtype": "as stored", "scoring": "replayed"}

    def ask(
        self,
        questions: Sequence[Question],
        progress: Callable[[int], None] | None = None,
        logits: LogitSink | None = None,
    ) -> list[Answer]:
        """The stored answers, in the order of the questions.

        Raises:
            LookupError: a question is not stored.
        """
        del logits
        found = []
        for question in questions:
            answer = self.answers.get(question.digest)
            if answer is None:
                msg = (
                    f"no stored answer to the question that ends {question.context[-60:]!r}; "
                    f"items, templates, demonstrations and generation must be as they were"
                )
                raise LookupError(msg)
            found.append(answer)
            if progress is not None:
                progress(sum(len(scores.ids) for scores in answer.scored))
        return found

    def chat(self, context: str) -> str:
        """Stored questions hold their template; it cannot be written anew without a model.

        Raises:
            LookupError: always.
        """
        del context
        msg = "chat = true cannot be replayed: the template is known to the model only"
        raise LookupError(msg)

    def close(self) -> None:
        """Forget the answers."""
        self.answers.clear()


class Replay:
    """Stored answers."""

    name = "replay"
    uses_device = False
    keeps_logits = False
    may_only_write = False

    def check(self, model: ModelSpec, folder: Path | None) -> None:
        """See that the folder holds cells of this model.

        Raises:
            StudyError: it does not; the message lists the models that it holds.
        """
        root = _root(model, folder)
        if not _cells(model, folder):
            known = sorted(path.name.removeprefix("model=") for path in root.glob("cells/model=*"))
            msg = (
                f"model '{model.label}': '{root}' holds no stored cells of it; there are: "
                f"{', '.join(known) or 'none'} (set 'name')"
            )
            raise StudyError(msg)

    def fingerprint(self, model: ModelSpec, folder: Path | None) -> str:
        """Names the stored cells; each name is a hash of what it asked of which model."""
        names = sorted(path.stem for path in _cells(model, folder))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def estimate(
        self, model: ModelSpec, folder: Path | None, sheets: Sequence[Sequence[Question]]
    ) -> Estimate:
        """Nothing passes through a model."""
        del model, folder
        return Estimate((0,) * len(sheets), (0.0,) * len(sheets))

    def open(self, model: ModelSpec, folder: Path | None, settings: OpenSettings) -> ReplayAsker:
        """Read the stored cells of the model.

        Raises:
            LookupError: they were stored without tokens, or are of several models of that name.
        """
        del settings
        found: dict[str, Answer] = {}
        for path in _of_one_version(model, folder):
            names = pq.read_schema(path).names
            if "question" not in names:
                continue
            if "ids" not in names:
                msg = f"'{path}' was stored with store = \"scores\"; tokens are needed"
                raise LookupError(msg)
            found |= read_answers(path)
        written = _root(model, folder) / _limits.place_of(model.label)
        return ReplayAsker(found, model.parameters or _limits.counted(written))


def _root(model: ModelSpec, folder: Path | None) -> Path:
    return (folder or Path()) / model.path


def _cells(model: ModelSpec, folder: Path | None) -> list[Path]:
    return sorted(_root(model, folder).glob(f"cells/model={model.label}/task=*/*.parquet"))


def _of_one_version(model: ModelSpec, folder: Path | None) -> list[Path]:
    """The stored cells of the model, and of no other that had its name here.

    Of several versions (weights, revision, precision) it is the one that the manifest plans.

    Raises:
        LookupError: it plans none of them, or several.
    """
    versions: dict[str, list[Path]] = {}
    for path in _cells(model, folder):
        versions.setdefault(_version(path), []).append(path)
    if len(versions) > 1:
        planned = _planned(_root(model, folder))
        versions = {one: few for one, few in versions.items() if planned & set(few)}
    if len(versions) != 1:
        msg = (
            f"'{_root(model, folder)}' holds cells of several versions of model '{model.label}', "
            f"and its manifest does not tell which one is meant; keep the cells of one"
        )
        raise LookupError(msg)
    return next(iter(versions.values()))


def _version(path: Path) -> str:
    """What the cell's file says of the model that was asked."""
    return json.dumps(read_specification(path).get("model"), sort_keys=True)


def _planned(root: Path) -> set[Path]:
    """The cells that the manifest names; none where there is no manifest."""
    path = root / "manifest.json"
    cells = read_json(path, "cells")["cells"] if path.is_file() else []
    return {root / cell["file"] for cell in cells}


BACKEND = Replay()
