"""Every command, study, map and claim that the documentation shows is one that is accepted."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from confounds.claim import read_claims
from confounds.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^ *```(\S*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([\w-]+):", re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and content of every fenced block of one language."""
    return [
        (str(page.relative_to(ROOT)), content)
        for page in PAGES
        for found, content in FENCE.findall(page.read_text(encoding="utf-8"))
        if found == language and "--8<--" not in content
    ]


LINES = [
    pytest.param(line.strip(), id=f"{page}:{number}")
    for page, content in blocks("")
    for number, line in enumerate(content.splitlines())
    if line.strip()
]
COMMAND = typer.main.get_command(app)


def test_there_are_commands_to_check():
    assert len(LINES) > 25


@pytest.mark.parametrize("line", LINES)
def test_a_command_shown_can_be_meant(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(line.removeprefix("PYTHONPATH=. "), comments=True)
    if program == "make":
        targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
        assert set(words) <= set(targets)
    elif program == "confounds":
        accept(words)
    else:
        assert program in {"pip", "python3", "pytest", "p"}, line


def accept(words: list[str]) -> None:
    """Parse a command line as the program does, without running it."""
    name, *rest = words
    with COMMAND.commands[name].make_context(name, rest) as context:
        assert context.params


@pytest.mark.parametrize(("page", "content"), blocks("python"))
def test_python_shown_is_python(page, content):
    ast.parse(content, filename=page)


@pytest.mark.parametrize(("page", "content"), blocks("toml"))
def test_toml_shown_is_toml(page, content, tmp_path):
    document = tomllib.loads(content)
    assert document, page
    if "claim" in document:
        path = tmp_path / "paper.claims.toml"
        path.write_text(content)
        assert read_claims(path).claims
