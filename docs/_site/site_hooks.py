"""What the site has beside the pages in `docs/`: pages, tables and figures made from the sources.

Events of MkDocs 1.6: pages are added to the navigation and to the files, and the comments
`<!-- table: NAME -->` and `<!-- figure: NAME -->` of a page are replaced.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import audit_pages
import licences
import reference_pages
import rival_pages
from cost_tables import TABLES as COSTS
from mkdocs.structure.files import File
from result_figures import FIGURES, draw
from result_tables import TABLES
from verdict_tables import TABLES as VERDICTS

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r"<!-- (table|figure): (\w+) -->")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are made here under their headings."""
    made = {
        "rivals/index.md": list(rival_pages.pages())[1:],
        "audits/index.md": [{title: path} for path, title in audit_pages.titles().items()],
        "reference/index.md": [{title: path} for path, (title, _) in _reference()[1:]],
    }
    for entry in config.nav or []:
        for below in entry.values():
            for first, pages in made.items():
                if below[0] == first:
                    below.extend(pages)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    made = {
        **rival_pages.pages(),
        **{path: text for path, (_, text) in _reference()},
        **{path: audit_pages.page(path) for path in audit_pages.titles()},
        "audits/index.md": audit_pages.index(),
        "licences.md": licences.page(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    }
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    for path, source in audit_pages.sources().items():
        if path not in made:
            files.append(File.generated(config, path, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put tables and figures where a page asks for them."""
    return MARK.sub(_made, markdown)


def _made(found: re.Match[str]) -> str:
    kind, name = found.groups()
    return (TABLES | VERDICTS | COSTS)[name]() if kind == "table" else draw(FIGURES[name]())


def _reference() -> list[tuple[str, tuple[str, str]]]:
    return list(reference_pages.pages().items())
