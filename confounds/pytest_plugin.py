"""Claims as tests: pytest collects `*.claims.toml`, and audits every claim in them.

A claim whose verdict is not the one it expects fails. An inconclusive verdict is a skip, or a
failure under `--claims-strict`. A claim file that is wrong is one failed item, which keeps no other
test from being run. Items carry the marker `claim`, so that `pytest -m claim` runs the
claims and nothing else; the run ends with a table of their verdicts. Nothing here ever writes to a
claim file.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confounds.claim import Claim
    from confounds.outcomes import Outcomes
    from confounds.results import Audit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--claims-strict`."""
    parser.getgroup("confounds").addoption(
        "--claims-strict",
        action="store_true",
        help="fail where the verdict on a claim is inconclusive, instead of skipping",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker `claim`."""
    config.addinivalue_line("markers", "claim: puts a claim of emergence to the test (confounds)")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A row a claim: its outcome, verdict, effect and what explains it."""
    told = [
        (outcome, dict(report.user_properties))
        for outcome in ("passed", "failed", "skipped")
        for report in terminalreporter.stats.get(outcome, ())
        if hasattr(report, "user_properties")
    ]
    rows = [(outcome, found) for outcome, found in told if "verdict" in found]
    if not rows:
        return
    from confounds import text

    names = ("claim", "outcome", "verdict", "effect", "models", "explained_by")
    table = text.Table(names, tuple(_summary(outcome, found) for outcome, found in rows))
    terminalreporter.section("claims")
    terminalreporter.write_line(text.printable(table.text()))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ClaimsModule | None:
    """Collect `*.claims.toml`."""
    if not file_path.name.endswith(".claims.toml"):
        return None
    module: ClaimsModule = ClaimsModule.from_parent(parent, path=file_path)
    return module


@pytest.fixture
def audit(request: pytest.FixtureRequest) -> Callable[[Claim, Any], Audit]:
    """A function of a claim and its outcomes (a table or a path) that gives the audit.

    What was found goes to the properties of the JUnit report.
    """

    def run(claim: Claim, outcomes: Outcomes | str | Path) -> Audit:
        from confounds.ingest import read_outcomes
        from confounds.pipeline import audit as audit_claim

        table = read_outcomes(outcomes) if isinstance(outcomes, str | Path) else outcomes
        found = audit_claim(claim, table)
        request.node.user_properties.extend(_properties(found))
        return found

    return run


class ClaimsModule(pytest.File):
    """One claim file; its claims are audited together, since they share their multiplicity."""

    def collect(self) -> Iterator[pytest.Item]:
        """An item a claim; one item that fails, with what is wrong, where the file cannot be read.

        An error of collecting would end the run before any other test.
        """
        from confounds.claim import read_claims
        from confounds.errors import ConfoundsError
        from confounds.text import one_line

        items: list[pytest.Item]
        try:
            claims = read_claims(self.path).claims
            items = [
                ClaimItem.from_parent(self, name=one_line(claim.id), claim=claim.id)
                for claim in claims
            ]
        except ConfoundsError as error:
            items = [WrongClaims.from_parent(self, name="claims", error=error)]
        for item in items:
            item.add_marker("claim")
            yield item

    @cached_property
    def audits(self) -> dict[str, Audit | str]:
        """Claim id -> audit, or what the table lacks of it.

        Raises:
            InputError: the outcomes cannot be read, which fails every claim.
        """
        from confounds.claim import read_claims, without_rows
        from confounds.ingest import read_outcomes
        from confounds.pipeline import audit_all

        file = read_claims(self.path)
        outcomes = read_outcomes(file.outcomes)
        silent = without_rows(file.claims, outcomes)
        sound = [claim for claim in file.claims if claim.id not in silent]
        found = audit_all(outcomes, claims=sound) if sound else ()
        return {**silent, **{item.claim.id: item for item in found}}


class _Item(pytest.Item):
    """What has a claim file instead of a test function."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone for what this package raises; a traceback for anything else."""
        from confounds.errors import ConfoundsError
        from confounds.text import printable

        if isinstance(excinfo.value, ConfoundsError | ClaimFailedError):
            return printable(str(excinfo.value))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the claim stands, and its name."""
        return self.path, None, f"claim: {self.name}"


class WrongClaims(_Item):
    """A claim file that cannot be read, as a test that fails."""

    def __init__(self, *, error: Exception, **about: Any) -> None:
        super().__init__(**about)
        self.error = error

    def runtest(self) -> None:
        """Say what is wrong with the file.

        Raises:
            ConfoundsError: always.
        """
        raise self.error


class ClaimItem(_Item):
    """One claim as a test."""

    parent: ClaimsModule

    def __init__(self, *, claim: str, **about: Any) -> None:
        super().__init__(**about)
        self.claim = claim

    def runtest(self) -> None:
        """Audit the claim and compare the verdict with the one expected.

        Raises:
            ClaimFailedError: the verdict is another, or the claim cannot be audited.
        """
        audit = self.parent.audits[self.claim]
        if isinstance(audit, str):
            msg = f"{self.path.name}: claim '{self.claim}': {audit}"
            raise ClaimFailedError(msg)
        self.user_properties.extend(_properties(audit))
        label, expected = audit.verdict.label, audit.claim.expect
        if label == expected:
            return
        if label == "inconclusive" and not self.config.getoption("--claims-strict"):
            from confounds.reasons import why

            pytest.skip(f"inconclusive: {why(audit)}")
        if label == "inconclusive" or expected is not None:
            raise ClaimFailedError(_told(audit, self.path))


class ClaimFailedError(Exception):
    """The verdict is not the one that the claim expects, or there is none."""


def _properties(audit: Audit) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [
        ("claim", audit.claim.id),
        ("verdict", audit.verdict.label),
        ("explained_by", ", ".join(audit.verdict.explained_by)),
        ("certain", "; ".join(audit.verdict.certain)),
    ]
    fit = audit.raw_fit
    if fit is not None:
        effect = fit["effect"]
        found += [
            ("effect", effect.estimate),
            ("effect_ci_lower", effect.ci_lower),
            ("effect_ci_upper", effect.ci_upper),
            ("p_two_level", fit.p_two_level),
            ("models", fit.models),
        ]
    return found


def _summary(outcome: str, found: dict[str, Any]) -> dict[str, Any]:
    from confounds import text

    bounds = (found.get("effect"), found.get("effect_ci_lower"), found.get("effect_ci_upper"))
    return {
        **found,
        "outcome": outcome,
        "effect": text.interval(*bounds) if "effect" in found else None,
        "explained_by": found["explained_by"] or None,
    }


def _told(audit: Audit, path: Path) -> str:
    from confounds import text
    from confounds.reasons import certain, why

    claim, verdict = audit.claim, audit.verdict
    lines = [
        f"claim:    {claim.statement or claim.id}",
        f"expected: {claim.expect or 'a verdict'}",
        f"found:    {verdict.label}: {why(audit)}",
    ]
    fit = audit.raw_fit
    if fit is not None:
        shown = text.estimate(fit["effect"])
        lines.append(f"effect:   {shown} score points, {text.plural(fit.models, 'model')}")
    if verdict.explained_by:
        lines.append(f"rival:    {', '.join(verdict.explained_by)}")
    if verdict.certain:
        lines.append(f"certain:  {'; '.join(certain(audit))}")
    lines.append(f"again:    confounds audit --claims {path}")
    return "\n".join(lines)
