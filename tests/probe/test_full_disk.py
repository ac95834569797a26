"""A file system that is really full: one clear message, exit code 4, no half file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
# Run in a namespace of its own, in which a small file system is mounted: $1 is its place, $2 its
# size. The first attempt fills it; it is then enlarged, and the second ends the study.
INSIDE = """
mount -t tmpfs -o "$2" tmpfs "$1" || exit 77
shift 2
"$@"
"""
ATTEMPTS = """
import json, subprocess, sys
from pathlib import Path
import pyarrow.parquet as pq
study, mount = sys.argv[1:]
out = Path(mount) / "out"
program = "from confounds.cli import main; main()"
command = [sys.executable, "-c", program, "probe", study, "--out", str(out), "--device", "cpu"]
def attempt():
    done = subprocess.run(command, capture_output=True, text=True)
    files = [path for path in Path(mount).rglob("*") if path.is_file()]
    for path in files:
        if path.suffix == ".parquet":
            pq.read_table(path, partitioning=None, page_checksum_verification=True)
        elif path.suffix == ".json":
            json.loads(path.read_text())
    return {
        "code": done.returncode,
        "error": done.stderr,
        "parts": [str(path) for path in files if path.suffix == ".part"],
        "cells": {
            str(path.relative_to(out)): path.read_bytes().hex()
            for path in files if path.suffix == ".parquet"
        },
    }
full = attempt()
subprocess.run(["mount", "-o", "remount,size=100m,nr_inodes=10000", mount], check=True)
print(json.dumps([full, attempt()]))
"""


def attempts(study: Path, mount: Path, size: str) -> list[dict[str, Any]]:
    """What the study came to on a file system of one size, and again after it was enlarged."""
    if shutil.which("unshare") is None:
        pytest.skip("no small file system can be mounted here: there is no unshare")
    mount.mkdir(exist_ok=True)
    script = [sys.executable, "-c", ATTEMPTS, str(study), str(mount)]
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", INSIDE, "sh"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    command = [*namespace, str(mount), size, *script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 77 or done.stderr.startswith("unshare"):
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def check(first: dict[str, Any], second: dict[str, Any], cells: int) -> None:
    assert first["code"] == 4, first["error"]
    assert first["error"].count("\n") == 1
    assert "no space left to write" in first["error"]
    assert "make room, then run the same command again" in first["error"]
    assert not first["parts"]
    assert len(first["cells"]) < cells
    assert second["code"] == 0, second["error"]
    assert not second["parts"]
    assert len(second["cells"]) == cells
    assert first["cells"].items() <= second["cells"].items()


FAKE = """
name = "fake"
metrics = ["exact_match", "target_log_prob"]
[[models]]
path = "one"
parameters = 1e3
backend = "fake:BACKEND"
[[tasks]]
name = "words"
items = "items.jsonl"
[conditions]
shots = [0, 1, 2]
"""


@pytest.mark.parametrize("size", ["size=28k"])
def test_a_full_disk(write_study: Any, tmp_path: Path, size: str) -> None:
    check(*attempts(write_study(text=FAKE), tmp_path / "disk", size), cells=3)


def test_a_disk_filled_by_logits(write_study: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = write_study()
    text = path.read_text().replace("seeds = [0, 1]", 'seeds = [0]\nstore = "logits"')
    path.write_text(text)
    # Three conditions, each a cell and its logits.
    check(*attempts(path, tmp_path / "disk", "size=64k"), cells=6)
