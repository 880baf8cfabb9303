"""gunicorn's thread worker with one shared poll: any free thread takes the next request, straight from the kernel.

gthread hands a connection back to its main thread after each request, which polls it and hands it to a thread
again: three changes of thread a request, under one interpreter lock. That was more than half of what a worker
did (docs/decisions/0005-shared-poll-worker.md). Here the threads of a worker wait on one epoll themselves
(EPOLLONESHOT: each event wakes one of them), and the main thread accepts, watches over idle connections and
tells the arbiter that it lives. Parsing, answering and errors are gunicorn's own.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

__all__ = ["SharedPollWorker"]

# A client that stalls in the middle of a request holds a thread no longer than this.
_STALL_SECONDS = 30
_STALL = struct.pack("ll", _STALL_SECONDS, 0)
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_GONE = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})


class SharedPollWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Serves HTTP/1.1 without TLS, which belongs to the proxy in front."""

    def init_process(self) -> None:
        self._epoll = select.epoll()
        # By file descriptor. Whoever takes a connection out of `_idle` owns it: dict.pop is atomic.
        self._open: dict[int, Any] = {}
        self._idle: dict[int, Any] = {}
        super().init_process()

    alive: bool  # set by gunicorn's signal handlers

    def run(self) -> None:
        for number in range(self.cfg.threads):
            threading.Thread(target=self._serve, name=f"serve-{number}", daemon=True).start()
        self.poller.register(self.method_queue.fileno(), select.POLLIN, self.method_queue.run_callbacks)
        while self.alive and self.is_parent_alive():
            self.notify()
            self.set_accept_enabled(len(self._open) < self.worker_connections)
            self.wait_for_and_dispatch_events(timeout=1.0)
            self._close_idle(before=time.monotonic())
        self.alive = False
        self.set_accept_enabled(False)
        self._finish()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, _STALL)
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.data_ready = True  # a thread gets to see it only when there is something to read
        descriptor = client.fileno()
        self._open[descriptor] = conn
        self._epoll.register(descriptor, 0)
        self._wait(conn)

    def _wait(self, conn: Any) -> None:
        """Let the next thread that is free have the connection's next request."""
        conn.set_timeout()
        descriptor = conn.sock.fileno()
        self._idle[descriptor] = conn
        self._epoll.modify(descriptor, _EVENTS)

    def _serve(self) -> None:
        """Goes on whatever happens: a thread that died would be missing until the worker ends."""
        while True:
            try:
                for descriptor, _ in self._epoll.poll(None, 1):
                    conn = self._idle.pop(descriptor, None)
                    if conn is not None:
                        self._answer(conn)
            except Exception:
                self.log.exception("error in a serving thread")

    def _answer(self, conn: Any) -> None:
        """All requests that have been read already, then back to waiting or closed."""
        keep = False
        try:
            while True:
                keep = self.handle(conn) is True
                if not keep or not conn.parser.unreader.buf.getvalue():
                    break
        finally:
            if keep:
                self._wait(conn)
            else:
                self._close(conn)

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
        descriptor = conn.sock.fileno()
        if descriptor < 0:  # gunicorn has closed it already; the kernel has taken it out of the poll
            for known in [number for number, other in self._open.items() if other is conn]:
                self._open.pop(known, None)
            return
        self._open.pop(descriptor, None)
        self._epoll.unregister(descriptor)
        conn.close(graceful=True)

    def _close_idle(self, *, before: float) -> None:
        """Close connections whose time to send another request was over `before` (of the monotonic clock)."""
        for descriptor, conn in list(self._idle.items()):
            if conn.timeout <= before and self._idle.pop(descriptor, None) is conn:
                self._close(conn)

    def _finish(self) -> None:
        """Answer what is under way. Clients that may be sending already get a moment, and `Connection: close`."""
        now = time.monotonic()
        deadline, linger = now + self.cfg.graceful_timeout, now + STOP_KEEPALIVE_LINGER
        while self._open and time.monotonic() < deadline:
            self.notify()
            if time.monotonic() >= linger:
                self._close_idle(before=float("inf"))
            time.sleep(0.02)
