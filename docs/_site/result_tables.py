"""Tables of what was measured, read from `benchmarks/results` each time the site is built.

Each function answers one question of the method page and returns a Markdown table with a line
that names the file, the script and the number of simulations. A result that is not there, or
that lacks what the table shows, is an error: a site never shows an old number.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
TOKENS = {"one": "one token", "several": "several tokens", "long": "many tokens"}
FAMILIES = {False: "overlap in scale", True: "in blocks of scale of their own"}


def result(name: str) -> Any:
    """The document that one benchmark wrote.

    Raises:
        FileNotFoundError: the benchmark has not been run.
    """
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text(encoding="utf-8"))


def markdown(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    lines = [
        "| " + " | ".join(names) + " |",
        "|:--|" + "--:|" * (len(names) - 1),
        *("| " + " | ".join(_shown(value) for value in row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    """Shares and coverages with three digits, all else as it is."""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def source(name: str, note: str = "") -> str:
    """Where a table's numbers come from."""
    rest = f", {note}" if note else ""
    return f"\n\n`benchmarks/results/{name}.json`, made by `benchmarks/{name}.py`{rest}."


def entries(name: str) -> dict[str, dict[str, Any]]:
    """The simulated cells of one benchmark: name -> entry with `rates` and `simulations`."""
    return {
        key: entry
        for key, entry in result(name).items()
        if isinstance(entry, dict) and "rates" in entry
    }


