"""Calls to the kernel that don't let go of the interpreter lock do what Python's own do."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from databunker.server_calls import Receiver, rearm, send


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def test_what_was_sent_is_received(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    receiver = Receiver(16)
    with pytest.raises(BlockingIOError):
        receiver.receive(near, 16)
    assert send(far, b"a\0b" * 8)
    assert receiver.receive(near, 16) == (b"a\0b" * 8)[:16]
    assert receiver.receive(near, 16) == (b"a\0b" * 8)[16:]
    far.close()
    assert receiver.receive(near, 16) == b""
    assert not send(near, b"gone"), "no signal ends the process"


def test_what_the_other_side_does_not_take_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    near, _ = pair
    assert not send(near, b"x" * 10_000_000)


def test_a_broken_connection_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    near, _ = pair
    near.close()
    with pytest.raises(OSError, match="recv"):
        Receiver(16).receive(near, 16)


def test_an_event_is_told_once_until_it_is_asked_for_again(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    with select.epoll() as epoll:
        epoll.register(near, select.EPOLLIN | select.EPOLLONESHOT)
        far.sendall(b"x")
        told = [(near.fileno(), select.EPOLLIN)]
        assert epoll.poll(1) == told
        assert epoll.poll(0) == []
        rearm(epoll.fileno(), near.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
        assert epoll.poll(1) == told
        rearm(epoll.fileno(), 1_000_000, select.EPOLLIN)  # one that was closed is nobody's fault
