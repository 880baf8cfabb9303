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
from collections import deque
from contextlib import suppress
from typing import Any

from django.conf import settings
from gunicorn.http import wsgi
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from databunker.db.watch import Watch
from databunker.server.admission import Admission
from databunker.server.balance import Share
from databunker.server.calls import accept
from databunker.server.connections import Connections
from databunker.server.door import CAN_BE_ANSWERED, Door
from databunker.server.refusal import refusal
from databunker.server.requests import STREAMED, Client

__all__ = ["SharedPollWorker"]

# A client that stalls while it takes its answer holds a thread no longer than this.
_STALL_SECONDS = 30
_STALL = struct.pack("ll", _STALL_SECONDS, 0)
_GONE = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_DRAIN_SECONDS = 0.05
_LOOP_SECONDS = 0.5
# The main thread looks after connections no more often, and so often whom to turn away while threads take their time.
_CROWDED_SECONDS = 0.02
_ACCEPTED_AT_ONCE = 64


def _send(response: Any, body: Any, client: Client) -> None:
    if isinstance(body, wsgi.FileWrapper):
        response.send_headers()
        client.flush()  # the kernel sends the file itself
        response.write_file(body)
    else:
        for part in body:
            response.write(part)
    response.close()
    client.flush()


def _request_id(response: Any) -> str:
    """As the application has told it to the client."""
    return next((str(value) for name, value in response.headers if name.lower() == "x-request-id"), "")


class SharedPollWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Serves HTTP/1.1 without TLS, which belongs to the proxy in front."""

    alive: bool  # set by gunicorn's signal handlers

    def init_process(self) -> None:
        # Waiting for their turn to be read as they come, which at most half of the threads do at a time: clients that
        # send slowly leave the other half to everybody else.
        self._parked: deque[TConn] = deque()
        self._streams = threading.BoundedSemaphore(max(self.cfg.threads // 2, 1))
        self._share = Share(self.age)
        self._connections = Connections(
            most=self.worker_connections, keepalive=self.cfg.keepalive, publish=self._share.publish
        )
        self._watch = Watch(seconds=settings.DATABASE_ANSWER_SECONDS)
        super().init_process()

    def run(self) -> None:
        # Only now: where a process keeps its metrics is settled when they are imported.
        from databunker.api.metrics import TURNED_AWAY  # noqa: PLC0415

        self._turned_away = TURNED_AWAY
        self._admission = Admission(milliseconds=settings.BUNKER_QUEUE_MILLISECONDS, threads=self.cfg.threads)
        self._door = Door(self._connections, self._admission, TURNED_AWAY.inc)
        self._addresses = {listener.fileno(): listener.getsockname() for listener in self.sockets}
        self.set_accept_enabled(True)
        for number in range(self.cfg.threads):
            threading.Thread(target=self._serve, name=f"serve-{number}", daemon=True).start()
        self.poller.register(self.method_queue.fileno(), select.POLLIN, self.method_queue.run_callbacks)
        turns, since = self._admission.turns, time.monotonic()
        looked = since
        while self.alive and self.is_parent_alive():
            self.notify()
            self.wait_for_and_dispatch_events(timeout=_CROWDED_SECONDS if self._admission.crowded else _LOOP_SECONDS)
            if turns != self._admission.turns:
                turns, since = self._admission.turns, time.monotonic()
            elif time.monotonic() - since > _LOOP_SECONDS:
                self._door.shed()
            if time.monotonic() - looked > _CROWDED_SECONDS:
                looked = time.monotonic()
                if self._admission.crowded:
                    self._door.choose()
                self._let_go_of_hanging()
                self._connections.close_idle(before=looked)
                self._call_parked_if_free()
                self._connections.leaving.close(before=looked)
        self.alive = False
        self.set_accept_enabled(False)
        self._share.withdraw()
        self._finish()

    def accept(self, listener: socket.socket) -> None:
        """Those who wait to be accepted, several at a time: in between serving threads have their turn."""
        for _ in range(_ACCEPTED_AT_ONCE):
            # If nobody else accepts the next one, the poll tells again.
            if self._share.leave_to_others() or not self._accept_one(listener):
                return

    def _accept_one(self, listener: socket.socket) -> bool:
        try:
            descriptor, address = accept(listener)
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self.log.warning("out of file descriptors: raise the limit (ulimit -n)")
                time.sleep(_DRAIN_SECONDS)
            elif error.errno not in _GONE:
                raise
            return False
        client = Client(listener.family, listener.type, listener.proto, fileno=descriptor)
        if self._connections.is_full():
            self._turned_away.inc()
            with suppress(OSError):
                client.sendall(refusal(b"")[0])
                client.flush(socket.MSG_DONTWAIT)
            self._connections.leaving.let_go(client)
            return True
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, _STALL)
        conn = TConn(self.cfg, client, address, self._addresses[listener.fileno()])
        conn.init()  # the parser; there is no TLS to wait for
        self._connections.open(conn)
        return True

    def _serve(self) -> None:
        """Goes on whatever happens: a thread that died would be missing until the worker ends."""
        while True:
            try:
                if self._admission.crowded or self._admission.counts:
                    self._door.choose()
                if chosen := self._door.next_chosen():
                    self._take(chosen)
                    continue
                # Who holds the door may choose one just now, which wakes nobody.
                for conn in self._connections.ready(_CROWDED_SECONDS if self._admission.crowded else None, 1):
                    self._take(conn)
            except Exception:
                self.log.exception("error in a serving thread")

    def _take(self, conn: Any) -> None:
        """Answer the connection's next request, or let it wait for the rest of it."""
        try:
            rest = self._connections.take_arrived(conn)
        except LimitRequestHeaders as error:
            self.handle_error(None, conn.sock, conn.client, error)
            self._connections.close(conn)
            return
        if rest in CAN_BE_ANSWERED:
            self._admission.look(conn.sock)
            if rest == STREAMED:
                self._stream(conn)
            else:
                self._answer(conn)

    def _let_go_of_hanging(self) -> None:
        for _ in range(self._watch.look()):
            self.log.error("gave up a connection to the database: it has not answered for %d s", self._watch.seconds)

    def _answer(self, conn: Any) -> None:
        """One request, then back to waiting, behind whoever else waits, or closed."""
        keep = False
        began = time.monotonic() if self._admission.measures() else None
        try:
            keep = self._answered(conn)
        finally:
            self._connections.settle(conn, keep=keep)
            if began is not None:
                self._admission.took(conn.settled - began)

    def _stream(self, conn: Any) -> None:
        """As `_answer`, for a request that is read as it comes: it has to be complete within REQUEST_SECONDS."""
        if not self._streams.acquire(blocking=False):
            self._parked.append(conn)
            return
        keep = False
        conn.sock.deadline = time.monotonic() + settings.REQUEST_SECONDS
        try:
            keep = self._answered(conn)
        finally:
            conn.sock.deadline = None
            self._connections.settle(conn, keep=keep)
            self._streams.release()
            self._call_parked()

    def _call_parked(self) -> None:
        """Let the first of those that wait to be read try again."""
        with suppress(IndexError):
            self._connections.wait(self._parked.popleft())

    def _call_parked_if_free(self) -> None:
        """A slot that came free in the moment in which a connection was parked has called nobody."""
        if self._parked and self._streams.acquire(blocking=False):
            self._streams.release()
            self._call_parked()

    def _answered(self, conn: Any) -> bool:
        """Answer one request; whether the connection can be kept.

        gunicorn's `handle` switches the socket between blocking and not five times on the way; each time lets go of
        the interpreter lock, and other threads take their turn first.
        """
        request = None
        try:
            request = next(conn.parser)
            return self.handle_request(request, conn) and self._is_at_end(conn)
        except (NoMoreData, StopIteration, ConnectionError, BlockingIOError, TimeoutError) as gone:
            self.log.debug("Client is gone: %s", gone)
        except OSError:
            self.log.exception("Socket error processing request.")
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Have the application answer; whether the connection can be kept.

        Raises:
            StopIteration: the answer broke off in its middle, and the client must not take it for whole.
        """
        response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        if not self.alive:
            response.force_close()
        body = self.wsgi(environ, response.start_response)
        try:
            _send(response, body, conn.sock)
        except OSError:
            raise
        except Exception as error:
            if not response.headers_sent:
                raise
            self.log.exception("the answer broke off", extra={"request_id": _request_id(response)})
            raise StopIteration from error
        finally:
            if hasattr(body, "close"):
                body.close()
        return not response.should_close()

    def _is_at_end(self, conn: Any) -> bool:
        """Whether the next request can be read: not if the client still owes a body that nobody wants to read."""
        request = conn.parser.mesg
        if request.should_close():
            return False
        rest = getattr(request.body.reader, "length", None)
        if rest != 0 and not conn.parser.finish_body(deadline=time.monotonic() + _DRAIN_SECONDS):
            return False
        conn.parser.mesg = None  # seen to; gunicorn would do it again
        return True

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
            client.flush()

    def _finish(self) -> None:
        """Answer what is under way. Clients that may be sending already get a moment, and `Connection: close`."""
        now = time.monotonic()
        deadline, linger = now + self.cfg.graceful_timeout, now + STOP_KEEPALIVE_LINGER
        while self._connections and time.monotonic() < deadline:
            self.notify()
            if time.monotonic() >= linger:
                self._connections.close_idle(before=float("inf"))
            self._connections.leaving.close(before=time.monotonic())
            time.sleep(0.02)
