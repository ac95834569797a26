"""Each seam has an example in `docs/examples`; here each does what its page says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gompertz
import in_turn
import numpy as np
import own_task
import pytest
from rivals.made import World, claim_of, frame_of, outcomes_of

import confounds as cf
from confounds import plugins
from confounds.curves import CurveSample, fit_curve
from confounds.engines import Job
from confounds.errors import FormatError, StudyError, UsageError
from confounds.inference.fits import Fits, Settings
from confounds.probe import run_study
from confounds.probe._progress import Silent

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
WORLD = World(models=16, spread=0.15, seed=3)
SETTINGS = Settings(replicates=199, sharpness=False)


def demonstrated(other: str | None) -> cf.Outcomes:
    """A step with examples of the task itself; with those of another, the curve given."""
    kinds = {"own": ("step", {"shots": 5, "demonstrations": "gold"})}
    if other is not None:
        kinds["other"] = (other, {"shots": 5, "demonstrations": "other_task"})
    return outcomes_of(frame_of(WORLD, kinds))


@pytest.mark.parametrize(
    ("other", "expected"), [("flat", "explained"), ("step", "survives"), (None, "not_testable")]
)
def test_the_rival_tells_its_confound_from_a_threshold(other, expected):
    claim, outcomes = claim_of(demonstrations="gold"), demonstrated(other)
    found = own_task.RIVAL.test(claim, outcomes, Fits(claim, outcomes, SETTINGS))
    assert found.outcome == expected


@pytest.fixture
def study(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES / "terse", tmp_path / "terse")
    return tmp_path / "terse" / "study.toml"


def test_the_format_and_the_backend_are_asked_as_their_study_says(study):
    run_study(study, study.parent / "out")
    frame = cf.read_outcomes(study.parent / "out").frame
    assert set(frame["prompt"]) == {"closed", "terse"}
    assert set(frame["model"]) == {"counted"}
    likely = frame[(frame["metric"] == "target_log_prob") & (frame["item"] == "snow")]
    corpus = (study.parent / "corpus.txt").read_text().split()
    share = (corpus.count("white") + 1) / (len(corpus) + len(set(corpus)) + 1)
    assert likely["score"].to_numpy() == pytest.approx(np.log(share))


def test_the_engine_asks_every_cell_once(study):
    whole, parts = study.parent / "whole", study.parent / "parts"
    run_study(study, whole)
    job = Job(study, parts, options={"parts": "3"})
    assert in_turn.ENGINE.run(job, Silent()).done == 4
    assert in_turn.ENGINE.run(job, Silent()).done == 0
    cells = [sorted(path.name for path in out.rglob("*.parquet")) for out in (whole, parts)]
    assert cells[0] == cells[1]
    with pytest.raises(UsageError, match="'parts' is '0'; a whole number"):
        in_turn.ENGINE.run(Job(study, parts, options={"parts": "0"}), Silent())


def test_a_corpus_that_is_not_there_is_refused_by_name(study):
    (study.parent / "corpus.txt").unlink()
    with pytest.raises(StudyError, match=r"'counted': no corpus at .*corpus\.txt"):
        run_study(study, study.parent / "out")


def test_the_metric_counts_places(study):
    text = study.read_text().replace('"target_log_prob"', '"top_ten:METRIC"')
    study.write_text(text)
    corpus = study.parent / "corpus.txt"
    corpus.write_text(" ".join(f"{word} {word}" for word in "abcdefghij") + " white green")
    run_study(study, study.parent / "out")
    outcomes = cf.read_outcomes(study.parent / "out")
    assert (outcomes.select(metric="top_ten:METRIC").frame["score"] == 0).all()
    corpus.write_text("white green black")
    run_study(study, study.parent / "again")
    outcomes = cf.read_outcomes(study.parent / "again")
    assert (outcomes.select(metric="top_ten:METRIC").frame["score"] == 1).all()
    assert outcomes.measures["top_ten:METRIC"].kind == "linear"


def test_the_reader_reads_its_files(tmp_path):
    scores = [{"task": "addition", "percent": 42.5, "items": 200}]
    path = tmp_path / "scoreboard.json"
    path.write_text(json.dumps({"scoreboard": 1, "models": [{"name": "a", "scores": scores}]}))
    row = cf.read_outcomes(path, format="scoreboard:FORMAT").frame.iloc[0]
    assert (row["model"], row["task"], row["score"], row["n"]) == ("a", "addition", 0.425, 200)
    assert plugins.load("ingest", "scoreboard:FORMAT").recognises(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"models": 3}', '{"models": [{"name": "a"}]}'])
def test_the_reader_refuses_what_is_no_scoreboard(tmp_path, text):
    path = tmp_path / "scoreboard.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"scoreboard\.json: not a scoreboard"):
        cf.read_outcomes(path, format="scoreboard:FORMAT")


def test_the_curve_recovers_its_parameters():
    x = np.linspace(7, 12, 24)
    truth = (np.array(0.8), np.array(0.3), np.array(2.0))
    score = gompertz.mean(x - x.mean(), truth)
    sample = CurveSample(x, score, np.full(24, 1e4), np.zeros(24))
    fit = fit_curve("gompertz:CURVE", sample)
    found = [fit[name].estimate for name in ("upper", "midpoint", "rate")]
    assert found == pytest.approx([0.8, x.mean() + 0.3, 2.0], abs=0.01)


PRINTED = [
    pytest.param(page, line, id=page.stem)
    for page in sorted((ROOT / "docs" / "extend").glob("*.md"))
    for line in re.findall(r"^PYTHONPATH.*$|^confounds .*$", page.read_text(), re.MULTILINE)
]


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder that holds the files of the pages."""
    for path in EXAMPLES.rglob("*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def from_folder(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell does, with the command of this environment."""
    before, _, words = line.partition("confounds ")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(Path(sys.executable).with_name("confounds")), *shlex.split(words)],
        cwd=folder,
        env=clean | dict(re.findall(r"(\w+)=(\S+)", before)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pages_print_a_command_for_what_is_named_on_a_command_line_or_in_a_study():
    assert {param.id for param in PRINTED} == {"backend", "engine", "format", "metric"}


@pytest.mark.parametrize(("page", "line"), PRINTED)
def test_a_printed_command_works_as_printed(beside, page, line):
    metrics = re.search(r"^metrics = .*$", page.read_text(), re.MULTILINE)
    if metrics is not None:
        study = beside / "study.toml"
        study.write_text(
            re.sub(r"^metrics = .*$", metrics[0], study.read_text(), flags=re.MULTILINE)
        )
    done = from_folder(beside, line)
    assert done.returncode == 0, done.stderr
    out = beside / shlex.split(line)[shlex.split(line).index("--out") + 1]
    outcomes = cf.read_outcomes(out)
    assert metrics is None or "top_ten:METRIC" in outcomes.metrics
    assert outcomes.frame["parameters"].notna().all()


def test_a_module_beside_is_not_run_unasked_and_the_message_says_how(beside):
    line = "confounds ingest scoreboard.json --format scoreboard:FORMAT --out table.csv"
    done = from_folder(beside, line)
    assert done.returncode == 2
    assert "in the current folder: PYTHONPATH=. confounds" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_at_all:FORMAT", "that PYTHONPATH names"),
        ("json:FORMAT", "write it as package.module:OBJECT"),
        ("json.gone:FORMAT", "write it as package.module:OBJECT"),
        (":FORMAT", "write it as package.module:OBJECT"),
        ("..json:FORMAT", "write it as package.module:OBJECT"),
        ("lacking:FORMAT", "install what 'lacking' imports"),
    ],
)
def test_a_name_that_leads_nowhere_says_the_way_out(tmp_path, monkeypatch, name, message):
    (tmp_path / "lacking.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=message):
        plugins.load("ingest", name)


@pytest.mark.report
def test_the_section_shows_models_without_a_scale():
    import left_out

    from confounds.report._section import View

    outcomes = outcomes_of(frame_of(WORLD, {"all": ("step", {})}))
    audit = cf.audit(claim_of(), outcomes, settings=replace(SETTINGS, replicates=19))
    assert left_out.SECTION.render(View((audit,))) == ""
    shown = left_out.SECTION.render(View((replace(audit, unplaced=("m<1>",)),)))
    assert "1 of the models" in shown
    assert "m&lt;1&gt;" in shown


def test_a_file_in_its_folder_is_an_extension(tmp_path):
    """A copy of the package with the examples in it: no list was edited."""
    package = tmp_path / "confounds"
    skipped = shutil.ignore_patterns("weights", "__pycache__", "*.html")
    shutil.copytree(Path(cf.__file__).parent, package, ignore=skipped)
    placed = {
        "rivals": "own_task", "metrics": "top_ten", "ingest": "scoreboard",
        "curves": "gompertz", "report": "left_out", "engines": "in_turn", "probe": "unigram",
    }  # fmt: skip
    for folder, name in placed.items():
        shutil.copy(EXAMPLES / f"{name}.py", package / folder)
    demonstrated("flat").write(tmp_path / "table.csv")
    script = (
        "from confounds import plugins\n"
        f"for folder, name in {placed!r}.items():\n"
        "    assert plugins.summaries(folder)[name], name\n"
        "from confounds.cli import app\n"
        "app(['check', 'table.csv'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "own_task: 1 of 1 task" in done.stdout, done.stdout
