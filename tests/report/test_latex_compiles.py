"""The LaTeX tables compile, and the numbers on the page are the audit's.

Needs `pdflatex` with booktabs and siunitx (Debian: texlive-latex-base, texlive-science) or
tectonic, and `pdftotext` (poppler-utils); `make latex` runs it and tells what is missing.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from confounds import plugins
from confounds.export import latex_table
from confounds.results import Audit, Estimate

ENGINE = shutil.which("pdflatex") or shutil.which("tectonic")
READER = shutil.which("pdftotext")
pytestmark = pytest.mark.skipif(
    ENGINE is None or READER is None,
    reason="no LaTeX (pdflatex or tectonic), or no pdftotext",
)
DOCUMENT = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,longtable,siunitx,textcomp}
\begin{document}
%s
See Table~\ref{tab:mine} and Table~\ref{tab:rivals}.
\end{document}
"""
AWKWARD = "50% of #1 & $x_1^2$ ~ {a} \\b \"q\" <p> 'r' `s`"


def compiled(audits: tuple[Audit, ...], folder: Path) -> str:
    """The text of the page that the tables of these audits make."""
    tables = latex_table(audits, caption="Ours & theirs", label="tab:mine")
    tables += latex_table(audits, "rivals")
    (folder / "paper.tex").write_text(DOCUMENT % tables, encoding="utf-8")
    assert ENGINE is not None
    assert READER is not None
    options = ["-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape"]
    command = [ENGINE, *(options if ENGINE.endswith("pdflatex") else []), "paper.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "too large" not in done.stdout
    shown = subprocess.run(
        [READER, "-layout", "paper.pdf", "-"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    # A minus sign, and the slot of the fi ligature in T1 fonts.
    return shown.stdout.replace("\N{MINUS SIGN}", "-").replace("\x1c", "fi")


def rounded(*values: float | None) -> list[str]:
    return [f"{value:.2f}" for value in values if value is not None]


def test_the_numbers_on_the_page_are_those_of_the_audits(audits, tmp_path) -> None:
    page = compiled(audits, tmp_path)
    for audit in audits:
        row = next(line.split() for line in page.splitlines() if audit.claim.task in line.split())
        assert audit.verdict.label in row
        if not audit.fits:
            continue
        fit = audit.fits[0]
        effect = fit["effect"]
        numbers = rounded(effect.estimate, effect.ci_lower, effect.ci_upper)
        assert row[2:5] == numbers
        p = fit.p_two_level
        assert row[5] == ("<0.001" if p < 0.001 else f"{p:.3f}")
        assert row[6] == str(fit.models)
    assert "See Table 1 and Table 2." in page
    assert "Ours & theirs" in page


def test_the_rivals_on_the_page_are_those_of_the_audits(audits, tmp_path) -> None:
    page = compiled(audits[1:2], tmp_path)
    for test in audits[1].tests:
        if test.effect is None or test.change is None:
            continue
        row = next(
            line for line in page.splitlines() if line.strip().startswith(test.rival)
        ).split()
        numbers = rounded(test.effect.estimate, test.effect.ci_lower, test.effect.ci_upper)
        assert row[2:5] == numbers
        change = rounded(test.change.estimate, test.change.ci_lower, test.change.ci_upper)
        assert row[-3:] == change


def test_characters_with_a_meaning_compile_to_themselves(audits, tmp_path) -> None:
    claim = replace(audits[0].claim, task=AWKWARD)
    page = " ".join(compiled((replace(audits[0], claim=claim),), tmp_path).split())
    # TeX's fonts have typographic quotes only in some slots; all else must be there as it was.
    assert "50% of #1 & $x_1^2$ ~ {a} \\b" in page
    assert "<p>" in page


def test_what_steers_a_terminal_stops_no_typesetter_and_names_stay_apart(audits, tmp_path) -> None:
    names = ("a\x1b[2J", "a\x1c[2J", "a\u200b\u202e", "line\nbreak", "line break")
    claims = [replace(audits[0].claim, id=name, task=name) for name in names]
    page = compiled(tuple(replace(audits[0], claim=claim) for claim in claims), tmp_path)
    for shown in ("a?001B[2J", "a?001C[2J", "a?200B?202E", "line?000Abreak", "line break"):
        assert shown in page


def test_long_names_and_many_rivals_fit_the_pages(audits, tmp_path) -> None:
    """Every rival of several tasks, with a name of BIG-bench and one without an end."""
    names = ("international_phonetic_alphabet_transliterate", "x" * 100, "a", "b")
    rivals = sorted(plugins.load_all("rivals"))
    tested = next(test for test in audits[1].tests if test.effect is not None)
    found = [
        replace(
            audits[1],
            claim=replace(audits[1].claim, id=name, task=name),
            tests=tuple(replace(tested, rival=rival) for rival in rivals),
            verdict=replace(audits[1].verdict, explained_by=tuple(rivals[:4])),
        )
        for name in names
    ]
    page = compiled(tuple(found), tmp_path)
    assert page.count(f"{tested.outcome}  ") >= len(rivals) * len(names)
    assert page.count("Outcome") > 1


def test_scores_in_the_thousands_fit_too(audits, tmp_path) -> None:
    """Log-probabilities of long targets are no proportions."""

    def wide(found: Estimate | None) -> Estimate | None:
        if found is None or found.estimate is None:
            return found
        return replace(found, estimate=-4000.0, ci_lower=-5000.0, ci_upper=-1000.0)

    tests = tuple(
        replace(test, effect=wide(test.effect), change=wide(test.change))
        for test in audits[1].tests
    )
    fit = audits[1].fits[0]
    fit = replace(fit, estimates=tuple(item for one in fit.estimates if (item := wide(one))))
    page = compiled((replace(audits[1], tests=tests, fits=(fit,)),), tmp_path)
    assert page.count("-4000.00") >= 3
