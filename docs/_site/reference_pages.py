"""Pages of the API reference: which modules stand on which page, found in the package itself."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "confounds"
PARTS = {
    "outcomes": ("The table", ("confounds.outcomes", "confounds.measures", "confounds.quality")),
    "claims": ("Claims", ("confounds.claim",)),
    "audit": ("Audits", ("confounds.pipeline", "confounds.verdict")),
    "results": ("Results", ("confounds.results", "confounds.exploration")),
    "ingest": ("Reading results", ("confounds.ingest",)),
    "study": ("Studies and probing", ("confounds.study", "confounds.probe", "confounds.engines")),
    "reports": ("Reports and export", ("confounds.report", "confounds.export")),
    "questions": (
        "Further questions",
        ("confounds.strategies", "confounds.phases", "confounds.wanted"),
    ),
    "errors": ("Errors", ("confounds.errors",)),
    "plugins": ("Extensions", ("confounds.plugins",)),
}
"""Page -> its title, and the modules on it. Folders of extensions have a page each besides."""
FOLDERS = {"metrics": "Metrics", "curves": "Curves", "inference": "Tests", "rivals": "Rivals"}


def public_names() -> tuple[str, ...]:
    """`confounds.__all__`, read from its source."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(ast.literal_eval(node.value))
    msg = "confounds/__init__.py has no __all__"
    raise LookupError(msg)


def page(title: str, modules: tuple[str, ...]) -> str:
    """A page that shows what some modules say of themselves."""
    return "\n\n".join([f"# {title}", *(f"::: {module}" for module in modules)]) + "\n"


def folder_modules(folder: str) -> tuple[str, ...]:
    """The modules of a folder whose names have no leading underscore."""
    return tuple(
        f"confounds.{folder}.{path.stem}" for path in sorted((PACKAGE / folder).glob("[!_]*.py"))
    )


def pages() -> dict[str, tuple[str, str]]:
    """Path below `docs/` -> title and Markdown, the overview first."""
    found = {
        f"reference/{name}.md": (title, page(title, modules))
        for name, (title, modules) in PARTS.items()
    }
    for folder, title in FOLDERS.items():
        found[f"reference/{folder}.md"] = (title, page(title, folder_modules(folder)))
    return {"reference/index.md": ("Reference", _index(found)), **found}


def _index(found: dict[str, tuple[str, str]]) -> str:
    lines = [
        "# Reference",
        "",
        "What `import confounds as cf` gives: "
        + ", ".join(f"`{name}`" for name in public_names())
        + ".",
        "",
    ]
    lines += [
        f"- [{title}]({path.removeprefix('reference/')})" for path, (title, _) in found.items()
    ]
    return "\n".join(lines) + "\n"
