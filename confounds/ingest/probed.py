"""Folders that `confounds probe` wrote: one row an item and metric, and what is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from confounds.errors import FormatError
from confounds.ingest._json import load, mapping, text
from confounds.ingest._probed_manifest import read_manifest
from confounds.ingest._reading import Reading, first_places
from confounds.measures import Measure
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MARK = '"confounds_probe"'
_SCORE = "score:"
_FACTS = ("family", "parameters", "tokens", "compute", "checkpoint", "tuning", "adaptation")
_ITEM_FACTS = ("item", "exposure", "dose", "distribution")
_WANTED = (*_ITEM_FACTS, "choices", "truncated")


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
        if path.name != "manifest.json":
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            return _MARK in file.read()

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
            table = _table(file)
            declared = _measures(table, file)
            measures |= declared
            blocks += _blocks(_exposed(table, cell, remembered), cell, manifest, declared)
            cut.append((f"{cell['model']} {cell['task']}", _truncated(table)))
        notes = (*_missing(folder, planned), *_truncation(cut), *_unavailable(folder, manifest))
        return Reading(_frame(blocks), measures=measures, notes=notes, complete=True)


def _table(path: Path) -> pa.Table:
    """What of a cell the table of outcomes needs; its tokens stay on disk."""
    try:
        with pq.ParquetFile(path) as file:
            wanted = [
                name
                for name in file.schema_arrow.names
                if name.startswith(_SCORE) or name in _WANTED
            ]
            return file.read(columns=wanted)
    except (OSError, pa.ArrowException) as error:
        msg = f"{path}: cannot be read ({error}); run `confounds probe` again to redo it"
        raise FormatError(msg) from error


def _remembered(
    folder: Path, cells: Sequence[Mapping[str, Any]], rule: Mapping[str, Any] | None
) -> dict[tuple[str, str], dict[str, str]]:
    """(model, task) -> item -> exposure, by the measure of memorisation that the study names."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells if rule is not None else ():
        if cell["kind"] != "memorization" or rule is None:
            continue
        table = _table(folder / cell["file"])
        values = _column(table, _SCORE + rule["measure"]).astype(float)
        above = values >= rule["threshold"]
        high = above if rule["memorized"] == "above" else values <= rule["threshold"]
        found[cell["model"], cell["task"]] = {
            item: "memorized" if yes else "unseen"
            for item, value, yes in zip(_column(table, "item"), values, high, strict=True)
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
    pairs = zip(_column(table, "item"), _column(table, "exposure"), strict=True)
    values = [known.get(item) if said is None else said for item, said in pairs]
    at = table.column_names.index("exposure")
    return table.set_column(at, "exposure", pa.array(values, pa.string()))


def _measures(table: pa.Table, path: Path) -> dict[str, Measure]:
    """The declarations of the cell's metrics, each of which must have one."""
    declared = _kept(table, "measures")
    try:
        found = {
            name: Measure(
                name, **{**one, "lower": float(one["lower"]), "upper": float(one["upper"])}
            )
            for name, one in declared.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        msg = f"{path}: its declarations of metrics cannot be read ({error!r})"
        raise FormatError(msg) from error
    names = {one.removeprefix(_SCORE) for one in table.column_names if one.startswith(_SCORE)}
    missing = sorted(names - set(found))
    # How exchangeable items are is one number for all of them.
    if missing or ("item" not in table.column_names and len(table) > 1):
        what = f"metric '{missing[0]}' is declared nowhere" if missing else "it names no items"
        msg = f"{path}: {what}; run `confounds probe` again to redo it"
        raise FormatError(msg)
    return found


def _is_there(path: Path) -> bool:
    """Whether the file is there; not where its name is too long to be one."""
    try:
        return path.is_file()
    except OSError:
        return False


def _kept(table: pa.Table, name: str) -> dict[str, Any]:
    """What a cell keeps beside its columns; nothing where that cannot be read."""
    raw = (table.schema.metadata or {}).get(f"confounds.{name}".encode(), b"{}")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _blocks(
    table: pa.Table,
    cell: Mapping[str, Any],
    manifest: Mapping[str, Any],
    measures: Mapping[str, Measure],
) -> list[dict[str, NDArray[Any]]]:
    """One row an item and metric; a metric that does not apply to an item has none."""
    baselines = _kept(table, "baselines")
    constants = _constants(cell, manifest)
    facts = {name: _column(table, name) for name in _WANTED if name in table.column_names}
    found = []
    for name in table.column_names:
        if not name.startswith(_SCORE):
            continue
        metric = name.removeprefix(_SCORE)
        scores = _column(table, name).astype(float)
        chance, source = _chance(measures[metric], facts.get("choices"), len(scores))
        columns = {name: facts[name] for name in _ITEM_FACTS if name in facts}
        columns |= {"score": scores, "chance": chance, "chance_source": source}
        single = {**constants, "metric": metric, "majority": baselines.get(metric, np.nan)}
        columns |= {key: np.full(len(scores), value, _kind(value)) for key, value in single.items()}
        there = ~np.isnan(scores)
        found.append({key: values[there] for key, values in columns.items()})
    return found


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) else object


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    values: NDArray[Any] = table[name].to_numpy(zero_copy_only=False)
    return values


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
    return int(_column(table, "truncated").sum()) if "truncated" in table.column_names else 0


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
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if known.get("scores", True) is False:
            message = f"answers were read from written text only: {known['limits']}"
            found.append(Finding("unavailable_metrics", message, 1, model))
    return tuple(found)


FORMAT = Probed()
