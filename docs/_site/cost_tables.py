"""Tables of what reading results and auditing tables take, read from `benchmarks/results`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from result_tables import markdown, result, source

if TYPE_CHECKING:
    from collections.abc import Iterator

GROWS = {"rows": "item rows", "tasks": "tasks", "models": "models"}
"""Part of the benchmark of scale -> what its tables differ in."""


def reading() -> str:
    """How many samples a second are read of each format, beside the tool's own reader."""
    names = ("format", "samples a second", "peak MB", "the tool loads with", "ratio")
    names += ("ratio to pandas up to a row a score",)
    rows = [(name, *_read(entry)) for name, entry in sorted(result("ingest")["formats"].items())]
    note = "a ratio is their CPU time by ours, above 1 where this package is faster"
    return markdown(names, rows) + source("ingest", note)


def _read(entry: dict[str, Any]) -> Iterator[str]:
    yield f"{entry['ours']['samples_per_second']:,}"
    yield f"{entry['ours']['peak_mb']:,}"
    yield f"`{entry['loaded_with']}`" if "load" in entry else "none"
    for side in ("load", "table"):
        yield f"{entry[side]['ratio']:.2f}" if side in entry else ""


def folders() -> str:
    """What a folder of results takes to be read, by its size."""
    names = ("folder, GB", "runs of lm-eval", "rows kept", "CPU s", "peak MB")
    rows = [
        (f"{one['gb']:.2f}", one["runs"], f"{one['rows']:,}", f"{one['cpu_seconds']:.1f}",
         one["peak_mb"])
        for one in result("ingest")["folders"]
    ]  # fmt: skip
    return markdown(names, rows) + source("ingest")


def auditing() -> str:
    """What `confounds audit` takes, from reading the table to the verdicts."""
    names = (
        "grows in",
        "tasks",
        "models",
        "rows",
        "CPU s",
        "peak MB",
        "slope of log CPU on log size",
    )
    rows = []
    for part, called in GROWS.items():
        found = result("scale")[part]
        for place, one in enumerate(found["points"]):
            slope = f"{found['cpu_slope']:.2f}" if place == 0 else ""
            size = (f"{one[key]:,}" for key in ("tasks", "models", "rows"))
            taken = (f"{one['cpu']:.1f}", f"{one['peak_mb']:.0f}")
            rows.append((called if place == 0 else "", *size, *taken, slope))
    return markdown(names, rows) + source(
        "scale", "every bootstrap at its default; the slope is of log CPU s on log size"
    )


def on_paper() -> str:
    """What tables beyond those measured would take, by the slopes."""
    found = result("scale")["on_paper"]
    rows, models = found["rows"], found["models"]
    told = [
        (f"{rows['rows']:,.0f} item rows, read", f"{rows['cpu_minutes']:.0f}", rows["engine"]),
        (f"{models['models']:,} models, a task", f"{models['cpu_minutes_a_task']:.0f}",
         models["engine"]),
    ]  # fmt: skip
    return markdown(("table", "CPU minutes", "with"), told) + source("scale")


TABLES = {
    "reading": reading,
    "folders": folders,
    "auditing": auditing,
    "on_paper": on_paper,
}
