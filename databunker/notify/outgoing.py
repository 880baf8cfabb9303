"""One HTTP call to a receiver that is not trusted: to a judged address, within a total time, whatever comes back.

No redirect is followed, no proxy asked, no connection kept. Of the answer only the head is read, unless the body is
asked for, and no more than an honest receiver sends; TLS is verified for the host name.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from . import addresses
from .addresses import Address, Target
from .errors import AnswerTooLarge, BadStatus

__all__ = ["fetch", "send"]

MAX_ANSWER_BYTES = 65_536
_PIECE = 65_536


def send(method: str, url: str, *, body: bytes, headers: dict[str, str], seconds: float) -> None:
    """Returns where the receiver took it, which it says by 2xx.

    Raises:
        AddressRefused: the URL is malformed, or leads where nothing of ours may go.
        AnswerTooLarge, BadStatus: of the answer.
        OSError: not reachable, no TLS for this host name, or not done after `seconds` in all (TimeoutError).
        HTTPException: what came back is no HTTP.
        ValueError: a header can't be written.
    """
    with _answer(method, url, body=body, headers=headers, seconds=seconds):
        pass


def fetch(method: str, url: str, *, body: bytes, headers: dict[str, str], seconds: float) -> bytes:
    """As `send`; the body of the answer, which may have MAX_ANSWER_BYTES together with its head.

    Raises: see `send`.
    """
    with _answer(method, url, body=body, headers=headers, seconds=seconds) as answer:
        return answer.read()


@contextmanager
def _answer(method: str, url: str, *, body: bytes, headers: dict[str, str], seconds: float) -> Iterator[HTTPResponse]:
    """An answer of success, its body not yet read."""
    target = addresses.parse_url(url)
    connection = _Connection(target, _Clock(seconds))
    try:
        connection.request(method, target.path, body or None, headers)
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own ranges
            raise BadStatus(answer.status)
        yield answer
    finally:
        connection.hang_up()


class _Clock:
    """The time that is left for all of it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """
        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the receiver took too long")
        return left


class _Connection(HTTPConnection):
    """Connects to a judged address of the host, while the head of the request and TLS name the host."""

    def __init__(self, target: Target, clock: _Clock) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 443 if target.scheme == "https" else 80
        self._target = target
        self._clock = clock
        self._plain: socket.socket | None = None

    def hang_up(self) -> None:
        self.close()
        if self._plain is not None:
            self._plain.close()

    def connect(self) -> None:
        plain = _first_reachable(addresses.resolve(self._target, seconds=self._clock.left()), self._clock)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._target.scheme == "https":
                plain.settimeout(self._clock.left())
                plain = _tls().wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise
        self._plain = plain
        self.sock = _TimedSocket(plain, self._clock)


def _first_reachable(found: list[Address], clock: _Clock) -> socket.socket:
    """
    Raises:
        OSError: none of them is.
    """
    failure = OSError("the host name has no address")
    for number, (family, where) in enumerate(found):
        candidate = socket.socket(family, socket.SOCK_STREAM)
        try:
            # A dead address must leave time for those after it.
            candidate.settimeout(clock.left() / (len(found) - number))
            candidate.connect(where)
        except OSError as error:
            candidate.close()
            failure = error
        else:
            return candidate
    raise failure


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The system's authorities, or those of SSL_CERT_FILE; read once a process."""
    return ssl.create_default_context()


class _TimedSocket:
    """As much of a socket as http.client uses; each wait is cut to the time that is left for all."""

    def __init__(self, plain: socket.socket, clock: _Clock) -> None:
        self._plain = plain
        self._clock = clock

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._plain.settimeout(self._clock.left())
            rest = rest[self._plain.send(rest[:_PIECE]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self._plain, self._clock))

    def close(self) -> None:
        """Nothing yet: http.client closes its socket before it has read the body of an answer that is the last one."""


class _Answer(io.RawIOBase):
    """What comes back, up to so many bytes."""

    def __init__(self, plain: socket.socket, clock: _Clock) -> None:
        self._plain = plain
        self._clock = clock
        self._left = MAX_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(self._clock.left())
        count = self._plain.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise AnswerTooLarge("the answer is too long")
        return count
