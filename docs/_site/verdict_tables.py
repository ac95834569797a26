"""Tables of verdicts over simulated tables whose truth is known, and of what stands around them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from result_tables import BENCHMARKS, entries, markdown, result, simulated, source

LABELS = ("survives", "explained", "inconclusive", "absent")
WHOLE = ("calibration", "truth_table")
"""Benchmarks of the whole decision; each fills its file for hours, and goes on where it stopped."""


def whole_decision() -> str:
    """Truth by verdict, of the whole decision, as far as it has been simulated."""
    shown = [_verdicts(name) for name in WHOLE if kept(name)]
    if shown:
        return "\n\n".join(shown)
    scripts = " and ".join(f"`benchmarks/{name}.py`" for name in WHOLE)
    return f"{scripts} simulate it; no result is kept of this version."


def kept(name: str) -> bool:
    """Whether a benchmark's result is there."""
    return (BENCHMARKS / "results" / f"{name}.json").exists()


def _verdicts(name: str) -> str:
    document = result(name)
    rows = [
        _row(key, cell, document["settings"]["block"]) for key, cell in document["cells"].items()
    ]
    names = ("truth", "models", "tables", *LABELS, "wrong")
    return markdown(names, rows) + source(name)


def _row(key: str, cell: dict[str, Any], block: int) -> tuple[object, ...]:
    truth, _, models = key.rpartition("/")
    tables = len(cell["blocks"]) * block
    counts: Counter[str] = Counter()
    for verdict, count in cell["verdicts"].items():
        counts[verdict.split()[0]] += count
    shares = (counts[label] / tables for label in (*LABELS, "wrong"))
    return truth, models, tables, *shares


def attribution() -> str:
    """How often the intervals of shares hold the truth, over all shares of one method."""
    found = entries("attribution")
    methods = list(dict.fromkeys(key.split()[0] for key in next(iter(found.values()))["rates"]))
    rows = []
    for name, entry in found.items():
        kept = {
            method: [one["coverage"] for key, one in entry["rates"].items() if method in key]
            for method in methods
        }
        rows.append((name, *(sum(values) / len(values) for values in kept.values())))
    names = ("confounds / own step / models / families", *methods)
    return markdown(names, rows) + source("attribution", simulated(found))


def presence() -> str:
    """What presence and absence say at 250 items, models being the unit."""
    found = result("presence")
    rows = [
        (cell["scenario"], cell["models"], *(cell[key] for key in PARTS))
        for cell in found["cells"]
        if cell["items"] == ITEMS and cell["unit"] == "model"
    ]
    names = ("models", "present", "not present", "absent below", "not absent below")
    note = f"{found['simulations']} simulations a cell, {ITEMS} items, margin {found['margin']}"
    return markdown(("truth", *names), rows) + source("presence", note)


ITEMS = 250
PARTS = ("presence_passed", "presence_failed", "absence_passed", "absence_failed")


def multiverse() -> str:
    """How often the specification curve's joint test rejects, and the best of its p-values."""
    found = entries("multiverse")
    kinds = ("median effect", "share significant", "smallest p of the specifications")
    rows = [(name, *(entry["rates"][kind] for kind in kinds)) for name, entry in found.items()]
    return markdown(("truth", *kinds), rows) + source("multiverse", simulated(found))


TABLES = {
    "whole_decision": whole_decision,
    "attribution": attribution,
    "presence": presence,
    "multiverse": multiverse,
}
