"""What is asked of whom: a study crosses models, tasks, conditions and seeds."""

from __future__ import annotations

from confounds.study._crossing import Condition, Study
from confounds.study._parts import (
    FORMATS,
    Contamination,
    Factors,
    Generation,
    Memorization,
    ModelSpec,
    Overlap,
    PromptFormat,
    TaskSpec,
)
from confounds.study._responses import Item, Response, TokenScores
from confounds.study._server import Server

__all__ = [
    "FORMATS",
    "Condition",
    "Contamination",
    "Factors",
    "Generation",
    "Item",
    "Memorization",
    "ModelSpec",
    "Overlap",
    "PromptFormat",
    "Response",
    "Server",
    "Study",
    "TaskSpec",
    "TokenScores",
]
