"""Probing: put a study to models and keep what they said of every token.

Importing this package loads no model library; running a study with the `huggingface` backend
does. A file without a leading underscore is a backend.
"""

from confounds.probe._logits import read_logits
from confounds.probe._plan import Plan, plan_study
from confounds.probe._progress import Listener
from confounds.probe._run import run_study
from confounds.probe._runs import Failure, Run, RunSettings

__all__ = [
    "Failure",
    "Listener",
    "Plan",
    "Run",
    "RunSettings",
    "plan_study",
    "read_logits",
    "run_study",
]
