"""How fast results are read, beside the tool's own reader, and with how much memory.

    python benchmarks/ingest.py                     every format, and the folders
    python benchmarks/ingest.py formats lm_eval     one format
    python benchmarks/ingest.py folders --gb 0.25 0.5

*Formats*: `read_outcomes` (every check, chance, facts of models) beside others, in rounds that
alternate who is first, each in a process of its own, on one thread; seconds do not count imports.
A ratio is their seconds by ours, the median over rounds. `load` is what the tool or its examples
read a file with. Inspect's gives a row a sample; it writes and reads the log, where it is installed
(`pip install inspect_ai`). Pandas only loads what is there, nested values as they stand: it makes
no row a score, and it loads the prompts, which `read_outcomes` leaves on disk where the format lets
it (lighteval). `table` is therefore pandas up to item, metric and score, the one thing that both
can be asked for, from the columns that this takes; chance, checks and facts are still ours alone.
*Folders*: lm-eval runs of 10 MB each,
read as one table; the peak memory should not grow with the folder. What is run again replaces its
own part of the results.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _formats as made
from _measured import machine

if TYPE_CHECKING:
    from collections.abc import Callable

OUT = Path(__file__).parent / "results" / "ingest.json"
ROUNDS = 5
GIGABYTES = (0.25, 0.5, 1.0, 2.0)
RUN_SAMPLES = 5000
"""Samples of one run of the folders: about 10 MB."""


@dataclass(frozen=True, slots=True)
class Case:
    """One format.

    Attributes:
        write: makes a folder of so many samples.
        samples: how many.
        load: what the tool or its examples read it with, or None.
        called: what that is.
        table: pandas, up to a row a score; None where `load` is no pandas.
        needs: a package without which this format is left out.
    """

    write: Callable[[Path, int], None]
    samples: int
    load: Callable[[Path], int] | None = None
    called: str = ""
    table: Callable[[Path], int] | None = None
    needs: str | None = None

    def readers(self) -> dict[str, Callable[[Path], int]]:
        """Side -> its reader."""
        others = {"load": self.load, "table": self.table}
        return {"ours": ours, **{side: read for side, read in others.items() if read is not None}}


def ours(folder: Path) -> int:
    """The package's reader, with everything that it checks and fills in."""
    from confounds.ingest import read_outcomes  # noqa: PLC0415  each process its own imports

    return len(read_outcomes(folder))


CASES = {
    "lm_eval": Case(
        *(made.write_lm_eval, 20_000, made.load_lm_eval, "read_json"), made.table_lm_eval
    ),
    "inspect_ai": Case(
        made.write_inspect, 2_000, made.load_inspect, "samples_df", needs="inspect_ai"
    ),
    "lighteval": Case(
        *(made.write_lighteval, 20_000, made.load_lighteval, "read_parquet"), made.table_lighteval
    ),
    "openai_evals": Case(
        *(made.write_openai_evals, 20_000, made.load_openai_evals, "read_json"),
        made.table_openai_evals,
    ),
    "helm": Case(made.write_helm, 20_000),
    "evalplus": Case(made.write_evalplus, 20_000),
}


def run_one(read: Callable[[Path], int], folder: Path) -> None:
    """Print what reading a folder takes, as JSON; imports are made before, on no data."""
    _import(read)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = read(folder)
    taken = {
        "rows": rows,
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_mb": _peak_mb(),
    }
    print(json.dumps(taken))


