"""The product's WSGI application called in this very process: no server, no socket. For profiles and for its SQL."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import orjson

from benchmarks.errors import HarnessError

__all__ = ["Caller"]

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Callable[[str, Headers], object]], Iterable[bytes]]


class Caller:
    """Calls the product as gunicorn would, with the root token and database that the environment names."""

    def __init__(self) -> None:
        self._application: Application = import_module("databunker.wsgi").application
        self._token = os.environ["DATABUNKER_ROOTTOKEN"]

    def call(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The body of a good answer.

        Raises:
            HarnessError: the answer is not 200.
        """
        answered: list[str] = []

        def start_response(status: str, headers: Headers, _: object = None) -> None:
            answered.append(status)

        answer = self._application(self._environ(method, path, body), start_response)
        text = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not answered[0].startswith("200"):
            raise HarnessError(f"{method} {path.split('/')[1:3]} answered {answered[0]}: {text[:300]!r}")
        return text

    def json(self, method: str, path: str, body: Any = None) -> Any:
        return orjson.loads(self.call(method, path, b"" if body is None else orjson.dumps(body)))

    def _environ(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "RAW_URI": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "3000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:3000",
            "HTTP_X_BUNKER_TOKEN": self._token,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
