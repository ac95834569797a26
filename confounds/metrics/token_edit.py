"""How near, in tokens, is the generated text to the target?"""

from __future__ import annotations

from confounds.errors import MissingExtraError
from confounds.measures import DECLARED
from confounds.metrics._metric import Metric
from confounds.study import Item, Response


def _score(item: Item, response: Response) -> float | None:
    """1 - Levenshtein distance over tokens / the longer length; not for chains of thought.

    Text may be split into other tokens when generated; the distance sees that. A server that
    names no tokens leaves nothing to compare.
    """
    del item
    scores = response.target_scores
    if scores is None or response.generated is None or (scores.ids < 0).any():
        return None
    try:
        from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - an extra, needed only here
    except ImportError as error:
        package = "rapidfuzz"
        raise MissingExtraError(package, "probe") from error
    target = scores.ids.tolist()
    return float(Levenshtein.normalized_similarity(list(response.generated_ids), target))


METRIC = Metric(DECLARED["token_edit"], _score, needs=frozenset({"target", "generation"}))
