"""The whole method: a claim and a table in, an audit out."""

from __future__ import annotations

import platform
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds import plugins
from confounds.claim import Claim, Scale, with_ceiling
from confounds.curves import CurveSample
from confounds.errors import NothingSelectedError
from confounds.inference.baseline import BaselineSample, PresenceRule
from confounds.inference.companions import companions_of
from confounds.inference.explore import explore
from confounds.inference.factors import switchable
from confounds.inference.fits import Fits, Settings
from confounds.inference.identifiability import Tie, find_ties
from confounds.inference.presence import assess_absence, assess_presence
from confounds.inference.published_rules import describe_rules
from confounds.inference.two_lines import raw_shape, turns
from confounds.processes import spread
from confounds.quality import inspect_outcomes
from confounds.results import Audit, Finding, Part
from confounds.verdict import adjust, decide, departure

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from confounds.inference.observe import Observation
    from confounds.measures import Likelihood
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate, RivalTest

__all__ = ["Settings", "audit", "audit_all", "default_claim", "default_claims", "testable"]

COMPUTE_KNOWN = 0.8
CLAIMS_A_WORKER = 4
"""A process takes more than a second to start, as long as a few audits."""
FIRST_METRICS = ("exact_match", "accuracy", "choice_accuracy", "bert_score_accuracy", "pass_at_1")
PACKAGES = ("numpy", "pandas", "scipy", "statsmodels", "pyarrow")


def audit(claim: Claim, outcomes: Outcomes, *, settings: Settings | None = None) -> Audit:
    """Put one claim and every rival explanation to the test.

    Args:
        claim: what is claimed, and what would decide it. The audit's own has the table's ceiling
            where this declares none.
        outcomes: the table; other tasks and metrics in it may serve rivals.
        settings: seed and replicates; the defaults give the same bytes every time.

    Raises:
        NothingSelectedError: the table has no row of the claim's task, metric and condition.
    """
    settings = settings or Settings()
    found = adjust((_audit(claim, outcomes, settings),))[0]
    return replace(found, manifest=_manifest(outcomes, settings))


def audit_all(
    outcomes: Outcomes,
    *,
    tasks: Sequence[str] | None = None,
    metric: str | None = None,
    scale: Scale | None = None,
    claims: Sequence[Claim] | None = None,
    settings: Settings | None = None,
) -> tuple[Audit, ...]:
    """One audit a claim, p-values adjusted over all of them.

    Args:
        outcomes: the table.
        tasks: which tasks, by default all; ignored where `claims` are given.
        metric: metric of the default claims.
        scale: axis of the default claims.
        claims: registered claims, instead of one default claim a task.
        settings: seed, replicates, and processes to spread the claims over. They are started
            anew: a script that asks for several runs under `if __name__ == "__main__":`.

    Raises:
        NothingSelectedError: a task, metric or condition has no rows.
    """
    if claims is None:
        chosen = outcomes.tasks if tasks is None else tasks
        claims = [default_claim(outcomes, task, metric=metric, scale=scale) for task in chosen]
    settings = settings or Settings()
    found = _spread(claims, outcomes, settings)
    manifest = _manifest(outcomes, settings)
    return tuple(replace(item, manifest=manifest) for item in adjust(found))


