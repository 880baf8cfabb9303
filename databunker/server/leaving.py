"""Connections that are over, closed so that the client still reads its answer."""

from __future__ import annotations

import socket
import time
from collections import deque
from contextlib import suppress

from databunker.server.requests import WHOLE

__all__ = ["Leaving"]

_LINGER_SECONDS = 2.0
# How many answered clients that go on sending may keep a file descriptor each.
_MOST = 64


class Leaving:
    """Those that were answered while the client was still sending: closed by the main thread a little later."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, socket.socket]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def let_go(self, sock: socket.socket) -> None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        # To close with something unread resets the connection, and the client may lose the answer (RFC 9112, 9.6).
        if _drained(sock) or len(self._waiting) >= _MOST:
            sock.close()
        else:
            self._waiting.append((time.monotonic() + _LINGER_SECONDS, sock))

    def close(self, *, before: float) -> None:
        """Close those that have nothing more to say, or whose time was over `before` (of the monotonic clock)."""
        for _ in range(len(self._waiting)):
            deadline, sock = self._waiting.popleft()
            if _drained(sock) or deadline <= before:
                sock.close()
            else:
                self._waiting.append((deadline, sock))


def _drained(sock: socket.socket) -> bool:
    """Throw away what has arrived; whether nothing had, or the client has closed."""
    try:
        return not sock.recv(WHOLE, socket.MSG_DONTWAIT)
    except OSError:
        return True
