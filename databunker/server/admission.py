"""When a server has more requests than it can serve, and how many of them may wait then.

A queue without an end serves nobody: once more comes in than goes out, each request waits longer than the one before,
until its caller has gone. As with CoDel (RFC 8289) it isn't the length of a queue that tells, which a burst makes long,
but that nobody has waited less than some time for some time; or that it is so long that who comes last will wait for
longer than anybody should. Then those at its head are dropped, a few requests may wait, and all others are answered 503
when they come (docs/decisions/0013-turned-away-at-the-door.md).
"""

from __future__ import annotations

import socket
import sys
import time

__all__ = ["Admission", "milliseconds_waited"]

# Requests may wait for so many times what one takes at present, so that a slow database allows no less queue than a
# fast one, counted in requests.
_TIMES = 16
# So long nobody has waited less: a burst, or a machine that stood still for a moment, turns nobody away. And so long
# nobody was turned away before it is over.
_STANDING_SECONDS = 0.1
# Who would wait for longer than this is told at once. Those who wait are counted when somebody has waited for a part of
# what is late, and not again for a while, as it costs a system call for each of them.
_PATIENCE_SECONDS = 0.25
_PART_OF_LATE, _COUNT_SECONDS = 1 / 4, 0.05
# "Nobody" is from when most of those who are looked at are late until few of them are: their order isn't strict.
_MANY, _FEW, _OF_LATE = 0.5, 0.1, 1 / 4
# While none is late one request in so many (a power of two) is looked at: the question costs a system call.
_LOOK = 8
# So few that wait for each thread are never too many. When there are more, so many may wait until nobody does: no
# thread is ever without work, and none of them has much before it.
_NEVER_TOO_MANY, _WAITING = 9, 2
# One slow request (a backup that streams for minutes) says little about the others.
_LONGEST_SECONDS = 1.0
_OF_USUAL = 1 / 16
# In `struct tcp_info` of the kernel: milliseconds since data came in the last time.
_LAST_DATA_RECEIVED = slice(52, 56)


class Admission:
    """One worker's judgement. Its threads share it without a lock: what one overwrites is soon counted again."""

    def __init__(self, *, milliseconds: int, threads: int) -> None:
        """Requests may always wait for so long; 0: for ever."""
        self.turns = 0
        # Whether there are too many, so that some may be turned away.
        self.crowded = False
        # Whether those who wait are to be counted, as there may be too many.
        self.counts = False
        self._threads = threads
        self._never_too_many, self._waiting = threads * _NEVER_TOO_MANY, threads * _WAITING
        self.most_waiting = self._never_too_many
        self._least_seconds = milliseconds / 1000
        self._usual_seconds = 0.0
        self._late_share = 0.0
        self._standing_since: float | None = None
        self._stands = False
        self._counted_at = self._turned_away_at = 0.0

    def measures(self) -> bool:
        """Whether to measure how long the request at hand takes; of one in so many it is enough."""
        return not self.turns % _LOOK

    def took(self, seconds: float) -> None:
        """A request was answered in this time."""
        self._usual_seconds += (min(seconds, _LONGEST_SECONDS) - self._usual_seconds) * _OF_USUAL

    def _allowed_seconds(self) -> float:
        return max(self._least_seconds, self._usual_seconds * _TIMES)

    def look(self, sock: socket.socket) -> None:
        """A request has its turn that has arrived here: was it late?"""
        self.turns += 1
        if self.crowded or not self._least_seconds or (self._late_share < _FEW and self.turns % _LOOK):
            return
        waited, allowed = milliseconds_waited(sock) / 1000, self._allowed_seconds()
        late, now = waited > allowed, time.monotonic()
        self._late_share += (late - self._late_share) * _OF_LATE
        if self._late_share < _FEW:
            self._standing_since = None
        elif self._standing_since is None:
            if self._late_share > _MANY:
                self._standing_since = now
        elif late and now - self._standing_since > _STANDING_SECONDS:
            self._stands = True
        if self._stands or (waited > allowed * _PART_OF_LATE and now - self._counted_at > _COUNT_SECONDS):
            self._counted_at, self.counts = now, True

    def are_too_many(self, waiting: int) -> bool:
        """Whether so many are, who wait for a thread; if so, the newest `most_waiting` may go on waiting."""
        the_last_waits = waiting * self._usual_seconds / self._threads
        too_long = self._stands or the_last_waits > max(_PATIENCE_SECONDS, self._allowed_seconds())
        self.crowded = too_long and waiting > self._never_too_many
        if self.crowded:
            self.most_waiting = self._waiting
        if self._stands:
            self._standing_since = None
        self._stands = self.counts = False
        return self.crowded

    def may_wait(self, others: int) -> bool:
        """Whether one more may, with so many others, while there are too many. After one who may not, fewer may."""
        if others < self.most_waiting:
            return True
        self.most_waiting = self._waiting
        return False

    def has_turned_away(self) -> None:
        """Somebody was turned away just now."""
        self._turned_away_at = time.monotonic()

    def nobody_waits(self) -> None:
        """A thread that came free found no other request. Just after one was turned away, that may be a gap only."""
        self.most_waiting = self._never_too_many
        if time.monotonic() - self._turned_away_at > _STANDING_SECONDS:
            self.crowded = False
            self._late_share = 0.0
            self._standing_since = None


def milliseconds_waited(sock: socket.socket) -> int:
    """How long ago the client has sent something, to the next tick of the kernel; 0 where the kernel doesn't tell."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED.stop)
    except OSError:
        return 0
    return int.from_bytes(info[_LAST_DATA_RECEIVED], sys.byteorder)
