"""Names from data are text on the page: no tag, attribute, address or script comes of them.

The page's own rules (policy, escaping of every field): `tests/report/test_page.py`.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

pytestmark = pytest.mark.report

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% for x in y %}",
    "</script><script>alert(1)</script>",
    "<!--<script>",
)


class Tags(HTMLParser):
    """Tags with their attributes, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("interactive", [False, True])
def test_pages_have_the_tags_of_a_harmless_one(tmp_path, hostile, interactive):
    from confounds.report import write_report

    def page(name: str) -> str:
        outcomes, audits = hostile(name)
        path = tmp_path / "page.html"
        write_report(audits, path, outcomes=outcomes, interactive=interactive)
        return path.read_text(encoding="utf-8")

    name = " ".join(PAYLOADS)
    wrong, right = Tags(page(name)), Tags(page("harmless"))
    assert [tag for tag, _ in wrong.found] == [tag for tag, _ in right.found]
    for tag, attributes in wrong.found:
        assert not [key for key in attributes if key.startswith("on")], tag
        for key in ("href", "src", "xlink:href", "action", "srcdoc"):
            assert not re.match(r"\s*(javascript|data:text|http)", attributes.get(key) or ""), tag


def test_template_marks_are_not_run(tmp_path, hostile):
    from confounds.report import write_report

    outcomes, audits = hostile(" ".join(PAYLOADS))
    page = write_report(audits, tmp_path / "a.html", outcomes=outcomes).read_text(encoding="utf-8")
    assert "{{ 7*7 }}" in page
