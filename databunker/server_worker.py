"""gunicorn's thread worker with one shared poll: any free thread takes the next request, straight from the kernel.

gthread hands a connection back to its main thread after each request, which polls it and hands it to a thread
again: three changes of thread a request, under one interpreter lock. That was more than half of what a worker
did (docs/decisions/0005-shared-poll-worker.md). Here the threads of a worker wait on one epoll themselves
(EPOLLONESHOT: each event wakes one of them), and the main thread accepts, watches over idle connections and
tells the arbiter that it lives. Parsing, answering and errors are gunicorn's own.
"""

from __future__ import annotations

import errno
import io
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from gunicorn.http import wsgi
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from databunker.db.watch import Watch
from databunker.server_admission import ALWAYS_SERVED, Admission, milliseconds_waited, refusal
from databunker.server_balance import Share
from databunker.server_calls import Receiver, rearm, send
from databunker.server_leaving import Leaving
from databunker.server_requests import GONE, STREAMED, WHOLE, Client, missing, read_ahead, take_arrived

__all__ = ["SharedPollWorker"]

# A client that stalls while it takes its answer holds a thread no longer than this.
_STALL_SECONDS = 30
_STALL = struct.pack("ll", _STALL_SECONDS, 0)
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_CAN_BE_ANSWERED = (0, STREAMED)
_GONE = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_DRAIN_SECONDS = 0.05
# A connection that was used a moment ago will be used again; of those older, so many are looked at to close one.
_IDLE_SECONDS = 1.0
_LOOKED_AT = 64
_LOOP_SECONDS = 0.5
# While threads take their time, the main thread looks so often whom to turn away.
_CROWDED_SECONDS = 0.02
# A thread that comes free turns away so many at most before it serves the next one.
_TURNED_AWAY_AT_ONCE = 64
_ACCEPTED_AT_ONCE = 16
# While no thread comes free at all, requests that have waited for so long are told so.
_STUCK_MILLISECONDS = 5_000


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
        self._epoll = select.epoll()
        self._poll_number = self._epoll.fileno()
        # By file descriptor. Whoever takes a connection out of `_idle` owns it: dict.pop is atomic.
        self._open: dict[int, TConn] = {}
        self._idle: dict[int, TConn] = {}
        self._leaving = Leaving()
        # Waiting for their turn to be read as they come, which at most half of the threads do at a time: clients that
        # send slowly leave the other half to everybody else.
        self._parked: deque[TConn] = deque()
        self._streams = threading.BoundedSemaphore(max(self.cfg.threads // 2, 1))
        self._admission = Admission(milliseconds=settings.BUNKER_QUEUE_MILLISECONDS, threads=self.cfg.threads)
        # Those that may wait while others are turned away, which one thread does at a time: it holds the door.
        self._chosen: deque[TConn] = deque()
        self._door = threading.Lock()
        self._receiver = Receiver(WHOLE)
        self._share = Share(self.age)
        self._watch = Watch(seconds=settings.DATABASE_ANSWER_SECONDS)
        super().init_process()

    def run(self) -> None:
        # Only now: where a process keeps its metrics is settled when they are imported.
        from databunker.api.metrics import TURNED_AWAY  # noqa: PLC0415

        self._turned_away = TURNED_AWAY
        self.set_accept_enabled(True)
        for number in range(self.cfg.threads):
            threading.Thread(target=self._serve, name=f"serve-{number}", daemon=True).start()
        self.poller.register(self.method_queue.fileno(), select.POLLIN, self.method_queue.run_callbacks)
        turns, since = self._admission.turns, time.monotonic()
        while self.alive and self.is_parent_alive():
            self.notify()
            self.wait_for_and_dispatch_events(timeout=_CROWDED_SECONDS if self._admission.crowded else _LOOP_SECONDS)
            if turns != self._admission.turns:
                turns, since = self._admission.turns, time.monotonic()
            elif time.monotonic() - since > _LOOP_SECONDS:
                self._shed()
            if self._admission.crowded:
                self._choose()
            self._let_go_of_hanging()
            self._close_idle(before=time.monotonic())
            self._leaving.close(before=time.monotonic())
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
            client, address = listener.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self.log.warning("out of file descriptors: raise the limit (ulimit -n)")
                time.sleep(_DRAIN_SECONDS)
            elif error.errno not in _GONE:
                raise
            return False
        if len(self._open) >= self.worker_connections and not self._make_room():
            self._turned_away.inc()
            with suppress(OSError):
                client.sendall(refusal(b"")[0], socket.MSG_DONTWAIT)
            self._leaving.let_go(client)
            return True
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, _STALL)
        conn = TConn(self.cfg, Client(fileno=client.detach()), address, listener.getsockname())
        conn.init()  # the parser; there is no TLS to wait for
        conn.descriptor, conn.wanted = conn.sock.fileno(), 1
        conn.set_timeout()
        self._open[conn.descriptor] = conn
        self._share.publish(len(self._open))
        self._idle[conn.descriptor] = conn
        self._epoll.register(conn.descriptor, _EVENTS)
        return True

    def _make_room(self) -> bool:
        """Close the connection that has been idle for longest; whether there was one."""
        latest = time.monotonic() - _IDLE_SECONDS + self.cfg.keepalive
        for descriptor, conn in list(self._idle.items())[:_LOOKED_AT]:
            if conn.timeout < latest and _is_silent(conn.sock):
                owned = self._idle.pop(descriptor, None)
                if owned is not None:
                    self._close(owned)
                    return True
        return False

    def _wait(self, conn: Any) -> None:
        """Let the next thread that is free have the connection's next request."""
        self._idle[conn.descriptor] = conn
        # What has been read ahead makes nothing readable: ask for the next turn by way of being writable.
        ahead = read_ahead(conn)
        more = select.EPOLLOUT if ahead and missing(ahead) <= 0 else 0
        rearm(self._poll_number, conn.descriptor, _EVENTS | more)

    def _serve(self) -> None:
        """Goes on whatever happens: a thread that died would be missing until the worker ends."""
        while True:
            try:
                if self._admission.crowded:
                    self._choose()
                with suppress(IndexError):
                    self._take(self._chosen.popleft())
                    continue
                # Who holds the door may choose one just now, which wakes nobody.
                for conn in self._ready(_CROWDED_SECONDS if self._admission.crowded else None, 1):
                    self._take(conn)
            except Exception:
                self.log.exception("error in a serving thread")

    def _ready(self, seconds: float | None, most: int) -> Iterator[Any]:
        """Connections on which something has arrived, and which are the caller's from then on."""
        for descriptor, event in self._epoll.poll(seconds, most):
            conn = self._idle.pop(descriptor, None)
            if conn is not None:
                conn.hangup = bool(event & _HANGUP)
                yield conn

    def _take(self, conn: Any) -> None:
        """Answer the connection's next request, or let it wait for the rest of it."""
        rest = self._arrived(conn)
        if rest in _CAN_BE_ANSWERED:
            self._admission.look(conn.sock)
            if rest == STREAMED:
                self._stream(conn)
            else:
                self._answer(conn)

    def _arrived(self, conn: Any, receive: Any = socket.socket.recv) -> int:
        """As `take_arrived`; a connection whose request can't be answered waits for the rest of it, or is closed."""
        try:
            rest = take_arrived(conn, receive)
        except LimitRequestHeaders as error:
            self.handle_error(None, conn.sock, conn.client, error)
            self._close(conn)
            return GONE
        if rest == GONE or (rest > 0 and conn.hangup):
            self._close(conn)
        elif rest > 0:
            self._wait(conn)
        return rest

    def _choose(self) -> None:
        """While there are too many: let few of those that have come wait for their turn, and turn the others away."""
        if not self._door.acquire(blocking=False):
            return
        try:
            came = turned_away = 0
            for conn in self._come():
                came += 1
                if self._admission.may_wait(len(self._chosen)):
                    self._chosen.append(conn)
                else:
                    turned_away += self._turn_away(conn, spare=ALWAYS_SERVED)
            if turned_away:
                self._turned_away.inc(turned_away)
            elif not came and not self._chosen:
                self._admission.nobody_waits()
        finally:
            self._door.release()

    def _come(self) -> Iterable[Any]:
        """Those to choose from. At first all, with the newest to be chosen: the others have waited for too long."""
        if not self._admission.begins:
            return self._ready(0, _TURNED_AWAY_AT_ONCE)
        self._admission.begins = False
        came, newest = list(self._ready(0, self.worker_connections)), self._admission.most_waiting
        return came[-newest:] + came[:-newest]

    def _turn_away(self, conn: Any, *, spare: tuple[bytes, ...]) -> bool:
        """Answer 503 without a look at the request, by who holds the door; whether it was one to be turned away."""
        if self._arrived(conn, self._receiver.receive) not in _CAN_BE_ANSWERED:
            return False
        request = read_ahead(conn)
        if request.startswith(spare):
            self._chosen.append(conn)
            return False
        answer, length = refusal(request)
        keep = send(conn.sock, answer) and length > 0
        if keep:
            buffer = conn.parser.unreader.buf = io.BytesIO()
            buffer.write(request[length:])
        self._settle(conn, keep=keep)
        return True

    def _shed(self) -> None:
        """No thread has come free since the last look: tell those who have waited too long. By the main thread."""
        with self._door:
            waiting = [self._chosen.popleft() for _ in range(len(self._chosen))]
            for conn in (*waiting, *self._ready(0, self.worker_connections)):
                if milliseconds_waited(conn.sock) < _STUCK_MILLISECONDS:
                    self._wait(conn)
                else:
                    self._turned_away.inc(self._turn_away(conn, spare=()))

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
            self._settle(conn, keep=keep)
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
            self._settle(conn, keep=keep)
            self._streams.release()
            self._call_parked()

    def _call_parked(self) -> None:
        """Let the first of those that wait to be read try again."""
        with suppress(IndexError):
            self._wait(self._parked.popleft())

    def _settle(self, conn: Any, *, keep: bool) -> None:
        conn.settled = time.monotonic()
        if keep:
            conn.timeout = conn.settled + self.cfg.keepalive
            self._wait(conn)
        else:
            self._close(conn)

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

    def _close(self, conn: Any) -> None:
        """Close at once, or, where the client is still sending, when it has had a moment to read the answer."""
        if self._open.get(conn.descriptor) == conn:
            del self._open[conn.descriptor]
            self._share.publish(len(self._open))
        sock: socket.socket = conn.sock
        if sock.fileno() < 0:
            return
        with suppress(OSError):
            self._epoll.unregister(conn.descriptor)
        self._leaving.let_go(sock)

    def _close_idle(self, *, before: float) -> None:
        """Close connections whose time to send another request was over `before` (of the monotonic clock)."""
        for descriptor, conn in list(self._idle.items()):
            if conn.timeout <= before:
                owned = self._idle.pop(descriptor, None)
                if owned is not None:
                    self._close(owned)
        # A slot that came free in the moment in which a connection was parked has called nobody.
        if self._parked and self._streams.acquire(blocking=False):
            self._streams.release()
            self._call_parked()

    def _finish(self) -> None:
        """Answer what is under way. Clients that may be sending already get a moment, and `Connection: close`."""
        now = time.monotonic()
        deadline, linger = now + self.cfg.graceful_timeout, now + STOP_KEEPALIVE_LINGER
        while (self._open or self._leaving) and time.monotonic() < deadline:
            self.notify()
            if time.monotonic() >= linger:
                self._close_idle(before=float("inf"))
            self._leaving.close(before=time.monotonic())
            time.sleep(0.02)


def _is_silent(sock: socket.socket) -> bool:
    """Whether nothing has arrived that is still to be read."""
    try:
        sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
