"""The whole way on a part of the ladder: no verdict contradicts the truth; it can be resumed."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.report
def test_a_reduced_crossing_end_to_end(tmp_path: Path) -> None:
    from confounds.demo import run_demo
    from confounds.ladder.asking import probe_ladder
    from confounds.ladder.studies import Crossing
    from confounds.pipeline import Settings

    part = Crossing(
        seeds=(0,), tuned=False, checkpoints=False, items=0.2, studies=("map", "tagged", "recital")
    )
    quick = Settings(replicates=199, sharpness=False)
    found = run_demo(tmp_path, crossing=part, settings=quick)
    verdicts = {audit.claim.id: audit.verdict for audit in found.audits}
    assert "<svg" in found.report.read_text(encoding="utf-8")
    assert list(verdicts) == ["map", "tagged", "tagged-unasked", "recital"]
    for audit in found.audits:
        assert audit.verdict.label in (audit.claim.expect, "inconclusive"), audit.verdict.reason
    assert verdicts["map"].explained_by == ("in_context",)
    assert verdicts["tagged-unasked"].label == "absent"
    cells = sorted((tmp_path / "results").rglob("*.parquet"))
    stamps = [path.stat().st_mtime_ns for path in cells]
    probe_ladder(tmp_path, part)
    assert [path.stat().st_mtime_ns for path in cells] == stamps
