"""How the commands answer: one document or text, and what is said of progress."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from confounds._cli_options import Options
from confounds.results import SCHEMA_VERSION
from confounds.text import printable, printable_json


def answer(options: Options, document: Callable[[], str], prose: Callable[[], str]) -> None:
    """Print the document under `--json`, nothing under `--quiet`, else the text."""
    if options.json:
        typer.echo(printable_json(document()))
    elif not options.quiet:
        typer.echo(printable(prose()))


def processors() -> int:
    """Processes that a command may start beside each other."""
    return os.cpu_count() or 1


def to_document(**content: Any) -> str:
    """One JSON document that carries its schema's version."""
    body = {"schema_version": SCHEMA_VERSION, **content}
    return json.dumps(body, indent=2, allow_nan=False, ensure_ascii=False)


@contextmanager
def working(options: Options, task: str) -> Iterator[None]:
    """Say on standard error what is being done, where that is a terminal."""
    if options.quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(printable(task))):
        yield
