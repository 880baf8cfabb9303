"""A receiver of webhooks and text messages: a real HTTP server that answers as a test wants it to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

import orjson

__all__ = ["Received", "Receiver", "Wire"]


class Received(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Wire(NamedTuple):
    """What an answering function is given: the connection to the caller, and when the test is over."""

    write: Callable[[bytes], Any]
    over: threading.Event


class Receiver(AbstractContextManager["Receiver"]):
    """Takes everything, unless `statuses` says otherwise for the next calls, or `answer` writes what it likes."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.answer: Callable[[Wire], None] | None = None
        self.over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.command, self.path, headers, body))
                self.close_connection = True
                try:
                    receiver._answer(self)
                except OSError:
                    return  # the caller has gone, as some tests want it to

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.answer is not None:
            self.answer(Wire(handler.wfile.write, self.over))
            return
        handler.send_response(self.statuses.pop(0) if self.statuses else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def bodies(self) -> list[Any]:
        return [one.json() for one in self.received]

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
