"""What a notebook shows of a table, an audit and a fit: small tables in which names are inert."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from confounds.claim import Claim
from confounds.curves import CurveSample, compare_curves, fit_curve
from confounds.inference.mixed import MixedDesign, Term, fit_mixed, wald_test
from confounds.outcomes import Outcomes
from confounds.results import Audit, Estimate, Part, ThresholdFit, Verdict

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'</td></table>"
TAGS = {"p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Outline(HTMLParser):
    """Tags and text as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def fit(name: str) -> ThresholdFit:
    effect = Estimate("effect", 0.31, ci_lower=0.2, ci_upper=0.4)
    return ThresholdFit({"prompt": name}, (effect,), 0.0004, None, True, 17, 6, name)


def audit(name: str) -> Audit:
    raw = fit(name)
    parts = {"departure": Part("departure", "passed", name, raw.estimates)}
    claim = Claim(name, name, name)
    verdict = Verdict("explained", name, (name,), certain=(name,))
    return Audit(claim, verdict, parts, (), (raw,))


def table(name: str, rows: int = 2) -> Outcomes:
    models = [f"{name}{number}" for number in range(rows)]
    frame = pd.DataFrame({"model": models, "task": name, "metric": "accuracy", "score": 0.5})
    return Outcomes(frame.assign(n=4, family="f", prompt=name))


@pytest.mark.parametrize("make", [fit, audit, table])
def test_names_are_inert(make: Any) -> None:
    hostile, plain = Outline(make(HOSTILE)._repr_html_()), Outline(make("x")._repr_html_())
    assert hostile.tags == plain.tags
    assert set(plain.tags) <= TAGS
    assert HOSTILE in hostile.text


def test_an_audit_shows_its_verdict_and_its_estimates() -> None:
    shown = Outline(audit("addition")._repr_html_()).text
    assert shown.startswith("Audit")
    assert "explained" in shown
    assert "0.31" in shown


def test_a_fit_shows_its_decision_and_its_estimates() -> None:
    shown = Outline(fit("open")._repr_html_()).text
    assert "<0.001" in shown
    assert "prompt=open" in shown
    assert "0.40" in shown


def test_a_table_shows_its_first_rows_and_how_many_are_left() -> None:
    outline = Outline(table("m", 30)._repr_html_())
    assert outline.text.startswith("Outcomes(30 rows, 1 task, 1 metric, 30 models)")
    assert outline.tags.count("tr") == 11
    assert "and 20 further rows" in outline.text
    assert "shots" not in outline.text


def test_every_kind_of_fit_shows_itself() -> None:
    x = np.linspace(8.0, 11.0, 9)
    sample = CurveSample(x, 0.2 + 0.05 * (x - 8), np.full(9, 200.0), np.zeros(9), "binomial")
    rng = np.random.default_rng(0)
    block = rng.binomial(1, 0.6, size=(8, 20, 1)).astype(float)
    terms = (Term("intercept"), Term("x", model=np.linspace(-1.0, 1.0, 8)))
    mixed = fit_mixed(MixedDesign.from_block(block, terms=terms))
    found = (
        fit_curve("sigmoid", sample),
        compare_curves(sample, ("constant", "sigmoid")),
        mixed,
        wald_test(mixed, ("x",)),
    )
    for item in found:
        outline = Outline(item._repr_html_())
        assert outline.text.startswith(type(item).__name__)
        assert outline.tags.count("table") >= 1
        assert set(outline.tags) <= TAGS
