"""A client's connection, and how much of its next request has arrived."""

from __future__ import annotations

import os
import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders

__all__ = ["END_OF_HEAD", "GONE", "STREAMED", "WHOLE", "Client", "missing", "read_ahead", "take_arrived"]

# Requests up to this size are waited for without a thread; the rest of a longer one is read as it comes.
WHOLE = 65_536
END_OF_HEAD = b"\r\n\r\n"
# What `missing` says of a request that a thread has to read as it comes.
STREAMED = -1
# What `take_arrived` says where the client has closed and left nothing.
GONE = -2
_HELD = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
_MAX_CHUNK_LINE = 20


class Client(socket.socket):
    """A client's socket: what is written to it leaves together, not the head and the body of an answer apart."""

    held = b""
    # Of the monotonic clock: when the request that is being read has to be complete.
    deadline: float | None = None

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as the method that it replaces
        """It blocks, as it does from the beginning. gunicorn switches to and fro, and other threads get between."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        self.held += data
        if len(self.held) >= _HELD:
            self.flush(flags)

    def flush(self, flags: int = 0) -> None:
        held, self.held = self.held, b""
        if held:
            super().sendall(held, flags)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """
        Raises:
            TimeoutError: nothing has come before the deadline.
        """
        if self.deadline is not None:
            self._await_more(self.deadline - time.monotonic())
        return super().recv(size, flags)

    def _await_more(self, seconds: float) -> None:
        waiting = select.poll()
        waiting.register(self, select.POLLIN)
        if seconds <= 0 or not waiting.poll(seconds * 1000):
            raise TimeoutError("the client takes too long to send its request")


# Past the method above: this one never waits.
_receive = socket.socket.recv


def take_arrived(conn: Any, receive: Callable[[socket.socket, int, int], bytes] = _receive) -> int:
    """Take what has arrived; how many bytes of the next request are missing, as `missing` says, or GONE.

    If some are, the kernel is told how many bytes to wait for, so that clients that stall hold no thread.

    Raises:
        LimitRequestHeaders: the head has no end within reason.
    """
    sock, buffer = conn.sock, conn.parser.unreader.buf
    try:
        arrived = receive(sock, WHOLE, socket.MSG_DONTWAIT)
    except BlockingIOError:
        arrived = None
    except OSError:
        return GONE
    if arrived:
        buffer.seek(0, os.SEEK_END)
        buffer.write(arrived)
    request = buffer.getvalue()
    if arrived == b"" and missing(request):
        return GONE
    if len(request) >= WHOLE and END_OF_HEAD not in request:
        raise LimitRequestHeaders(f"a head of more than {WHOLE} bytes")
    rest = missing(request)
    wanted = max(rest, 1)
    if wanted != conn.wanted:
        # A low-water mark that stays would keep gunicorn from reading less.
        conn.wanted = wanted
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
    return rest


def read_ahead(conn: Any) -> bytes:
    """What has been read of the next request."""
    ahead: bytes = conn.parser.unreader.buf.getvalue()
    return ahead


def missing(arrived: bytes) -> int:
    """How many bytes of the request are still to come, at least; 0 where it is whole.

    STREAMED where it can't be waited for: it is too long, or the client waits for us before it sends the body.
    """
    end = arrived.find(END_OF_HEAD)
    if end < 0:
        return 1 if len(arrived) < WHOLE else 0
    # In lower case and without a regular expression: each request comes by here.
    head = arrived[: end + 2].lower()
    if b"\r\nexpect" in head:
        return STREAMED
    if b"\r\ntransfer-encoding" in head:
        return _missing_chunks(arrived, end + len(END_OF_HEAD))
    length = _LENGTH.search(head) if b"\r\ncontent-length" in head else None
    if length is None:
        return 0
    total = end + len(END_OF_HEAD) + int(length[1])
    rest = total - len(arrived)
    if rest <= 0:
        return 0
    return rest if total < WHOLE else STREAMED


def _missing_chunks(arrived: bytes, at: int) -> int:
    """As `missing`, for a body in chunks that begins at `at`."""
    rest = _chunks_rest(arrived, at)
    return STREAMED if rest and len(arrived) + rest >= WHOLE else rest


def _chunks_rest(arrived: bytes, at: int) -> int:
    """How many bytes are missing, at least; 0 also where the chunks are malformed, which the parser refuses."""
    while at <= len(arrived):
        line_end = arrived.find(b"\r\n", at, at + _MAX_CHUNK_LINE)
        if line_end < 0:
            return 1 if len(arrived) - at < _MAX_CHUNK_LINE else 0
        try:
            size = int(arrived[at:line_end].partition(b";")[0], 16)
        except ValueError:
            return 0
        if size < 0:
            return 0
        if size == 0:
            # Trailers end, as a head does, with an empty line; where there are none, that is this line's own end.
            return 0 if arrived.find(END_OF_HEAD, line_end) >= 0 else 1
        at = line_end + size + 4
    return at - len(arrived)
