"""Error rates of the whole decision: truth by verdict, over tables with known truth.

Each truth is drawn many times, each table audited as a user would, default settings but for the
number of bootstrap replicates. Counted are the verdicts, and how often one is wrong: `survives`
where nothing emerges, `explained` by what does not explain it, `absent` where the smallest models
truly lie at chance and the largest above it (more than the claim's margin).
`inconclusive` is never wrong. Resumable: simulations already in the JSON file are kept, and more
are added in blocks, each with a seed of its own.

What was counted before intervals at a ceiling were mended is printed by `--simulations 0 --out
benchmarks/results/calibration_before.json`.

    python benchmarks/calibration.py --simulations 2000 --workers 2
"""

from __future__ import annotations

from pathlib import Path

from _verdicts import Truth, count_verdicts
from _worlds import World

MODELS = (8, 12, 20, 50)
BOUND = 4.394 / 2
STEP = 4.0
"""On the logit: from .03 to .62 of the items, .44 score points above a floor of .25."""
GRADUAL = frozenset({"smooth_growth"})
ICL = frozenset({"in_context"})
MEMORY = frozenset({"exposure"})
TRUTHS = {
    "nothing": Truth(World(slope=0.0, level=-12.0)),
    "smooth": Truth(World(slope=1.0, level=-1.5), GRADUAL),
    "smooth, at the bound": Truth(World(slope=BOUND, level=-1.0), GRADUAL),
    "in-context step": Truth(World(steps={"in_context": STEP}), ICL),
    "metric only": Truth(World(slope=2.0, level=1.5, metric=True), frozenset({"metric_choice"})),
    "memorised only": Truth(World(steps={"exposure": STEP}, factors=("exposure",)), MEMORY),
    "families disjoint": Truth(World(slope=1.0, level=-2.0, family_sd=1.2, disjoint=True), GRADUAL),
    "slopes differ": Truth(World(slope=1.0, level=-1.5, slopes_sd=0.3), GRADUAL),
    "heavy-tailed models": Truth(World(slope=1.0, level=-1.5, effects="heavy"), GRADUAL),
    "skewed models": Truth(World(slope=1.0, level=-1.5, effects="skewed"), GRADUAL),
    "true step": Truth(World(step=STEP), survives=True),
    "true step, more in context": Truth(World(step=STEP, steps={"in_context": 1.5}), survives=True),
    "true sharp transition": Truth(World(slope=8.0, level=0.0), survives=True),
}


if __name__ == "__main__":
    count_verdicts(TRUTHS, MODELS, Path("benchmarks/results/calibration.json"), __doc__)
