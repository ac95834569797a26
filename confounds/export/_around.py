"""The exported tables of what stands around a verdict: shares, specifications, power, slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds.export._columns import AUDIT, ID, Column, interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confounds.exploration import PowerPoint
    from confounds.results import Audit

Row = dict[str, Any]

_UNITS = {"shapley": "score points", "gelbach": "score points", "khb": "logits"}

ATTRIBUTION = (
    *ID,
    Column("method", "string", "shapley, gelbach or khb"),
    Column("share", "string", "the confound, or unexplained; empty where the method was refused"),
    *interval("estimate", "what it carries of the raw effect", "the unit given in the row"),
    Column("unit", "string", "score points or logits"),
    Column("reason", "string", "why the method was refused"),
)
SPECIFICATIONS = (
    *ID,
    Column("choices", "string", "the choices made, as dimension=choice separated by '; '"),
    *interval("effect", "step beyond gradual growth under these choices", "score points"),
    Column("p_value", "number", "two-level p-value of the threshold test"),
    Column("own", "boolean", "the claim's own choices"),
)
POWER = (
    *ID,
    Column("simulated", "string", "over steps, over models, or models added"),
    Column("models", "integer", "models simulated", "models"),
    Column("effect", "number", "true step", "score points"),
    Column("power", "number", "share of simulations in which it is significant"),
    Column("std_error", "number", "simulation error of that share"),
    Column("paired", "number", "power of the paired contrast with a condition without the step"),
    Column("equivalence", "number", "share in which a curve without a step is shown to have none"),
    Column("equivalence_at_chance", "number", "the same for a curve that lies at chance"),
    Column("added", "string", "which models were added to the table's own"),
)
SLICES = (
    *ID,
    Column("slice", "string", "items of about one difficulty"),
    Column("items", "integer", "items in it", "items"),
    Column("scale", "number", "scale of a model", "scale units", AUDIT),
    Column("score", "number", "its mean score on these items", "score points"),
    Column("shape", "string", "what the two-lines test says of the slice"),
)


REMARKS = (
    *ID,
    Column("about", "string", "raw fit, attribution, specification curve or power"),
    Column("kind", "string", "note, refused, left out or assumed"),
    Column("remark", "string", "what the reader of these numbers must know"),
)


def remarks(audit: Audit) -> Iterator[Row]:
    """A row for everything that must be known of the numbers; what all methods say, once."""
    explored = audit.exploration
    curve, design = (explored.multiverse, explored.design) if explored else (None, None)
    notes = [note for found in (explored.attribution if explored else ()) for note in found.notes]
    fit = audit.raw_fit
    said = (
        ("raw fit", "note", fit.notes if fit else ()),
        ("attribution", "note", tuple(dict.fromkeys(notes))),
        ("specification curve", "refused", (curve.reason,) if curve and curve.reason else ()),
        ("specification curve", "left out", curve.left_out if curve else ()),
        ("specification curve", "note", curve.notes if curve else ()),
        ("power", "refused", (design.reason,) if design and design.reason else ()),
        ("power", "assumed", design.assumptions if design else ()),
    )
    for about, kind, remarks in said:
        yield from ({"about": about, "kind": kind, "remark": remark} for remark in remarks)


def shares(audit: Audit) -> Iterator[Row]:
    """A row a method and share; one without a share where the method was refused."""
    for found in audit.exploration.attribution if audit.exploration else ():
        about = {"method": found.method, "unit": _UNITS[found.method]}
        if found.reason is not None:
            yield {**about, "reason": found.reason}
        for item in found.shares:
            ends = {"estimate_lower": item.ci_lower, "estimate_upper": item.ci_upper}
            yield {**about, "share": item.term, "estimate": item.estimate, **ends}


def specifications(audit: Audit) -> Iterator[Row]:
    """A row a combination of choices."""
    found = audit.exploration.multiverse if audit.exploration else None
    for item in found.specifications if found else ():
        yield {
            "choices": "; ".join(f"{name}={choice}" for name, choice in item.choices.items()),
            "effect": item.effect.estimate,
            "effect_lower": item.effect.ci_lower,
            "effect_upper": item.effect.ci_upper,
            "p_value": item.p_value,
            "own": item.default,
        }


def power(audit: Audit) -> Iterator[Row]:
    """A row a simulated step and number of models."""
    design = audit.exploration.design if audit.exploration else None
    if design is None:
        return
    yield from (_point("over steps", item) for item in design.by_effect)
    yield from (_point("over models", item) for item in design.by_models)
    yield from (_point("models added", item) for item in design.additions)


def slices(audit: Audit) -> Iterator[Row]:
    """A row a slice of items and model."""
    for item in audit.exploration.slices if audit.exploration else ():
        about = {"slice": item.label, "items": item.items, "shape": item.shape.reason}
        yield from ({**about, "scale": point.scale, "score": point.score} for point in item.points)


def _point(simulated: str, point: PowerPoint) -> Row:
    names = ("models", "effect", "power", "std_error", "paired", "equivalence")
    known = {name: getattr(point, name) for name in (*names, "equivalence_at_chance", "added")}
    return {"simulated": simulated, **known}
