"""Coverage-guided fuzzing of every reader: any bytes give a table or an error of this package.

    pip install atheris                                    (Linux, Python 3.11 to 3.13)
    python tests/fuzz/atheris_readers.py -max_total_time=120 [-seed=1] [CORPUS_FOLDER]

The first byte names the reader, and whether log-probabilities are asked for. Up to 127, the others
are the content of its file; beyond, the second names a place in its document, and the others the
value that is put there, as JSON or as a text. The seeds are the valid files of `result_files.py`.
Options are libFuzzer's; what crashes is written to `crash-*`, which is given as the only argument
to see it again.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atheris

with atheris.instrument_imports(include=["confounds"]):
    from confounds import plugins
    from confounds.errors import ConfoundsError
    from confounds.ingest import read_outcomes
    from confounds.outcomes.storage import to_arrow

    plugins.load_all("ingest")

from result_files import FILES, NotWritableError, changed, places

NAMES = tuple(FILES)
BYTES = 128
RESCORE = 64
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
PLACES = {}
for name in NAMES:
    home = FOLDER / name.replace(" ", "_") / "results"
    home.mkdir(parents=True)
    PLACES[name] = FILES[name].place(home)


def seeds(folder: Path) -> None:
    """Write the valid files as the corpus to begin with."""
    for number, one in enumerate(NAMES):
        content = PLACES[one][1].read_bytes()
        (folder / f"{number}-bytes").write_bytes(bytes([number]) + content)
        (folder / f"{number}-place").write_bytes(bytes([BYTES + number, 1]) + b"[1]")


def check(raw: bytes) -> None:
    """Read what the bytes say; only errors of this package may come of it."""
    if len(raw) < 2:
        return
    chosen = NAMES[raw[0] % len(NAMES)]
    try:
        path = written(chosen, raw) if raw[0] < BYTES else altered(chosen, raw)
    except (NotWritableError, RecursionError, UnicodeError):
        return
    try:
        found = read_outcomes(path, format=FILES[chosen].form, rescore=bool(raw[0] & RESCORE))
        to_arrow(found.frame, measures={}, notes=())
    except ConfoundsError as error:
        if "\n" in str(error):
            raise AssertionError(str(error)) from error


def written(chosen: str, raw: bytes) -> Path:
    """The file of a reader, with these bytes in it."""
    path, content = PLACES[chosen]
    content.write_bytes(raw[1:])
    return path


def altered(chosen: str, raw: bytes) -> Path:
    """The file of a reader, with another value in one place."""
    document = FILES[chosen].document
    there = places(document)
    try:
        value = json.loads(raw[2:])
    except (ValueError, RecursionError):
        value = raw[2:].decode("latin-1")
    place = there[raw[1] % len(there)]
    return FILES[chosen].write(PLACES[chosen][0].parent, changed(document, place, value))


def main() -> None:
    """Run libFuzzer with the given options, on the seeds where no corpus is named."""
    warnings.simplefilter("ignore")
    given = sys.argv[1:]
    if not [one for one in given if not one.startswith("-")]:
        corpus = FOLDER / "corpus"
        corpus.mkdir()
        seeds(corpus)
        given = [*given, str(corpus)]
    atheris.Setup([sys.argv[0], "-timeout=20", "-rss_limit_mb=4096", *given], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
