"""Published rules of emergence, and what single rivals answer, beside the verdict.

    python reports/literature/side_by_side.py CLAIMS.toml [COLUMN...] [--claim ID...]

A column is a rule (`confounds.inference.published_rules`), written with its 95 % interval, or a
rival, written with its outcome and the effect where it is controlled. Without any, all rules are
printed. Every claim of the file is audited, and p-values are adjusted over all of them, whichever
are shown.
"""

from __future__ import annotations

import argparse
import sys

import confounds as cf
from confounds import plugins, text
from confounds.claim import Claim, read_claims
from confounds.inference.published_rules import RULES


def main() -> None:
    """Audit claims of a file and print the columns asked for beside each verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claims")
    parser.add_argument("columns", nargs="*", metavar="COLUMN")
    parser.add_argument("--claim", action="append", default=[], help="show this claim only")
    asked = parser.parse_args()
    known = {*RULES, *plugins.names("rivals")}
    unknown = sorted(set(asked.columns) - known)
    if unknown:
        sys.exit(f"no rule or rival '{unknown[0]}'; there are: {', '.join(sorted(known))}")
    columns = tuple(asked.columns or RULES)
    file = read_claims(asked.claims)
    shown = choose(file.claims, asked.claim)
    audits = cf.audit_all(cf.read_outcomes(file.outcomes), claims=file.claims)
    rows = [_row(audit, columns) for audit in audits if audit.claim.id in shown]
    table = text.Table(("claim", *columns, "verdict", "explained_by"), tuple(rows)).text()
    sys.stdout.write(f"{table}\n")


def choose(claims: tuple[Claim, ...], names: list[str]) -> tuple[str, ...]:
    """The claims to show, by default all.

    Raises:
        SystemExit: there is no such claim.
    """
    known = tuple(claim.id for claim in claims)
    missing = sorted(set(names) - set(known))
    if missing:
        sys.exit(f"no claim '{missing[0]}'; there are: {', '.join(known)}")
    return tuple(name for name in known if not names or name in names)


def _row(audit: cf.Audit, columns: tuple[str, ...]) -> dict[str, str | None]:
    shown = {item.term: text.estimate(item) for item in audit.descriptions}
    shown |= {test.rival: _answer(test) for test in audit.tests}
    return {
        "claim": audit.claim.id,
        **{name: shown[name] for name in columns if name in shown},
        "verdict": audit.verdict.label,
        "explained_by": ", ".join(audit.verdict.explained_by) or None,
    }


def _answer(test: cf.RivalTest) -> str:
    effect = f" {text.estimate(test.effect)}" if test.effect else ""
    return f"{test.outcome.replace('_', ' ')}{effect}"


if __name__ == "__main__":
    main()