def _peak_mb() -> int:
    """Highest memory of this process; `ru_maxrss` would count that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def _import(read: Callable[[Path], int]) -> None:
    """Import what the reader will need."""
    if read is ours:
        import confounds.ingest  # noqa: F401, PLC0415
        from confounds import plugins  # noqa: PLC0415

        plugins.load_all("ingest")
        return
    import pandas as pd  # noqa: F401, PLC0415
    import pyarrow.parquet  # noqa: F401, PLC0415

    if read is made.load_inspect:
        import inspect_ai.analysis  # noqa: F401, PLC0415


def taken(how: str, name: str, folder: Path) -> dict[str, Any]:
    """What one reader takes, in a process of its own."""
    command = [sys.executable, __file__, "--one", how, name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        msg = f"{' '.join(command)}: {done.stderr[-2000:]}"
        raise RuntimeError(msg)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(name: str, folder: Path) -> dict[str, Any]:
    """One format: what each side takes, and its ratio to ours, over rounds."""
    case = CASES[name]
    case.write(folder, case.samples)
    sides = tuple(case.readers())
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for turn in range(ROUNDS):
        for side in sides if turn % 2 == 0 else sides[::-1]:
            found[side].append(taken(side, name, folder))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    result: dict[str, Any] = {"samples": case.samples, "mb": round(size / 1e6, 1)}
    for side, runs in found.items():
        cpu = statistics.median(run["cpu_seconds"] for run in runs)
        result[side] = {
            "cpu_seconds": cpu,
            "samples_per_second": round(case.samples / cpu),
            "peak_mb": max(run["peak_mb"] for run in runs),
        }
        if side != "ours":
            both = zip(found["ours"], runs, strict=True)
            ratios = [theirs["cpu_seconds"] / own["cpu_seconds"] for own, theirs in both]
            result[side]["ratio"] = round(statistics.median(ratios), 2)
    return result | ({"loaded_with": case.called} if case.load else {})


def compare_formats(names: list[str]) -> dict[str, Any]:
    """Every format that can be written here, printed as it comes."""
    columns = f"{'load':<14}{'its /s':>9}{'MB':>6}{'ratio':>7}{'table /s':>10}{'MB':>6}{'ratio':>7}"
    print(f"{'format':<14}{'ours /s':>9}{'MB':>6}  {columns}")
    found = {}
    for name in names:
        needs = CASES[name].needs
        if needs is not None and importlib.util.find_spec(needs) is None:
            print(f"{name:<14} left out: {needs} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            one = found[name] = compare(name, Path(folder))
        line = f"{name:<14}{one['ours']['samples_per_second']:>9,}{one['ours']['peak_mb']:>6}"
        line += f"  {one.get('loaded_with', ''):<14}"
        for side, width in (("load", 9), ("table", 10)):
            if side in one:
                other = one[side]
                line += f"{other['samples_per_second']:>{width},}{other['peak_mb']:>6}"
                line += f"{other['ratio']:>7.2f}"
        print(line.rstrip())
    return found


def measure_folders(gigabytes: list[float]) -> list[dict[str, Any]]:
    """Peak memory and time over folders of lm-eval runs of several sizes."""
    print(f"\n{'folder GB':>9}{'runs':>6}{'CPU s':>8}{'MB/s':>7}{'peak MB':>9}")
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder, first = Path(place) / "runs", Path(place) / "first"
        made.write_lm_eval(first, RUN_SAMPLES)
        source = first / "0000"
        size = sum(path.stat().st_size for path in source.iterdir())
        runs = 0
        for wanted in sorted(gigabytes):
            while runs * size < wanted * 1e9:
                _copy_run(source, folder / f"{runs:04d}", runs)
                runs += 1
            one = taken("ours", "lm_eval", folder)
            one = {"gb": round(runs * size / 1e9, 2), "runs": runs, **one}
            found.append(one)
            speed = runs * size / 1e6 / one["cpu_seconds"]
            line = f"{one['gb']:>9.2f}{runs:>6}{one['cpu_seconds']:>8.1f}{speed:>7.1f}"
            print(f"{line}{one['peak_mb']:>9}")
    return found


def _copy_run(source: Path, place: Path, number: int) -> None:
    """The same run of another model."""
    shutil.copytree(source, place)
    results = next(place.glob("results_*.json"))
    results.write_text(results.read_text().replace("org/tiny-0", f"org/tiny-{number}"))


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=("formats", "folders"))
    parser.add_argument("names", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--gb", type=float, nargs="+", default=list(GIGABYTES))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        how, name, folder = chosen.one
        run_one(CASES[name].readers()[how], Path(folder))
        return
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    results["machine"] = machine()
    if chosen.part in (None, "formats"):
        found = compare_formats(chosen.names or list(CASES))
        results["formats"] = {**results.get("formats", {}), **found}
    if chosen.part in (None, "folders"):
        results["folders"] = measure_folders(chosen.gb)
    chosen.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
