"""The commands `confounds demo` and `confounds ladder`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from confounds import _cli_output as output
from confounds import _cli_prose as prose
from confounds._cli_options import Options, command
from confounds.errors import MissingExtraError, UsageError
from confounds.files import check_folder

if TYPE_CHECKING:
    from confounds.ladder.weights import Listener


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Options):
    """`confounds demo`."""

    out: Annotated[Path, typer.Option(help="Folder to write into, or to resume.")] = Path(
        "confounds-demo"
    )
    weights: Annotated[
        Path | None,
        typer.Option(help="Models that `ladder train` made, in place of those of the package."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Options):
    """`confounds ladder train`."""

    out: Annotated[Path, typer.Option(help="Folder to write into, or to resume.")]
    model: Annotated[
        list[str], typer.Option(help="Train this model only, such as slim-32-s0; repeatable.")
    ] = field(default_factory=list)
    steps: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many steps, to try it out.")
    ] = None
    large: Annotated[
        bool,
        typer.Option(help="Train the larger arm, which is not shipped: a GPU's work."),
    ] = False
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu"


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    command(app, "demo")(demo)
    ladder = typer.Typer(
        name="ladder",
        no_args_is_help=True,
        help="The embedded family of models: train it again, or read its card.",
    )
    command(ladder, "train")(train)
    command(ladder, "card")(card)
    app.add_typer(ladder)


def demo(options: DemoOptions) -> int:
    """Probe the embedded models, audit claims whose truth is known, write the report."""
    from confounds.demo import run_demo
    from confounds.ladder.shipped import WEIGHTS, read_members
    from confounds.pipeline import Settings

    _require("torch", "transformers")
    check_folder(options.out)
    workers = output.processors()
    settings = Settings(workers=workers)
    if options.seed is not None:
        settings = replace(settings, seed=options.seed)
    members = read_members(options.weights or WEIGHTS)
    with _progress(options, "probing the ladder") as progress:
        found = run_demo(
            options.out, workers=workers, settings=settings, progress=progress, members=members
        )
    output.answer(
        options,
        lambda: output.to_document(
            report=str(found.report),
            outcomes=str(found.outcomes),
            claims=str(found.claims),
            verdicts=prose.verdicts(found.audits),
            held=sum(audit.held is True for audit in found.audits),
        ),
        lambda: (
            f"{prose.audits_text(found.audits)}\n\n{_held(found.audits)}\n"
            f"Report: {found.report}\nTable:  {found.outcomes}\n"
            f"Again:  confounds audit --claims {found.claims}"
        ),
    )
    return int(any(a.held is False and a.verdict.label != "inconclusive" for a in found.audits))


def train(options: TrainOptions) -> int:
    """Train the embedded family, or some of it; run again to resume."""
    _require("torch", "transformers")
    os.environ |= {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    from confounds.ladder.recipe import LARGE_RUNGS, RUNGS
    from confounds.ladder.weights import Work, train_ladder

    asked = LARGE_RUNGS if options.large else RUNGS
    known = {rung.name: rung for rung in asked}
    for name in options.model:
        if name not in known:
            msg = f"option --model is '{name}'; there are: {', '.join(known)}"
            raise UsageError(msg)
    rungs = tuple(known[name] for name in options.model) or asked
    check_folder(options.out)
    work = Work(options.out, rungs, options.device, options.steps)
    with _training(options) as listener:
        trained = train_ladder(work, listener)
    output.answer(
        options,
        lambda: output.to_document(out=str(options.out), trained=trained),
        lambda: f"{len(trained)} models trained, in {options.out}",
    )
    return 0


def card(options: Options) -> int:
    """Print the card of the embedded family: data, recipe, figures, cost."""
    from confounds.ladder.shipped import CARD, read_members

    members = read_members()
    content = CARD.read_text(encoding="utf-8")
    output.answer(
        options,
        lambda: output.to_document(
            card=content,
            models=[{"folder": str(one.folder), **one.columns(), **one.facts} for one in members],
        ),
        content.rstrip,
    )
    return 0


def _held(audits: tuple[object, ...]) -> str:
    held = sum(getattr(audit, "held", None) is True for audit in audits)
    return f"{held} of {len(audits)} verdicts are those that the known truth demands."


def _require(*packages: str) -> None:
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, "probe")


@contextmanager
def _progress(options: Options, task: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error where that is a terminal, else nothing."""
    if options.quiet or options.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        number = bar.add_task(task, total=None)
        yield lambda done, total: bar.update(number, completed=done, total=total)


@contextmanager
def _training(options: Options) -> Iterator[Listener | None]:
    if options.quiet or options.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        yield _Bar(bar)


class _Bar:
    """A line a model."""

    def __init__(self, bar: object) -> None:
        self._bar = bar
        self._task: object = None

    def model(self, name: str, steps: int) -> None:
        """A model begins."""
        self._task = self._bar.add_task(name, total=steps)  # type: ignore[attr-defined]

    def step(self) -> None:
        """A step is done."""
        self._bar.advance(self._task)  # type: ignore[attr-defined]
