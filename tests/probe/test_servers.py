"""A study that says wrongly where its server is; a key in it is refused and not repeated."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from completions import Answer, RefusalError, serving
from typer.testing import CliRunner

from confounds._cli_probe import register
from confounds.errors import StudyError
from confounds.probe import _http, plan_study
from confounds.probe._estimate import describe, estimate

KEY = "sk-never-to-be-told-7f3a"
STUDY = """
name = "served"
metrics = ["exact_match", "target_log_prob"]
[[models]]
name = "tiny"
path = "served/tiny"
backend = "openai"
server = { url = "http://localhost:8000/v1", retries = 0{more} }
[[tasks]]
name = "words"
items = "items.jsonl"
"""


@pytest.fixture
def study(write_study: Any) -> Any:
    """Writes a study of a server, `more` being further keys of it."""
    return lambda more="": write_study(text=STUDY.replace("{more}", more))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (f', key_variable = "{KEY}"', "key_variable is the name of an environment variable"),
        (f', key = "{KEY}"', "unknown key 'models.0.server.key'; allowed: url, key_variable"),
        (", at_once = 0", "key 'models.0.server.at_once': input should be greater"),
        (', tokenizer = "./gone"', "model 'tiny': tokenizer './gone' is not a folder"),
    ],
)
def test_a_wrong_server(study: Any, more: str, message: str) -> None:
    with pytest.raises(StudyError, match=message) as error:
        plan_study(study(more))
    whole = "".join(traceback.format_exception(error.value))
    assert KEY not in whole


@pytest.mark.parametrize(
    "address",
    [f"http://user:{KEY}@host/v1", f"https://host/v1?key={KEY}", "ftp://host", "localhost:8000"],
)
def test_a_wrong_address(study: Any, address: str) -> None:
    path = study()
    path.write_text(path.read_text().replace("http://localhost:8000/v1", address))
    with pytest.raises(StudyError, match="url is the base of the interface") as error:
        plan_study(path)
    assert KEY not in "".join(traceback.format_exception(error.value))


def test_a_backend_without_its_server_and_a_server_without_its_backend(study: Any) -> None:
    path = study()
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "server =" not in line))
    with pytest.raises(StudyError, match="backend 'openai' needs the key 'server'"):
        plan_study(path)
    path.write_text(text.replace('backend = "openai"\n', ""))
    with pytest.raises(StudyError, match="has a key 'server', and its backend 'huggingface' asks"):
        plan_study(path)


class Tells:
    """A server that repeats the key in every way it can."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.status = 200

    def answer(self, _body: Answer) -> Answer:
        if self.status != 200:
            raise RefusalError(self.status, f"<html>you sent {KEY}</html>")
        return {"error": KEY, "choices": [{"text": KEY, "logprobs": None}]}


@pytest.mark.parametrize("status", [200, 307, 401, 500])
def test_no_output_of_the_command_has_the_key(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(_http, "FIRST_WAIT", 0.001)
    monkeypatch.setenv("SERVED_KEY", KEY)
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    path, tells = study(', key_variable = "SERVED_KEY"'), Tells()
    tells.status = status
    with serving(tells) as url:
        path.write_text(path.read_text().replace("http://localhost:8000/v1", url))
        out = tmp_path / "out"
        result = CliRunner().invoke(app, ["probe", str(path), "--out", str(out), "--json"])
    assert tells.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert result.exit_code == (0 if status == 200 else 4)
    record = json.loads(next((out / "runs").iterdir()).read_text())
    assert bool(record["failures"]) == (status != 200)
    files = [one.read_bytes() for one in out.rglob("*") if one.is_file()]
    written = [pq.read_table(one, partitioning=None) for one in out.rglob("*.parquet")]
    shown = (result.stdout, result.stderr, str([table.to_pylist() for table in written]))
    assert not any(KEY in text for text in shown)
    assert not any(KEY.encode() in content for content in files)


def test_a_plan_counts_requests_where_their_rate_is_known(study: Any) -> None:
    lines = estimate(study(", requests_per_minute = 30"))
    # Nine items or more, four choices each, two seconds a request.
    assert [line.seconds for line in lines] == [2.0 * 4 * line.items for line in lines]
    assert all(line.tokens > line.items for line in lines)
    assert "of computing; loading" in describe(lines)
    unknown = estimate(study())
    assert [line.seconds for line in unknown] == [None] * len(lines)
    assert f"and what the servers take for {len(lines)} cells" in describe(unknown)
