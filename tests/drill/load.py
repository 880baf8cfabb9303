"""A load of calls from a process of its own: as fast as they are answered, or so many a second whatever happens.

    python -m tests.drill.load --port 3000 --requests FILE --seconds 10 --connections 16 [--rate 1000]

The file has one request a line, written as Python writes bytes. The result is printed as JSON, a window a line.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import errno
import itertools
import json
import math
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.support.vaults import PROJECT

__all__ = ["Load", "Window", "finish", "merged", "start"]

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_STEPS = 24  # of the histogram, for each doubling of the time


@dataclass
class Window:
    """What was answered within one window of time."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    # By status: how often an answer took about so long.
    times: dict[int, Counter[int]] = field(default_factory=dict)
    broken: int = 0
    sent: int = 0

    def add(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        step = round(math.log2(max(seconds, 1e-5) * 1e5) * _STEPS)
        self.times.setdefault(status, Counter())[step] += 1

    def percentile(self, status: int, share: float) -> float:
        """Milliseconds that this share of the answers with this status took at most."""
        times = self.times.get(status, Counter())
        rest = sum(times.values()) * share
        for step in sorted(times):
            rest -= times[step]
            if rest <= 0:
                return float(2 ** (step / _STEPS) / 100)
        return 0.0

    def rate(self, status: int) -> float:
        return self.statuses[status] / self.seconds if self.seconds else 0.0

    def as_json(self) -> str:
        times = {status: dict(found) for status, found in self.times.items()}
        return json.dumps({"seconds": self.seconds, "broken": self.broken, "sent": self.sent, "times": times})

    @staticmethod
    def from_json(text: str) -> Window:
        told: dict[str, Any] = json.loads(text)
        window = Window(seconds=told["seconds"], broken=told["broken"], sent=told["sent"])
        for status, found in told["times"].items():
            window.times[int(status)] = Counter({int(step): times for step, times in found.items()})
            window.statuses[int(status)] = sum(found.values())
        return window


class Load(NamedTuple):
    """One that is under way, and the file that it tells its windows to."""

    process: subprocess.Popen[bytes]
    told: IO[str]


def merged(windows: Sequence[Window]) -> Window:
    """All of them as one."""
    total = Window(sum(window.seconds for window in windows))
    for window in windows:
        total.statuses += window.statuses
        total.broken += window.broken
        total.sent += window.sent
        for status, times in window.times.items():
            total.times[status] = total.times.get(status, Counter()) + times
    return total


def start(port: int, requests: Path, *, seconds: float, connections: int, rate: float = 0, window: float = 1.0) -> Load:
    """Begin; `rate` 0: each connection sends its next request when the one before was answered."""
    command = [sys.executable, "-m", "tests.drill.load", "--port", str(port), "--requests", str(requests)]
    command += [
        "--seconds",
        str(seconds),
        "--connections",
        str(connections),
        "--rate",
        str(rate),
        "--window",
        str(window),
    ]
    # Into a file: a pipe that nobody reads until the end would stop the load when it is full.
    told = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - `finish` closes it
    return Load(subprocess.Popen(command, cwd=PROJECT, stdout=told), told)


def finish(load: Load) -> list[Window]:
    assert load.process.wait() == 0, "the load did not come to its end"
    with load.told as told:
        told.seek(0)
        return [Window.from_json(line) for line in told]


class _Connection:
    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.request = b""
        self.got = b""
        code = self.sock.connect_ex(("127.0.0.1", port))
        self.connected = code == 0
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, "connect")

    def send(self) -> None:
        self.got = b""
        if self.connected:
            self.sock.send(self.request)


class _Load:
    # The whole answer to the request that was turned away last.
    _refused = b""

    def __init__(self, options: argparse.Namespace, requests: list[bytes]) -> None:
        self._options = options
        self._requests = itertools.cycle(requests)
        self._poll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._window = Window()

    def _open(self) -> _Connection:
        connection = _Connection(self._options.port)
        self._all[connection.sock.fileno()] = connection
        self._poll.register(
            connection.sock, select.EPOLLIN if connection.connected else select.EPOLLIN | select.EPOLLOUT
        )
        return connection

    def _drop(self, connection: _Connection) -> None:
        descriptor = connection.sock.fileno()
        self._all.pop(descriptor, None)
        with contextlib.suppress(OSError):
            self._poll.unregister(descriptor)
        connection.sock.close()

    def run(self) -> Iterator[Window]:
        options = self._options
        for _ in range(options.connections):
            self._free.append(self._open())
        began = opened = time.monotonic()
        number, end = 0, began + options.seconds
        while (now := time.monotonic()) < end:
            if now - opened >= options.window:
                self._window.seconds = now - opened
                yield self._window
                self._window, opened = Window(), now
            wanted = int((now - began) * options.rate) if options.rate else number + len(self._free)
            while number < wanted and self._free:
                # Which connection is free at that moment doesn't matter: the one used last is the one that still lives.
                self._issue(self._free.pop() if options.rate else self._free.popleft(), now)
                number += 1
            if options.rate and not self._free:
                number = wanted  # nobody is there to send it: it isn't made up for
            for descriptor, _ in self._poll.poll(0.001 if options.rate else 0.05, 256):
                connection = self._all.get(descriptor)
                if connection is not None:
                    self._handle(connection)
        self._window.seconds = time.monotonic() - opened
        yield self._window

    def _issue(self, connection: _Connection, now: float) -> None:
        connection.request = next(self._requests)
        connection.began = now
        self._window.sent += 1
        try:
            connection.send()
        except OSError:
            self._replace(connection, broken=True)

    def _replace(self, connection: _Connection, *, broken: bool) -> None:
        self._window.broken += broken
        self._drop(connection)
        with contextlib.suppress(OSError):
            self._free.appendleft(self._open())

    def _handle(self, connection: _Connection) -> None:
        if not connection.connected:
            self._connected(connection)
            return
        try:
            part = connection.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            # Between two requests it is the server's right to close.
            self._replace(connection, broken=bool(connection.began))
            return
        connection.got += part
        if connection.got == self._refused:
            # Most of an overload: read once is enough, as the load should take little of the processors.
            self._answered(connection, 503)
        else:
            self._read(connection)

    def _connected(self, connection: _Connection) -> None:
        if connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._replace(connection, broken=bool(connection.began))
            return
        connection.connected = True
        self._poll.modify(connection.sock, select.EPOLLIN)
        if connection.began:
            connection.sock.send(connection.request)

    def _read(self, connection: _Connection) -> None:
        head = connection.got.find(b"\r\n\r\n")
        length = _LENGTH.search(connection.got, 0, head + 2) if head >= 0 else None
        if length is None or len(connection.got) < head + 4 + int(length[1]):
            return
        status, closes = int(connection.got[9:12]), _CLOSES.search(connection.got, 0, head + 2)
        if status == HTTPStatus.SERVICE_UNAVAILABLE and not closes:
            self._refused = connection.got
        self._answered(connection, status, keep=not closes)

    def _answered(self, connection: _Connection, status: int, *, keep: bool = True) -> None:
        self._window.add(status, time.monotonic() - connection.began)
        connection.began = 0.0
        if keep:
            self._free.append(connection)
        else:
            self._replace(connection, broken=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.load", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--window", type=float, default=1)
    options = parser.parse_args()
    requests = [ast.literal_eval(line) for line in options.requests.read_text(encoding="ascii").splitlines()]
    with contextlib.suppress(BrokenPipeError):
        for window in _Load(options, requests).run():
            print(window.as_json(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
