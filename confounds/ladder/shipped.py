"""What of the ladder is shipped with the package: one folder a model, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confounds.errors import StudyError
from confounds.files import read_json

HERE = Path(__file__).parent
WEIGHTS = HERE / "weights"
CLAIMS = HERE / "ladder.claims.toml"
CARD = HERE / "CARD.md"
FACTS = "training.json"
_TOLD = ("family", "width", "seed", "arm", "steps", "partial", "parameters", "tokens")
READER = "reader"
"""The family whose models differ in how long they read: look-up, and nothing else."""
RECITER = "reciter"
"""The family whose models differ in how long they read rounds of letters, and nothing else."""


@dataclass(frozen=True, slots=True)
class Member:
    """One model of the ladder.

    Attributes:
        folder: its weights and tokenizer, as transformers reads them.
        family, width, seed: which training run.
        arm: `instruct` or `finetuned` where it was tuned.
        checkpoint: step, where it is an earlier one of its run.
        parameters: besides the embeddings.
        steps: of training, in all.
        tokens: positions read in training, in all.
        facts: everything that its folder says of its training.
    """

    folder: Path
    family: str
    width: int
    seed: int
    arm: str | None
    checkpoint: int | None
    parameters: int
    steps: int
    tokens: int
    facts: dict[str, Any]

    @property
    def run(self) -> str:
        """The training run: checkpoints and arms of one run share it."""
        size = self.steps if self.family in (READER, RECITER) else self.width
        return f"{self.family}-{size}-s{self.seed}"

    @property
    def label(self) -> str:
        """As in the `model` column: a fine-tuned model is its base model, adapted."""
        return f"{self.run}-instruct" if self.arm == "instruct" else self.run

    def columns(self) -> dict[str, object]:
        """What a study file says of it."""
        return {
            "path": str(self.folder),
            "name": self.label,
            "family": self.family,
            "parameters": self.parameters,
            "tokens": self.tokens,
            "compute": 6 * self.parameters * self.tokens,
            "checkpoint": self.steps,
            "tuning": "instruct" if self.arm == "instruct" else "base",
            "adaptation": "finetuned" if self.arm == "finetuned" else "prompted",
        }


def read_members(folder: Path = WEIGHTS) -> tuple[Member, ...]:
    """Every model in a folder of the ladder, in order of name.

    Raises:
        StudyError: there is none.
    """
    found = tuple(_member(path) for path in sorted(folder.glob(f"*/{FACTS}")))
    if not found:
        msg = f"'{folder}' holds no models of the ladder; make them with: confounds ladder train"
        raise StudyError(msg)
    return found


def read_facts(path: Path) -> dict[str, Any]:
    """What the folder of a model says of its training.

    Raises:
        InputError: the file was damaged since it was written.
    """
    return read_json(path, *_TOLD)


def _member(path: Path) -> Member:
    facts = read_facts(path)
    return Member(
        folder=path.parent,
        family=facts["family"],
        width=facts["width"],
        seed=facts["seed"],
        arm=facts["arm"],
        checkpoint=facts["steps"] if facts["partial"] else None,
        parameters=facts["parameters"],
        steps=facts["steps"],
        tokens=facts["tokens"],
        facts=facts,
    )
