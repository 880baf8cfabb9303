"""HTTP as it arrives: whole, in pieces, too long, or as no HTTP at all."""

from __future__ import annotations

import json
import socket
import time
import uuid
from contextlib import closing, suppress

import pytest

from tests.support.clients import Client, exchange, read_answer
from tests.support.vaults import Server

KIB = 1024
# Stands in what is sent to be refused, and must not reach the log.
MARKER = "Zx9marker"


def test_a_record_goes_in_and_comes_out(client: Client) -> None:
    profile = {"login": "ann", "email": "Ann@Example.com", "name": "Анна 👩‍🚀", "numbers": [2**60, 0.1]}
    token = client.create(**profile)
    for path in (f"token/{token}", "login/ann", "email/ann@example.com", "email/ANN%40example.com"):
        answer = client.call("GET", f"/v1/user/{path}")
        assert answer.status == 200
        assert answer.json() == {"status": "ok", "token": token, "data": profile}
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert answer.headers["cache-control"] == "no-store"
    changed = client.call("PUT", "/v1/user/login/ann", {"name": None, "city": "Łódź"})
    assert changed.json() == {"status": "ok", "token": token}
    assert client.call("GET", f"/v1/user/token/{token}").json()["data"]["city"] == "Łódź"
    forgotten = client.call("DELETE", "/v1/user/login/ann").json()
    assert (forgotten["status"], forgotten["result"]) == ("ok", "done")
    assert client.call("GET", f"/v1/receipt/{forgotten['receipt']}").status == 202
    assert client.call("GET", "/v1/user/login/ann").status == 404


def test_a_connection_serves_many_calls(client: Client) -> None:
    client.connect()
    connection = client.connection.sock
    for number in range(50):
        assert client.call("GET", f"/v1/user/login/nobody{number}").status == 404
    assert client.connection.sock is connection


def test_a_request_in_pieces_is_one_request(client: Client, server: Server) -> None:
    body = json.dumps({"login": "pieces"}).encode()
    head = f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {client.token}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), 7):
            connection.sendall(request[at : at + 7])
            time.sleep(0.002)
        assert read_answer(connection).status == 200


