"""Scores outside their metric's range, told as they stand in the file that a map reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from confounds.errors import OutcomesError
from confounds.measures import DECLARED
from confounds.outcomes._places import place_in
from confounds.outcomes._wording import counted, interval, way_out

if TYPE_CHECKING:
    from pathlib import Path

    from confounds.ingest._map import ScoreColumn, TableMap
    from confounds.measures import Measure


def check_range(
    frame: pd.DataFrame, raw: pd.Series[Any], column: ScoreColumn, mapping: TableMap, path: Path
) -> None:
    """Does every score lie within the range of its metric?

    Args:
        frame: `metric` and `score`, and `source` where lines are known.
        raw: (rows,) the scores as the file has them.
        column: of the file, and what it is multiplied by.
        mapping: declares metrics.
        path: of the file.

    Raises:
        OutcomesError: one does not; the message names line, column, value and what to do.
    """
    if "metric" not in frame.columns:
        return
    scores = pd.to_numeric(frame["score"], errors="coerce").to_numpy(dtype=np.float64)
    for name in frame["metric"].dropna().unique():
        measure = mapping.metrics.get(name) or DECLARED.get(name)
        if measure is None:
            continue
        outside = (scores < measure.lower) | (scores > measure.upper)
        outside &= (frame["metric"] == name).to_numpy()
        if outside.any():
            row = int(np.argmax(outside))
            told = _told(float(scores[row]), raw.iloc[row], column, measure)
            count = counted(int(outside.sum()), "score")
            msg = f"{place_in(path, frame, row)}: {told} ({count} of {name} in all). "
            raise OutcomesError(msg + way_out(float(scores[row]), measure, float(raw.iloc[row])))


def _told(score: float, raw: Any, column: ScoreColumn, measure: Measure) -> str:
    factor = column.multiply
    product = f", times {factor:g} is {score:g}" if factor != 1 else ""
    return f"column '{column.column}' is {raw}{product}, which is outside {interval(measure)}"
