"""Who may wait for a thread while a worker has more requests than it can serve, and who is turned away at once."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders

from databunker.server.admission import Admission, milliseconds_waited
from databunker.server.calls import Receiver, send
from databunker.server.connections import Connections
from databunker.server.refusal import ALWAYS_SERVED, REFUSAL, is_simple, refusal
from databunker.server.requests import STREAMED, WHOLE, read_ahead

__all__ = ["CAN_BE_ANSWERED", "Door"]

CAN_BE_ANSWERED = (0, STREAMED)
# A thread that comes free turns away so many at most before it serves the next one.
_TURNED_AWAY_AT_ONCE = 64
# While no thread comes free at all, requests that have waited for so long are told so.
_STUCK_MILLISECONDS = 5_000


class Door:
    """One thread at a time chooses; all take from those that it has chosen."""

    def __init__(self, connections: Connections, admission: Admission, turned_away: Callable[[int], None]) -> None:
        """`turned_away` is told how many were."""
        self._connections = connections
        self._admission = admission
        self._turned_away = turned_away
        self._chosen: deque[Any] = deque()
        self._held = threading.Lock()
        self._receiver = Receiver(WHOLE)

    def next_chosen(self) -> Any | None:
        """A connection whose request has its turn."""
        try:
            return self._chosen.popleft()
        except IndexError:
            return None

    def choose(self) -> None:
        """Let few of those that have come wait for their turn, and turn the others away; not if somebody does so."""
        if not self._held.acquire(blocking=False):
            return
        try:
            if self._admission.counts:
                came = self._came(self._connections.most)
                beyond = self._counted(came)
            else:
                came = self._came(_TURNED_AWAY_AT_ONCE)
                beyond = [conn for conn in came if not self._may_wait(conn)]
            turned_away = sum(map(self._turn_away, beyond))
            if turned_away:
                self._turned_away(turned_away)
                self._admission.has_turned_away()
            elif not came and not self._chosen:
                self._admission.nobody_waits()
        finally:
            self._held.release()

    def _came(self, most: int) -> list[Any]:
        """Connections with a request. Those whose client has hung up take nobody's place."""
        return [conn for conn in self._connections.ready(0, most) if not conn.hangup or self._left_a_request(conn)]

    def _left_a_request(self, conn: Any) -> bool:
        """Whether the client has sent one before it hung up; if not, the connection is closed."""
        try:
            return self._connections.take_arrived(conn, self._receiver.receive) in CAN_BE_ANSWERED
        except LimitRequestHeaders:
            return True

    def _counted(self, came: list[Any]) -> list[Any]:
        """Of all that have come the newest may wait, if there are too many: the others have waited for too long."""
        if not self._admission.are_too_many(len(came)):
            for conn in came:
                self._connections.wait(conn)
            return []
        newest = len(came) - self._admission.most_waiting
        self._chosen.extend(came[newest:])
        return came[:newest]

    def _may_wait(self, conn: Any) -> bool:
        if not self._admission.may_wait(len(self._chosen)):
            return False
        self._chosen.append(conn)
        return True

    def _turn_away(self, conn: Any, spare: tuple[bytes, ...] = ALWAYS_SERVED) -> bool:
        """Answer 503 without a look at the request; whether it was one to be turned away."""
        receive = self._receiver.receive
        if not read_ahead(conn):
            with suppress(OSError):
                arrived = receive(conn.sock, WHOLE)
                if is_simple(arrived) and not arrived.startswith(spare):
                    self._connections.settle(conn, keep=send(conn.sock, REFUSAL))
                    return True
                receive = _returns(arrived)
        try:
            if self._connections.take_arrived(conn, receive) not in CAN_BE_ANSWERED:
                return False
        except LimitRequestHeaders:
            pass  # no end of the head: answered as any other of which it isn't plain where it ends
        request = read_ahead(conn)
        if request.startswith(spare):
            self._chosen.append(conn)
            return False
        answer, length = refusal(request)
        keep = send(conn.sock, answer) and length > 0
        if keep:
            buffer = conn.parser.unreader.buf = io.BytesIO()
            buffer.write(request[length:])
        self._connections.settle(conn, keep=keep)
        return True

    def shed(self) -> None:
        """No thread has come free since the last look: tell those who have waited too long. By the main thread."""
        with self._held:
            waiting = list(iter(self.next_chosen, None))
            for conn in (*waiting, *self._connections.ready(0, self._connections.most)):
                if milliseconds_waited(conn.sock) < _STUCK_MILLISECONDS:
                    self._connections.wait(conn)
                elif self._turn_away(conn, spare=()):
                    self._turned_away(1)


def _returns(arrived: bytes) -> Callable[..., bytes]:
    """As what receives, but it has been received already."""
    return lambda *_: arrived
