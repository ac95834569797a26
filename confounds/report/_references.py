"""What the numbers of some audits rest on, as BibTeX: the works behind what was really used."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from confounds.verdict import SCREENING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from confounds.exploration import Exploration
    from confounds.results import Audit

_THRESHOLD = ("andrews1993", "davies1987", "hansen1996", "paule1982")
_RIVALS = {
    "in_context": "lu2024",
    "metric_choice": "schaeffer2023",
    "seed_luck": "zhao2025",
}
_ATTRIBUTION = {"shapley": "shorrocks2013", "gelbach": "gelbach2016", "khb": "karlson2012"}


def bibtex(audits: Sequence[Audit]) -> str:
    """The works that these audits used, as one BibTeX document in the order of their keys."""
    keys = {key for audit in audits for key in _used(audit)}
    if len(audits) > 1:
        keys.add("holm1979" if len(audits) < SCREENING else "benjamini1995")
    known = entries()
    return "\n".join(known[key] for key in sorted(keys))


def entries() -> dict[str, str]:
    """Key -> BibTeX entry of everything that an audit may rest on."""
    content = files("confounds.report").joinpath("_references.bib").read_text(encoding="utf-8")
    found = (f"{entry.strip()}\n" for entry in re.split(r"\n(?=@)", content))
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in found}


def _used(audit: Audit) -> Iterator[str]:
    yield "wei2022"
    if audit.raw_fit is not None:
        yield from _THRESHOLD
    absence = audit.apparent.get("absence")
    tested = [test.rival for test in audit.tests if test.status == "tested"]
    if tested or (absence is not None and absence.estimates):
        yield "schuirmann1987"
    yield from (_RIVALS[name] for name in tested if name in _RIVALS)
    if audit.descriptions:
        yield from ("lu2024", "srivastava2023")
    if audit.exploration is not None:
        yield from _used_around(audit.exploration)


def _used_around(explored: Exploration) -> Iterator[str]:
    yield from (_ATTRIBUTION[item.method] for item in explored.attribution if item.shares)
    if explored.multiverse is not None and explored.multiverse.specifications:
        yield "simonsohn2020"
    if explored.shape is not None:
        yield "simonsohn2018"
    if explored.slices:
        yield "wu2024"
