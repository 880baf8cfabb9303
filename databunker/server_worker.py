"""gunicorn's thread worker with one shared poll: any free thread takes the next request, straight from the kernel.

gthread hands a connection back to its main thread after each request, which polls it and hands it to a thread
again: three changes of thread a request, under one interpreter lock. That was more than half of what a worker
did (docs/decisions/0005-shared-poll-worker.md). Here the threads of a worker wait on one epoll themselves
(EPOLLONESHOT: each event wakes one of them), and the main thread accepts, watches over idle connections and
tells the arbiter that it lives. Parsing, answering and errors are gunicorn's own.
"""

from __future__ import annotations

import errno
import re
import select
import socket
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

__all__ = ["SharedPollWorker"]

# A client that stalls in the middle of a long request holds a thread no longer than this.
_STALL_SECONDS = 30
_STALL = struct.pack("ll", _STALL_SECONDS, 0)
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
# Requests up to this size are waited for without a thread; the rest of a longer one is read as it comes.
_PEEK = 65_536
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_GONE = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_DRAIN_SECONDS = 0.05
_LINGER_SECONDS = 2.0


def _has_whole_request(conn: Any) -> bool:
    """Whether a thread can read the next request without waiting for the client.

    If not, the kernel is told how many bytes to wait for, so that clients that stall hold no thread.

    Raises:
        LimitRequestHeaders: the head has no end within reason.
    """
    sock, buffered = conn.sock, _read_ahead(conn)
    try:
        arrived = sock.recv(_PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        arrived = b""
    except OSError:
        return True  # gunicorn will find out
    if not arrived and not buffered:
        return True  # the client has closed
    arrived = arrived[: _PEEK - len(buffered)]
    if len(buffered + arrived) >= _PEEK and _END_OF_HEAD not in buffered + arrived:
        raise LimitRequestHeaders(f"a head of more than {_PEEK} bytes")
    missing = _missing(buffered + arrived)
    # A low-water mark that stays would keep gunicorn from reading less.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(arrived) + missing if missing else 1)
    return not missing


def _read_ahead(conn: Any) -> bytes:
    """What gunicorn has read behind the last request."""
    return conn.parser.unreader.buf.getvalue() if conn.parser else b""


def _missing(arrived: bytes) -> int:
    """How many bytes of the request are still to come, at least; 0 where it is whole, or too long to wait for."""
    if len(arrived) >= _PEEK:
        return 0
    end = arrived.find(_END_OF_HEAD)
    if end < 0:
        return 1
    if _EXPECT.search(arrived, 0, end + 2):
        return 0  # the client waits for us before it sends the body
    length = _LENGTH.search(arrived, 0, end + 2)
    total = end + len(_END_OF_HEAD) + (int(length[1]) if length else 0)
    return max(total - len(arrived), 0) if total < _PEEK else 0


class SharedPollWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Serves HTTP/1.1 without TLS, which belongs to the proxy in front."""

    alive: bool  # set by gunicorn's signal handlers

    def init_process(self) -> None:
        self._epoll = select.epoll()
        # By file descriptor. Whoever takes a connection out of `_idle` owns it: dict.pop is atomic.
        self._open: dict[int, TConn] = {}
        self._idle: dict[int, TConn] = {}
        # Answered, and the client is still sending: closed by the main thread a little later.
        self._leaving: deque[tuple[float, socket.socket]] = deque()
        super().init_process()

    def run(self) -> None:
        for number in range(self.cfg.threads):
            threading.Thread(target=self._serve, name=f"serve-{number}", daemon=True).start()
        self.poller.register(self.method_queue.fileno(), select.POLLIN, self.method_queue.run_callbacks)
        while self.alive and self.is_parent_alive():
            self.notify()
            self.set_accept_enabled(len(self._open) + len(self._leaving) < self.worker_connections)
            self.wait_for_and_dispatch_events(timeout=1.0)
            self._close_idle(before=time.monotonic())
            self._close_leaving(before=time.monotonic())
        self.alive = False
        self.set_accept_enabled(False)
        self._finish()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self.log.warning("out of file descriptors: raise the limit (ulimit -n)")
                time.sleep(_DRAIN_SECONDS)
            elif error.errno not in _GONE:
                raise
            return
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, _STALL)
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.data_ready = True  # a thread gets to see it only when there is something to read
        conn.descriptor = client.fileno()
        conn.set_timeout()
        self._open[conn.descriptor] = conn
        self._epoll.register(conn.descriptor, 0)
        self._wait(conn)

    def _wait(self, conn: Any) -> None:
        """Let the next thread that is free have the connection's next request."""
        self._idle[conn.descriptor] = conn
        # What has been read ahead makes nothing readable: ask for the next turn by way of being writable.
        more = select.EPOLLOUT if _read_ahead(conn) and not _missing(_read_ahead(conn)) else 0
        with suppress(OSError):  # closed in the meantime by whoever has taken it out of `_idle`
            self._epoll.modify(conn.descriptor, _EVENTS | more)

    def _serve(self) -> None:
        """Goes on whatever happens: a thread that died would be missing until the worker ends."""
        while True:
            try:
                for descriptor, event in self._epoll.poll(None, 1):
                    conn = self._idle.pop(descriptor, None)
                    if conn is None:
                        continue
                    self._take(conn, hangup=bool(event & _HANGUP))
            except Exception:
                self.log.exception("error in a serving thread")

    def _take(self, conn: Any, *, hangup: bool) -> None:
        """Answer the connection's next request, or let it wait for the rest of it."""
        try:
            whole = hangup or _has_whole_request(conn)
        except LimitRequestHeaders as error:
            self.handle_error(None, conn.sock, conn.client, error)
            self._close(conn)
            return
        if whole:
            self._answer(conn)
        else:
            self._wait(conn)

    def _answer(self, conn: Any) -> None:
        """One request, then back to waiting, behind whoever else waits, or closed."""
        keep = False
        try:
            keep = self.handle(conn) is True
        finally:
            if keep:
                conn.set_timeout()
                self._wait(conn)
            else:
                self._close(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's signature
        """Whether the connection can be kept: not if the client still owes a body that nobody wants to read."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + _DRAIN_SECONDS))

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ARG002 - gunicorn's signature
        """Answer what is no proper request in the API's form; gunicorn's page repeats what was wrong with it."""
        if isinstance(exc, ParseException):
            self.log.warning("Invalid request")
            status, message = b"400 Bad Request", b"malformed HTTP request"
        else:
            self.log.error("error handling a request", exc_info=exc)
            status, message = b"500 Internal Server Error", b"internal error"
        body = b'{"status":"error","message":"%s"}' % message
        head = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n" % status
        with suppress(OSError):
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def _close(self, conn: Any) -> None:
        """Close at once, or, where the client is still sending, when it has had a moment to read the answer."""
        if self._open.get(conn.descriptor) == conn:
            del self._open[conn.descriptor]
        sock: socket.socket = conn.sock
        if sock.fileno() < 0:
            return
        with suppress(OSError):
            self._epoll.unregister(conn.descriptor)
        with suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        # To close with something unread resets the connection, and the client may lose the answer (RFC 9112, 9.6).
        if _drained(sock):
            sock.close()
        else:
            self._leaving.append((time.monotonic() + _LINGER_SECONDS, sock))

    def _close_idle(self, *, before: float) -> None:
        """Close connections whose time to send another request was over `before` (of the monotonic clock)."""
        for descriptor, conn in list(self._idle.items()):
            if conn.timeout <= before:
                owned = self._idle.pop(descriptor, None)
                if owned is not None:
                    self._close(owned)

    def _close_leaving(self, *, before: float) -> None:
        for _ in range(len(self._leaving)):
            deadline, sock = self._leaving.popleft()
            if _drained(sock) or deadline <= before:
                sock.close()
            else:
                self._leaving.append((deadline, sock))

    def _finish(self) -> None:
        """Answer what is under way. Clients that may be sending already get a moment, and `Connection: close`."""
        now = time.monotonic()
        deadline, linger = now + self.cfg.graceful_timeout, now + STOP_KEEPALIVE_LINGER
        while (self._open or self._leaving) and time.monotonic() < deadline:
            self.notify()
            if time.monotonic() >= linger:
                self._close_idle(before=float("inf"))
            self._close_leaving(before=time.monotonic())
            time.sleep(0.02)


def _drained(sock: socket.socket) -> bool:
    """Throw away what has arrived; whether nothing had, or the client has closed."""
    try:
        return not sock.recv(_PEEK, socket.MSG_DONTWAIT)
    except OSError:
        return True
