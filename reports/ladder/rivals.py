"""What each rival answers on the ladder, beside what the truth of the corpus demands of it.

    python reports/ladder/rivals.py

One row a claim of `rivals.claims.toml` and a rival that the table can test there: `right` where the
outcome is the one demanded, `open` where the rival decides nothing, `wrong` otherwise. Rivals of
which the corpus says nothing beforehand are left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import confounds as cf
from confounds import text
from confounds.claim import read_claims

CLAIMS = Path(__file__).with_name("rivals.claims.toml")
ELSEWHERE = ("metric_choice", "prompt_format", "training_mix", "scale_choice")
"""Rivals that made none of the thresholds below, unless the row says so."""
DEMANDED: dict[str, dict[str, str]] = {
    "lookup": dict.fromkeys(("in_context", "smooth_growth", *ELSEWHERE), "survives"),
    "lookup-any-tuning": {"instruction_tuning": "survives"},
    "map": {"in_context": "explained", "constant_answer": "survives"}
    | dict.fromkeys(ELSEWHERE, "survives"),
    "facts": {"exposure": "explained", "constant_answer": "survives"}
    | dict.fromkeys(ELSEWHERE, "survives")
    | {"metric_choice": "explained"},
    "tagged": {"in_context": "explained"} | dict.fromkeys(ELSEWHERE, "survives"),
    "tagged-tuned": dict.fromkeys(ELSEWHERE, "survives"),
    "addition": {"seed_luck": "explained"},
    "addition-seen": {"exposure": "survives"},
    "sums": {"reasoning": "explained"},
    "recital": {
        "metric_choice": "explained",
        "prompt_format": "survives",
        "scale_choice": "survives",
        "smooth_growth": "survives",
    },
}
"""Claim -> rival -> what it has to answer."""


def main() -> None:
    """Audit the claims and print a row for each rival of which something is demanded."""
    file = read_claims(CLAIMS)
    audits = cf.audit_all(cf.read_outcomes(file.outcomes), claims=file.claims)
    rows = [
        _row(audit.claim.id, test, demanded)
        for audit in audits
        for test in audit.tests
        if (demanded := DEMANDED[audit.claim.id].get(test.rival)) is not None
    ]
    table = text.Table(("claim", "rival", "demanded", "outcome", "effect", "held"), tuple(rows))
    counts = Counter(row["held"] for row in rows)
    summary = ", ".join(f"{counts[name]} {name}" for name in ("right", "open", "wrong"))
    sys.stdout.write(f"{table.text()}\n\n{len(rows)} demands: {summary}\n")


def _row(claim: str, test: cf.RivalTest, demanded: str) -> dict[str, str | None]:
    held = {demanded: "right", "inconclusive": "open"}.get(test.outcome, "wrong")
    return {
        "claim": claim,
        "rival": test.rival,
        "demanded": demanded,
        "outcome": test.outcome,
        "effect": text.estimate(test.effect) if test.effect else None,
        "held": held,
    }


if __name__ == "__main__":
    main()
