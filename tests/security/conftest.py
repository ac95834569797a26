"""Audits of a table whose every name was chosen by somebody hostile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest

from confounds import Outcomes, audit_all
from confounds.pipeline import Settings
from confounds.results import Audit

Hostile = Callable[..., tuple[Outcomes, tuple[Audit, ...]]]


@pytest.fixture(scope="session")
def hostile() -> Hostile:
    """Outcomes and audits of eight models, with the names given wherever data give one."""

    @cache
    def make(name: str, *others: str) -> tuple[Outcomes, tuple[Audit, ...]]:
        names = (name, *others)
        rows = [
            {
                "task": name,
                "metric": "accuracy",
                "model": f"{names[number % len(names)]}{number}",
                "family": names[(number + 1) % len(names)],
                "parameters": 1e8 * 4**number,
                "tuning": name,
                "prompt": name,
                "run": name,
                "source": name,
                "chance_source": name,
                "score": 0.25 + 0.5 * (number > 5) + 0.01 * (number % 3),
                "n": 200,
                "chance": 0.25,
            }
            for number in range(8)
        ]
        outcomes = Outcomes(pd.DataFrame(rows))
        return outcomes, audit_all(outcomes, settings=Settings(replicates=19, sharpness=False))

    return make
