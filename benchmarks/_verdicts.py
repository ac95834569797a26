"""Counts verdicts over many tables of known truth; resumable, spread over processes."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _worlds import claim_of, draw_table

from confounds.pipeline import Settings, audit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from _worlds import Drawn, World

    from confounds.results import Verdict

REPLICATES = 199
BLOCK = 25
MOST_WRONG = 0.05
PACKAGES = ("emergence-confounds", "numpy", "scipy", "pandas")
LABELS = ("survives", "explained", "inconclusive", "absent")
Job = tuple[str, int, int]
"""Truth, number of models, number of the block of simulations."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of the table.

    Attributes:
        world: what is drawn.
        explains: the rivals that may rightly explain it.
        survives: whether a true threshold is there.
    """

    world: World
    explains: frozenset[str] = frozenset()
    survives: bool = False

    def is_wrong(self, verdict: Verdict, drawn: Drawn, margin: float) -> bool:
        """Whether a verdict contradicts the truth."""
        if verdict.label == "survives":
            return not self.survives
        if verdict.label == "explained":
            return not set(verdict.explained_by) <= self.explains
        return verdict.label == "absent" and drawn.start < margin < drawn.end


def run_block(job: Job, truths: Mapping[str, Truth]) -> Counter[str]:
    """Verdicts over one block of tables of one truth."""
    name, models, block = job
    truth = truths[name]
    rng = np.random.default_rng([block, models, *name.encode()])
    settings = Settings(replicates=REPLICATES, sharpness=False)
    claim = claim_of(truth.world)
    found: Counter[str] = Counter()
    for _ in range(BLOCK):
        drawn = draw_table(truth.world, models, rng)
        verdict = audit(claim, drawn.outcomes, settings=settings).verdict
        found[f"{verdict.label} {' '.join(verdict.explained_by)}".strip()] += 1
        found["wrong"] += truth.is_wrong(verdict, drawn, claim.margin)
    return found


def describe(key: str, cell: dict[str, Any]) -> str:
    """One line of the printed table."""
    simulations = len(cell["blocks"]) * BLOCK
    rates = dict.fromkeys(LABELS, 0)
    for name, count in cell["verdicts"].items():
        if name != "wrong":
            rates[name.split()[0]] += count
    shown = "  ".join(f"{label} {rates[label] / simulations:.3f}" for label in LABELS)
    wrong = cell["verdicts"].get("wrong", 0) / simulations
    flag = "  <-- above" if wrong > MOST_WRONG else ""
    return f"{key:44s} n={simulations:<5d} {shown}  wrong {wrong:.3f}{flag}"


def count_verdicts(
    truths: Mapping[str, Truth], sizes: Sequence[int], default_out: Path, description: str
) -> None:
    """Parse the command line, run the missing blocks, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="only cells (truth/models) that contain this")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after so long")
    parser.add_argument("--out", type=Path, default=default_out)
    options = parser.parse_args()
    stored = json.loads(options.out.read_text()) if options.out.exists() else {"cells": {}}
    done = stored["cells"]
    keys = {f"{name}/{size}": (name, size) for size in sizes for name in truths}
    keys = {key: place for key, place in keys.items() if options.only in key}
    start = time.monotonic()
    missing = iter(_missing(done, keys, options.simulations))
    with ProcessPoolExecutor(options.workers) as pool:
        running: dict[Future[Counter[str]], Job] = {}
        while True:
            late = time.monotonic() - start > options.seconds
            for job in islice(missing, 0 if late else options.workers + 1 - len(running)):
                running[pool.submit(run_block, job, truths)] = job
            if not running:
                break
            for block in wait(running, return_when=FIRST_COMPLETED).done:
                _keep(done, running.pop(block), block.result())
            _write(options.out, stored)
    for key in keys:
        if key in done:
            print(describe(key, done[key]))


def _missing(
    done: dict[str, dict[str, Any]], keys: dict[str, tuple[str, int]], simulations: int
) -> list[Job]:
    """The blocks that are not done, one block of every cell before the next."""
    return [
        (*place, block)
        for block in range(-(-simulations // BLOCK))
        for key, place in keys.items()
        if block not in done.get(key, {}).get("blocks", [])
    ]


def _keep(done: dict[str, dict[str, Any]], job: Job, verdicts: Counter[str]) -> None:
    name, models, block = job
    cell = done.setdefault(f"{name}/{models}", {"blocks": [], "verdicts": {}})
    cell["blocks"] = sorted({*cell["blocks"], block})
    cell["verdicts"] = dict(sorted((Counter(cell["verdicts"]) + verdicts).items()))


def _write(path: Path, stored: dict[str, Any]) -> None:
    stored["settings"] = {"replicates": REPLICATES, "block": BLOCK, "seed": "block, models, name"}
    stored["versions"] = {name: version(name) for name in PACKAGES}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_suffix(".partial")
    partial_path.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
    partial_path.replace(path)
