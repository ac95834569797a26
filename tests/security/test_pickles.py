"""Nothing is ever unpickled: a pickle, whatever it is called, is refused and does not run."""

from __future__ import annotations

import ast
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from result_files import DATE, FILES

from confounds.errors import ConfoundsError
from confounds.ingest import read_outcomes

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("a.json", "a.jsonl", "a.csv", "a.parquet", "a.eval", f"details_t|0_{DATE}.parquet",
         "scores_m.json", "m_eval_results.json", "manifest.json", "run_spec.json")  # fmt: skip


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def pickles(mark: Path) -> dict[str, bytes]:
    """A pickle, an array of objects, an archive of such arrays, and weights as torch wrote them."""
    plain = pickle.dumps(Payload(mark))
    array, arrays, weights = io.BytesIO(), io.BytesIO(), io.BytesIO()
    objects = np.array([Payload(mark)], dtype=object)
    np.save(array, objects, allow_pickle=True)
    np.savez(arrays, a=objects)
    with zipfile.ZipFile(weights, "w") as file:
        file.writestr("archive/data.pkl", plain)
        file.writestr("header.json", plain)
    return {"pickle": plain, "npy": array.getvalue(), "npz": arrays.getvalue(),
            "torch": weights.getvalue()}  # fmt: skip


def test_the_payload_would_run(tmp_path):
    pickle.loads(pickles(tmp_path / "mark")["pickle"])  # noqa: S301  this one is the test's own
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("kind", ["pickle", "npy", "npz", "torch"])
def test_readers_refuse_them_under_any_name(tmp_path, kind):
    mark = tmp_path / "mark"
    content = pickles(mark)[kind]
    for name in NAMES:
        path = tmp_path / name
        path.write_bytes(content)
        for form in {None, *(valid.form for valid in FILES.values())}:
            with pytest.raises(ConfoundsError):
                read_outcomes(path, format=form)
        path.unlink()
    assert not mark.exists()


def test_no_module_of_the_package_can_unpickle():
    """Neither pickle nor what uses it is imported; arrays and weights are loaded without it."""
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    calls = {"read_pickle", "to_pickle"}
    for path in (ROOT / "confounds").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {one.name.split(".")[0] for one in node.names} & forbidden, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in forbidden, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in calls, path
            if isinstance(node, ast.Call):
                named = ast.unparse(node.func)
                assert named not in {"torch.load", "eval", "exec"}, path
                loads = named in {"np.load", "numpy.load"}
                assert not loads or "allow_pickle=False" in ast.unparse(node), path


@pytest.mark.probe
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_weights_that_are_pickles_are_not_loaded(tmp_path, name):
    from confounds.errors import StudyError
    from confounds.probe import _folder
    from confounds.study import ModelSpec

    mark = tmp_path / "mark"
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / name).write_bytes(pickles(mark)["torch"])
    model = ModelSpec(path=str(tmp_path))
    with pytest.raises(StudyError, match="unpickling them runs code"):
        _folder.check(model, tmp_path)
    assert not mark.exists()
