"""One page for each rival explanation, from its docstring and what its class declares."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from confounds import plugins

ROOT = Path(__file__).resolve().parents[2]
LABELS = {
    "Estimand": "What is estimated",
    "Formula": "Formula",
    "Assumption that would break it": "The assumption that would break it",
    "Source": "Source",
}
"""First words of a paragraph of the docstring -> heading of the page."""


@dataclass(frozen=True)
class Words:
    """A docstring in parts.

    Attributes:
        question: its first line.
        story: paragraphs without a label.
        labelled: label -> paragraph, for the labels of `LABELS` that are there.
    """

    question: str
    story: tuple[str, ...]
    labelled: dict[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Labels that the docstring lacks."""
        return tuple(label for label in LABELS if label not in self.labelled)


def parts(docstring: str) -> Words:
    """A docstring in parts; a label opens a paragraph: `Formula: ...`."""
    question, *paragraphs = docstring.split("\n\n")
    story: list[str] = []
    labelled: dict[str, str] = {}
    for paragraph in paragraphs:
        label, _, rest = paragraph.partition(":")
        if label in LABELS:
            labelled[label] = rest.strip() if label == "Formula" else _sentence(rest.strip())
        else:
            story.append(paragraph)
    return Words(" ".join(question.split()), tuple(story), labelled)


def _sentence(text: str) -> str:
    """The text, with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def docstring_of(path: Path) -> str:
    """The docstring of a module, read from its source."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


@cache
def _sentences(attribute: str) -> dict[str, str]:
    """What every rival declares, read once for all pages."""
    return plugins.sentences("rivals", attribute)


def rival_page(name: str) -> str:
    """The page of one rival, as Markdown."""
    words = parts(docstring_of(ROOT / "confounds" / "rivals" / f"{name}.py"))
    null, needs = _sentences("null")[name], _sentences("needs")[name]
    lines = [
        f"# {name}",
        f"**{words.question}**",
        f"*Null:* {null}.",
        f"*Needs:* {needs}.",
        "## What it asks",
        *words.story,
    ]
    for label, heading in LABELS.items():
        if label in words.labelled:
            lines += [f"## {heading}", words.labelled[label]]
    lines += [
        "## Where it is",
        (
            f"`confounds/rivals/{name}.py`; in the document of `confounds audit --json` it is the "
            f'entry of `rivals` whose `rival` is `"{name}"`. See the [reference]'
            f"(../reference/rivals.md)."
        ),
    ]
    return "\n\n".join(lines) + "\n"


def rivals_index() -> str:
    """The overview: one row a rival."""
    questions = plugins.summaries("rivals")
    needs = _sentences("needs")
    rows = [
        f"| [{name}]({name}.md) | {questions[name].partition(': ')[2] or questions[name]} "
        f"| {needs[name]} |"
        for name in plugins.names("rivals")
    ]
    story = (
        f"{len(rows)} other reasons for a curve that is flat and then rises. Each has a null, a "
        "sentence, and a condition in which it cannot act. `confounds check OUTCOMES` says which "
        "of them a table can test, and what it lacks for the rest."
    )
    head = ["| rival | asks | needs |", "|---|---|---|"]
    return "\n".join(["# Rival explanations", "", story, "", *head, *rows, ""])


@cache
def pages() -> dict[str, str]:
    """Path below `docs/` -> Markdown, the overview first."""
    found = {"rivals/index.md": rivals_index()}
    found |= {f"rivals/{name}.md": rival_page(name) for name in plugins.names("rivals")}
    return found
