"""What an import may load: nothing heavy at the door, no extra in the core."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "numpy", "scipy", "statsmodels", "pyarrow", "torch", "transformers", "altair")
EXTRAS = ("torch", "transformers", "safetensors", "rapidfuzz", "altair", "jinja2", "vl_convert")

COMMANDS = ("ingest", "check", "audit", "report", "export", "list")
KINDS = ("metrics", "curves", "rivals", "formats", "backends", "engines", "sections")


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


def loaded_by(program: str) -> set[str]:
    shown = run(f"import sys\n{program}\nprint()\nprint(*sys.modules)")
    return set(shown.splitlines()[-1].split())


def with_arguments(*arguments: str) -> str:
    return f"""
sys.argv = {["confounds", *arguments]!r}
from confounds.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""


def test_the_check_sees_a_heavy_import() -> None:
    assert {"numpy", "pandas"} <= loaded_by("import pandas") & set(HEAVY)


@pytest.mark.parametrize(
    "program",
    [
        "import confounds",
        "import confounds; confounds.Claim; confounds.ConfoundsError; confounds.Audit",
        "import confounds; dir(confounds)",
        with_arguments("--help"),
        with_arguments("--version"),
        *[with_arguments(command, "--help") for command in COMMANDS],
        *[with_arguments("list", kind) for kind in KINDS],
    ],
)
def test_nothing_heavy_is_loaded(program: str) -> None:
    assert loaded_by(program) & set(HEAVY) == set()


def test_core_modules_need_no_extra() -> None:
    program = f"""
import importlib, pkgutil, sys
import confounds

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
for item in pkgutil.walk_packages(confounds.__path__, "confounds."):
    if item.name.split(".")[1] not in ("probe", "ladder", "report", "__main__"):
        importlib.import_module(item.name)
        print(item.name)
"""
    assert len(run(program).splitlines()) > 20
