"""A worker's connections, and the poll in which those wait that have no request under way."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from databunker.server.calls import poll_event, rearm, register
from databunker.server.leaving import Leaving
from databunker.server.requests import GONE, Client, missing, read_ahead, take_arrived

__all__ = ["Connections"]

_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
# A connection that was used a moment ago will be used again; of those older, so many are looked at to close one.
_IDLE_SECONDS = 1.0
_LOOKED_AT = 64


class Connections:
    """All of them, shared by the worker's threads: each event wakes one of these, whose the connection is then."""

    def __init__(self, *, most: int, keepalive: float, publish: Callable[[int], None]) -> None:
        """`publish` is told how many there are, each time that this changes."""
        self.most = most
        self.leaving = Leaving()
        self._keepalive = keepalive
        self._publish = publish
        self._epoll = select.epoll()
        self._poll_number = self._epoll.fileno()
        # By file descriptor. Whoever takes a connection out of `_idle` owns it: dict.pop is atomic.
        self._open: dict[int, Any] = {}
        self._idle: dict[int, Any] = {}

    def __len__(self) -> int:
        """How many there are, with those that are about to be closed."""
        return len(self._open) + len(self.leaving)

    def open(self, conn: Any) -> None:
        """Wait for the first request of a connection (gunicorn's `TConn`)."""
        conn.descriptor, conn.wanted = conn.sock.fileno(), 1
        conn.event = poll_event(conn.descriptor, _EVENTS)
        conn.set_timeout()
        self._open[conn.descriptor] = conn
        self._publish(len(self._open))
        self._idle[conn.descriptor] = conn
        register(self._poll_number, conn.descriptor, conn.event)

    def is_full(self) -> bool:
        """Whether there is no place for one more, also after the one that has been idle for longest was closed."""
        return len(self._open) >= self.most and not self._make_room()

    def _make_room(self) -> bool:
        latest = time.monotonic() - _IDLE_SECONDS + self._keepalive
        for descriptor, conn in list(self._idle.items())[:_LOOKED_AT]:
            if conn.timeout < latest and _is_silent(conn.sock):
                owned = self._idle.pop(descriptor, None)
                if owned is not None:
                    self.close(owned)
                    return True
        return False

    def ready(self, seconds: float | None, most: int) -> Iterator[Any]:
        """Connections on which something has arrived, in that order, and which are the caller's from then on."""
        for descriptor, event in self._epoll.poll(seconds, most):
            conn = self._idle.pop(descriptor, None)
            if conn is not None:
                conn.hangup = bool(event & _HANGUP)
                yield conn

    def wait(self, conn: Any) -> None:
        """Let the next thread that is free have the connection's next request, behind whoever else waits."""
        self._idle[conn.descriptor] = conn
        # What has been read ahead makes nothing readable: ask for the next turn by way of being writable.
        ahead = read_ahead(conn)
        if ahead and missing(ahead) <= 0:
            rearm(self._poll_number, conn.descriptor, poll_event(conn.descriptor, _EVENTS | select.EPOLLOUT))
        else:
            rearm(self._poll_number, conn.descriptor, conn.event)

    def take_arrived(self, conn: Any, receive: Callable[[Any, int, int], bytes] = socket.socket.recv) -> int:
        """As the function of this name; a connection whose request can't be answered waits for the rest, or is closed.

        Raises:
            LimitRequestHeaders: the head has no end within reason.
        """
        rest = take_arrived(conn, receive)
        if rest == GONE or (rest > 0 and conn.hangup):
            self.close(conn)
        elif rest > 0:
            self.wait(conn)
        return rest

    def settle(self, conn: Any, *, keep: bool) -> None:
        """A request was answered: wait for the next one, or close the connection."""
        conn.settled = time.monotonic()
        if keep:
            conn.timeout = conn.settled + self._keepalive
            self.wait(conn)
        else:
            self.close(conn)

    def close(self, conn: Any) -> None:
        """Close at once, or, where the client is still sending, when it has had a moment to read the answer."""
        if self._open.get(conn.descriptor) == conn:
            del self._open[conn.descriptor]
            self._publish(len(self._open))
        sock: Client = conn.sock
        if sock.fileno() < 0:
            return
        with suppress(OSError):
            self._epoll.unregister(conn.descriptor)
        self.leaving.let_go(sock)

    def close_idle(self, *, before: float) -> None:
        """Close connections whose time to send another request was over `before` (of the monotonic clock)."""
        for descriptor, conn in list(self._idle.items()):
            if conn.timeout <= before:
                owned = self._idle.pop(descriptor, None)
                if owned is not None:
                    self.close(owned)


def _is_silent(sock: socket.socket) -> bool:
    """Whether nothing has arrived that is still to be read."""
    try:
        sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
