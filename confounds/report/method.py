"""The method in words, with the settings that were really used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confounds import text
from confounds.report import _references
from confounds.report._html import template
from confounds.report._section import Section
from confounds.verdict import SCREENING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from confounds.claim import Claim
    from confounds.report._section import View
    from confounds.results import Audit

_SHARES = {
    "shapley": "Attribution: what is left of the effect as confounds are controlled, averaged "
    "over all orders (Shapley).",
    "gelbach": "Gelbach's decomposition gives the same on the linear scale.",
    "khb": "The method of Karlson, Holm and Breen gives it on the logit, free of rescaling.",
}
_METHOD = template("""\
<div class="prose">
<p><strong>Unit.</strong> The sampling unit is the model, within its family. Items, seeds,
prompts and checkpoints of one model are repeated measures of that unit and never count as
further evidence about scale. {{ tested }}</p>
<p><strong>Claim.</strong> Score: {{ metrics }}. Scale: {{ scales }}, on a logarithmic axis.
Condition: {{ conditions }}. Columns that a claim does not name are pooled, each level with an
effect of its own. Smallest effect of interest: {{ smallest }} score points.</p>
<p><strong>Apparent emergence</strong> has three parts. Presence: the largest models beat
the greater of chance and the majority answer. Absence: an equivalence test shows the smaller
models to be at the baseline, within a margin of {{ margin }}; “not significant” is never
taken for absent. Departure: the curve is sharper than gradual growth.</p>
<p><strong>Threshold test.</strong> {{ nulls }} Against it stands a {{ shapes }} at an
unknown scale; the statistic is the supremum over candidate thresholds. Its reference
distribution is a two-level parametric bootstrap with family and model
effects{{ replicates }}; the family-fixed-effect version is the check. Significant means:
two-level p below .05 and, where families have enough models for it, family-fixed-effect p
below .10. “Gradual” means that the 10-90 % transition takes at least {{ gradual }} decades.
Intervals of threshold and step invert the test.{{ ceilings }}</p>
<p><strong>Rival explanations.</strong> A claim survives a rival when, where the rival cannot
act, the threshold test remains significant and the lower bound of the step is above zero
(strongly: above the smallest effect of interest). A rival explains it when the raw effect is
significant, the 90 % interval under control lies within the smallest effect of interest, and
the change from raw to controlled excludes zero. Anything else is inconclusive. A rival for
which the table lacks data is not testable and is listed.{{ multiplicity }} How many models would
decide is a rough guide: intervals are taken to shrink with the square root of their number, about
the present estimate, where power is simulated at the smallest effect of interest.</p>
{% if around %}<p><strong>Around the verdict.</strong> None of this decides it. {{ around }}</p>
{% endif %}
</div>
<details><summary>References (BibTeX)</summary>
<pre tabindex="0">{{ bibtex }}</pre>
</details>
""")


def render(view: View) -> str:
    """One paragraph a step; every value is read from the claims, fits and manifest."""
    claims = [audit.claim for audit in view.audits]
    fits = [fit for audit in view.audits if (fit := audit.raw_fit) is not None]
    return _METHOD.render(
        tested=_tested(view.audits),
        metrics=_used(claim.metric.replace("_", " ") for claim in claims),
        scales=_used(claim.scale for claim in claims),
        conditions=_used(text.condition(claim.condition) for claim in claims),
        smallest=_used(text.number(claim.smallest_effect) for claim in claims),
        margin=_used(text.number(claim.margin) for claim in claims),
        gradual=_used(text.number(claim.gradual, 1) for claim in claims),
        shapes=_used(claim.shape for claim in claims),
        nulls=_nulls(fit.null for fit in fits),
        replicates=_replicates(view.audits),
        ceilings=_ceilings(claims),
        multiplicity=_multiplicity(view.audits),
        around=_around(view.audits),
        bibtex=_references.bibtex(view.audits),
    )


def setting(audits: tuple[Audit, ...], name: str) -> Any:
    """A setting from the manifest: under `settings`, or at its top."""
    manifest = audits[0].manifest if audits else {}
    settings = manifest.get("settings", {})
    inner = settings.get(name) if isinstance(settings, dict) else None
    return manifest.get(name) if inner is None else inner


def _used(values: Iterable[str]) -> str:
    """The different values with how many claims used each; one alone needs no count."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return "; ".join(f"{value} ({text.plural(counts[value], 'claim')})" for value in ranked)


def _tested(audits: tuple[Audit, ...]) -> str:
    fits = [fit for audit in audits if (fit := audit.raw_fit) is not None]
    models = sorted({fit.models for fit in fits})
    if not models:
        return "No claim had enough models of known size for a threshold test."
    span = str(models[0]) if len(models) == 1 else f"{models[0]} to {models[-1]}"
    return f"The threshold tests here rest on {span} models."


def _nulls(sentences: Iterable[str]) -> str:
    shown = sorted({sentence.rstrip(". ") for sentence in sentences})
    if len(shown) == 1:
        return f"The null: {shown[0]}."
    return f"The nulls: {'; '.join(shown)}." if shown else ""


def _ceilings(claims: Sequence[Claim]) -> str:
    """Where the curves level off: declared ceilings, and what is done where none is."""
    declared = [claim.ceiling for claim in claims if claim.ceiling is not None]
    said = ""
    if declared:
        said += f" Ceilings of the scores, as declared: {_used(map(text.number, declared))}."
    if len(declared) < len(claims):
        said += (
            " Where a claim declares no ceiling, a departure counts only if no smooth curve that "
            "levels off below 1, at the ceiling that fits the scores best, undoes it."
        )
    return said


def _replicates(audits: tuple[Audit, ...]) -> str:
    replicates, seed = setting(audits, "replicates"), setting(audits, "seed")
    shown = [
        f"{text.show('replicates', replicates)} replicates" if replicates is not None else "",
        f"seed {seed}" if seed is not None else "",
    ]
    said = ", ".join(part for part in shown if part)
    return f" ({said})" if said else ""


def _multiplicity(audits: tuple[Audit, ...]) -> str:
    if len(audits) == 1:
        return ""
    used = "Holm" if len(audits) < SCREENING else "Benjamini and Hochberg"
    return f" Over the claims, the p-values of each rival are adjusted by the method of {used}."


def _around(audits: tuple[Audit, ...]) -> str:
    """What was computed beside the verdicts, a sentence each."""
    found = [audit.exploration for audit in audits if audit.exploration is not None]
    methods = {item.method for explored in found for item in explored.attribution if item.shares}
    totals = [
        len(item.multiverse.specifications)
        for item in found
        if item.multiverse is not None and item.multiverse.specifications
    ]
    said = [_SHARES[method] for method in ("shapley", "gelbach", "khb") if method in methods]
    if totals:
        span = f"{min(totals)} to {max(totals)}" if len(set(totals)) > 1 else str(totals[0])
        said.append(
            f"The specification curve holds {span} combinations of choices a claim; its median "
            "effect and its share of significant ones are tested jointly, under a null of gradual "
            "growth, with the draws of the threshold test."
        )
    if any(item.shape is not None for item in found):
        said.append("Shape: the two-lines test of a U or an inverted U, which forces none.")
    if any(item.slices for item in found):
        said.append("Items are split by how hard models of other families find them.")
    if any(item.design is not None and item.design.by_effect for item in found):
        said.append("Power: the same tests on tables simulated with the layout of this one.")
    return " ".join(said)


SECTION = Section("Method", 100, render)
