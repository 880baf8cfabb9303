"""Who is let in and who is turned away, by a door in front of real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn

from databunker.server import door as door_module
from databunker.server.admission import Admission
from databunker.server.connections import Connections
from databunker.server.door import Door
from databunker.server.refusal import REFUSAL
from databunker.server.requests import Client

REQUEST = b"GET /v1/user/login/nobody HTTP/1.1\r\nHost: x\r\n\r\n"
# One thread, and two who may wait for it.
THREADS, WAITING = 1, 2


class Place:
    """A door with clients before it, and nobody who serves."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._connections = Connections(most=100, keepalive=10, publish=lambda _: None)
        self.admission = Admission(milliseconds=20, threads=THREADS)
        self.turned_away = 0
        self.door = Door(self._connections, self.admission, self._count)

    def _count(self, number: int) -> None:
        self.turned_away += number

    def client(self) -> socket.socket:
        """The client's end of a new connection."""
        here, there = socket.socketpair()
        self._stack.enter_context(closing(there))
        there.settimeout(5)
        conn = TConn(Config(), Client(fileno=here.detach()), ("127.0.0.1", 1), ("127.0.0.1", 2))
        self._stack.callback(conn.sock.close)
        conn.init()
        self._connections.open(conn)
        return there

    def crowd(self) -> None:
        """From now on, there are too many."""
        self.admission.crowded, self.admission.most_waiting = True, WAITING

    def chosen(self) -> list[Any]:
        return list(iter(self.door.next_chosen, None))


@pytest.fixture
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(stack)


def test_few_may_wait_and_the_others_are_told_at_once(place: Place) -> None:
    clients = [place.client() for _ in range(6)]
    place.crowd()
    for client in clients:
        client.sendall(REQUEST)
    place.door.choose()
    assert [client.recv(1000) for client in clients[WAITING:]] == [REFUSAL] * 4
    assert place.turned_away == 4
    assert len(place.chosen()) == WAITING


def test_who_has_hung_up_takes_nobodys_place(place: Place) -> None:
    gone, clients = [place.client() for _ in range(3)], [place.client() for _ in range(WAITING)]
    place.crowd()
    for client in gone:
        client.close()
    for client in clients:
        client.sendall(REQUEST)
    place.door.choose()
    assert len(place.chosen()) == WAITING
    assert place.turned_away == 0


def test_who_sends_a_request_and_no_more_after_it_is_still_there(place: Place) -> None:
    clients = [place.client() for _ in range(WAITING + 1)]
    place.crowd()
    for client in clients:
        client.sendall(REQUEST)
        client.shutdown(socket.SHUT_WR)
    place.door.choose()
    assert len(place.chosen()) == WAITING
    assert clients[-1].recv(1000) == REFUSAL


def test_of_two_who_choose_at_a_time_the_other_one_goes_on(place: Place) -> None:
    client = place.client()
    place.crowd()
    client.sendall(REQUEST)
    with place.door._held:
        place.door.choose()
        assert place.chosen() == []
    place.door.choose()
    assert len(place.chosen()) == 1


def test_those_who_have_waited_too_long_are_told_when_nobody_chooses(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One piece of memory takes in what is read of those who are turned away: two at a time would mix it up."""
    monkeypatch.setattr(door_module, "milliseconds_waited", lambda _: 5_000)
    client = place.client()
    client.sendall(REQUEST)
    shedding = threading.Thread(target=place.door.shed)
    with place.door._held:
        shedding.start()
        shedding.join(0.2)
        assert shedding.is_alive()
        assert place.turned_away == 0
    shedding.join(5)
    assert client.recv(1000) == REFUSAL
    assert place.turned_away == 1
