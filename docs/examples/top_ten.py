"""How many of the target's tokens are among the model's ten likeliest?

Estimand: the share of the target's tokens that the model ranks in its first ten places. It moves
while exact match is still 0, as a linear metric should.
"""

from __future__ import annotations

from confounds.measures import Measure
from confounds.metrics._metric import Metric
from confounds.study import Item, Response

PLACES = 10


def _score(item: Item, response: Response) -> float | None:
    """None where the target was not scored: a missing score is never a 0."""
    del item
    scores = response.target_scores
    if scores is None or not len(scores.ranks):
        return None
    return float((scores.ranks < PLACES).mean())


METRIC = Metric(
    Measure("top_ten", "linear", chance="zero", summary="target's tokens in the first ten places"),
    _score,
    needs=frozenset({"target"}),
)
