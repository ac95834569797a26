"""Makes every report again: the HTML page, and the table of verdicts in its README.

    python reports/refresh.py [FOLDER...]

For each folder with claims: `confounds audit --claims FOLDER.claims.toml --report
out/report.html`, whose printed table replaces what stands between the two marks in the README. In
every page, what stands between `<!-- printed by: COMMAND -->` and `<!-- end -->` is replaced by
what COMMAND prints, run at the root of the repository.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
START, END = "<!-- printed by the command -->", "<!-- end -->"
PRINTED = re.compile(r"(<!-- printed by: (.+?) -->).*?(?=<!-- end -->)", re.DOTALL)


def refresh(folder: Path) -> None:
    """Run the folder's command and put what it prints into the README."""
    claims = folder / f"{folder.name}.claims.toml"
    page = folder / "out" / "report.html"
    page.parent.mkdir(exist_ok=True)
    command = [
        str(Path(sys.executable).with_name("confounds")),
        "audit",
        "--claims",
        str(claims),
        "--report",
    ]
    printed = subprocess.run([*command, str(page)], check=True, capture_output=True, text=True)
    readme = folder / "README.md"
    before, _, rest = readme.read_text().partition(START)
    _, _, after = rest.partition(END)
    table = printed.stdout.split("\n\n")[0].rstrip()
    readme.write_text(f"{before}{START}\n\n```text\n{table}\n```\n\n{END}{after}")


def refresh_printed(page: Path) -> None:
    """Run every command that a page names and put what it prints below it."""
    content = page.read_text()

    def printed(found: re.Match[str]) -> str:
        words = shlex.split(found[2])
        program = {"python": sys.executable}.get(
            words[0], str(Path(sys.executable).with_name(words[0]))
        )
        done = subprocess.run(
            [program, *words[1:]], check=True, capture_output=True, text=True, cwd=HERE.parent
        )
        return f"{found[1]}\n\n```text\n{done.stdout.rstrip()}\n```\n\n"

    page.write_text(PRINTED.sub(printed, content))


def main() -> None:
    """Refresh the folders named, by default all."""
    named = [HERE / name for name in sys.argv[1:]]
    for folder in named or sorted(path.parent for path in HERE.glob("*/README.md")):
        if list(folder.glob("*.claims.toml")):
            refresh(folder)
        for page in sorted(folder.glob("*.md")):
            refresh_printed(page)


if __name__ == "__main__":
    main()
