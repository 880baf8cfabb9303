"""More than the server can bear: it says so early, and serves those whom it serves."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.clients import Answer, Client, exchange, read_answer
from tests.support.vaults import Server, serving

pytestmark = pytest.mark.database_independent

STATUS = b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n"


def connection(stack: ExitStack, server: Server, sent: bytes = b"") -> socket.socket:
    opened = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)))
    if sent:
        opened.sendall(sent)
    return opened


def kept(stack: ExitStack, server: Server, number: int) -> list[socket.socket]:
    """So many connections, each of which has had an answer."""
    opened = [connection(stack, server, STATUS) for _ in range(number)]
    for one in opened:
        assert read_answer(one).body == b"OK"
    return opened


def request_of(server: Server) -> bytes:
    token = server.vault.root_token
    return f"GET /v1/user/login/nobody HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {token}\r\n\r\n".encode()


def told(opened: list[socket.socket]) -> str:
    """Who was served ('.') and who was turned away ('x'), in their order."""
    return "".join({404: ".", 503: "x"}[read_answer(one).status] for one in opened)


def is_closed(opened: socket.socket) -> bool:
    readable, _, _ = select.select([opened], [], [], 0)
    return bool(readable) and opened.recv(1, socket.MSG_PEEK) == b""


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Nothing is served; what comes waits in the kernel. Before, it notices that nobody waits."""
    time.sleep(0.3)
    for pid in server.processes():
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in server.processes():
            os.kill(pid, signal.SIGCONT)