def _spread(claims: Sequence[Claim], outcomes: Outcomes, settings: Settings) -> tuple[Audit, ...]:
    """One audit a claim, over processes where each has `CLAIMS_A_WORKER` to do or more.

    Every process gets the whole table once: rivals may look at other tasks.
    """
    for claim in claims:
        outcomes.select(task=claim.task)
    workers = min(settings.workers, len(claims) // CLAIMS_A_WORKER)
    return tuple(spread(_audit_shared, (outcomes, settings), claims, workers=workers))


def _audit_shared(known: tuple[Outcomes, Settings], claim: Claim) -> Audit:
    return _audit(claim, *known)


def default_claim(
    outcomes: Outcomes, task: str, *, metric: str | None = None, scale: Scale | None = None
) -> Claim:
    """The claim that is audited where none is given; nothing in it is chosen by its result.

    Metric: the discontinuous one if there is one, exact match first. Condition: the most shots,
    all else pooled. Scale: compute where known for 80 % of the models, else parameters. Ceiling:
    the table's, where it has one.

    Raises:
        NothingSelectedError: the task, or the metric, has no rows.
    """
    part = outcomes.select(task=task)
    metric = metric or _default_metric(part)
    cells = part.select(metric=metric).frame
    condition: dict[str, Any] = {}
    if cells["shots"].notna().any() and cells["shots"].nunique() > 1:
        condition["shots"] = int(cells["shots"].max())
    if scale is None:
        known = cells.groupby("model")["compute"].max().notna().mean()
        scale = "compute" if known >= COMPUTE_KNOWN else "parameters"
    where = f" at {condition['shots']} shots" if condition else ""
    statement = f"{task} ({metric}) emerges with {scale}{where}"
    claim = Claim(f"{task}/{metric}", task, metric, scale, statement, condition)
    return with_ceiling(claim, outcomes)


def default_claims(
    outcomes: Outcomes, tasks: Sequence[str] | None = None, scale: Scale | None = None
) -> tuple[Claim, ...]:
    """The default claim of every task under each of its usual metrics, not only the first."""
    found = []
    for task in outcomes.tasks if tasks is None else tasks:
        here = outcomes.select(task=task).metrics
        usual: list[str | None] = [name for name in FIRST_METRICS if name in here]
        metrics = usual or [None]
        found += [default_claim(outcomes, task, metric=name, scale=scale) for name in metrics]
    return tuple(found)


def quick_fits(claim: Claim, outcomes: Outcomes) -> Fits:
    """Fits that tell what can be tested, without p-values worth reading."""
    quick = Settings(replicates=19, sharpness=False, only_testable=True)
    return Fits(with_ceiling(claim, outcomes), outcomes, quick)


def testable(claim: Claim, outcomes: Outcomes) -> dict[str, str | None]:
    """Rival -> None where this table can test it, else the reason why not."""
    return testable_with(quick_fits(claim, outcomes))


def testable_with(fits: Fits) -> dict[str, str | None]:
    """The same, of fits that may also be asked for something else."""
    found = {}
    for name, rival in plugins.load_all("rivals").items():
        result = rival.test(fits.claim, fits.outcomes, fits)
        found[name] = result.reason if result.status == "not_testable" else None
    return found


def tied(fits: Fits) -> tuple[Tie, ...]:
    """Factors that this table cannot tell apart, over all scales and at the raw threshold."""
    return find_ties(fits.cells(), fits.claim.scale, fits.raw.psi if fits.raw else None)


def _audit(claim: Claim, outcomes: Outcomes, settings: Settings) -> Audit:
    """One audit before adjustment over claims, without manifest."""
    claim = with_ceiling(claim, outcomes)
    fits = Fits(claim, outcomes, settings)
    observation = fits.raw_observation
    if observation.frame.empty and not observation.unplaced:
        msg = f"no rows of task '{claim.task}', metric '{claim.metric}' under {claim.condition}"
        raise NothingSelectedError(msg)
    apparent = _apparent(claim, fits)
    tests = tuple(
        rival.test(claim, outcomes, fits) for rival in plugins.load_all("rivals").values()
    )
    raw = fits.raw.fit if fits.raw else None
    controlled = tuple(fit for test in tests for fit in test.fits if fit is not raw)
    return Audit(
        claim,
        decide(apparent, tests),
        apparent,
        tests,
        fits=((raw,) if raw else ()) + controlled,
        points=_points(fits, tests),
        descriptions=_descriptions(fits),
        findings=(
            *inspect_outcomes(outcomes.select(task=claim.task)),
            *split_items(fits),
            *_turning(fits),
            *_tied_controls(fits),
        ),
        unplaced=observation.unplaced,
        exploration=explore(fits) if settings.explore else None,
    )


def split_items(fits: Fits) -> tuple[Finding, ...]:
    """Larger models that were asked other items than the smaller ones: easier ones read as a step.

    Looked for at every scale, since `confounds check` knows no threshold yet.
    """
    reason = fits.items_apart()
    if reason is None:
        return ()
    return (Finding("items_split_by_scale", reason, 1, (fits.claim.task,)),)


def _tied_controls(fits: Fits) -> tuple[Finding, ...]:
    """Controls that change another factor of the table as well, and the rows that would tell."""
    found = [companions_of(fits, factor) for factor in switchable(fits)]
    return tuple(
        Finding("factors_change_together", tie.message, len(tie.columns) + 1, tie.rows)
        for tie in found
        if tie is not None
    )


def _turning(fits: Fits) -> tuple[Finding, ...]:
    """A curve that turns round is announced: every null and threshold here is monotone."""
    shape = raw_shape(fits)
    if not turns(shape):
        return ()
    message = f"the curve is not monotone, while every curve fitted to it is: {shape.reason}"
    return (Finding("turning_curve", message, 1, (fits.claim.task,)),)


def _apparent(claim: Claim, fits: Fits) -> dict[str, Part]:
    """Presence, absence and departure of the raw condition."""
    observation = fits.raw_observation
    raw = fits.raw
    parts = {
        "departure": departure(
            raw.fit if raw else None, observation.why_not(), claim.smallest_effect, fits.doubt
        )
    }
    reason = _no_baseline(fits, observation)
    if reason is not None:
        parts |= {name: Part(name, "undecided", reason) for name in ("presence", "absence")}
    else:
        frame = observation.frame
        sample = BaselineSample(
            x=np.log10(frame["scale"].to_numpy(np.float64)),
            score=frame["score"].to_numpy(np.float64),
            n=frame["n"].to_numpy(np.float64),
            chance=frame["chance"].fillna(_assumed(fits)).to_numpy(np.float64),
            majority=frame["majority"].to_numpy(np.float64),
            axis=claim.scale,
        )
        rule = PresenceRule(margin=claim.margin)
        parts |= {
            "presence": assess_presence(sample, rule),
            "absence": assess_absence(sample, rule),
        }
    return {name: parts[name] for name in ("presence", "absence", "departure")}


def _assumed(fits: Fits) -> float:
    """Chance where the table gives none: 0 for a metric that a guesser scores nothing on."""
    return 0.0 if fits.measure(fits.claim.metric).chance == "zero" else np.nan


def _no_baseline(fits: Fits, observation: Observation) -> str | None:
    """Why presence and absence have no meaning here, or None."""
    measure = fits.measure(fits.claim.metric)
    if observation.sample is None:
        return "no model of known scale was run in this condition"
    if measure.likelihood != "binomial" or not measure.higher_is_better:
        return f"{measure.name} has no chance level to be above or at"
    return None


def _descriptions(fits: Fits) -> tuple[Estimate, ...]:
    """What published rules say of the raw curve; they never decide."""
    observation = fits.raw_observation
    if observation.sample is None:
        return ()
    frame, sample = observation.frame, observation.sample
    chance = frame["chance"].fillna(0.0).to_numpy(np.float64)
    likelihood: Likelihood = "binomial" if sample.binomial else "gaussian"
    data = CurveSample(sample.x, sample.score, sample.n, chance, likelihood)
    baseline = np.fmax(chance, frame["majority"].to_numpy(np.float64))
    return describe_rules(data, baseline)


def _points(fits: Fits, tests: Sequence[RivalTest]) -> tuple[dict[str, Any], ...]:
    """The scores behind the raw and the controlled fits, for drawing."""
    columns = set(fits.outcomes.frame.columns)
    conditions: list[tuple[str, Observation]] = [("raw", fits.raw_observation)]
    for test in tests:
        for fit in test.fits:
            if fit.condition != fits.raw_observation.condition and set(fit.condition) <= columns:
                changes = dict.fromkeys(fits.claim.condition) | fit.condition
                metric = changes.pop("metric", None)
                conditions.append((test.rival, fits.observe(changes, metric)))
    found: list[dict[str, Any]] = []
    for role, observation in conditions:
        rows = observation.frame.to_dict("records")
        found.extend(_point(role, observation.condition, row) for row in rows)
    return tuple(found)


def _point(role: str, condition: dict[str, Any], row: dict[Hashable, Any]) -> dict[str, Any]:
    """One model's score in JSON types."""
    return {
        "role": role,
        "condition": dict(condition),
        "model": row["model"],
        "family": row["family"],
        "scale": float(row["scale"]),
        "score": float(row["score"]),
        "n": int(row["n"]),
        "chance": _number(row["chance"]),
        "majority": _number(row["majority"]),
        "tuning": row["tuning"] if isinstance(row["tuning"], str) else None,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _default_metric(outcomes: Outcomes) -> str:
    names = [name for name in FIRST_METRICS if name in outcomes.metrics]
    if names:
        return names[0]
    known = sorted(outcomes.measures.items())
    discontinuous = [name for name, measure in known if measure.kind == "discontinuous"]
    of_ability = [name for name in discontinuous if outcomes.measures[name].chance != "none"]
    linear = [name for name, measure in known if measure.kind == "linear"]
    return (of_ability or linear or discontinuous)[0]


def _manifest(outcomes: Outcomes, settings: Settings) -> dict[str, Any]:
    """What made these numbers: versions, seed, settings, hash of the rows."""
    return {
        "seed": settings.seed,
        "replicates": settings.replicates,
        "input_sha256": outcomes.digest(),
        "rows": len(outcomes),
        "versions": dict(_versions()),
    }


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("emergence-confounds", *PACKAGES):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
