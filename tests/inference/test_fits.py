"""Settings: what cannot be meant is said before anything is computed."""

from __future__ import annotations

import pytest

from confounds.errors import UsageError
from confounds.inference.fits import Settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"seed": "a"}, "seed is 'a'; it must be a whole number of at least 0"),
        ({"replicates": 0}, "replicates is 0; it must be a whole number of at least 1"),
        ({"workers": 1.5}, "workers is 1.5; it must be a whole number of at least 1"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(wrong, says):
    with pytest.raises(UsageError, match=says):
        Settings(**wrong)
