"""What CI installs is what `constraints.txt` names, held to hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
WITHOUT_HASH = {"torch"}
"""Its CPU and CUDA builds are one version with different hashes."""


def pins(path: Path) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PIN.findall(path.read_text())}


CONSTRAINED = pins(ROOT / "constraints.txt")


def test_the_lock_of_the_tests_is_the_list_of_constraints():
    locked = pins(ROOT / "locks" / "dev.txt")
    wanted = {name: pin for name, pin in CONSTRAINED.items() if name not in WITHOUT_HASH}
    assert locked == wanted, "run `make locks`"


def test_the_lock_of_the_core_holds_to_the_constraints():
    locked = pins(ROOT / "locks" / "core.txt")
    assert {"numpy", "pytest", "hatchling"} <= set(locked)
    assert "torch" not in locked
    assert locked == {name: CONSTRAINED[name] for name in locked}, "run `make locks`"


def test_the_lock_of_the_engines_holds_to_the_constraints():
    locked = pins(ROOT / "locks" / "engines.txt")
    assert {"ray", "submitit"} <= set(locked)
    shared = set(locked) & set(CONSTRAINED)
    assert {name: locked[name] for name in shared} == {name: CONSTRAINED[name] for name in shared}


@pytest.mark.parametrize("name", ["core", "dev", "engines", "fuzz", "tools"])
def test_every_package_of_a_lock_has_hashes_and_no_address(name):
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(ROOT / "locks" / f"{name}.txt")) > 0
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_ci_installs_by_hash():
    assert "make test LOCKED=1" in (ROOT / ".ci" / "run").read_text()
    assert "make test-engines LOCKED=1" in (ROOT / ".ci" / "engines").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes" in makefile
