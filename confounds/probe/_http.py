"""Requests to a server: sent again where it pays, no faster than allowed, the key never told."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import SecretStr

    from confounds.study import Server

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
PATIENCE = 900.0
"""The longest Retry-After, in seconds, that is waited for."""
_LARGEST = 1 << 28
_PIECE = 1 << 16
_TOLD = 300
_IN_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_HIDDEN = "***"


class ServerError(RuntimeError):
    """A request that was not answered; `status` is None where no answer came at all."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Passing(Exception):  # noqa: N818 - ends in a ServerError, or in an answer
    """A failure that may be gone when the request is sent again."""

    def __init__(self, error: ServerError, wait: float | None = None) -> None:
        super().__init__()
        self.error = error
        self.wait = wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows none: the key would go with it."""

    def redirect_request(self, *_arguments: Any) -> None:
        """None: the redirect itself is the answer."""


@dataclass(slots=True)
class Pace:
    """Spaces requests evenly; shared by the threads of one process.

    Attributes:
        interval: seconds from one request to the next.
    """

    interval: float
    _lock: Any = None
    _next: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self.interval
        time.sleep(max(0.0, turn - now))


class Client:
    """Posts JSON to one server.

    Args:
        server: where, how fast and how patiently.
        key: sent as a bearer token; never part of a message.
    """

    def __init__(self, server: Server, key: SecretStr | None = None) -> None:
        self.server = server
        self.pace = Pace(60.0 / server.requests_per_minute if server.requests_per_minute else 0.0)
        self._key = key
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._jitter = random.Random()  # noqa: S311 - spreads requests, hides nothing

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request.

        Waits double from `FIRST_WAIT` to `LONGEST_WAIT`, less up to a half at random, and are
        never shorter than a Retry-After.

        Raises:
            ServerError: it was refused, or failed in passing too often.
        """
        longest = FIRST_WAIT
        for attempt in range(self.server.retries + 1):
            self.pace.wait()
            try:
                return self._send(path, body)
            except _Passing as failure:
                last = attempt == self.server.retries
                asked = failure.wait or 0.0
                if last or asked > PATIENCE:
                    raise self._given_up(failure, attempt + 1) from None
            time.sleep(max(asked, longest * self._jitter.uniform(0.5, 1.0)))
            longest = min(2 * longest, LONGEST_WAIT)
        msg = "no request was sent"
        raise ServerError(msg)

    def _given_up(self, failure: _Passing, times: int) -> ServerError:
        asked = failure.wait or 0.0
        why = f"asked {times} times" if asked <= PATIENCE else f"it asks to wait {asked:.0f} s"
        return ServerError(f"{failure.error} ({why})", failure.error.status)

    def _send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the study admits http and https only
            f"{self.server.url.rstrip('/')}/{path}", json.dumps(body).encode(), headers
        )
        self._authorize(request)
        try:
            with self._opener.open(request, timeout=self.server.timeout) as response:
                content = _read(response, time.monotonic() + self.server.timeout)
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except TimeoutError:
            msg = f"no answer in {self.server.timeout:g} s"
            raise _Passing(ServerError(msg)) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            msg = f"{self.server.url} cannot be reached ({self._clean(str(reason))})"
            raise _Passing(ServerError(msg)) from None
        return _parsed(self._clean(content.decode(errors="replace")))

    def _authorize(self, request: urllib.request.Request) -> None:
        """Apart, so that no frame of a traceback has the key in a variable of its own."""
        if self._key is not None:
            bearer = f"Bearer {self._key.get_secret_value()}"
            request.add_unredirected_header("Authorization", bearer)

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        with error:
            content = b""
            with contextlib.suppress(OSError, http.client.HTTPException):
                content = error.read(_PIECE)
        told = self._clean(_message(content))[:_TOLD]  # not before: half a key is no key to find
        if error.code in (401, 403) and self.server.key_variable is None:
            told = f"{told} (the study names no key_variable)"
        if 300 <= error.code < 400:
            told = "a redirect, which is not followed; write the final address"
        found = ServerError(f"status {error.code}: {told}", error.code)
        if error.code in _IN_PASSING:
            return _Passing(found, _retry_after(error.headers.get("Retry-After")))
        return found

    def _clean(self, text: str) -> str:
        """Text of a server without the key, which some repeat."""
        if self._key is not None:
            text = text.replace(self._key.get_secret_value(), _HIDDEN)
        return text


def _parsed(content: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        msg = f"the answer is not a JSON object: {content[:80]!r}"
        raise _Passing(ServerError(msg)) from None
    return document


def _read(response: Any, deadline: float) -> bytes:
    """The whole answer; a server that drips it is timed out too."""
    found = bytearray()
    while piece := response.read1(_PIECE):
        found += piece
        if len(found) > _LARGEST:
            msg = f"an answer of more than {_LARGEST} bytes"
            raise ServerError(msg)
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(found)


def _message(content: bytes) -> str:
    """What an error says: `error.message`, `message` or `detail`, else its text in one line."""
    try:
        document = json.loads(content)
        for key in ("error", "message", "detail"):
            if isinstance(document, dict) and key in document:
                document = document[key]
        text = document if isinstance(document, str) else json.dumps(document)
    except (ValueError, RecursionError):
        text = re.sub(r"<[^>]*>", " ", content.decode(errors="replace"))
    return " ".join(text.split()) or "nothing said"


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number of them or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
