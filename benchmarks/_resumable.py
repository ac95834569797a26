"""Tables of simulated rates that stop and go on.

A cell that is in the JSON file with as many simulations as are asked for, or more, is not run
again. The file is read anew before a cell is added to it, so that two runs may fill one table.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confounds.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("emergence-confounds", "numpy", "scipy")


def as_columns(cell: Any, rates: Mapping[str, float]) -> str:
    """Every rate behind its name."""
    del cell
    return "  ".join(f"{name} {rate:.3f}" for name, rate in rates.items())


def in_full(cell: Any) -> float:
    """All simulations that are asked for."""
    del cell
    return 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table to fill.

    Attributes:
        name: of the JSON file, without its ending.
        cells: dataclasses with a `key`: name of the cell in the file. In the order to run them.
        run: cell, number of simulations, seed -> rates.
        describe: cell, rates -> what is printed behind its key.
        simulations: of a cell, unless the command line says otherwise.
        seed: the same.
        share: cell -> share of the simulations that it gets.
        record: what else the file says of every cell.
    """

    name: str
    cells: Sequence[Any]
    run: Callable[[Any, int, int], Mapping[str, Any]]
    describe: Callable[[Any, Any], str] = as_columns
    simulations: int = 200
    seed: int = 1
    share: Callable[[Any], float] = in_full
    record: Mapping[str, Any] = field(default_factory=dict)


def fill(table: Table, description: str | None) -> None:
    """Parse the command line, run every cell that is missing, print the table, write the file."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--simulations", type=int, default=table.simulations)
    parser.add_argument("--seed", type=int, default=table.seed)
    parser.add_argument("--only", default="", help="run only cells whose name contains this")
    parser.add_argument("--out", type=Path, default=RESULTS / f"{table.name}.json")
    options = parser.parse_args()
    cells = [cell for cell in table.cells if options.only in cell.key]
    width = max((len(cell.key) for cell in cells), default=0)
    for cell in cells:
        simulations = int(table.share(cell) * options.simulations)
        entry = _read(options.out).get(cell.key)
        if entry is None or entry["simulations"] < simulations:
            entry = _measure(table, cell, simulations, options.seed)
            _add(options.out, cell.key, entry)
        print(f"{cell.key:{width}s}  {table.describe(cell, entry['rates'])}", flush=True)


def _measure(table: Table, cell: Any, simulations: int, seed: int) -> dict[str, Any]:
    start = time.process_time()
    rates = table.run(cell, simulations, seed)
    return {
        "cell": asdict(cell),
        "rates": dict(rates),
        "simulations": simulations,
        "seed": seed,
        "cpu_seconds": round(time.process_time() - start, 1),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        **table.record,
    }


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _add(path: Path, key: str, entry: dict[str, Any]) -> None:
    entries = {**_read(path), key: entry}
    write_whole(path, (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())
