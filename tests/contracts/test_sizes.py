"""Every file stays under 400 lines, every function under 40 lines and 6 parameters."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("confounds", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[FUNCTION]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]


def lines(node: FUNCTION) -> int:
    """Lines from `def` to the end, the docstring left out."""
    docstring = node.body[0] if ast.get_docstring(node) else None
    spared = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
    return (node.end_lineno or 0) - node.lineno + 1 - spared


def parameters(node: FUNCTION) -> int:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in named if argument.arg not in {"self", "cls"}])


def functions_where(too_large: Callable[[FUNCTION], bool]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in FILES
        for node in functions(path)
        if too_large(node)
    ]


def test_there_are_files_to_measure() -> None:
    assert len(FILES) > 20


def test_files_are_under_400_lines() -> None:
    long = [path for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) >= 400]
    assert long == []


def test_functions_are_under_40_lines() -> None:
    assert functions_where(lambda node: lines(node) >= 40) == []


def test_functions_take_at_most_6_parameters() -> None:
    assert functions_where(lambda node: parameters(node) > 6) == []
