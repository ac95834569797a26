"""Frozen answers, one vocabulary: what every test returns and every page prints.

Names follow broom: an estimate is `term estimate std_error statistic p_value ci_lower
ci_upper`; `tidy()` gives a row per estimate, `glance()` a row per fit. NaN never stands for
"unknown": unknown is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from confounds.claim import Claim, Label
from confounds.documents import plain, to_text
from confounds.notebook import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from confounds.exploration import Exploration

SCHEMA_VERSION = 1

PartStatus = Literal["passed", "failed", "undecided"]
RivalStatus = Literal["tested", "not_testable"]
RivalOutcome = Literal["survives", "explained", "inconclusive", "not_testable"]

TIDY_COLUMNS = (
    "term",
    "estimate",
    "std_error",
    "statistic",
    "p_value",
    "ci_lower",
    "ci_upper",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty; unknown parts are None."""

    term: str
    estimate: float | None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Part:
    """One part of apparent emergence (presence, absence or departure) and how it came out."""

    name: str
    status: PartStatus
    reason: str
    estimates: tuple[Estimate, ...] = ()

    @property
    def estimate(self) -> Estimate | None:
        """The main estimate, the first."""
        return self.estimates[0] if self.estimates else None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a drawn line: scale (not its logarithm), score, and a band if there is one."""

    scale: float
    score: float
    lower: float | None = None
    upper: float | None = None

    def __reduce__(self) -> tuple[type[CurvePoint], tuple[float | None, ...]]:
        """Pickled by its four numbers: an audit that comes from another process has a thousand."""
        return CurvePoint, (self.scale, self.score, self.lower, self.upper)


@dataclass(frozen=True, slots=True)
class ThresholdFit(Shown):
    """The threshold test of one condition.

    Attributes:
        condition: column -> value held fixed; empty when everything is pooled.
        estimates: `threshold` (scale units), `effect` (score points beyond gradual growth),
            `width` (decades of the 10-90 % transition), `kink` (score points per decade),
            `excess` (score points above the smooth prediction at the top scale).
        p_two_level: p-value from the two-level bootstrap, the primary.
        p_fixed_effect: p-value of the family-fixed-effect check; None where families have
            too few models.
        significant: two-level p < .05 and, where it exists, family-fixed-effect p < .10.
        models: number of models tested.
        families: number of families.
        null: the smooth null as a sentence.
        smooth: the fitted smooth null as a line.
        fitted: the fitted threshold curve as a line.
        sharpness: pairs (`gradual`, p) of the sharpness curve.
        notes: what the reader of the numbers must know.
        blocks: why the test is not significant where no number of models of the same kind would
            make it so; empty where it is, or where more models would tell.
    """

    condition: dict[str, Any]
    estimates: tuple[Estimate, ...]
    p_two_level: float
    p_fixed_effect: float | None
    significant: bool
    models: int
    families: int
    null: str
    smooth: tuple[CurvePoint, ...] = ()
    fitted: tuple[CurvePoint, ...] = ()
    sharpness: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    def __getitem__(self, term: str) -> Estimate:
        for estimate in self.estimates:
            if estimate.term == term:
                return estimate
        known = ", ".join(estimate.term for estimate in self.estimates)
        msg = f"no estimate '{term}'; there are: {known}"
        raise KeyError(msg)

    def glance(self) -> pd.DataFrame:
        """One row: p-values, decision, models, families."""
        return _frame(
            [
                {
                    "condition": _condition_text(self.condition),
                    "p_two_level": self.p_two_level,
                    "p_fixed_effect": self.p_fixed_effect,
                    "significant": self.significant,
                    "models": self.models,
                    "families": self.families,
                }
            ]
        )

    def tidy(self) -> pd.DataFrame:
        """A row per estimate."""
        return _frame([_tidy_row(estimate) for estimate in self.estimates])


@dataclass(frozen=True, slots=True)
class RivalTest:
    """What one rival explanation came to.

    Attributes:
        rival: its name.
        status: `tested` or `not_testable`.
        outcome: `survives` (the emergence survives this rival), `explained` (by this
            rival), `inconclusive` or `not_testable`.
        null: the null as a sentence.
        reason: why the outcome is what it is, in one or two sentences.
        effect: the effect in the controlled condition, in score points, with the interval
            that decided (90 % for equivalence, so `level` says which).
        change: raw minus controlled, paired where models are shared.
        p_adjusted: p-value of `effect` adjusted over rivals and tasks.
        strong: survived with a lower bound above the smallest effect of interest.
        fits: the controlled fits, for drawing.
        estimates: further numbers worth printing.
        models_needed: about how many models would decide it, when inconclusive.
        together: the rivals whose factors its control changes as well; the outcome is of all.
    """

    rival: str
    status: RivalStatus
    outcome: RivalOutcome
    null: str
    reason: str
    effect: Estimate | None = None
    change: Estimate | None = None
    p_adjusted: float | None = None
    strong: bool = False
    fits: tuple[ThresholdFit, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    models_needed: int | None = None
    together: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        effect = self.effect
        return {
            "rival": self.rival,
            "status": self.status,
            "null": self.null,
            "effect": effect.estimate if effect else None,
            "ci_lower": effect.ci_lower if effect else None,
            "ci_upper": effect.ci_upper if effect else None,
            "p_value": effect.p_value if effect else None,
            "p_adjusted": self.p_adjusted,
            "outcome": self.outcome,
            "strong": self.strong,
            "reason": self.reason,
            "change": plain(self.change) if self.change else None,
            "models_needed": self.models_needed,
            "estimates": [plain(estimate) for estimate in self.estimates],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one claim.

    Attributes:
        label: `survives`, `explained`, `inconclusive` or `absent`.
        reason: why, in words.
        explained_by: the rivals that explain it; with one whose control changes the factors of
            others as well, those too.
        untested: the rivals that this table cannot test.
        certain: what the paired changes say whatever the label, a sentence a rival, such as "at
            least 0.21 of the 0.30 is in_context's".
    """

    label: Label
    reason: str
    explained_by: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    certain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the data that a reader must know before believing a number.

    Attributes:
        kind: short stable name, such as `duplicate_rows` or `constant_answer`.
        message: what, in one sentence.
        count: how many rows, runs or models.
        where: the first few places: tasks, models, `file:line`.
        level: `error`, `warning` or `note`.
    """

    kind: str
    message: str
    count: int
    where: tuple[str, ...] = ()
    level: Literal["error", "warning", "note"] = "warning"


@dataclass(frozen=True)
class Audit(Shown):
    """One claim, audited.

    Attributes:
        claim: as audited, defaults filled in.
        verdict: label, reason, what explains it, what could not be tested.
        apparent: `presence`, `absence`, `departure`.
        tests: one per rival.
        fits: raw fit first.
        points: the scores behind the fits, one dict a model and condition, for drawing.
        descriptions: published rules computed beside (they never decide).
        findings: data-quality findings about this task.
        manifest: versions, seeds, settings, input hash.
        unplaced: models left out of the claim's curve because their scale is unknown.
        exploration: attribution, specification curve, power, item slices; None if not asked for.
    """

    claim: Claim
    verdict: Verdict
    apparent: dict[str, Part]
    tests: tuple[RivalTest, ...]
    fits: tuple[ThresholdFit, ...]
    points: tuple[dict[str, Any], ...] = ()
    descriptions: tuple[Estimate, ...] = ()
    findings: tuple[Finding, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()
    exploration: Exploration | None = None

    @property
    def raw_fit(self) -> ThresholdFit | None:
        """The fit of the claim's own condition, or None where it could not be fitted.

        Controlled fits may stand in `fits` without a raw one; then departure has no estimate.
        """
        departure = self.apparent.get("departure")
        unfitted = departure is not None and not departure.estimates
        return None if unfitted or not self.fits else self.fits[0]

    @property
    def held(self) -> bool | None:
        """Whether the verdict is the one that the claim expects; None where it expects none."""
        return None if self.claim.expect is None else self.verdict.label == self.claim.expect

    def tidy(self) -> pd.DataFrame:
        """A row per estimate: apparent emergence, raw fit, each rival's effect and change."""
        rows: list[dict[str, Any]] = []
        for part in self.apparent.values():
            rows += [{"part": part.name, **_tidy_row(item)} for item in part.estimates]
        if self.raw_fit is not None:
            rows += [{"part": "raw", **_tidy_row(item)} for item in self.raw_fit.estimates]
        for test in self.tests:
            shown = (test.effect, test.change, *test.estimates)
            rows += [{"part": test.rival, **_tidy_row(item)} for item in shown if item]
        return _frame(rows, columns=("part", *TIDY_COLUMNS))

    def glance(self) -> pd.DataFrame:
        """One row: the verdict."""
        return _frame(
            [
                {
                    "claim": self.claim.id,
                    "task": self.claim.task,
                    "metric": self.claim.metric,
                    "label": self.verdict.label,
                    "explained_by": ", ".join(self.verdict.explained_by),
                    "untested": ", ".join(self.verdict.untested),
                    "reason": self.verdict.reason,
                    "certain": "; ".join(self.verdict.certain),
                }
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The documented form of one audit, made of JSON types only."""
        return {
            "claim": plain(self.claim),
            "held": self.held,
            "verdict": {
                "label": self.verdict.label,
                "explained_by": list(self.verdict.explained_by),
                "untested": list(self.verdict.untested),
                "reason": self.verdict.reason,
                "certain": list(self.verdict.certain),
            },
            "apparent": {name: plain(part) for name, part in self.apparent.items()},
            "rivals": [test.to_dict() for test in self.tests],
            "fits": [plain(fit) for fit in self.fits],
            "descriptions": [plain(item) for item in self.descriptions],
            "findings": [plain(item) for item in self.findings],
            "unplaced": list(self.unplaced),
            "exploration": plain(self.exploration) if self.exploration else None,
        }

    def to_json(self) -> str:
        """This audit as the `--json` document of one audit."""
        return audits_to_json((self,))


def audits_to_json(audits: tuple[Audit, ...], silent: Mapping[str, str] | None = None) -> str:
    """The document that `confounds audit --json` prints; the same audits give the same bytes.

    Args:
        audits: what was audited.
        silent: id of each claim that the table has no row of -> what there is.
    """
    manifest = audits[0].manifest if audits else {}
    document = {
        "schema_version": SCHEMA_VERSION,
        "audits": [audit.to_dict() for audit in audits],
        "not_audited": dict(silent or {}),
        "manifest": manifest,
    }
    return to_text(document)


def _tidy_row(estimate: Estimate) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in TIDY_COLUMNS}


def _condition_text(condition: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in condition.items())


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...] | None = None) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  results must stay importable without pandas

    return pd.DataFrame(rows, columns=None if columns is None else list(columns))
