"""The server that a model is asked at, for backends that ask one."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Server(BaseModel):
    """Where a model is served, and how it may be asked; a key is never part of a study.

    Attributes:
        url: base of the interface, such as `http://localhost:8000/v1`.
        key_variable: name of the environment variable that holds the key; None sends none.
        tokenizer: folder, relative to the study file, or hub id; texts are then sent as its
            tokens, and split as a local model's are.
        requests_per_minute: of one process; None is as many as the server takes.
        at_once: requests under way at a time.
        timeout: seconds for one request.
        retries: how often a request that fails in passing is sent again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    key_variable: str | None = None
    tokenizer: str | None = None
    requests_per_minute: float | None = Field(default=None, gt=0)
    at_once: int = Field(default=8, ge=1, le=256)
    timeout: float = Field(default=120.0, gt=0)
    retries: int = Field(default=6, ge=0, le=20)

    @model_validator(mode="after")
    def _no_secret(self) -> Self:
        """A value that may hold a secret is not repeated in the message."""
        if self.key_variable is not None and not _VARIABLE.fullmatch(self.key_variable):
            msg = (
                "key_variable is the name of an environment variable, in capitals, not the key "
                "itself; a key in a study would be stored with its results"
            )
            raise ValueError(msg)
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname)
            bare = parts.username is None and not parts.query and not parts.fragment
        except ValueError:
            known = bare = False
        if not known or not bare:
            msg = (
                "url is the base of the interface, such as http://localhost:8000/v1, without "
                "user, password, '?' or '#'"
            )
            raise ValueError(msg)
        return self
