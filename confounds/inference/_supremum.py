"""A search over candidate thresholds: the largest F, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confounds.inference.sample import Floats, Ints


@dataclass(frozen=True, eq=False)
class Supremum:
    """F of every candidate, in B data sets.

    Attributes:
        f: (B, K) F of every candidate threshold, 0 where the jump is downward.
    """

    f: Floats

    @property
    def sup(self) -> Floats:
        """(B,) largest F over the thresholds."""
        largest: Floats = self.f.max(axis=1)
        return largest

    @property
    def best(self) -> Ints:
        """(B,) index of the threshold where it is attained."""
        place: Ints = self.f.argmax(axis=1)
        return place
