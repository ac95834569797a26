"""Results of a scoreboard: one JSON file, `{"scoreboard": 1, "models": [{"name", "scores"}]}`.

Each entry of `scores` is a task with the share of right answers in percent and the number of
items, as in `{"task": "addition", "percent": 42.5, "items": 200}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from confounds.errors import FormatError
from confounds.ingest import Reading
from confounds.ingest._rows import frame_of

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_BYTES = 4096


class Scoreboard:
    """Reads one file."""

    name = "scoreboard"
    summary = "scoreboard.json: percent right by model and task"

    def recognises(self, path: Path) -> bool:
        """A JSON file whose first bytes hold the key `scoreboard`."""
        if path.suffix != ".json":
            return False
        with path.open("rb") as file:
            return b'"scoreboard"' in file.read(_FIRST_BYTES)

    def read(self, path: Path) -> Reading:
        """One row a model and task.

        Raises:
            FormatError: the file is no scoreboard; the message names the file and the place.
        """
        try:
            models = json.loads(path.read_text(encoding="utf-8"))["models"]
            rows = [_row(path, model, entry) for model in models for entry in model["scores"]]
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path}: not a scoreboard ({error!r})"
            raise FormatError(msg) from error
        return Reading(frame_of(rows))


def _row(path: Path, model: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": model["name"],
        "task": entry["task"],
        "metric": "accuracy",
        "score": entry["percent"] / 100,
        "n": entry["items"],
        "source": f"{path.name}: {model['name']}",
    }


FORMAT = Scoreboard()