def cells(name: str, kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """The simulated cells of one kind, those with the attributes asked for.

    Raises:
        LookupError: there are none.
    """
    found = [
        {**entry["cell"], **entry["rates"], "simulations": entry["simulations"]}
        for entry in entries(name).values()
        if entry["cell"]["kind"] == kind
        and all(entry["cell"].get(key) == value for key, value in wanted.items())
    ]
    if not found:
        msg = f"{name}.json has no cells of kind '{kind}' with {wanted}"
        raise LookupError(msg)
    return sorted(found, key=lambda cell: (cell["disjoint"], cell["models"]))


def simulated(found: Mapping[str, Mapping[str, Any]]) -> str:
    """How many simulations the cells rest on."""
    counts = sorted({entry["simulations"] for entry in found.values()})
    return f"{' to '.join(map(str, counts[:: max(1, len(counts) - 1)]))} simulations a cell"


def threshold_size() -> str:
    """How often is a smooth curve called a step? Nominal .05."""
    gentle = cells("threshold_size", "null", shape="step", truth="slope 1")
    bound = {
        (cell["disjoint"], cell["models"]): cell
        for cell in cells("threshold_size", "null", shape="step", truth="at the bound")
    }
    rows = []
    for cell in gentle:
        other = bound[cell["disjoint"], cell["models"]]
        rates = [one[key] for one in (cell, other) for key in ("two_level", "fixed", "decision")]
        rows.append((FAMILIES[cell["disjoint"]], cell["models"], *rates))
    names = ("families", "models", "two-level", "within families", "decision")
    names += ("two-level, at the bound", "within families, at the bound", "decision, at the bound")
    note = f"{gentle[0]['simulations']} simulations a cell"
    return markdown(names, rows) + source("threshold_size", note)


def threshold_power() -> str:
    """How often is a transition of half a decade found?"""
    found = cells("threshold_size", "power", shape="step", truth="slope 8")
    rows = [
        (
            FAMILIES[cell["disjoint"]],
            cell["models"],
            cell["two_level"],
            cell["fixed"],
            cell["decision"],
        )
        for cell in found
    ]
    names = ("families", "models", "two-level", "within families", "decision")
    note = f"{found[0]['simulations']} simulations a cell"
    return markdown(names, rows) + source("threshold_size", note)


def paired_power() -> str:
    """What does it buy to have run the same models under two conditions?"""
    found = cells("threshold_size", "paired", truth="step .30")
    null = {cell["models"]: cell for cell in cells("threshold_size", "paired", truth="null")}
    rows = [
        (cell["models"], cell["unpaired"], cell["paired"], null[cell["models"]]["paired"])
        for cell in found
    ]
    names = ("models", "one curve", "paired", "paired, where there is no step")
    note = f"{found[0]['simulations']} simulations a cell"
    return markdown(names, rows) + source("threshold_size", note)


def interval_coverage() -> str:
    """How often do 95 % intervals hold the truth? Whatever intervals the benchmark looked at."""
    found = entries("interval_coverage")
    seen = dict.fromkeys(key for entry in found.values() for key in entry["rates"])
    kinds = [key for key in seen if "width" not in key and "below" not in key]
    rows = [
        (name, *(entry["rates"].get(key, "") for key in kinds)) for name, entry in found.items()
    ]
    names = ("true step / models / families", *kinds)
    return markdown(names, rows) + source("interval_coverage", simulated(found))


def saturation() -> str:
    """How often is a curve that levels off below 1 called a step?"""
    found = entries("saturation")
    kinds = ("ceiling 1", "any ceiling", "ceiling declared")
    rows = [
        (name, *(entry["rates"][kind]["decision"] for kind in kinds))
        for name, entry in found.items()
    ]
    names = ("models / truth", "the plain test", "as audited", "with the ceiling declared")
    return markdown(names, rows) + source("saturation", simulated(found))


def condition_rivals() -> str:
    """What do the rivals say where the truth is known?"""
    found = entries("condition_rivals")
    names = ("explained", "survives", "inconclusive", "wrong")
    rows = [
        (
            f"`{entry['cell']['what']}`",
            entry["cell"]["truth"],
            *(entry["rates"][name] for name in names),
            entry["simulations"],
        )
        for entry in found.values()
        if "wrong" in entry["rates"]
    ]
    heads = ("rival", "truth", *names, "simulations")
    return markdown(heads, rows) + source("condition_rivals")


def ladder() -> str:
    """What are the verdicts on the embedded models, whose truth is known?"""
    rows = [
        (
            row["claim"],
            row["expected"],
            ", ".join(f"{label} {count}" for label, count in row["verdicts"].items()),
            ", ".join(row["explained_by"]),
        )
        for row in result("ladder")["stability"]
    ]
    names = ("claim", "truth", "verdicts found, and in how many seeds", "explained by")
    return markdown(names, rows) + source("ladder")


Timed = tuple[str, str, str, str]
"""Work, our time, the peer's, and their ratio."""


def speed() -> str:
    """How long do the core computations take, beside their peers?"""
    rows = [*_threshold_times(), *_mixed_times(), *_probe_times()]
    files = ", ".join(f"`benchmarks/{name}.py`" for name in ("threshold", "mixed", "probe"))
    return f"{markdown(('work', 'confounds', 'peer', 'ratio'), rows)}\n\n{files}."


def _threshold_times() -> list[Timed]:
    peer = "statsmodels_glm_s_extrapolated"
    return [
        (
            f"threshold p-values, {int(count):,} item rows",
            f"{entry['both_s']:.2f} s",
            f"{entry[peer]:.0f} s (statsmodels loop on cells)",
            f"{entry[peer] / entry['both_s']:.0f}",
        )
        for count, entry in result("threshold").items()
    ]


def _mixed_times() -> list[Timed]:
    rows = []
    for entry in result("mixed")["results"]:
        ours, peer = entry["ours"]["cpu_s"], entry["lme4"].get("cpu_s")
        said = (f"{peer:.1f} s (lme4)", f"{peer / ours:.0f}") if peer else ("not run", "")
        rows.append((f"crossed mixed model, {entry['rows']:,} rows", f"{ours:.2f} s", *said))
    return rows


def _probe_times() -> list[Timed]:
    found = result("probe")
    peer = found["peer"].split(",")[0]
    return [
        (
            f"{name} model, {row['shots']} shots, choices of {TOKENS[row['texts']]}",
            f"{row['ours_cpu_s']:.1f} s",
            f"{row['peer_cpu_s']:.0f} s ({peer})",
            f"{row['ratio_cpu']:.1f}",
        )
        for name, model in found["models"].items()
        for row in model["rows"]
    ]


def every_benchmark() -> str:
    """Each benchmark with its question, and whether its result is kept."""
    rows = []
    for path in sorted(BENCHMARKS.glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        question = " ".join(text.partition("\n\n")[0].split())
        kept = (BENCHMARKS / "results" / f"{path.stem}.json").exists()
        rows.append((f"`benchmarks/{path.name}`", question, "yes" if kept else "no"))
    return markdown(("script", "asks", "result kept"), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "threshold_size": threshold_size,
    "threshold_power": threshold_power,
    "paired_power": paired_power,
    "interval_coverage": interval_coverage,
    "saturation": saturation,
    "condition_rivals": condition_rivals,
    "ladder": ladder,
    "speed": speed,
    "every_benchmark": every_benchmark,
}
