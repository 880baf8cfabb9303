"""Connections spread over the workers, also those that stay open for long."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.clients import read_answer
from tests.support.vaults import Server, serving

WORKERS = 2
REQUEST = b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n"
SECONDS = 20


def workers(server: Server) -> list[int]:
    """The processes whose parent is the arbiter."""
    assert server.process is not None
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
        except OSError:  # ended in between
            continue
        if int(parent) == server.process.pid:
            found.append(int(status.parent.name))
    return found


def connections_by_worker(server: Server) -> list[int]:
    """How many established connections to the server's port each of its workers has open."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if int(local.rpartition(":")[2], 16) == server.port and state == "01":
            inodes.add(f"socket:[{rest[5]}]")
    return [sum(link in inodes for link in links(worker)) for worker in workers(server)]


def links(process: int) -> list[str]:
    return [str(entry.readlink()) for entry in Path(f"/proc/{process}/fd").iterdir() if entry.is_symlink()]


def connected(stack: ExitStack, server: Server) -> socket.socket:
    """A connection that has had an answer and stays open as long as the stack."""
    connection = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)))
    connection.sendall(REQUEST)
    assert read_answer(connection).status == 200
    return connection


@pytest.fixture
def busy_server(tmp_path: Path) -> Iterator[Server]:
    """Every one of its workers accepts connections."""
    with serving(tmp_path) as running:
        deadline = time.monotonic() + SECONDS
        with ExitStack() as stack:
            while len(connections_by_worker(running)) < WORKERS or not all(connections_by_worker(running)):
                assert time.monotonic() < deadline, connections_by_worker(running)
                connected(stack, running)
                time.sleep(0.1)
        while any(connections_by_worker(running)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running


def test_workers_share_the_connections_evenly(busy_server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(8 * WORKERS):
            connected(stack, busy_server)
        found = connections_by_worker(busy_server)
    assert sum(found) == 8 * WORKERS
    assert max(found) - min(found) <= 2, found


def test_a_worker_that_was_killed_is_not_waited_for(busy_server: Server) -> None:
    killed = workers(busy_server)[0]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + SECONDS
    while killed in workers(busy_server):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with ExitStack() as stack:
        for _ in range(20):
            connected(stack, busy_server)
