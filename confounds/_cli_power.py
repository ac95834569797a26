"""The command `confounds power`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from confounds import _cli_output as output
from confounds import text
from confounds._cli_claims import read_table
from confounds._cli_options import Options, ScaleName, command
from confounds.errors import UsageError

if TYPE_CHECKING:
    from confounds.claim import Claim, Scale
    from confounds.exploration import Design, PowerPoint
    from confounds.inference.power import Layout
    from confounds.outcomes import Outcomes

COLUMNS = {
    "power": "how often the threshold test finds the step (SE: simulation error)",
    "paired": "how often the contrast with a condition in which the same models have no step does",
    "equivalence": "how often a curve without a step is shown to have none that matters",
    "equivalence_at_chance": "the same where it lies at chance",
}
"""What a share of the simulated tables says, column by column."""
OF_CLAIMS = (
    "smallest effect: of interest, in score points; minimum effect: smallest step found with power "
    "0.80 by these models;\nmodels needed: to find the smallest effect with power 0.80; power: how "
    "often these models find it."
)
PLANNED = ("models", "families", "items", "effect")
"""What a planned study must name."""


class ShapeName(StrEnum):
    """The threshold columns."""

    STEP = "step"
    HINGE = "hinge"


@dataclass(frozen=True, kw_only=True)
class PowerOptions(Options):
    """`confounds power`."""

    outcomes: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUTCOMES",
            help="A table whose layout is used; without it, the study that the options plan.",
        ),
    ] = None
    task: Annotated[list[str], typer.Option(help="Of OUTCOMES, this task; may be repeated.")] = (
        field(default_factory=list)
    )
    metric: Annotated[str | None, typer.Option(help="Of OUTCOMES, this metric.")] = None
    scale: Annotated[ScaleName | None, typer.Option(help="Of OUTCOMES, the scale axis.")] = None
    models: Annotated[int | None, typer.Option(help="Models of the planned study.")] = None
    families: Annotated[int | None, typer.Option(help="Families they belong to.")] = None
    items: Annotated[int | None, typer.Option(help="Items behind each score.")] = None
    effect: Annotated[
        float | None, typer.Option(help="True step in score points, such as 0.3.")
    ] = None
    disjoint: Annotated[
        bool, typer.Option("--disjoint", help="Families occupy blocks of scale of their own.")
    ] = False
    decades: Annotated[float, typer.Option(help="Range of scale.")] = 6.0
    chance: Annotated[float, typer.Option(help="Chance level.")] = 0.25
    model_sd: Annotated[float, typer.Option(help="SD between models, on the logit.")] = 0.5
    family_sd: Annotated[float, typer.Option(help="SD between families, on the logit.")] = 0.5
    before: Annotated[
        float, typer.Option(help="Share of the way from chance to 1 just below the step.")
    ] = 0.27
    slope: Annotated[float, typer.Option(help="Smooth growth on the logit, per decade.")] = 0.7
    shared: Annotated[
        float, typer.Option(help="Share of the variance that two conditions have in common.")
    ] = 0.8
    gradual: Annotated[
        float, typer.Option(help="Decades that a gradual transition takes at least.")
    ] = 2.0
    shape: Annotated[ShapeName, typer.Option(help="Step or hinge.")] = ShapeName.STEP
    smallest: Annotated[
        float, typer.Option(help="Smallest effect of interest of a planned study.")
    ] = 0.10
    simulations: Annotated[
        int | None,
        typer.Option(help="Simulated data sets a point; 2000, or 250 where there are many claims."),
    ] = None


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    command(app, "power")(power)


def power(options: PowerOptions) -> int:
    """Say what a table, or a planned study, could show, and what more models would buy."""
    _check(options)
    if options.outcomes is None:
        return _planned(options)
    return _of_table(options, options.outcomes)


def _check(options: PowerOptions) -> None:
    """The two forms do not mix, and a plan is whole."""
    given = [name for name in PLANNED if getattr(options, name) is not None]
    if options.outcomes is not None and given:
        msg = (
            f"option --{given[0]} plans a study, and OUTCOMES has a layout of its own; "
            "name one or the other"
        )
        raise UsageError(msg)
    missing = [name for name in PLANNED if name not in given]
    if options.outcomes is None and missing:
        needed = text.sentence_list([f"--{name}" for name in missing])
        msg = f"a planned study lacks {needed}; or name OUTCOMES, a table whose layout is used"
        raise UsageError(msg)
    for name in ("effect", "smallest"):
        value = getattr(options, name)
        if value is not None and not 0 < value < 1:
            msg = f"option --{name} is {value}; it must lie between 0 and 1, in score points"
            raise UsageError(msg)
    if options.simulations is not None and options.simulations < 100:
        msg = f"option --simulations is {options.simulations}; it must be at least 100"
        raise UsageError(msg)


def _planned(options: PowerOptions) -> int:
    from confounds.inference.fits import Settings
    from confounds.inference.power import PRECISE, Search, plan_design

    layout = _layout(options)
    search = Search(
        smallest=options.smallest,
        simulations=options.simulations or PRECISE,
        seed=Settings().seed if options.seed is None else options.seed,
        thorough=True,
    )
    with _telling(options) as tell:
        design = plan_design(layout, options.effect or 0.0, replace(search, tell=tell))
    title = (
        f"{text.plural(layout.models, 'model')} of "
        f"{text.plural(layout.families, 'family')}, {text.plural(layout.items, 'item')} a score"
    )
    output.answer(
        options,
        lambda: output.to_document(layout=asdict(layout), design=asdict(design)),
        lambda: "\n\n".join(_told(title, design, options.effect or 0.0)),
    )
    return 0


def _layout(options: PowerOptions) -> Layout:
    from confounds.inference.power import Layout, TestPlan

    try:
        return Layout(
            models=options.models or 0,
            families=options.families or 0,
            items=options.items or 0,
            disjoint=options.disjoint,
            decades=options.decades,
            chance=options.chance,
            model_sd=options.model_sd,
            family_sd=options.family_sd,
            before=options.before,
            slope=options.slope,
            shared=options.shared,
            plan=TestPlan(gradual=options.gradual, shape=options.shape.value, detailed=False),
        )
    except UsageError as error:
        name, rest = str(error).split(" ", 1)
        msg = f"option --{name.replace('_', '-')} {rest}"
        raise UsageError(msg) from error


def _of_table(options: PowerOptions, path: Path) -> int:
    from confounds.pipeline import default_claim

    outcomes = read_table(options, path)
    scale: Scale | None = None if options.scale is None else options.scale.value
    claims = [
        default_claim(outcomes, task, metric=options.metric, scale=scale)
        for task in options.task or outcomes.tasks
    ]
    with _telling(options) as tell:
        designs = [_design(claim, outcomes, options, len(claims), tell) for claim in claims]
    output.answer(
        options,
        lambda: output.to_document(
            designs=[
                {"claim": asdict(claim), "design": asdict(design)}
                for claim, design in zip(claims, designs, strict=True)
            ]
        ),
        lambda: _tables(claims, designs),
    )
    return 0


def _design(
    claim: Claim,
    outcomes: Outcomes,
    options: PowerOptions,
    claims: int,
    tell: Callable[[str], None] | None,
) -> Design:
    from confounds.claim import with_ceiling
    from confounds.inference.fits import Fits, Settings
    from confounds.inference.power import PRECISE, SIMULATIONS, design_of

    settings = Settings(sharpness=False)
    if options.seed is not None:
        settings = replace(settings, seed=options.seed)
    simulations = options.simulations or (PRECISE if claims == 1 else SIMULATIONS)

    def told(point: str) -> None:
        if tell is not None:
            tell(f"{claim.id}: {point}")

    fits = Fits(with_ceiling(claim, outcomes), outcomes, settings)
    return design_of(fits, simulations=simulations, tell=told)


def _tables(claims: list[Claim], designs: list[Design]) -> str:
    """One claim in full, or a row a claim."""
    if len(claims) == 1:
        return "\n\n".join(_told(claims[0].statement, designs[0], claims[0].smallest_effect))
    rows = tuple(_row(*each) for each in zip(claims, designs, strict=True))
    table = text.Table(tuple(rows[0]), rows).text()
    return f"{table}\n\n{OF_CLAIMS}\n\nA claim in full: --json, or one --task."


def _row(claim: Claim, design: Design) -> dict[str, Any]:
    models = design.additions[0].models if design.additions else None
    own = [point for point in design.by_models if point.models == models]
    return {
        "claim": claim.id,
        "models": models,
        "smallest_effect": claim.smallest_effect,
        "minimum_effect": design.minimum_effect,
        "models_needed": design.models_needed,
        "power": own[0].power if own else None,
        "note": design.reason or "; ".join(_aliases(design)),
    }


def _told(title: str, design: Design, effect: float) -> Iterator[str]:
    """One design in full."""
    yield title
    if design.reason is not None:
        yield f"Nothing can be simulated: {design.reason}"
        return
    least, needed = design.minimum_effect, design.models_needed
    largest = design.by_effect[-1].effect if design.by_effect else 0.0
    yield "\n".join(
        (
            f"Smallest step that is found with power 0.80: {text.number(least)}"
            if least is not None
            else f"No step up to {largest:.2g} is found with power 0.80",
            f"Models for power 0.80 at a step of {effect:g}: "
            + (str(needed) if needed is not None else "more than were searched"),
        )
    )
    if _aliases(design):
        yield "\n".join(_aliases(design))
    yield _legend((*design.by_effect, *design.by_models))
    if design.by_effect:
        own = text.plural(design.by_effect[0].models, "model")
        yield f"By true step, {own} as they lie\n" + _points(design.by_effect, "effect")
    anew = f"By number of models, laid out anew for each, at a step of {effect:g}"
    yield f"{anew}\n{_points(design.by_models, 'models')}"
    if design.additions:
        at, own = design.additions[0].effect, text.plural(design.additions[0].models, "model")
        beside = f"What models added to these {own} would buy, at a step of {at:.2f}"
        yield f"{beside}\n{_points(design.additions, 'added')}"
    yield "Simulated\n" + "\n".join(f"  {line}" for line in design.assumptions)


def _aliases(design: Design) -> list[str]:
    """What is assumed of factors that change just where scale passes a threshold."""
    from confounds.inference.power import ALIASED

    return [line for line in design.assumptions if line.startswith(ALIASED)]


def _points(points: tuple[PowerPoint, ...], key: str) -> str:
    """Power over one key, with the columns that were simulated."""
    shown = _shown(points)
    rows = []
    for point in points:
        value = getattr(point, key)
        rows.append(
            {key: "none" if value is None else value}
            | {name: getattr(point, name) for name in shown}
        )
    return text.Table((key, *shown), tuple(rows)).text()


def _shown(points: tuple[PowerPoint, ...]) -> list[str]:
    """The columns that were simulated."""
    names = ["power", "std_error", "paired", "equivalence", "equivalence_at_chance"]
    return [name for name in names if any(getattr(item, name) is not None for item in points)]


def _legend(points: tuple[PowerPoint, ...]) -> str:
    """What the columns of the tables below mean."""
    told = [f"{text.label(name)}: {COLUMNS[name]}" for name in _shown(points) if name in COLUMNS]
    return "Shares of simulated tables; effect: true step in score points\n" + "\n".join(
        f"  {line}" for line in told
    )


@contextmanager
def _telling(options: PowerOptions) -> Iterator[Callable[[str], None] | None]:
    """Where standard error is a terminal, what is being simulated; else None."""
    if options.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("simulating") as status:
        yield lambda told: status.update(escape(text.printable(told)))
