"""A claim: one sentence about one task that can be put to the test.

A claim registers, before the data are looked at, what decides it: the metric, the scale
axis, the condition in which the ability was seen, the smallest effect of interest and how
wide a transition still counts as gradual.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from confounds import text
from confounds.errors import ClaimError, NothingSelectedError
from confounds.files import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confounds.outcomes import Outcomes

Scale = Literal["parameters", "tokens", "compute"]
Label = Literal["survives", "explained", "inconclusive", "absent"]
SmoothNull = Literal["gradual", "strict", "quadratic", "spline"]
Shape = Literal["step", "hinge"]
ConditionValue = str | int | float

SCALES: tuple[Scale, ...] = ("parameters", "tokens", "compute")
LABELS: tuple[Label, ...] = ("survives", "explained", "inconclusive", "absent")
NULLS: tuple[SmoothNull, ...] = ("gradual", "strict", "quadratic", "spline")
SHAPES: tuple[Shape, ...] = ("step", "hinge")
CONDITIONS = (
    "family",
    "checkpoint",
    "tuning",
    "adaptation",
    "shots",
    "demonstrations",
    "reasoning",
    "prompt",
    "exposure",
    "dose",
    "distribution",
)
"""Columns that a condition may hold fixed."""


@dataclass(frozen=True)
class Claim:
    """What is claimed of one task, and what would decide it.

    Attributes:
        id: short name, unique in a file.
        task: as in the `task` column.
        metric: as in the `metric` column.
        scale: the axis: `parameters`, `tokens` or `compute`.
        statement: the claim in words.
        condition: column -> value of the condition in which it was seen; columns that are
            not named are pooled, each level with its own effect.
        expect: the verdict label the author expects, or None.
        smallest_effect: smallest effect of interest, in score points.
        gradual: decades that a 10-90 % transition must take to count as gradual.
        margin: how far above its baseline a score may lie and still count as "at chance".
        null: the smooth null: `gradual` (slope bounded), `strict` (any logistic),
            `quadratic` or `spline`.
        shape: `step` (a jump) or `hinge` (a change of slope).
        ceiling: highest expected score that any model could reach (1 less the share of wrong
            labels); where it is None, the one that the table declares (`with_ceiling`). Where
            neither does, a departure must hold under every ceiling that the scores allow.

    Raises:
        ClaimError: a value is not allowed; the message says what is.
    """

    id: str
    task: str
    metric: str
    scale: Scale = "parameters"
    statement: str = ""
    condition: dict[str, ConditionValue] = field(default_factory=dict)
    expect: Label | None = None
    smallest_effect: float = 0.10
    gradual: float = 2.0
    margin: float = 0.05
    null: SmoothNull = "gradual"
    shape: Shape = "step"
    ceiling: float | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("scale", SCALES), ("null", NULLS), ("shape", SHAPES)):
            _check_choice(self.id, name, getattr(self, name), allowed)
        if self.expect is not None:
            _check_choice(self.id, "expect", self.expect, LABELS)
        for name in ("smallest_effect", "gradual", "margin"):
            _check_positive(self.id, name, getattr(self, name))
        if self.ceiling is not None:
            _check_positive(self.id, "ceiling", self.ceiling)
            if self.ceiling > 1:
                msg = f"claim '{self.id}': ceiling is {self.ceiling!r}; it must be at most 1"
                raise ClaimError(msg)
        if not isinstance(self.condition, dict):
            msg = f"claim '{self.id}': condition is {self.condition!r}; it must be a table"
            raise ClaimError(msg)
        for name in self.condition:
            _check_choice(self.id, "a column of condition", name, CONDITIONS)

    def with_condition(self, **changes: ConditionValue) -> Claim:
        """The same claim in another condition."""
        return replace(self, condition={**self.condition, **changes})


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """A parsed `*.claims.toml`: where its outcomes lie, and its claims."""

    path: Path
    outcomes: Path
    claims: tuple[Claim, ...]


def read_claims(path: str | Path) -> ClaimFile:
    """Read a claim file: `outcomes = "path"` (relative to the file), then `[[claim]]` tables.

    Raises:
        ClaimError: the file cannot be read, a key is unknown or missing, a value is not
            allowed, or two claims share an id.
    """
    path = Path(path)
    document = read_toml(path, ClaimError)
    unknown = sorted(set(document) - {"outcomes", "claim"})
    if unknown:
        msg = f"{path}: unknown key '{unknown[0]}'; allowed: outcomes, claim"
        raise ClaimError(msg)
    outcomes = document.get("outcomes")
    if not isinstance(outcomes, str):
        msg = f"{path}: 'outcomes' must be the path of a table, relative to this file"
        raise ClaimError(msg)
    tables = document.get("claim", [])
    if not isinstance(tables, list) or not tables:
        msg = f"{path}: no [[claim]] table; at least one is needed"
        raise ClaimError(msg)
    claims = tuple(_claim(path, number, table) for number, table in enumerate(tables, 1))
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            msg = f"{path}: two claims have the id '{claim.id}'; ids must be unique"
            raise ClaimError(msg)
        seen.add(claim.id)
    return ClaimFile(path, (path.parent / outcomes), claims)


def with_ceiling(claim: Claim, outcomes: Outcomes) -> Claim:
    """The claim as it is tested on a table: with the table's ceiling where it declares none.

    That is the one value above 0, and at most 1, in the column `ceiling` of the claim's task and
    metric. Where there are several, or none, the claim is as it was.
    """
    if claim.ceiling is not None or outcomes.frame["ceiling"].isna().all():
        return claim
    try:
        rows = outcomes.select(task=claim.task, metric=claim.metric).frame
    except NothingSelectedError:
        return claim
    told = rows["ceiling"].dropna().unique()
    known = len(told) == 1 and 0 < told[0] <= 1
    return replace(claim, ceiling=float(told[0])) if known else claim


def without_rows(claims: Iterable[Claim], outcomes: Outcomes) -> dict[str, str]:
    """Which claims is a table silent on?

    Returns:
        id of each claim of whose task, metric and condition the table has no row -> what there is.
    """
    silent = {}
    for claim in claims:
        try:
            outcomes.select(task=claim.task, metric=claim.metric, **claim.condition)
        except NothingSelectedError as error:
            silent[claim.id] = str(error)
    return silent


def _claim(path: Path, number: int, table: Any) -> Claim:
    if not isinstance(table, dict):
        msg = f"{path}: claim {number} is {table!r}; write it as a [[claim]] table"
        raise ClaimError(msg)
    names = [item.name for item in fields(Claim)]
    unknown = sorted(set(table) - set(names))
    if unknown:
        allowed = f"{', '.join(names)}{text.nearest(unknown[0], names)}"
        msg = f"{path}: claim {number} has the unknown key '{unknown[0]}'; allowed: {allowed}"
        raise ClaimError(msg)
    for name in ("id", "task", "metric"):
        if not isinstance(table.get(name), str):
            msg = f"{path}: claim {number} needs '{name}', a string; found {table.get(name)!r}"
            raise ClaimError(msg)
    try:
        return Claim(**table)
    except ClaimError as error:
        msg = f"{path}: {error}"
        raise ClaimError(msg) from error


def _check_choice(claim: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        choices = f"{', '.join(allowed)}{text.nearest(value, allowed)}"
        msg = f"claim '{claim}': {name} is {value!r}; allowed: {choices}"
        raise ClaimError(msg)


def _check_positive(claim: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        msg = f"claim '{claim}': {name} is {value!r}; it must be a number above 0"
        raise ClaimError(msg)
