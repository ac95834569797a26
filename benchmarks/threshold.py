"""Time of a threshold p-value with B = 1000, beside a statsmodels loop on the same cells.

Item rows of 20 models are aggregated to one cell a model (exact for this test), then the
two-level bootstrap refits and scans every replicate. The peers do the same job replicate by
replicate with statsmodels: a linear mixed model of the empirical logits with a random family
intercept (the two-level model), and a binomial GLM with family dummies (the fixed-effect
check), each fitted under the null and with a step at every candidate threshold. A few
replicates of the peers are timed and multiplied up to B, which the table says.

    python benchmarks/threshold.py --out benchmarks/results/threshold.json
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm
from _simulated import Truth, draw_effects, draw_sample, layout

from confounds.inference._null import Slopes
from confounds.inference._reference import (
    bootstrap_fixed_effect,
    bootstrap_two_level,
    fit_levels,
    p_value,
)
from confounds.inference.observe import observe
from confounds.inference.sample import threshold_columns
from confounds.measures import DECLARED
from confounds.outcomes import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from confounds.inference.sample import Sample

MODELS = 20
REPLICATES = 1000
BOUND = 2.197
ROWS = (20_000, 200_000, 2_000_000)


def item_rows(rows: int, rng: np.random.Generator) -> Outcomes:
    """A table of 0/1 item scores of 20 models on a gradual curve."""
    x, family = layout(MODELS, False, rng)
    sample = draw_sample(Truth(slope=1.0), x, family, draw_effects(family, rng), rng)
    items = rows // MODELS
    model = np.repeat(np.arange(MODELS), items)
    frame = pd.DataFrame(
        {
            "task": "task",
            "metric": "accuracy",
            "model": np.array([f"m{index}" for index in range(MODELS)], dtype=object)[model],
            "family": np.array([f"f{code}" for code in family], dtype=object)[model],
            "parameters": 10 ** x[model],
            "item": np.tile(np.arange(items).astype(str).astype(object), MODELS),
            "score": (rng.random(rows) < sample.score[model]).astype(float),
            "n": 1,
            "chance": 0.25,
        }
    )
    return Outcomes(frame)


def p_from(sample: Sample, check: bool) -> float:
    """The two-level p-value from all replicates, with or without the fixed-effect check's."""
    columns = threshold_columns(sample.x, sample.grid, "step")
    slopes = Slopes(upper=BOUND)
    observed = fit_levels(sample.score[None], sample, columns, slopes)
    rng = np.random.default_rng(1)
    draws = bootstrap_two_level(observed, sample, columns, slopes, REPLICATES, rng)
    if check:
        bootstrap_fixed_effect(observed, sample, columns, slopes, REPLICATES, rng)
    return p_value(float(observed.two_level_search.sup[0]), draws)


def mixed_replicate(sample: Sample, score: np.ndarray) -> None:
    """One replicate of the two-level model in statsmodels: the null and every threshold."""
    share = np.clip((score - sample.floor) / (1 - sample.floor), 0.02, 0.98)
    z = np.log(share / (1 - share))
    for psi in (None, *sample.grid):
        columns = [np.ones(len(sample)), sample.x - sample.centre]
        if psi is not None:
            columns.append((sample.x > psi).astype(float))
        sm.MixedLM(z, np.column_stack(columns), groups=sample.family).fit(reml=False)


def dummies_replicate(sample: Sample, score: np.ndarray) -> None:
    """One replicate of the fixed-effect model in statsmodels: the null and every threshold."""
    counts = np.column_stack([score * sample.n, sample.n - score * sample.n])
    for psi in (None, *sample.grid):
        columns = [sample.membership, (sample.x - sample.centre)[:, None]]
        if psi is not None:
            columns.append((sample.x > psi).astype(float)[:, None])
        sm.GLM(counts, np.hstack(columns), family=sm.families.Binomial()).fit()


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Median CPU seconds of a call."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def measure(rows: int, peer_replicates: int) -> dict[str, float]:
    """All timings of one table, ours and the peers' alternating in one run."""
    outcomes = item_rows(rows, np.random.default_rng(0))
    aggregate = seconds(outcomes.cells, 1)
    sample = observe(outcomes.cells(), DECLARED["accuracy"], "parameters", {}).sample
    two_level, both, mixed, dummies = [], [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(peer_replicates):
            two_level.append(seconds(lambda: p_from(sample, False), 1))
            mixed.append(seconds(lambda: mixed_replicate(sample, sample.score), 1))
            both.append(seconds(lambda: p_from(sample, True), 1))
            dummies.append(seconds(lambda: dummies_replicate(sample, sample.score), 1))
    peer_two, peer_check = (float(np.median(item)) * REPLICATES for item in (mixed, dummies))
    ours_two, ours_both = float(np.median(two_level)), float(np.median(both))
    return {
        "aggregate_s": aggregate,
        "two_level_s": ours_two,
        "both_s": ours_both,
        "statsmodels_mixed_s_extrapolated": peer_two,
        "statsmodels_glm_s_extrapolated": peer_check,
        "ratio_two_level": peer_two / ours_two,
        "ratio_both": (peer_two + peer_check) / ours_both,
        "grid": len(sample.grid),
    }


def main() -> None:
    """Time every table, print the lines, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-replicates", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/threshold.json"))
    options = parser.parse_args()
    found = {str(rows): measure(rows, options.peer_replicates) for rows in ROWS}
    for rows, item in found.items():
        print(f"{int(rows):>9,} rows  " + "  ".join(f"{k} {v:.3f}" for k, v in item.items()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
