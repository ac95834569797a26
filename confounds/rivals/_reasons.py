"""Why a controlled condition survives, explains or leaves open, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds.text import plural

if TYPE_CHECKING:
    from confounds.inference.sample import Sample
    from confounds.inference.threshold import FittedThreshold
    from confounds.results import ThresholdFit
    from confounds.rivals._decision import Controlled


def survives_reason(controlled: Controlled) -> str:
    """Why the threshold remains."""
    low = controlled.effect.ci_lower or 0.0
    fit = controlled.fit
    p = fit.p_two_level if fit else 1.0
    how = f"above {controlled.smallest:g}" if controlled.strong else "above 0"
    text = (
        f"the threshold remains in the controlled condition (p {_p(p)}, "
        f"lower bound {low:.2f}, {how})"
    )
    if fit is not None and fit.p_fixed_effect is None:
        text += "; families have too few models for the check within families"
    return text


def explained_reason(raw: ThresholdFit, controlled: Controlled, doubt: str | None) -> str:
    """Why nothing is left, and which departure is explained."""
    start = (
        f"the controlled effect is below {controlled.smallest:g} "
        f"(90 % interval up to {controlled.equivalence.ci_upper:.2f})"
    )
    if raw.significant and doubt is None:
        return f"{start}, and the raw departure is significant (p {_p(raw.p_two_level)})"
    if controlled.departs_within_models and controlled.paired is not None:
        p = _p(controlled.paired.p_value or 0.0)
        return f"{start}, and the difference within models departs from gradual growth (p {p})"
    if controlled.change is None or controlled.among_kept is None:
        return start
    upper, p = controlled.among_kept.ci_upper, _p(controlled.change.p_value or 0.0)
    return (
        f"the controlled effect is below {controlled.smallest:g} wherever the raw threshold may "
        f"lie (90 % interval up to {upper:.2f}), and the raw one is larger (p {p}), sharper than "
        f"gradual or not ({p_values(raw)})"
    )


def inconclusive_reason(raw: FittedThreshold, controlled: Controlled, doubt: str | None) -> str:
    """What is missing for either."""
    effect = controlled.effect
    if controlled.has_its_own and controlled.fit is not None:
        psi = controlled.fit["threshold"].estimate
        start = f"the controlled condition has a threshold of its own, elsewhere (at {psi:.2g})"
    elif not raw.fit.significant:
        start = f"the raw departure is not significant ({p_values(raw.fit)})"
    elif doubt is not None:
        start = f"the raw departure is not shown: {doubt}"
    elif controlled.why_no_fit:
        start = f"the controlled condition cannot be tested alone: {controlled.why_no_fit}"
    elif controlled.fit is not None:
        start = (
            "the controlled condition neither shows a threshold "
            f"({p_values(controlled.fit)}) nor excludes one"
        )
    else:
        start = "the controlled condition neither shows a threshold nor excludes one"
    shown = (
        f"controlled effect {effect.estimate:.2f} [{effect.ci_lower:.2f}, {effect.ci_upper:.2f}]"
    )
    return f"{start}; {shown}"


def rests_on(raw: Sample, controlled: Sample, *, paired: bool) -> str:
    """Which models the change rests on, where the two conditions do not have the same ones."""
    shared = len(set(raw.models) & set(controlled.models))
    if shared == len(raw) == len(controlled):
        return ""
    sides = f"{len(raw)} in the raw condition, {len(controlled)} in the controlled one"
    both = f"{plural(shared, 'model')} run both ways"
    if paired:
        return f"; the change rests on {both} ({sides})"
    return f"; {both}, too few for a paired change: it takes all as different models ({sides})"


def p_values(fit: ThresholdFit) -> str:
    """Both p-values that "significant" rests on; the check alone may be what is missing."""
    text = f"p {_p(fit.p_two_level)}"
    if fit.p_fixed_effect is None:
        return text
    return f"{text}, within families {_p(fit.p_fixed_effect)}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"= {value:.3f}"
