"""Putting the ladder to its studies, in several processes."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from confounds.ladder.studies import FULL, Crossing, write_studies
from confounds.probe import RunSettings, run_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from confounds.ladder.shipped import Member

BATCH_TOKENS = 8192
PARTS = 4
"""Shards of each large study: enough that the last ones end together."""
FEW_MODELS = 24


def probe_ladder(
    folder: Path,
    crossing: Crossing = FULL,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    members: Sequence[Member] | None = None,
) -> tuple[Path, ...]:
    """Write the studies and put models to them; a second call resumes.

    Args:
        folder: gets `studies` and `results`.
        crossing: which part of the ladder is asked.
        workers: processes, of one thread each; one is this process itself.
        progress: hears of parts of studies done, and of how many there are.
        members: models to ask, by default the shipped ones.

    Returns:
        The folders of results, for `read_outcomes`.
    """
    studies = write_studies(folder / "studies", crossing, members)
    probe_studies(studies, folder / "results", workers, progress)
    return tuple(folder / "results" / study.stem for study in studies)


Part = tuple[Path, int, int]
"""A study, which of its parts, and of how many."""


def probe_studies(
    studies: Sequence[Path],
    results: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run study files, each into a folder of its name; see `probe_ladder`."""
    parts = _parts(studies)
    if workers == 1:
        with _prepared():
            for done, part in enumerate(parts, start=1):
                _probe_part(part, results)
                if progress is not None:
                    progress(done, len(parts))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
        waiting = [pool.submit(_probe_part, part, results) for part in parts]
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(waiting))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _parts(studies: Sequence[Path]) -> list[Part]:
    """Large studies in parts; the largest first, so that no process is left alone at the end."""
    sizes = {study: study.read_text(encoding="utf-8").count("[[models]]") for study in studies}
    found = []
    for study in sorted(studies, key=lambda one: -sizes[one]):
        count = PARTS if sizes[study] > FEW_MODELS else 1
        found += [(study, number, count) for number in range(1, count + 1)]
    return found


QUIETLY = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""One thread a process, no network, no chatter; read when torch and transformers are loaded."""


def _prepare() -> None:
    os.environ |= QUIETLY


@contextmanager
def _prepared() -> Iterator[None]:
    """The same for as long as this process asks; torch, if loaded already, keeps its threads."""
    before = {name: os.environ.get(name) for name in QUIETLY}
    _prepare()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _probe_part(part: Part, results: Path) -> None:
    study, number, count = part
    run = RunSettings(device="cpu", shard=(number, count), batch_tokens=BATCH_TOKENS)
    run_study(study, results / study.stem, run)
