"""The command `confounds agreement`: do tuned models do what their bases do with examples?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from confounds import _cli_output as output
from confounds import text
from confounds._cli_claims import read_table
from confounds._cli_options import Options, command
from confounds.errors import NothingSelectedError

if TYPE_CHECKING:
    from confounds.inference.agreement import Agreement

PAIR = ("tuned", "base", "tasks", "agreement", "expected", "zero_shot")


@dataclass(frozen=True, kw_only=True)
class AgreementOptions(Options):
    """`confounds agreement`."""

    outcomes: Annotated[
        Path, typer.Argument(metavar="OUTCOMES", help="A table with tuned and base models.")
    ]
    metric: Annotated[str, typer.Option(help="The metric of the skills compared.")]
    prompt: Annotated[str | None, typer.Option(help="This prompt format only.")] = None


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @command(app, "agreement")
    def agreement(options: AgreementOptions) -> int:
        """Compare tuned models at zero shots with their base models given examples."""
        return _answer(options)


def _answer(options: AgreementOptions) -> int:
    import numpy as np

    from confounds.inference.agreement import measure_agreement
    from confounds.inference.fits import Settings

    outcomes = read_table(options, options.outcomes)
    condition = {} if options.prompt is None else {"prompt": options.prompt}
    cells = outcomes.select(metric=options.metric, **condition).cells()
    seed = Settings().seed if options.seed is None else options.seed
    with output.working(options, "comparing"):
        found = measure_agreement(cells, np.random.default_rng(seed))
    if found.reason is not None:
        raise NothingSelectedError(found.reason)
    output.answer(
        options, lambda: output.to_document(agreement=asdict(found)), lambda: _prose(found)
    )
    return 0


def _prose(found: Agreement) -> str:
    pairs = text.Table(PAIR, tuple(asdict(item) for item in found.pairs)).text()
    lines = [f"{item.term.replace('_', ' ')}: {text.estimate(item)}" for item in found.estimates]
    note = (
        f"correlations over up to {found.tasks} tasks of skill above chance, tuned models at zero "
        "shots; agreement: with the base given examples; expected: with what other families "
        "predict for that size; zero shot: with the base at zero shots; uncorrected: of the scores "
        "as they are, chance left in"
    )
    return "\n".join([pairs, "", *lines, "", note])
