"""Strategies that are said to emerge: from which scale does one help, and is it the strategy?

A prompting strategy (chain of thought, examples in the prompt, a format) "emerges" where it does
nothing for small models and helps large ones (Wei et al. 2022); "62 billion parameters" is such a
claim (Fu et al. 2022, of chain of thought). Here the same models with and without the strategy
are compared: the scale at which the gain reaches the claim's `margin` (`inference.crossing_point`),
the mean gain among the larger half of the models, and the same gain once the answer parser is
taken out of it, by scores among parsed answers or by a lenient rule for the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from confounds.errors import NothingSelectedError, UsageError
from confounds.inference.crossing_point import crossing_at, crossing_point, gains_of
from confounds.inference.fits import Fits, Settings
from confounds.inference.multiplicity import holm
from confounds.inference.paired_gain import mean_gain
from confounds.pipeline import default_claim
from confounds.rivals.answer_parsing import PARSED, among_parsed, more_lenient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confounds.claim import Claim
    from confounds.inference.crossing_point import Gains
    from confounds.inference.sample import Sample
    from confounds.outcomes import Outcomes
    from confounds.results import Estimate

Source = Literal["strategy", "parser", "undecided", "not testable"]

STRATEGIES = {
    "reasoning": ("chain", "direct"),
    "demonstrations": ("gold", "shuffled"),
    "shots": None,
    "prompt": None,
}
"""Column -> the level that is the strategy, and the one without; None where the table says."""
EQUIVALENCE = 0.90
FEW_FAMILIES = 4


@dataclass(frozen=True, slots=True)
class Strategy:
    """Which two levels of which column are compared.

    Attributes:
        column: such as `reasoning`.
        level: the strategy.
        against: without it.
    """

    column: str
    level: str | float
    against: str | float

    @property
    def words(self) -> str:
        """Both levels, as `chain against direct`."""
        return " against ".join(_show(level) for level in (self.level, self.against))

    def changes(self, level: str | float) -> dict[str, Any]:
        """The claim's condition under one of the levels."""
        lifted = {"demonstrations": None} if self.column == "shots" else {}
        return {**lifted, self.column: level}


@dataclass(frozen=True, slots=True)
class StrategyFinding:
    """Where a strategy begins to help on one task.

    Attributes:
        claim: task, metric, scale and condition.
        strategy: the levels compared; None where the task lacks them.
        reason: why nothing could be estimated, or what the numbers say.
        crossing: scale at which the gain reaches `margin`; open ends are None.
        stated: test of a stated scale.
        gain: mean gain in score points among the larger half of the models.
        parsed_gain: the same gain once the parser is taken out of it.
        source: whose gain it is.
        models: models run both ways.
        families: their families.
        p_adjusted: of the gain, over the tasks (Holm).
    """

    claim: Claim
    strategy: Strategy | None
    reason: str
    crossing: Estimate | None = None
    stated: Estimate | None = None
    gain: Estimate | None = None
    parsed_gain: Estimate | None = None
    source: Source = "not testable"
    models: int = 0
    families: int = 0
    p_adjusted: float | None = None


def find_strategies(
    outcomes: Outcomes,
    strategy: str,
    *,
    claims: Sequence[Claim] | None = None,
    stated: float | None = None,
    settings: Settings | None = None,
) -> tuple[StrategyFinding, ...]:
    """One finding a task: where the strategy begins to help, and whose gain it is.

    Args:
        outcomes: the table.
        strategy: a column (`reasoning`, `shots`, `prompt`, `demonstrations`), or
            `COLUMN=LEVEL/AGAINST` such as `prompt=open/closed`.
        claims: task, metric, scale, condition and margin; by default one claim a task.
        stated: a scale at which it is said to begin, which is put to test.
        settings: seed.

    Raises:
        UsageError: there is no such strategy.
        NothingSelectedError: no task was run both ways.
    """
    _check(strategy)
    settings = settings or Settings()
    claims = claims or [default_claim(outcomes, task) for task in outcomes.tasks]
    found = [_find(Fits(claim, outcomes, settings), strategy, stated) for claim in claims]
    if all(item.gain is None for item in found):
        msg = f"strategy '{strategy}' cannot be looked at: {found[0].reason}"
        raise NothingSelectedError(msg)
    return _adjust(found)