def test_requests_sent_ahead_are_answered_in_order(client: Client, server: Server) -> None:
    tokens = [client.create(login=f"ahead{number}") for number in range(5)]
    requests = "".join(
        f"GET /v1/user/login/ahead{number} HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {client.token}\r\n\r\n"
        for number in range(5)
    )
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.sendall(requests.encode())
        answers = connection.makefile("rb")
        got = []
        for _ in tokens:
            length = 0
            assert answers.readline().startswith(b"HTTP/1.1 200")
            while (line := answers.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            got.append(json.loads(answers.read(length))["token"])
    assert got == tokens


def test_a_chunked_body_is_a_body(client: Client, server: Server) -> None:
    head = f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {client.token}\r\nContent-Type: application/json\r\n"
    for number, chunks in enumerate([[b'{"login":"chunked%d"}'], [b'{"login":', b'"chu', b'nked%d"', b"}"]]):
        parts = [chunk % number if b"%d" in chunk else chunk for chunk in chunks]
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        got = exchange(server.port, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + body)
        assert got.startswith(b"HTTP/1.1 200"), got
        assert client.call("GET", f"/v1/user/login/chunked{number}").json()["data"] == {"login": f"chunked{number}"}


def test_head_answers_without_a_body(server: Server) -> None:
    got = exchange(server.port, b"HEAD /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


def test_an_expected_continue_is_given(client: Client, server: Server) -> None:
    body = b'{"login":"continue"}'
    head = (
        f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {client.token}\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert read_answer(connection).status == 200


# --- too much --------------------------------------------------------------------------------------------------------


def announced(token: str | None, length: int) -> bytes:
    return (
        f"POST /v1/user HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_a_body_that_is_announced_too_long_is_refused_before_it_comes(client: Client, server: Server) -> None:
    began = time.monotonic()
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.sendall(announced(client.token, 1024 * KIB + 1))
        answer = read_answer(connection)
    assert answer.status == 413
    assert answer.json() == {"status": "error", "message": "the request body is larger than 1048576 bytes"}
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("megabytes", [1, 2])
def test_a_body_that_is_too_long_is_refused_also_when_it_comes(server: Server, megabytes: int) -> None:
    """A client that sends before it listens gets its answer rather than a reset."""
    began = time.monotonic()
    with closing(server.client()) as caller:
        assert caller.call("POST", "/v1/user", b'{"login":"%s"}' % (b"x" * megabytes * 1024 * KIB)).status == 413
    assert time.monotonic() - began < 5


def test_a_chunked_body_that_is_too_long_is_refused(client: Client, server: Server) -> None:
    head = announced(client.token, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked\r\nConnection: close")
    chunk = b"%x\r\n%s\r\n" % (64 * KIB, b" " * 64 * KIB)
    got = exchange(server.port, head + chunk * 20 + b"0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413"), got[:100]


def test_a_bulk_of_more_than_its_limit_is_refused(client: Client, server: Server) -> None:
    request = announced(client.token, 32 * 1024 * KIB + 1).replace(b"/v1/user ", b"/v1/users/bulk ")
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.sendall(request)
        assert read_answer(connection).status == 413


BAD_REQUESTS = {
    "a long request line": f"GET /v1/user/login/{MARKER}{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "an endless request line": f"GET /{MARKER}{'x' * 100_000}",
    "a long header": f"GET /status HTTP/1.1\r\nHost: x\r\nX-{MARKER}: {'x' * 9000}\r\n\r\n",
    "an endless header": f"GET /status HTTP/1.1\r\nHost: x\r\nX-{MARKER}: {'x' * 100_000}",
    "many headers": "GET /status HTTP/1.1\r\nHost: x\r\n" + f"X-A: {MARKER}\r\n" * 200 + "\r\n",
    "no HTTP": f"{MARKER}\r\n\r\n",
    "no method": f" /{MARKER} HTTP/1.1\r\n\r\n",
    "another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARKER + "\r\n\r\n",
    "an old version": f"GET /{MARKER} HTTP/0.9\r\n\r\n",
    "a version to come": f"GET /{MARKER} HTTP/3.0\r\n\r\n",
    "a header without a colon": f"GET /status HTTP/1.1\r\nHost: x\r\n{MARKER}\r\n\r\n",
    "a header name with a space": f"GET /status HTTP/1.1\r\nHost: x\r\nX {MARKER}: y\r\n\r\n",
    "a space before the colon": f"GET /status HTTP/1.1\r\nHost: x\r\n{MARKER} : y\r\n\r\n",
    "a length that is no number": f"POST /v1/user HTTP/1.1\r\nHost: x\r\nContent-Length: {MARKER}\r\n\r\n",
    "a negative length": f"POST /v1/user HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nX: {MARKER}\r\n\r\n",
    "two lengths": f"POST /v1/user HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: {MARKER}\r\n\r\nab",
    "length and chunks": (
        "POST /v1/user HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
        f"X: {MARKER}\r\n\r\n0\r\n\r\n"
    ),
    "an unknown transfer coding": f"POST /v1/user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {MARKER}\r\n\r\n",
    "a chunk size that is no number": (
        f"POST /v1/user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARKER}\r\nabc\r\n0\r\n\r\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_what_is_no_proper_request_is_refused_and_the_connection_closed(server: Server, text: str) -> None:
    """Nothing is guessed: two readers of one ambiguous request are how requests are smuggled."""
    began = time.monotonic()
    got = exchange(server.port, as_root(server, text))
    assert time.monotonic() - began < 5
    assert got == b"" or got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), got
    assert got.count(b"HTTP/1.1 ") <= 1, "what follows a bad request must not be taken for another one"
    assert_tells_nothing(got)


def as_root(server: Server, text: str) -> bytes:
    return text.replace("Host: x\r\n", f"Host: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n").encode("latin-1")


def assert_tells_nothing(got: bytes) -> None:
    """Neither what was sent nor what the server is made of."""
    for giveaway in (MARKER.encode(), b"Traceback", b"<html", b".py"):
        assert giveaway not in got, got


def test_rubbish_after_a_good_request_does_not_spoil_its_answer(server: Server) -> None:
    got = exchange(server.port, b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n" + MARKER.encode() + b"\x00\xff\r\n\r\n")
    first, _, rest = got.partition(b"\r\n\r\nOK")
    assert first.startswith(b"HTTP/1.1 200")
    assert rest.startswith(b"HTTP/1.1 400")
    assert_tells_nothing(rest)


def test_a_client_that_goes_away_in_the_middle_harms_nobody(client: Client, server: Server) -> None:
    for sent in (b"", b"GET /sta", announced(client.token, 100), announced(client.token, 100) + b'{"login":"half'):
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
            connection.sendall(sent)
    assert client.call("GET", "/v1/user/login/half").status == 404
    assert client.call("GET", "/status").body == b"OK"


# --- slow and many ---------------------------------------------------------------------------------------------------


def test_clients_that_stall_do_not_keep_others_waiting(client: Client, server: Server) -> None:
    """More of them than the server has threads, each in the middle of a request."""
    stalled = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(40)]
    try:
        for number, connection in enumerate(stalled):
            connection.sendall(b"GET /status HT" if number % 2 else announced(client.token, 100) + b"{")
        time.sleep(0.2)
        began = time.monotonic()
        assert client.call("GET", "/v1/user/login/nobody").status == 404
        assert time.monotonic() - began < 5
    finally:
        for connection in stalled:
            connection.close()


def test_heads_without_an_end_do_not_keep_others_waiting(client: Client, server: Server) -> None:
    """Longer than what is waited for without a thread, with no line too long and no header too many, and no token."""
    head = b"GET /status HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 8000) for n in range(9))
    endless = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(40)]
    try:
        for connection in endless:
            with suppress(OSError):  # refused already
                connection.sendall(head)
        time.sleep(0.2)
        began = time.monotonic()
        assert client.call("GET", "/v1/user/login/nobody").status == 404
        assert time.monotonic() - began < 5
    finally:
        for connection in endless:
            connection.close()


def test_idle_connections_do_not_keep_others_waiting(client: Client, server: Server) -> None:
    """Two hundred of them, half of which have been served before."""
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(200)]
    try:
        for connection in idle[::2]:
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(connection).body == b"OK"
        for _ in range(10):
            assert client.call("GET", "/v1/user/login/nobody").status == 404
    finally:
        for connection in idle:
            connection.close()


def test_a_bulk_of_the_most_records_is_answered_for_each(client: Client) -> None:
    records = [{"login": f"bulk{number}"} for number in range(4000)]
    answer = client.call("POST", "/v1/users/bulk", {"records": records}).json()
    assert answer["created"] == len({row["token"] for row in answer["rows"]}) == 4000
    assert client.call("POST", "/v1/users/bulk", {"records": [*records, {"login": "more"}]}).status == 400


# --- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_holds_nothing_of_what_was_sent(client: Client, server: Server) -> None:
    token = client.create(login="logged", email="logged.person@example.com", secret=MARKER)
    wrong = str(uuid.uuid4())
    client.call("GET", "/v1/user/email/logged.person@example.com")
    client.call("GET", f"/v1/user/login/{MARKER}?identity={MARKER}")
    client.call("GET", f"/{MARKER}/{token}")
    client.call("PUT", f"/v1/user/token/{token}", {"secret": MARKER + "2"})
    client.call("POST", "/v1/user", b'{"%s":' % MARKER.encode())
    client.call("BREW", f"/v1/user/login/{MARKER}", X_Request_ID=MARKER, User_Agent=MARKER, Referer=MARKER)
    with closing(server.client(wrong)) as stranger:
        assert stranger.call("GET", f"/v1/user/token/{token}").status == 403
    for bad in BAD_REQUESTS.values():
        exchange(server.port, as_root(server, bad))
    text = server.log_text()
    assert "Listening at" in text
    for secret in (MARKER, token, wrong, str(client.token), server.vault.master_key, "logged.person", "/v1/user"):
        assert secret not in text, secret
    assert all(json.loads(line)["level"] in ("DEBUG", "INFO", "WARNING") for line in text.splitlines()), text
