"""The audits of published claims and of the embedded models: `reports/` as pages of the site."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
PLACE = "audits"
SHOWN = (".md", ".svg", ".toml")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


def sources() -> dict[str, Path]:
    """Path below `docs/` -> file of `reports/`, overviews before what they lead to."""
    found = sorted(
        path
        for path in REPORTS.rglob("*")
        if path.suffix in SHOWN and "out" not in path.relative_to(REPORTS).parts
    )
    found.sort(key=lambda path: (path.parent, path.name != "README.md"))
    return {f"{PLACE}/{path.relative_to(REPORTS).as_posix()}": path for path in found}


def titles() -> dict[str, str]:
    """Path below `docs/` -> heading, of the pages."""
    found = {}
    for place, path in sources().items():
        if path.suffix == ".md":
            heading = HEADING.search(path.read_text(encoding="utf-8"))
            found[place] = heading[1] if heading else path.stem
    return found


def page(place: str) -> str:
    """A report as a page; what it links to outside of `reports/` is named, not linked."""
    path = sources()[place]
    known = set(sources().values())

    def kept(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        file = PurePosixPath(target.partition("#")[0])
        if "://" in target or target.startswith("#") or (path.parent / file).resolve() in known:
            return found[0]
        return found[0] if mark else words

    return LINK.sub(kept, path.read_text(encoding="utf-8"))


def index() -> str:
    """The overview of the audits."""
    lines = [f"- [{title}]({place.removeprefix(f'{PLACE}/')})" for place, title in titles().items()]
    story = "Each page has the claim, the command that audits it, and what was found."
    return "\n".join(["# Audits", "", story, "", *lines, ""])