def _check(strategy: str) -> None:
    column, _, levels = strategy.partition("=")
    if column not in STRATEGIES:
        msg = f"no strategy '{column}'; there are: {', '.join(sorted(STRATEGIES))}"
        raise UsageError(msg)
    if levels and levels.count("/") != 1:
        msg = f"strategy '{strategy}': write the levels as {column}=LEVEL/AGAINST"
        raise UsageError(msg)


def _find(fits: Fits, strategy: str, stated: float | None) -> StrategyFinding:
    claim = fits.claim
    chosen = _choose(fits, strategy)
    if isinstance(chosen, str):
        return StrategyFinding(claim, None, chosen)
    pair = [fits.observe(chosen.changes(level)).sample for level in (chosen.level, chosen.against)]
    gains = gains_of(pair[0], pair[1]) if pair[0] is not None and pair[1] is not None else None
    if gains is None:
        return StrategyFinding(
            claim, chosen, "fewer than 6 models of known scale were run both ways"
        )
    if np.ptp(gains.x) == 0:
        return StrategyFinding(claim, chosen, f"all models have the same {claim.scale}")
    margin = claim.margin * (1.0 if pair[0] is None or pair[0].binomial else _unit(pair))
    crossing = crossing_point(gains, margin, fits.rng("crossing"))
    large = _larger_half(gains)
    gain = mean_gain(large, "gain")
    parsed = _parsed_gains(fits, chosen, pair)
    source, why = _source(large, parsed, margin)
    return StrategyFinding(
        claim,
        chosen,
        f"{_words(crossing, chosen, margin)}; {why}{_few_families(gains)}",
        crossing,
        crossing_at(gains, margin, stated, fits.rng("stated")) if stated else None,
        gain,
        None if isinstance(parsed, str) else mean_gain(_only(parsed, large), "gain:parsed"),
        source,
        len(gains),
        len(np.unique(gains.family)),
    )


def _few_families(gains: Gains) -> str:
    """That intervals are over families, where there are too few for them to be of use."""
    families = len(np.unique(gains.family))
    if not 1 < families < FEW_FAMILIES:
        return ""
    return f"; with {families} families, intervals over families are wide whatever the models"


def _choose(fits: Fits, strategy: str) -> Strategy | str:
    """The two levels to compare in this task, or why there are none."""
    column, _, named = strategy.partition("=")
    levels = fits.levels(column)
    chosen: tuple[Any, Any] | None = STRATEGIES[column]
    if named:
        first, _, second = named.partition("/")
        chosen = (float(first), float(second)) if column == "shots" else (first, second)
    elif column == "shots" and len(levels) > 1:
        chosen = (levels[-1], levels[0])
    elif column == "prompt" and len(levels) == 2:
        chosen = (levels[1], levels[0])
    shown = ", ".join(map(_show, levels))
    if chosen is None and len(levels) > 2:
        return f"{column} has several levels ({shown}); say which: {column}=LEVEL/AGAINST"
    if chosen is None or not set(chosen) <= set(levels):
        return f"the task was not run with and without it ({column}: {shown or 'unknown'})"
    return Strategy(column, *chosen)