def turned_away(server: Server) -> float:
    text = exchange(server.port, b"GET /v1/metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()
    found = re.search(r"^databunker_turned_away_total ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_queue_that_stands_is_turned_away_and_all_is_well_afterwards(tmp_path: Path) -> None:
    limits = {"BUNKER_WORKERS": "1", "BUNKER_THREADS": "1", "BUNKER_QUEUE_MILLISECONDS": "20"}
    with serving(tmp_path, **limits) as server:
        answers: list[Answer] = []
        stop = threading.Event()

        def call(client: Client) -> None:
            with closing(client):
                while not stop.is_set():
                    answers.append(client.call("GET", "/v1/user/login/nobody"))

        threads = [threading.Thread(target=call, args=(server.client(),)) for _ in range(100)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 15
        while Counter(answer.status for answer in answers)[503] < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join()
        statuses = Counter(answer.status for answer in answers)
        assert set(statuses) == {404, 503}, statuses
        refused = next(answer for answer in answers if answer.status == 503)
        assert refused.json() == {"status": "error", "message": "too busy, try again later"}
        assert refused.headers["retry-after"] == "1"
        # At once, on a connection of its own and with nobody else there.
        with closing(server.client()) as caller:
            assert caller.call("GET", "/v1/user/login/nobody").status == 404
        assert turned_away(server) == statuses[503]
        # Each answer had its event but for those that were refused unread.
        assert server.vault.database.value("SELECT count(*) FROM audit_event WHERE outcome = 3") == statuses[404] + 1
        assert server.log_text().count('"ERROR"') == 0


def test_of_a_queue_that_stands_the_newest_are_served(tmp_path: Path) -> None:
    limits = {"BUNKER_WORKERS": "1", "BUNKER_THREADS": "1", "BUNKER_QUEUE_MILLISECONDS": "20"}
    with serving(tmp_path, **limits) as server, ExitStack() as stack:
        opened = kept(stack, server, 700)
        with stopped(server):  # until all are there: what it would find otherwise is how fast they are sent
            for one in opened:
                one.sendall(request_of(server))
        # Served until they were counted; then all are refused but for the newest, as many as may wait.
        assert re.fullmatch(r"\.+x{300,}\.{2}", answers := told(opened)), answers


def test_those_who_hang_up_take_nobodys_place(tmp_path: Path) -> None:
    limits = {"BUNKER_WORKERS": "1", "BUNKER_THREADS": "1", "BUNKER_QUEUE_MILLISECONDS": "20"}
    with serving(tmp_path, **limits) as server, ExitStack() as stack:
        callers, leavers = kept(stack, server, 600), kept(stack, server, 100)
        with stopped(server):
            for one in callers:
                one.sendall(request_of(server))
            for one in leavers:
                one.close()
        # Whoever leaves came last: the newest who wait are the last callers still.
        assert re.fullmatch(r"\.+x+\.{2}", answers := told(callers)), answers


def test_few_connections_are_never_turned_away(tmp_path: Path) -> None:
    limits = {"BUNKER_WORKERS": "1", "BUNKER_THREADS": "1", "BUNKER_QUEUE_MILLISECONDS": "1"}
    with serving(tmp_path, **limits) as server, ExitStack() as stack:
        request = f"GET /v1/user/login/nobody HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n\r\n"
        opened = [connection(stack, server) for _ in range(9)]
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for one in opened:
                one.sendall(request.encode())
            assert {read_answer(one).status for one in opened} == {404}
        assert turned_away(server) == 0


def test_a_new_connection_takes_the_place_of_the_longest_idle_one(tmp_path: Path) -> None:
    with serving(tmp_path, BUNKER_WORKERS="1", BUNKER_CONNECTIONS="20") as server, ExitStack() as stack:
        idle: list[socket.socket] = []
        while len(idle) < 20:  # one that asked whether the server is up may still have its place
            one = connection(stack, server, STATUS)
            if read_answer(one).body == b"OK":
                idle.append(one)
        time.sleep(1.0)  # so long they have to have been idle
        for _ in range(5):
            new = connection(stack, server, STATUS)
            while read_answer(new).body != b"OK":
                new = connection(stack, server, STATUS)
        kept = [one for one in idle if not is_closed(one)]
        assert len(kept) == 15
        for one in kept:
            one.sendall(STATUS)
            assert read_answer(one).body == b"OK"


def test_connections_in_use_are_not_closed_for_new_ones(tmp_path: Path) -> None:
    with serving(tmp_path, BUNKER_WORKERS="1", BUNKER_CONNECTIONS="2") as server:
        # Tried again, as where the machine stands still for a second they are idle by then.
        end, tries = time.monotonic() + 10, 0
        while tries < 10 and time.monotonic() < end:
            with ExitStack() as stack:
                used = [connection(stack, server, STATUS) for _ in range(2)]
                if any(read_answer(one).status != 200 for one in used):
                    continue  # those of the turn before, or of the start, are still about to be closed
                tries += 1
                if exchange(server.port, STATUS).startswith(b"HTTP/1.1 503 "):
                    for one in used:
                        one.sendall(STATUS)
                        assert read_answer(one).body == b"OK"
                    return
        raise AssertionError("a connection was closed that had just been used")


def test_slow_senders_of_long_bodies_leave_threads_to_others_and_come_to_an_end(tmp_path: Path) -> None:
    limits = {"BUNKER_WORKERS": "1", "BUNKER_THREADS": "2", "REQUEST_SECONDS": "1"}
    with serving(tmp_path, **limits) as server, ExitStack() as stack:
        head = f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n"
        long = f"{head}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n".encode() + b'{"login":"'
        waiting = f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 90\r\n\r\n".encode()
        slow = [connection(stack, server, sent) for sent in (long, waiting, long)]
        caller = server.client()
        began = time.monotonic()
        answered: set[int] = set()
        served = 0
        while len(answered) < len(slow):
            assert time.monotonic() - began < 10
            for number, one in enumerate(slow):
                if number not in answered:
                    one.setblocking(False)
                    try:
                        got = one.recv(4096)
                    except BlockingIOError:
                        one.send(b"x")
                        continue
                    finally:
                        one.settimeout(10)
                    if got != b"HTTP/1.1 100 Continue\r\n\r\n":
                        answered.add(number)
                        assert b"HTTP/1.1 400 " in got, got
            assert caller.call("GET", "/v1/user/login/nobody").status == 404
            served += not answered
        caller.close()
        assert served > 2, "others are served meanwhile"
        assert time.monotonic() - began > 1.5, "they were read one after the other"
        assert server.vault.database.value("SELECT count(*) FROM vault_record") == 0


def test_chunks_that_come_slowly_hold_no_thread(tmp_path: Path) -> None:
    with serving(tmp_path, BUNKER_WORKERS="1", BUNKER_THREADS="1") as server, ExitStack() as stack:
        head = (
            f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        ).encode()
        slow = [connection(stack, server, head + b"9\r\n{") for _ in range(5)]
        with closing(server.client()) as caller:
            assert caller.call("GET", "/v1/user/login/nobody").status == 404
        for number, one in enumerate(slow):
            body = b'"login":\r\n3\r\n"%d"\r\n1\r\n}\r\n0\r\n\r\n' % number
            one.sendall(body[:5])
            one.sendall(body[5:])
            assert read_answer(one).status == 200
