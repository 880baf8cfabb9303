"""Clients that speak HTTP to a real server."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, NamedTuple, TypeVar

__all__ = ["SECONDS", "Answer", "Client", "at_once", "exchange", "read_answer"]

SECONDS = 20
T = TypeVar("T")
U = TypeVar("U")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """One caller with one connection that is kept open; a lost one is opened anew for the next call only."""

    port: int
    token: str | None = None
    seconds: float = SECONDS
    connection: http.client.HTTPConnection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Bodies that are no bytes are sent as JSON; `content_type="…"` becomes the header Content-Type.

        Raises:
            OSError, http.client.HTTPException: there was no whole answer.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        sent |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("X-Bunker-Token", self.token)
        try:
            self.connection.request(method, path, data, sent)
            got = self.connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def create(self, **profile: Any) -> str:
        """Store a person; the token."""
        answer = self.call("POST", "/v1/user", profile)
        assert answer.status == 200, answer
        token: str = answer.json()["token"]
        return token

    def connect(self) -> None:
        self.connection.connect()

    def close(self) -> None:
        self.connection.close()


def exchange(port: int, sent: bytes, *, seconds: float = SECONDS) -> bytes:
    """Send these very bytes and no more; all that comes back until the server closes.

    Raises:
        TimeoutError: the server leaves the connection open for so long.
    """
    with closing(socket.create_connection(("127.0.0.1", port), timeout=seconds)) as connection:
        with suppress(OSError):  # the server may have heard enough and closed already
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        return _until_closed(connection)


def _until_closed(connection: socket.socket) -> bytes:
    got = bytearray()
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return bytes(got)
        if not part:
            return bytes(got)
        got += part


def read_answer(connection: socket.socket) -> Answer:
    """The next answer on an open connection."""
    got = http.client.HTTPResponse(connection)
    got.begin()
    return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())


def at_once(act: Callable[[T], U], given: Sequence[T]) -> list[U]:
    """What `act` returns for each, all begun at the same moment by a thread of their own."""
    gate = Barrier(len(given))

    def run(one: T) -> U:
        gate.wait(SECONDS)
        return act(one)

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(run, given))
