"""Models of the ladder need torch: those tests are marked, and skipped where it is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

NEEDS_TORCH = (
    "test_again.py",
    "test_training.py",
    "test_shipped.py",
    "test_demo.py",
    "test_ladder_commands.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = [name for name in ("torch", "transformers") if not importlib.util.find_spec(name)]
    for item in items:
        if item.path.parent == here and item.path.name in NEEDS_TORCH:
            item.add_marker(pytest.mark.probe)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"{missing[0]} is not installed"))
