"""How time and memory of an audit grow with rows, tasks and models, and what that leads to.

    python benchmarks/scale.py                              every part but the whole
    python benchmarks/scale.py rows --sizes 1e5 1e6 1e7     one part, some sizes
    python benchmarks/scale.py whole                        1,000 tasks x 100 models x 4 conditions
    python benchmarks/scale.py page                         a page of 200 x 100 x 8

Each point is `confounds audit TABLE.parquet --json` in processes of its own (a worker a core, one
thread each), every bootstrap at its default; a page is `confounds report TABLE.parquet --quick`,
with all but what `--explore` adds around the verdicts. `_tables` says what the tables hold. CPU
seconds are of all processes and tell of the work on a busy machine too; wall seconds only on a
quiet one. Slopes are least squares of log CPU seconds, less those of the start, on log size. The
last lines extrapolate on paper. What is run again replaces its own part of the results.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _measured import machine, measure
from _tables import CONDITIONS, EIGHT, Layout, write_averages, write_items

OUT = Path(__file__).parent / "results" / "scale.json"
SIZES = {
    "rows": (1e5, 1e6, 1e7, 1e8),
    "tasks": (1, 4, 16),
    "models": (8, 25, 80, 200),
    "whole": (1000,),
    "page": (200,),
}
ASKED_FOR = ("whole", "page")
"""Parts that are only run where they are named."""
ROW_TASKS, ROW_MODELS, TASK_MODELS, MODEL_TASKS = 1, 200, 100, 1
"""Tables of item rows: one task x 200 models. Over tasks: 100 models. Over models: one task."""
PAPER_ROWS, PAPER_MODELS = 1e10, 10_000
COLUMNS = ("wall", "cpu", "peak_mb")


def layout_of(part: str, size: float) -> Layout:
    """The table of one point."""
    if part == "rows":
        runs = ROW_TASKS * ROW_MODELS * len(CONDITIONS)
        return Layout(ROW_TASKS, ROW_MODELS, max(1, round(size / runs)))
    if part == "models":
        return Layout(MODEL_TASKS, int(size))
    conditions = EIGHT if part == "page" else CONDITIONS
    return Layout(int(size), TASK_MODELS, conditions=conditions)


def measure_point(part: str, size: float, folder: Path) -> dict[str, Any]:
    """Audit one table, and read it alone where it has item rows."""
    layout = layout_of(part, size)
    path = folder / "table.parquet"
    (write_items if part == "rows" else write_averages)(path, layout)
    command = [sys.executable, "-m", "confounds.cli"]
    if part == "page":
        return _measure_page(command, layout, path)
    found, printed = measure([*command, "audit", str(path), "--json"])
    labels = [audit["verdict"]["label"] for audit in json.loads(printed)["audits"]]
    point: dict[str, Any] = {
        "size": size,
        "tasks": layout.tasks,
        "models": layout.models,
        "rows": layout.runs * (layout.items if part == "rows" else 1),
        **found.figures(),
        "verdicts": {label: labels.count(label) for label in sorted(set(labels))},
    }
    if part == "rows":
        read = f"from confounds.ingest import read_outcomes; read_outcomes({str(path)!r})"
        alone, _ = measure([sys.executable, "-c", read])
        point["reading"] = alone.figures()
    path.unlink()
    return point


def _measure_page(command: list[str], layout: Layout, path: Path) -> dict[str, Any]:
    """Write the page of one table."""
    page = path.with_suffix(".html")
    found, _ = measure([*command, "report", str(path), "--quick", "--out", str(page)])
    return {
        "size": layout.tasks,
        "tasks": layout.tasks,
        "models": layout.models,
        "rows": layout.runs,
        **found.figures(),
        "megabytes": round(page.stat().st_size / 1e6, 2),
    }


def start_seconds() -> float:
    """CPU seconds of a command that imports everything and audits nothing."""
    imports = "import confounds.pipeline as p; from confounds import plugins as q"
    taken, _ = measure([sys.executable, "-c", f"{imports}; q.load_all('rivals')"])
    return taken.cpu


def slope(sizes: list[float], seconds: list[float], start: float) -> float | None:
    """Exponent of the CPU time beyond the start's, over the sizes where that is most of it."""
    pairs = [(n, s - start) for n, s in zip(sizes, seconds, strict=True) if s > 2 * start]
    if len(pairs) < 2:
        return None
    x, y = np.log10(np.array(pairs)).T
    return round(float(np.polyfit(x, y, 1)[0]), 2)


def run_part(part: str, sizes: list[float], start: float) -> dict[str, Any]:
    """Measure the points of one part, print them and their slopes."""
    print(f"\n{part:>12}{'wall s':>10}{'CPU s':>10}{'peak MB':>10}")
    points = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            point = measure_point(part, size, Path(folder))
            points.append(point)
            print(f"{size:>12,.0f}" + "".join(f"{point[name]:>10.1f}" for name in COLUMNS))
    found: dict[str, Any] = {"points": points}
    found["cpu_slope"] = slope(sizes, [point["cpu"] for point in points], start)
    if part == "rows":
        reading = [point["reading"]["cpu"] for point in points]
        found["reading_cpu_slope"] = slope(sizes, reading, start)
    print(f"slope of CPU time on {part}: {found['cpu_slope']}")
    return found


def on_paper(results: dict[str, Any]) -> dict[str, Any]:
    """Times at 1e10 rows and 10,000 models, from the largest points measured.

    Models count with a slope of at least 1, that of the work once the start no longer shows.
    """
    found: dict[str, Any] = {}
    if "rows" in results:
        last = results["rows"]["points"][-1]["reading"]
        rows = results["rows"]["points"][-1]["rows"]
        found["rows"] = {
            "engine": "duckdb, one thread, grouped by run while it reads",
            "rows": PAPER_ROWS,
            "cpu_minutes": round(last["cpu"] * PAPER_ROWS / rows / 60, 1),
            "peak_mb": last["peak_mb"],
        }
    if "models" in results and results["models"]["cpu_slope"] is not None:
        last = results["models"]["points"][-1]
        power = max(results["models"]["cpu_slope"], 1.0)
        growth = (PAPER_MODELS / last["models"]) ** power
        found["models"] = {
            "engine": "numpy, a process a core (one machine, or a claim a job)",
            "models": PAPER_MODELS,
            "cpu_minutes_a_task": round(last["cpu"] / last["tasks"] * growth / 60, 1),
        }
    return found


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=tuple(SIZES))
    parser.add_argument("--sizes", type=float, nargs="+", help="sizes of the part")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    parts = [chosen.part] if chosen.part else [name for name in SIZES if name not in ASKED_FOR]
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    results |= {"machine": machine(), "start_cpu": round(start_seconds(), 2)}
    for part in parts:
        sizes = list(chosen.sizes or SIZES[part])
        results[part] = run_part(part, sizes, results["start_cpu"])
        results["on_paper"] = on_paper(results)
        chosen.out.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results["on_paper"], indent=2))


if __name__ == "__main__":
    main()
