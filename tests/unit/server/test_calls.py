"""Calls to the kernel that don't let go of the interpreter lock do what Python's own do."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from databunker.server.calls import Receiver, accept, poll_event, rearm, register, send


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
        rearm(epoll.fileno(), near.fileno(), poll_event(near.fileno(), select.EPOLLIN | select.EPOLLONESHOT))
        assert epoll.poll(1) == told
        rearm(epoll.fileno(), 1_000_000, poll_event(1_000_000, select.EPOLLIN))  # one that was closed is nobody's fault


@pytest.mark.parametrize(("family", "bound"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_is_accepted_with_its_address(family: socket.AddressFamily, bound: str) -> None:
    try:
        listener = socket.create_server((bound, 0), family=family)
    except OSError as error:
        pytest.skip(f"this machine has no address {bound}: {error.strerror}")
    with listener, socket.socket(family) as client:
        client.connect(listener.getsockname())
        descriptor, address = accept(listener)
        with socket.socket(fileno=descriptor) as accepted:
            assert address == client.getsockname() == accepted.getpeername()
            assert accepted.getblocking()
            assert not accepted.get_inheritable()
            accepted.sendall(b"x")
            assert client.recv(1) == b"x"


def test_a_client_of_a_path_has_no_address(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))
        descriptor, address = accept(listener)
        socket.socket(fileno=descriptor).close()
        assert address == client.getsockname()


def test_where_nobody_asks_nobody_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            accept(listener)


def test_what_cannot_be_polled_is_said() -> None:
    with select.epoll() as epoll, pytest.raises(OSError, match="epoll_ctl"):
        register(epoll.fileno(), 1_000_000, poll_event(1_000_000, select.EPOLLIN))
