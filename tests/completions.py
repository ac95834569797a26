"""A server of completions in this process: a real model's log-probabilities, and misbehaviour."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = dict[str, Any]


class RefusalError(Exception):
    """An answer that is no completion."""

    def __init__(self, status: int, body: str, **headers: str) -> None:
        super().__init__(body)
        self.status = status
        self.body = body
        self.headers = headers


class Completions:
    """Answers as vLLM does: a prompt as text or tokens, echoed with log-probabilities.

    Args:
        model: of transformers.
        tokenizer: of that model.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.requests: list[Answer] = []
        self.headers: list[dict[str, str]] = []
        self.before: Callable[[Answer], None] = lambda _body: None
        self.after: Callable[[Answer, Answer], None] = lambda _body, _answer: None
        self._lock = threading.Lock()

    def answer(self, body: Answer) -> Answer:
        with self._lock:
            self.requests.append(body)
        self.before(body)
        with self._lock:
            found = self._complete(body)
        self.after(body, found)
        return found

    def echoed(self) -> list[Answer]:
        return [body for body in self.requests if body.get("echo")]

    def _complete(self, body: Answer) -> Answer:
        import torch

        prompt = body["prompt"]
        ids = self.tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else list(prompt)
        sent = len(ids)
        while len(ids) - sent < body["max_tokens"]:
            with torch.inference_mode():
                logits = self.model(torch.tensor([ids])).logits[0].double()
            table = torch.log_softmax(logits, -1)
            best = int(table[-1].argmax())
            ids.append(best)
            written = self.tokenizer.decode(ids[sent:])
            if any(stop in written for stop in body.get("stop", [])):
                break
        text = self.tokenizer.decode(ids if body.get("echo") else ids[sent:])
        choice: Answer = {"index": 0, "text": text, "logprobs": None, "finish_reason": "length"}
        if body.get("logprobs") is not None:
            choice["logprobs"] = self._log_probs(ids, table, 0 if body.get("echo") else sent)
        return {"object": "text_completion", "choices": [choice]}

    def _log_probs(self, ids: list[int], table: Any, start: int) -> Answer:
        tokens = [self.tokenizer.decode([one]) for one in ids]
        values = [None, *(float(table[i, one]) for i, one in enumerate(ids[1:]))]
        tops: list[Any] = [None]
        for i, one in enumerate(ids[1:]):
            top = int(table[i].argmax())
            tops.append({tokens[i + 1]: float(table[i, one])})
            tops[-1][self.tokenizer.decode([top])] = float(table[i, top])
        offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
        return {
            "tokens": tokens[start:],
            "token_logprobs": values[start:],
            "top_logprobs": tops[start:],
            "text_offset": offsets[start:],
        }


def neighbours(body: Answer, answer: Answer) -> None:
    """Numbers of the next token, as where the distribution after a token is taken for its own."""
    found = answer["choices"][0]["logprobs"]
    if found and body.get("echo"):
        for name in ("token_logprobs", "top_logprobs"):
            found[name] = [None, *found[name][2:], found[name][-1]]


def without_its_own(_body: Answer, answer: Answer) -> None:
    """The likeliest token only is listed, as some servers do."""
    found = answer["choices"][0]["logprobs"]
    if found:
        tops = found["top_logprobs"]
        found["top_logprobs"] = [
            dict([max(one.items(), key=lambda pair: pair[1])]) if one else None for one in tops
        ]


def behind(completions: Completions, body: Answer, answer: Answer) -> None:
    """Each token with its log-probability in the distribution behind it, not before it.

    So llama-cpp-python has it without a start token: its lists name their tokens all the same.
    """
    import torch

    found = answer["choices"][0]["logprobs"]
    if not (found and body.get("echo")):
        return
    ids = list(completions.tokenizer(body["prompt"])["input_ids"])
    for _ in range(2):
        with torch.inference_mode():
            logits = completions.model(torch.tensor([ids])).logits[0].double()
        table = torch.log_softmax(logits, -1)
        ids.append(int(table[-1].argmax()))
    for place in range(1, len(ids) - 1):
        best, own = int(table[place].argmax()), float(table[place, ids[place]])
        found["token_logprobs"][place] = own
        likeliest = {completions.tokenizer.decode([best]): float(table[place, best])}
        found["top_logprobs"][place] = {found["tokens"][place]: own} | likeliest


@contextmanager
def serving(completions: Any) -> Iterator[str]:
    """The base address at which it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            completions.headers.append({**dict(self.headers), "path": self.path})
            try:
                body = json.loads(self.rfile.read(size))
                status, content, headers = 200, json.dumps(completions.answer(body)), {}
            except RefusalError as refusal:
                status, content, headers = refusal.status, refusal.body, refusal.headers
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(content.encode())))
                self.end_headers()
                self.wfile.write(content.encode())
            except OSError:  # whoever asked did not wait
                self.close_connection = True

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def hang(seconds: float) -> Callable[[Answer], None]:
    return lambda _body: time.sleep(seconds)
