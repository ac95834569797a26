"""Folders that `confounds probe` wrote: one row an item and metric, and what is not there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from confounds.errors import FormatError
from confounds.ingest import _probed_cell as _cell
from confounds.ingest._json import load, mapping, text
from confounds.ingest._probed_cell import ITEM_FACTS, WANTED, column, metrics, read_cell, scores
from confounds.ingest._probed_manifest import read_manifest
from confounds.ingest._reading import Reading, first_places
from confounds.measures import Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MARK = b'"confounds_probe"'
_BLOCK = 1 << 20
_FACTS = ("family", "parameters", "tokens", "compute", "checkpoint", "tuning", "adaptation")


class Probed:
    """The folder of a study; its `manifest.json` is what is recognised."""

    name = "probed"
    summary = "folder written by `confounds probe`"
    rescored_by = (
        "a probed folder is scored anew by `confounds probe`; name the metrics in its study and "
        "run that again, which asks no model"
    )
    companions = (
        "model=*/task=*/*.parquet",
        "runs/*.json",
        "failures/*.json",
        "models/*.json",
        "jobs/*",
        ".locks/*.lock",
        "*.part",
    )

    def recognises(self, path: Path) -> bool:
        """Is this the manifest of a probed folder?"""
        return path.name == "manifest.json" and _is_marked(path)

    def read(self, path: Path) -> Reading:
        """Read the cells that the manifest plans.

        Raises:
            FormatError: the manifest or a cell cannot be read, or no cell is there yet.
        """
        manifest = read_manifest(path)
        planned = manifest["cells"]
        folder = path.parent
        there = [cell for cell in planned if _is_there(folder / cell["file"])]
        if not there:
            msg = f"{path}: none of {len(planned)} planned cells is there; run `confounds probe`"
            raise FormatError(msg)
        remembered = _remembered(folder, there, manifest.get("exposure"))
        measures: dict[str, Measure] = {}
        blocks: list[dict[str, NDArray[Any]]] = []
        cut: list[tuple[str, int]] = []
        for cell in there:
            file = folder / cell["file"]
            table = read_cell(file)
            declared = _cell.measures(table, file)
            measures |= declared
            blocks += _blocks(_exposed(table, cell, remembered), cell, manifest, declared)
            cut.append((f"{cell['model']} {cell['task']}", _truncated(table)))
        notes = (*_missing(folder, planned), *_truncation(cut), *_unavailable(folder, manifest))
        return Reading(_frame(blocks), measures=measures, notes=notes, complete=True)


def _is_marked(path: Path) -> bool:
    """Whether the mark is somewhere in a file, which need not fit into memory."""
    seen = b""
    with suppress(OSError), path.open("rb") as file:
        while block := file.read(_BLOCK):
            seen = seen[-len(_MARK) :] + block
            if _MARK in seen:
                return True
    return False


def _remembered(
    folder: Path, cells: Sequence[Mapping[str, Any]], rule: Mapping[str, Any] | None
) -> dict[tuple[str, str], dict[str, str]]:
    """(model, task) -> item -> exposure, by the measure of memorisation that the study names."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells if rule is not None else ():
        if cell["kind"] != "memorization" or rule is None:
            continue
        file = folder / cell["file"]
        table = read_cell(file)
        if rule["measure"] not in metrics(table) or "item" not in table.column_names:
            msg = (
                f"{file}: has no scores of single items of '{rule['measure']}', by which the "
                f"manifest tells what was in training; it has: {', '.join(metrics(table))}"
            )
            raise FormatError(msg)
        values = scores(table, rule["measure"])
        above = values >= rule["threshold"]
        high = above if rule["memorized"] == "above" else values <= rule["threshold"]
        found[cell["model"], cell["task"]] = {
            item: "memorized" if yes else "unseen"
            for item, value, yes in zip(column(table, "item"), values, high, strict=True)
            if not np.isnan(value)
        }
    return found


def _exposed(
    table: pa.Table,
    cell: Mapping[str, Any],
    remembered: Mapping[tuple[str, str], Mapping[str, str]],
) -> pa.Table:
    """The table with the exposure of items that do not say it themselves."""
    known = remembered.get((cell["model"], cell["task"]))
    if known is None or "item" not in table.column_names:
        return table
    there = "exposure" in table.column_names
    told = column(table, "exposure") if there else np.full(len(table), None, dtype=object)
    pairs = zip(column(table, "item"), told, strict=True)
    values = [known.get(item) if said is None else said for item, said in pairs]
    bare = table.drop_columns(["exposure"]) if there else table
    return bare.append_column("exposure", pa.array(values, pa.string()))


