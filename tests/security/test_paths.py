"""Names inside files are names: none leads a reader or a writer out of its folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from archives import write_zip
from lm_eval_files import DATE, new, sample, write
from result_files import INSPECT, MANIFEST, as_probed, changed

from confounds.errors import FormatError, OutcomesError
from confounds.export._package import NAME
from confounds.export._stale import stale
from confounds.ingest import read_outcomes

OUT = ("../../evil", "/etc/passwd", "..\\..\\evil", "a/../../../evil", "\0evil", "~/evil", "C:evil")


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("name", OUT)
def test_members_of_archives_are_written_nowhere(tmp_path, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    rows = INSPECT["samples"]
    members = {"header.json": INSPECT, "summaries.json": rows, name: [1], f"samples/{name}": {}}
    content = {key: json.dumps(one).encode() for key, one in members.items()}
    path = write_zip(inside / "a.eval", content)
    assert len(read_outcomes(path)) > 0
    assert files(tmp_path) == {inside, path}


@pytest.mark.parametrize("task", ["../secret", "x/../../secret", "/secret"])
def test_a_task_of_lm_eval_names_no_file_elsewhere(tmp_path, task):
    """The samples are found by the task's name; those outside the folder are not opened."""
    home = tmp_path / "a" / "b"
    path = write(home / f"results_{DATE}.json", new({task: {"acc,none": 0.5}}))
    rows = [sample(i, target=str(i), log_prob=["-1", "-2"]) for i in (0, 1)]
    for place in (tmp_path / "a", home / "samples_x", tmp_path):
        place.mkdir(exist_ok=True)
        for name in (f"samples_secret_{DATE}.jsonl", f"secret_{DATE}.jsonl"):
            (place / name).write_text("\n".join(json.dumps(one) for one in rows))
    (home / "samples_..").mkdir()
    outcomes = read_outcomes(path)
    assert set(outcomes.frame["source"]) == {path.name}
    assert outcomes.frame["item"].isna().all()


@pytest.mark.parametrize("name", OUT[:4])
def test_cells_of_a_probed_folder_lie_within_it(tmp_path, name):
    path = as_probed(tmp_path, changed(MANIFEST, ("cells", 0, "file"), name))
    with pytest.raises(FormatError, match=r"cells\[0\]: 'file' is .*within the folder|none of 2"):
        read_outcomes(path)


def test_links_to_folders_elsewhere_are_not_followed(tmp_path):
    """A link that leads back up would otherwise be walked without end."""
    (tmp_path / "results").mkdir()
    write(tmp_path / "results" / f"results_{DATE}.json", new({"a": {"acc,none": 0.5}}))
    write(tmp_path / "other" / f"results_{DATE}.json", new({"b": {"acc,none": 0.5}}))
    (tmp_path / "results" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert read_outcomes(tmp_path / "results").tasks == ("a",)


@pytest.mark.report
def test_reports_and_exports_are_written_into_their_folder(tmp_path, hostile):
    from confounds.export import export_audits
    from confounds.report import write_reports

    names = [name for name in OUT if "\0" not in name]
    _, audits = hostile(*names)
    home = tmp_path / "home"
    home.mkdir()
    export_audits(audits, home / "tables")
    write_reports(dict.fromkeys(names, audits[:1]), home / "pages")
    assert files(tmp_path) == {home, *files(home)}
    assert len(files(home / "pages")) == len(names) + 1


def test_names_that_end_a_text_are_refused(hostile):
    with pytest.raises(OutcomesError, match=r"column 'task' .*a text holds no NUL"):
        hostile("\0evil")


def test_an_export_removes_nothing_outside_its_folder(tmp_path, hostile):
    """The list of what an earlier export wrote is a file too, and may name anything."""
    from confounds.export import export_audits

    other = tmp_path / "precious.csv"
    other.write_text("kept")
    home = tmp_path / "home"
    home.mkdir()
    digest = hashlib.sha256(b"kept").hexdigest()
    listed = [{"path": one, "hash": f"sha256:{digest}"} for one in ("../precious.csv", str(other))]
    (home / "datapackage.json").write_text(json.dumps({"name": NAME, "resources": listed}))
    export_audits(hostile("harmless")[1], home)
    assert other.read_text() == "kept"


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"name": ' * 100_000],
)
def test_a_list_that_cannot_be_read_removes_nothing(tmp_path, content):
    (tmp_path / "datapackage.json").write_text(content)
    assert stale(tmp_path, ()) == ()


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "/".join("x" * 3000)])
def test_paths_that_no_file_can_have_are_of_no_file(tmp_path, path):
    listed = {"name": NAME, "resources": [{"path": path, "hash": "sha256:0"}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(listed))
    assert stale(tmp_path, ()) == ()
