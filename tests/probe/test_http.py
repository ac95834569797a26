"""Requests that fail in passing are sent again, no sooner than asked; the key is never told."""

from __future__ import annotations

import email.utils
import json
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from completions import Answer, RefusalError, serving
from pydantic import SecretStr

from confounds.probe import _http
from confounds.probe._http import Client, Pace, ServerError
from confounds.study import Server

KEY = "sk-never-to-be-told-7f3a"


class Stub:
    """Plays a list of answers, then says that all is well."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.plays: list[Any] = []
        self.times: list[float] = []

    def answer(self, _body: Answer) -> Any:
        self.times.append(time.monotonic())
        play = self.plays.pop(0) if self.plays else {"well": True}
        if isinstance(play, Exception):
            raise play
        return play() if callable(play) else play


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    monkeypatch.setattr(_http, "FIRST_WAIT", 0.001)
    return Stub()


@pytest.fixture
def url(stub: Stub) -> Iterator[str]:
    with serving(stub) as address:
        yield address


def client(url: str, **keys: Any) -> Client:
    return Client(Server(url=url, **{"retries": 3, **keys}), SecretStr(KEY))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529, 408])
def test_what_fails_in_passing_is_sent_again(stub: Stub, url: str, status: int) -> None:
    stub.plays = [RefusalError(status, "busy"), RefusalError(status, "busy")]
    assert client(url).post("completions", {}) == {"well": True}
    assert len(stub.times) == 3
    assert {one["path"] for one in stub.headers} == {"/v1/completions"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_refused_is_not(stub: Stub, url: str, status: int) -> None:
    stub.plays = [RefusalError(status, '{"error": {"message": "no such model"}}')]
    with pytest.raises(ServerError, match=f"^status {status}: no such model$") as error:
        client(url, key_variable="K").post("completions", {})
    assert error.value.status == status
    assert len(stub.times) == 1


def test_it_gives_up_in_the_end(stub: Stub, url: str) -> None:
    stub.plays = [RefusalError(500, "<html><b>broken</b></html>")] * 9
    with pytest.raises(ServerError, match=r"^status 500: broken \(asked 4 times\)$"):
        client(url).post("completions", {})
    assert len(stub.times) == 4


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_it_waits_as_long_as_it_is_asked_to(stub: Stub, url: str, kind: str) -> None:
    at = email.utils.formatdate(time.time() + 1.6, usegmt=True)  # whole seconds: at least 0.6
    stub.plays = [RefusalError(429, "slow down", Retry_After="0.4" if kind == "seconds" else at)]
    client(url).post("completions", {})
    assert stub.times[1] - stub.times[0] > 0.4


def test_it_does_not_wait_for_a_day(stub: Stub, url: str) -> None:
    stub.plays = [RefusalError(429, "quota used up", Retry_After="86400")]
    with pytest.raises(ServerError, match=r"429: quota used up \(it asks to wait 86400 s\)"):
        client(url).post("completions", {})


@pytest.mark.parametrize("value", [None, "soon", "nan", "-3"])
def test_an_unreadable_wait_is_none(value: str | None) -> None:
    assert not _http._retry_after(value)


def test_waits_double_and_vary(stub: Stub, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_http, "FIRST_WAIT", 1.0)
    monkeypatch.setattr(_http, "LONGEST_WAIT", 4.0)
    monkeypatch.setattr(_http.time, "sleep", waits.append)
    stub.plays = [RefusalError(503, "")] * 5
    client(url, retries=5).post("completions", {})
    waits = [one for one in waits if one > 0.01]  # others are those of the server here
    shares = [wait / longest for wait, longest in zip(waits, (1, 2, 4, 4, 4), strict=True)]
    assert all(0.5 <= share <= 1 for share in shares)
    assert len(set(shares)) == 5


def test_a_server_that_hangs(stub: Stub, url: str) -> None:
    stub.plays = [lambda: time.sleep(0.5)] * 2
    with pytest.raises(ServerError, match=r"^no answer in 0.1 s \(asked 2 times\)$") as error:
        client(url, timeout=0.1, retries=1).post("completions", {})
    assert error.value.status is None


@pytest.mark.parametrize("answer", [["a list"], "text", 3])
def test_what_is_no_object_is_asked_for_again(stub: Stub, url: str, answer: Any) -> None:
    stub.plays = [answer]
    assert client(url).post("completions", {}) == {"well": True}
    stub.plays = [answer] * 4
    with pytest.raises(ServerError, match=r"the answer is not a JSON object: .*asked 4 times"):
        client(url).post("completions", {})


def test_malformed_json_is_asked_for_again(
    stub: Stub, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import completions

    dumps, count = completions.json.dumps, iter(range(9))
    monkeypatch.setattr(
        completions.json, "dumps", lambda one: '{"cut":' if next(count) == 1 else dumps(one)
    )
    assert client(url).post("completions", {}) == {"well": True}
    assert len(stub.times) >= 1


def test_a_redirect_is_not_followed(stub: Stub, url: str) -> None:
    stub.plays = [RefusalError(307, "", Location="http://127.0.0.1:9/elsewhere")]
    with pytest.raises(ServerError, match="status 307: a redirect, which is not followed"):
        client(url).post("completions", {})


def test_nobody_there() -> None:
    with pytest.raises(ServerError, match=r"http://127.0.0.1:9/v1 cannot be reached \(.*refused"):
        client("http://127.0.0.1:9/v1", retries=0).post("completions", {})


def test_the_key_is_in_no_message_and_no_frame(stub: Stub, url: str) -> None:
    for play in (
        RefusalError(401, f'{{"error": "bad key {KEY}"}}'),
        RefusalError(500, f"<p>{KEY}</p>"),
        [f"{KEY}"],
    ):
        stub.plays = [play] * 4
        with pytest.raises(ServerError) as error:
            client(url).post("completions", {"prompt": "p"})
        inside = error.tb.tb_next
        told = traceback.TracebackException(error.type, error.value, inside, capture_locals=True)
        assert KEY not in "".join(told.format())
        assert "***" in str(error.value)
    assert {one["Authorization"] for one in stub.headers} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("before", range(280, 300, 4))
def test_no_part_of_the_key_is_told_where_a_message_is_cut(stub: Stub, url: str, before: int):
    stub.plays = [RefusalError(400, json.dumps({"error": "." * before + KEY}))]
    with pytest.raises(ServerError) as error:
        client(url).post("completions", {})
    assert KEY[:3] not in str(error.value)


def test_the_rate_is_kept_by_threads_together() -> None:
    pace, times = Pace(0.05), []

    def ask() -> None:
        pace.wait()
        times.append(time.monotonic())

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(times) - min(times) > 0.19


def test_the_rate_of_a_study(stub: Stub, url: str) -> None:
    asking = client(url, requests_per_minute=600)
    for _ in range(3):
        asking.post("completions", {})
    assert stub.times[-1] - stub.times[0] > 0.19
