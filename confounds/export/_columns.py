"""What the columns of the exported tables mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from confounds.outcomes import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["string", "number", "integer", "boolean"]

AUDIT = "computed by the audit"
CLAIM = "registered in the claim, or its default"
TABLE = "the table of outcomes"
_KINDS: dict[str, Kind] = {"text": "string", "number": "number", "whole": "integer"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an exported table: its name, type, meaning, unit and source."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    source: str = AUDIT


@dataclass(frozen=True)
class Sheet:
    """One exported table.

    Attributes:
        name: stem of its file names.
        title: what it holds.
        columns: in order.
        rows: a mapping a row; what a row lacks is missing.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]


def of_outcomes(name: str) -> Column:
    """A column of the table of outcomes, as its schema describes it."""
    known = schema.BY_NAME.get(name)
    if known is None:
        return _BESIDE.get(name, Column(name, "string", name.replace("_", " "), source=TABLE))
    return Column(name, _KINDS[known.kind], known.summary, known.unit, TABLE)


def interval(name: str, meaning: str, unit: str) -> tuple[Column, Column, Column]:
    """An estimate and its bounds."""
    return (
        Column(name, "number", meaning, unit),
        Column(f"{name}_lower", "number", f"lower bound of {name}", unit),
        Column(f"{name}_upper", "number", f"upper bound of {name}", unit),
    )


_BESIDE = {
    column.name: column
    for column in (
        Column("rows", "integer", "rows of the table behind the score", "rows", TABLE),
        Column("seeds", "integer", "different seeds behind the score", "seeds", TABLE),
        Column("seed_sd", "number", "standard deviation of the score over seeds", source=TABLE),
    )
}
ID = (
    Column("claim", "string", "id of the claim", source=CLAIM),
    Column("task", "string", "what was asked", source=CLAIM),
    Column("metric", "string", "how the answers were scored", source=CLAIM),
)
VERDICTS = (
    *ID,
    Column("scale", "string", "the scale axis: parameters, tokens or compute", source=CLAIM),
    Column("condition", "string", "the condition in which the claim was seen", source=CLAIM),
    Column("label", "string", "survives, explained, inconclusive or absent"),
    Column("explained_by", "string", "rivals that explain it, separated by '; '"),
    Column("untested", "string", "rivals that could not be tested, separated by '; '"),
    Column("reason", "string", "why the verdict is what it is"),
    Column("certain", "string", "what holds whatever the verdict, separated by '; '"),
    Column("expected", "string", "the label that the claim expected", source=CLAIM),
    Column("presence", "string", "passed, failed or undecided: present in the largest models"),
    Column("absence", "string", "passed, failed or undecided: at chance in smaller models"),
    Column("departure", "string", "passed, failed or undecided: sharper than gradual growth"),
    *interval("effect", "step at the threshold beyond gradual growth", "score points"),
    *interval("threshold", "scale at which the score departs from gradual growth", "scale units"),
    *interval("width", "10-90 % width of the transition", "decades"),
    Column("p_two_level", "number", "p-value of the two-level bootstrap, the primary"),
    Column("p_fixed_effect", "number", "p-value of the family-fixed-effect check"),
    Column("significant", "boolean", "both p-values are below their limits"),
    Column("models", "integer", "models tested", "models"),
    Column("families", "integer", "families tested", "families"),
    Column("smallest_effect", "number", "smallest effect of interest", "score points", CLAIM),
    Column("gradual", "number", "least width that counts as gradual", "decades", CLAIM),
    Column(
        "margin",
        "number",
        "most above its baseline that counts as at chance",
        "score points",
        CLAIM,
    ),
    Column("null", "string", "the smooth null: gradual, strict, quadratic or spline", source=CLAIM),
    Column("shape", "string", "step or hinge", source=CLAIM),
    Column("ceiling", "number", "highest score that can be reached, if declared", source=CLAIM),
)
ESTIMATES = (
    *ID,
    Column(
        "part",
        "string",
        "presence, absence, departure, raw, published, specification curve, or a rival",
    ),
    Column("term", "string", "what is estimated"),
    Column("estimate", "number", "the estimate, in the units of its term"),
    Column("std_error", "number", "its standard error"),
    Column("statistic", "number", "its test statistic"),
    Column("p_value", "number", "its p-value"),
    Column("ci_lower", "number", "lower bound of its interval"),
    Column("ci_upper", "number", "upper bound of its interval"),
    Column("level", "number", "coverage of the interval"),
)
RIVALS = (
    *ID,
    Column("rival", "string", "the rival explanation"),
    Column("status", "string", "tested or not_testable"),
    Column("outcome", "string", "survives, explained, inconclusive or not_testable"),
    Column("strong", "boolean", "survived with a lower bound above the smallest effect"),
    Column("null", "string", "the null, as a sentence"),
    Column("reason", "string", "why the outcome is what it is"),
    *interval("left", "step that remains where the rival cannot act", "score points"),
    Column("left_level", "number", "coverage of the interval of left"),
    Column("p_value", "number", "p-value of left"),
    Column("p_adjusted", "number", "the same, adjusted over rivals and tasks"),
    *interval("change", "raw minus controlled", "score points"),
    Column(
        "models_needed",
        "integer",
        "models that would decide, about, once a departure is shown",
        "models",
    ),
)
CURVES = (
    *ID,
    Column("fit", "string", "raw, or the rival whose control it is"),
    Column("condition", "string", "the condition of the fit"),
    Column("line", "string", "fitted (with a threshold) or smooth (gradual growth only)"),
    Column("scale", "number", "place on the scale axis", "scale units"),
    Column("score", "number", "height of the line", "score points"),
    Column("lower", "number", "lower edge of its band", "score points"),
    Column("upper", "number", "upper edge of its band", "score points"),
)
SHARPNESS = (
    *ID,
    Column("fit", "string", "raw, or the rival whose control it is"),
    Column("condition", "string", "the condition of the fit"),
    Column("gradual", "number", "least width that counts as gradual", "decades"),
    Column("p_value", "number", "p-value of the threshold test at that width"),
)
FINDINGS = (
    *ID[:2],
    Column("kind", "string", "what kind of finding"),
    Column("level", "string", "error, warning or note"),
    Column("message", "string", "what was found"),
    Column("count", "integer", "rows, runs or models concerned"),
    Column("where", "string", "the first places, separated by '; '"),
)
