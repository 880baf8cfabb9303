"""When a server has more requests than it can serve, how many of them may wait, and how the others are answered.

A queue without an end serves nobody: once more comes in than goes out, each request waits longer than the one before,
until its caller has gone. As with CoDel (RFC 8289) it isn't the length of a queue that tells, which a burst makes long,
but that nobody has waited less than some time for some time. Then those at its head are dropped, a few requests may
wait, and all others are answered 503 when they come, at a fiftieth of the price of serving them
(docs/decisions/0013-turned-away-at-the-door.md).
"""

from __future__ import annotations

import re
import socket
import sys
import time

from .server_requests import END_OF_HEAD

__all__ = ["ALWAYS_SERVED", "Admission", "milliseconds_waited", "refusal"]

# Requests may wait for so many times what one takes at present, so that a slow database allows no less queue than a
# fast one, counted in requests.
_TIMES = 16
# So long nobody has waited less: a burst, or a machine that stood still for a moment, turns nobody away.
_STANDING_SECONDS = 0.1
# "Nobody" is from when most of those who are looked at are late until few of them are: their order isn't strict.
_MANY, _FEW, _OF_LATE = 0.5, 0.1, 1 / 4
# While none is late one request in so many (a power of two) is looked at: the question costs a system call.
_LOOK = 8
# So few that wait for each thread are never too many. When there are more, so many may wait until nobody does: no
# thread is ever without work, and none of them has much before it.
_NEVER_TOO_MANY, _WAITING = 9, 4
# One slow request (a backup that streams for minutes) says little about the others.
_LONGEST_SECONDS = 1.0
_OF_USUAL = 1 / 16
# In `struct tcp_info` of the kernel: milliseconds since data came in the last time.
_LAST_DATA_RECEIVED = slice(52, 56)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
# Load balancers ask whether the server lives, not whether it has time for them.
ALWAYS_SERVED = (b"GET /livez ", b"GET /readyz ", b"GET /status ")
_BODY = b'{"status":"error","message":"too busy, try again later"}'
_HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\nRetry-After: 1\r\nContent-Length: %d\r\n" % len(_BODY)
)
_CLOSE = b"Connection: close\r\n"


class Admission:
    """One worker's judgement. Its threads share it without a lock: what one overwrites is soon counted again."""

    def __init__(self, *, milliseconds: int, threads: int) -> None:
        """Requests may always wait for so long; 0: for ever."""
        self.turns = 0
        # Whether the queue stands, so that some may be turned away.
        self.crowded = False
        # Whether that is new: nobody who waits has been chosen or turned away.
        self.begins = False
        self._never_too_many, self._waiting = threads * _NEVER_TOO_MANY, threads * _WAITING
        self.most_waiting = self._never_too_many
        self._least = milliseconds
        self._usual_seconds = 0.0
        self._late_share = 0.0
        self._standing_since: float | None = None

    def measures(self) -> bool:
        """Whether to measure how long the request at hand takes; of one in so many it is enough."""
        return not self.turns % _LOOK

    def took(self, seconds: float) -> None:
        """A request was answered in this time."""
        self._usual_seconds += (min(seconds, _LONGEST_SECONDS) - self._usual_seconds) * _OF_USUAL

    def look(self, sock: socket.socket) -> None:
        """A request has its turn that has arrived here: was it late?"""
        self.turns += 1
        if self.crowded or not self._least or (self._late_share < _FEW and self.turns % _LOOK):
            return
        late = milliseconds_waited(sock) > max(self._least, self._usual_seconds * 1000 * _TIMES)
        self._late_share += (late - self._late_share) * _OF_LATE
        since = self._standing_since
        if since is None:
            if self._late_share > _MANY:
                self._standing_since = time.monotonic()
        elif self._late_share < _FEW:
            self._standing_since = None
        elif late:
            self.crowded = self.begins = time.monotonic() - since > _STANDING_SECONDS

    def may_wait(self, others: int) -> bool:
        """Whether one more may, with so many others, while the queue stands. After the first who may not, fewer may."""
        if others < self.most_waiting:
            return True
        self.most_waiting = self._waiting
        return False

    def nobody_waits(self) -> None:
        """A thread that came free found no other request."""
        self.crowded = False
        self.most_waiting = self._never_too_many
        self._late_share = 0.0
        self._standing_since = None


def milliseconds_waited(sock: socket.socket) -> int:
    """How long ago the client has sent something, to the next tick of the kernel; 0 where the kernel doesn't tell."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED.stop)
    except OSError:
        return 0
    return int.from_bytes(info[_LAST_DATA_RECEIVED], sys.byteorder)


def refusal(request: bytes) -> tuple[bytes, int]:
    """The answer to a request that is turned away, and the length of that request.

    The length is 0 where the connection has to be closed, because the request has not arrived whole, or it isn't plain
    where it ends. Otherwise nobody has to connect anew.
    """
    end = request.find(END_OF_HEAD)
    head = request[: end + 2].lower()
    lengths = _LENGTH.findall(head)
    length = end + len(END_OF_HEAD) + sum(map(int, lengths))
    line, _, _ = head.partition(b"\r\n")
    plain = (
        end > 0
        and length <= len(request)
        and line.endswith(b" http/1.1")
        and head.count(b"content-length") == len(lengths) < 2  # noqa: PLR2004 - one or none
        and b"transfer-encoding" not in head
        and b"expect" not in head
    )
    body = b"" if line.startswith(b"head ") else _BODY
    if not plain:
        return _HEAD + _CLOSE + b"\r\n" + body, 0
    return _HEAD + b"\r\n" + body, length