def _show(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _unit(pair: list[Sample | None]) -> float:
    """Range of an unbounded metric over both conditions, of which the margin is a share."""
    return float(np.ptp(np.concatenate([item.score for item in pair if item is not None])))


def _larger_half(gains: Gains) -> Gains:
    return _rows(gains, np.flatnonzero(gains.x >= np.median(gains.x)))


def _rows(gains: Gains, rows: Any) -> Gains:
    return replace(
        gains,
        x=gains.x[rows],
        gain=gains.gain[rows],
        noise=gains.noise[rows],
        family=gains.family[rows],
        models=tuple(gains.models[row] for row in rows),
    )


def _only(gains: Gains, others: Gains) -> Gains:
    """The models of `gains` that are among `others`."""
    known = set(others.models)
    return _rows(gains, [row for row, name in enumerate(gains.models) if name in known])


def _parsed_gains(fits: Fits, chosen: Strategy, pair: list[Sample | None]) -> Gains | str:
    """What each model gains once the parser is out of it, or why that is unknown."""
    sides = (chosen.level, chosen.against)
    if fits.has_metric(PARSED) and fits.claim.metric != PARSED:
        parsed = [
            _among_parsed(sample, fits.observe(chosen.changes(level), PARSED).sample)
            for sample, level in zip(pair, sides, strict=True)
        ]
        if parsed[0] is not None and parsed[1] is not None:
            return gains_of(parsed[0], parsed[1]) or "too few models give parsed answers both ways"
    for metric in more_lenient(fits.claim.metric):
        if fits.has_metric(metric):
            first, second = (fits.observe(chosen.changes(level), metric).sample for level in sides)
            if first is not None and second is not None:
                return gains_of(first, second) or f"too few models have {metric} both ways"
    return "no parsed flag and no second extraction rule for these answers"


def _among_parsed(sample: Sample | None, parsed: Sample | None) -> Sample | None:
    """Scores among the answers that were parsed; models with too few of them are left out."""
    if sample is None or parsed is None:
        return None
    share = dict(zip(parsed.models, parsed.score, strict=True))
    return among_parsed(sample, share)[1]


def _source(large: Gains, parsed: Gains | str, margin: float) -> tuple[Source, str]:
    """Whose gain it is: the strategy's, where it remains without the parser; else the parser's.

    The parser's: the gain is there, the parsed one is shown to lie below `margin` (upper end of
    the 90 % interval), and their difference within models is above 0.
    """
    if isinstance(parsed, str):
        return "not testable", f"whose gain it is cannot be told: {parsed}"
    parsed = _only(parsed, large)
    if len(parsed) < 2:
        return "not testable", "whose gain it is cannot be told: too few large models are parsed"
    shared = _only(large, parsed)
    raw, rest = mean_gain(shared, "gain"), mean_gain(parsed, "gain:parsed")
    lost = mean_gain(replace(shared, gain=shared.gain - parsed.gain), "lost")
    upper = mean_gain(parsed, "gain:parsed", EQUIVALENCE).ci_upper
    if (raw.ci_lower or 0.0) <= 0:
        return "undecided", "no gain among the larger half of the models to be told apart"
    if (rest.ci_lower or 0.0) > 0:
        return "strategy", f"it remains without the parser ({rest.estimate:.2f})"
    if upper is not None and upper < margin and (lost.ci_lower or 0.0) > 0:
        return "parser", f"without the parser it is below {margin:.2f} ({rest.estimate:.2f})"
    return "undecided", "whether it remains without the parser is not decided"


def _words(crossing: Estimate, chosen: Strategy, margin: float) -> str:
    what = f"{chosen.column} {_show(chosen.level)} gains {margin:.2g} over {_show(chosen.against)}"
    if crossing.ci_lower is None and crossing.ci_upper is None:
        return f"from where {what} cannot be told"
    if crossing.ci_upper is None:
        return f"{what} not below {crossing.ci_lower:.2g}, if at all"
    if crossing.ci_lower is None:
        return f"{what} by {crossing.ci_upper:.2g}, if not at every scale"
    return f"{what} from between {crossing.ci_lower:.2g} and {crossing.ci_upper:.2g}"


def _adjust(found: list[StrategyFinding]) -> tuple[StrategyFinding, ...]:
    """P-values of the gains, adjusted over the tasks that have one."""
    places = [
        index
        for index, item in enumerate(found)
        if item.gain is not None and item.gain.p_value is not None
    ]
    raw = np.array([item.gain.p_value for item in (found[place] for place in places) if item.gain])
    adjusted = dict(zip(places, holm(raw), strict=True)) if places else {}
    return tuple(
        replace(item, p_adjusted=float(adjusted[index])) if index in adjusted else item
        for index, item in enumerate(found)
    )
