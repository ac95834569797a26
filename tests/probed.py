"""What a run of a study leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is part of the results."""
    cells = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    return {**cells, "manifest": (folder / "manifest.json").read_bytes()}


def cells_done(folder: Path) -> int:
    """How many cells all runs into the folder say that they asked."""
    records = (folder / "runs").iterdir()
    return sum(json.loads(path.read_text())["cells_done"] for path in records)