def _is_there(path: Path) -> bool:
    """Whether the file is there; not where its name is too long to be one."""
    try:
        return path.is_file()
    except OSError:
        return False


def _blocks(
    table: pa.Table,
    cell: Mapping[str, Any],
    manifest: Mapping[str, Any],
    measures: Mapping[str, Measure],
) -> list[dict[str, NDArray[Any]]]:
    """One row an item and metric; a metric that does not apply to an item has none."""
    baselines = _cell.kept(table, "baselines")
    constants = _constants(cell, manifest)
    facts = {name: column(table, name) for name in WANTED if name in table.column_names}
    found = []
    for metric in metrics(table):
        values = scores(table, metric)
        chance, source = _chance(measures[metric], facts.get("choices"), len(values))
        columns = {name: facts[name] for name in ITEM_FACTS if name in facts}
        columns |= {"score": values, "chance": chance, "chance_source": source}
        single = {**constants, "metric": metric, "majority": baselines.get(metric, np.nan)}
        columns |= {key: np.full(len(values), value, _kind(value)) for key, value in single.items()}
        there = ~np.isnan(values)
        found.append({key: every[there] for key, every in columns.items()})
    return found


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) else object


def _frame(blocks: list[dict[str, NDArray[Any]]]) -> pd.DataFrame:
    """Blocks on top of each other; a column that one lacks is null there."""
    names = dict.fromkeys(name for block in blocks for name in block)
    sizes = [len(block["score"]) for block in blocks]
    columns = {
        name: np.concatenate(
            [
                block.get(name, np.full(size, None, dtype=object)).astype(object)
                for block, size in zip(blocks, sizes, strict=True)
            ]
        )
        for name in names
    }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _chance(measure: Measure, choices: Any, rows: int) -> tuple[Any, Any]:
    """1/k where a guesser picks among k choices, 0 where guessing is hopeless."""
    nothing = np.full(rows, np.nan), np.full(rows, None, dtype=object)
    if measure.chance == "none" or choices is None:
        return nothing
    if measure.chance == "zero":
        return np.zeros(rows), np.full(rows, "declared", dtype=object)
    offered = np.asarray(choices, dtype=float)
    chance = np.divide(1.0, offered, out=np.full(rows, np.nan), where=offered > 0)
    source = np.full(rows, None, dtype=object)
    source[offered > 0] = "uniform"
    return chance, source


def _constants(cell: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    model = manifest["models"][cell["model"]]
    condition = cell["condition"] or {"shots": 0, "demonstrations": "none"}
    return {
        "task": cell["task"],
        "model": cell["model"],
        "n": 1,
        "seed": cell["seed"],
        **{name: model.get(name) for name in _FACTS},
        **condition,
        "source": cell["file"],
        "run": manifest["study"],
    }


def _missing(folder: Path, planned: list[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Cells that are planned and not there, with the reason where a model gave one."""
    gone = [cell for cell in planned if not _is_there(folder / cell["file"])]
    reasons: dict[str, list[str]] = {}
    for cell in gone:
        digest = cell["file"].rsplit("/", 1)[-1].removesuffix(".parquet")
        path = folder / "failures" / f"{digest}.json"
        told = mapping(load(path)).get("reason") if _is_there(path) else "not run yet"
        reason = text(told) or "unknown"
        reasons.setdefault(reason, []).append(f"{cell['model']} {cell['task']}")
    return tuple(
        Finding(
            "missing_cells",
            f"planned cells are not there: {reason}",
            len(places),
            first_places(places),
        )
        for reason, places in reasons.items()
    )


def _truncated(table: pa.Table) -> int:
    return table["truncated"].to_pylist().count(True) if "truncated" in table.column_names else 0


def _truncation(cut: list[tuple[str, int]]) -> tuple[Finding, ...]:
    """Items whose context was cut to fit the model: they lost demonstrations."""
    places = [place for place, count in cut if count]
    if not places:
        return ()
    message = "contexts were cut at the left to fit the model; they lost demonstrations"
    total = sum(count for _, count in cut)
    return (Finding("truncated_contexts", message, total, first_places(places)),)


def _unavailable(folder: Path, manifest: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Models behind a server that scores no text: what needs that is null, and never 0."""
    found = []
    for model in manifest["models"]:
        path = folder / "models" / f"{model}.json"
        known = mapping(load(path)) if _is_there(path) else {}
        if known.get("scores") is False:
            message = f"answers were read from written text only: {text(known.get('limits'))}"
            found.append(Finding("unavailable_metrics", message, 1, (model,)))
    return tuple(found)


FORMAT = Probed()
