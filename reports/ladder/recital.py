"""Does `recital` stay explained by its metric under less of the table, or another null?

    python reports/ladder/recital.py

One row a change: without one training seed, without some lengths of training, another width of
gradual growth, another null. The other tasks are left out of the table.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import confounds as cf
from confounds import text
from confounds.claim import read_claims
from confounds.inference.fits import Settings
from confounds.ladder.recipe import RECITER_STEPS, SEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confounds.claim import Claim
    from confounds.outcomes import Outcomes

CLAIMS = Path(__file__).with_name("ladder.claims.toml")
SPREAD = (RECITER_STEPS[3], RECITER_STEPS[8], RECITER_STEPS[12])


def main() -> None:
    """Audit the claim under each change and print a row for it."""
    file = read_claims(CLAIMS)
    claim = next(one for one in file.claims if one.id == "recital")
    whole = cf.read_outcomes(file.outcomes).select(task="recital")
    rows = []
    for change, changed, outcomes in changes(claim, whole):
        audit = cf.audit(changed, outcomes, settings=Settings(sharpness=False))
        p = audit.fits[0].p_two_level
        rows.append(
            {
                "change": change,
                "verdict": audit.verdict.label,
                "explained by": ", ".join(audit.verdict.explained_by) or None,
                "p, two-level": f"{p:.3f}",
            }
        )
    sys.stdout.write(text.Table(tuple(rows[0]), tuple(rows)).text() + "\n")


def changes(claim: Claim, whole: Outcomes) -> Iterator[tuple[str, Claim, Outcomes]]:
    """Each change in words, the claim and the table to audit."""
    yield "none", claim, whole
    for seed in SEEDS:
        yield f"without seed {seed}", claim, without(whole, lambda _, own, out=seed: own == out)
    for what, steps in (
        ("three lengths spread over the range", SPREAD),
        ("the last length", RECITER_STEPS[-1:]),
        ("the last three lengths", RECITER_STEPS[-3:]),
        ("the three lengths before the last", RECITER_STEPS[-4:-1]),
    ):
        yield f"without {what}", claim, without(whole, lambda own, _, out=steps: own in out)
    yield "gradual = 1.0", replace(claim, gradual=1.0), whole
    yield 'null = "spline"', replace(claim, null="spline"), whole


def without(whole: Outcomes, is_out: Callable[[int, int], bool]) -> Outcomes:
    """The table without the models whose steps and seed are out."""
    kept = []
    for model in whole.models:
        _, steps, seed = model.split("-")
        if not is_out(int(steps), int(seed.removeprefix("s"))):
            kept.append(model)
    return whole.select(model=kept)


if __name__ == "__main__":
    main()
