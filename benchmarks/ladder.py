"""Do the ladder's verdicts stay, over bootstrap seeds and over training it again?

Run: python benchmarks/ladder.py [--seeds 20] [--again NAME...] [--out FILE.json]

Stability: every registered claim is audited from the shipped table at each of the seeds. `--again`
trains the named runs again, puts them to the studies and compares their averages with those of the
shipped weights, cell by cell (a cell is a task, metric and condition). Each run is trained three
times: as it was, with two threads, and in double precision. The last two stand in for another
machine, which also adds in another order and rounds elsewhere; they are not one. What is not asked
for (`--seeds 0`, no `--again`) stays in the file as it was.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import torch

from confounds.claim import Claim, read_claims
from confounds.inference.fits import Settings
from confounds.ingest import read_outcomes
from confounds.ladder import recipe
from confounds.ladder.asking import probe_studies
from confounds.ladder.shipped import read_members
from confounds.ladder.studies import Crossing, write_studies
from confounds.ladder.weights import Work, train_ladder
from confounds.outcomes import Outcomes
from confounds.pipeline import audit_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from confounds.ladder.shipped import Member

CLAIMS = Path("reports/ladder/ladder.claims.toml")
AS_IT_WAS, THREADS, DOUBLE = "as it was", "two threads", "double precision"
KEYS = ["task", "metric", "shots", "demonstrations", "reasoning", "prompt", "exposure", "dose"]


@dataclass(frozen=True)
class Stability:
    """One claim over the seeds.

    Attributes:
        claim: its id.
        expected: the verdict that the truth demands.
        verdicts: verdict -> at how many seeds.
        explained_by: rival -> at how many seeds it explains.
        seeds: how many there are.
    """

    claim: str
    expected: str | None
    verdicts: dict[str, int]
    explained_by: dict[str, int]
    seeds: int


@dataclass(frozen=True)
class Again:
    """One training run, trained again.

    Attributes:
        model: its name.
        how: as it was, with two threads, or in double precision.
        same_weights: whether every byte is the same.
        largest: largest difference of a cell's average, by metric.
        seconds: CPU time of the training.
    """

    model: str
    how: str
    same_weights: bool
    largest: dict[str, float]
    seconds: float


def measure_stability(claims: tuple[Claim, ...], outcomes: Outcomes, seeds: int) -> list[Stability]:
    """Audit all claims at seeds 1 to `seeds`."""
    verdicts: dict[str, Counter[str]] = {claim.id: Counter() for claim in claims}
    rivals: dict[str, Counter[str]] = {claim.id: Counter() for claim in claims}
    for seed in range(1, seeds + 1):
        settings = Settings(seed=seed, sharpness=False)
        for audit in audit_all(outcomes, claims=claims, settings=settings):
            verdicts[audit.claim.id][audit.verdict.label] += 1
            rivals[audit.claim.id].update(audit.verdict.explained_by)
    return [
        Stability(claim.id, claim.expect, dict(verdicts[claim.id]), dict(rivals[claim.id]), seeds)
        for claim in claims
    ]


def train_again(names: list[str], how: str, folder: Path) -> list[Again]:
    """Train some runs again and compare what they score."""
    rungs = tuple(rung for rung in recipe.RUNGS if rung.name in names)
    with _trained(how):
        train_ladder(Work(folder / "weights", rungs))
    mine = {one.run: one for one in read_members(folder / "weights") if _is_run(one.facts)}
    shipped = {one.run: one for one in read_members() if _is_run(one.facts)}
    found = []
    for name in names:
        pair = (mine[name], shipped[name])
        first, second = ((one.folder / "model.safetensors").read_bytes() for one in pair)
        tables = [_averages(folder / f"{name}-{k}", one) for k, one in enumerate(pair)]
        gaps = (tables[0] - tables[1]).abs().groupby("metric").max()
        largest = {str(metric): round(float(gap), 6) for metric, gap in gaps.items()}
        seconds = float(pair[0].facts["cpu_seconds"])
        found.append(Again(name, how, first == second, largest, seconds))
    return found


@contextmanager
def _trained(how: str) -> Iterator[None]:
    """Training in another order of sums, or with other roundings."""
    training, build = recipe.training_of, recipe.build_model
    if how == THREADS:
        with patch.object(recipe, "training_of", lambda rung: replace(training(rung), threads=2)):
            yield
    elif how == DOUBLE:
        with patch.object(recipe, "build_model", lambda rung: build(rung).double()):
            yield
    else:
        yield


def _is_run(facts: dict[str, object]) -> bool:
    return facts["arm"] is None and not facts["partial"]


def _averages(folder: Path, member: Member) -> pd.Series:
    studies = write_studies(folder, Crossing(tuned=False, checkpoints=False), [member])
    probe_studies(studies, folder / "results")
    outcomes = read_outcomes([folder / "results" / study.stem for study in studies])
    cells = outcomes.cells()
    cells[KEYS] = cells[KEYS].astype(object).fillna("none").astype(str)
    return cells.groupby(KEYS)["score"].mean()


def show(stability: list[Stability], again: list[Again]) -> None:
    """Print both tables."""
    for row in stability:
        verdicts = ", ".join(f"{name} {count}" for name, count in row.verdicts.items())
        rivals = ", ".join(f"{name} {count}" for name, count in row.explained_by.items())
        print(f"{row.claim:<18} expects {row.expected!s:<12} {verdicts:<34} {rivals}")
    for one in again:
        print(f"{one.model:<18} {one.how:<18} same bytes: {one.same_weights}; gaps {one.largest}")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--again", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/ladder.json"))
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    document |= {"machine": platform.machine(), "torch": torch.__version__}
    stability, again = [], []
    if arguments.seeds:
        start = time.process_time()
        file = read_claims(CLAIMS)
        stability = measure_stability(file.claims, read_outcomes(file.outcomes), arguments.seeds)
        document["command"] = f"python benchmarks/ladder.py --seeds {arguments.seeds}"
        document["cpu_seconds"] = round(time.process_time() - start, 1)
        document["stability"] = [asdict(row) for row in stability]
    for how in (AS_IT_WAS, THREADS, DOUBLE) if arguments.again else ():
        with tempfile.TemporaryDirectory() as folder:
            again += train_again(arguments.again, how, Path(folder))
    if again:
        document["again"] = [asdict(row) for row in again]
    show(stability, again)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
