"""A call to somebody who is not trusted: where it goes, how long it takes, and how much it reads."""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databunker.notify import outgoing
from databunker.notify.errors import AddressRefused, AnswerTooLarge, BadStatus
from tests.support.certificates import Authority
from tests.support.receivers import Receiver, Wire


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def _loopback_allowed(settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.0/8"]


def send(url: str, *, seconds: float = 5, body: bytes = b"{}", method: str = "POST") -> None:
    outgoing.send(method, url, body=body, headers={"X-Test": "yes"}, seconds=seconds)


def test_a_private_receiver_is_refused_and_never_connected_to(receiver: Receiver) -> None:
    for url in (
        receiver.url(),
        receiver.url(host="localhost"),
        receiver.url(host="0x7f000001"),
        receiver.url(host="[::ffff:127.0.0.1]"),
    ):
        with pytest.raises((AddressRefused, socket.gaierror)):
            send(url)
    assert receiver.received == []


@pytest.mark.usefixtures("_loopback_allowed")
def test_a_receiver_that_is_allowed_gets_the_whole_of_it(receiver: Receiver) -> None:
    body = b"x" * 3_000_000
    send(receiver.url("/hook?a=b"), body=body)
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("POST", "/hook?a=b", body)
    assert (got.headers["host"], got.headers["x-test"]) == (f"127.0.0.1:{receiver.port}", "yes")
    send(receiver.url(), method="GET", body=b"")
    assert receiver.received[1].method == "GET"


def test_a_name_that_changes_its_address_is_looked_up_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: allowed when it is judged, somewhere else right after."""
    settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.2"]
    with Receiver("127.0.0.2") as judged, Receiver("127.0.0.1") as inside:
        lookups = iter(itertools.chain(["127.0.0.2"], itertools.repeat("127.0.0.1")))
        asked: list[Any] = []

        def rebinding(host: Any, port: Any, *_: Any, **__: Any) -> Any:
            asked.append(host)
            where = next(lookups)
            port = judged.port if where == "127.0.0.2" else inside.port
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        send("http://rebinding.example.com/")
        assert asked == ["rebinding.example.com"]
        assert [got.headers["host"] for got in judged.received] == ["rebinding.example.com"]
        with pytest.raises(AddressRefused):
            send("http://rebinding.example.com/")
        assert inside.received == []


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    with Receiver() as elsewhere:

        def redirect(wire: Wire) -> None:
            wire.write(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\n\r\n" % (status, elsewhere.url().encode()))

        receiver.answer = redirect
        with pytest.raises(BadStatus, match=str(status)):
            send(receiver.url())
        assert elsewhere.received == []


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    send(receiver.url())


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_all_else_is_none(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    with pytest.raises(BadStatus, match=f"HTTP {status}"):
        send(receiver.url())


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
)
def test_the_body_of_an_answer_is_read_for_who_asks_for_it(receiver: Receiver, said: bytes) -> None:
    receiver.answer = lambda wire: wire.write(said)
    assert outgoing.fetch("POST", receiver.url(), body=b"{}", headers={}, seconds=5) == b"hello"


# --- receivers that waste our time and memory ------------------------------------------------------------------------


def silent(wire: Wire) -> None:
    wire.over.wait(20)


def dripping(wire: Wire) -> None:
    """A byte now and then, so that no single wait is long."""
    wire.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not wire.over.wait(0.05):
        wire.write(b"x")


def continuing(wire: Wire) -> None:
    while not wire.over.wait(0.05):
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("answer", [silent, dripping, continuing])
def test_a_slow_receiver_is_left_after_the_time_in_all(receiver: Receiver, answer: Any) -> None:
    receiver.answer = answer
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        send(receiver.url(), seconds=0.5)
    assert 0.4 < time.monotonic() - started < 2


@pytest.mark.usefixtures("_loopback_allowed")
def test_a_receiver_that_takes_in_nothing_is_left_likewise() -> None:
    """It accepts the connection and never reads from it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            send(f"http://127.0.0.1:{listening.getsockname()[1]}/", body=b"x" * 50_000_000, seconds=0.5)
        assert time.monotonic() - started < 2


@pytest.mark.usefixtures("_loopback_allowed")
def test_of_a_big_answer_nothing_but_the_head_is_read(receiver: Receiver) -> None:
    written: list[int] = []

    def endless(wire: Wire) -> None:
        wire.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not wire.over.is_set():
            written.append(len(b"x" * 65_536))
            wire.write(b"x" * 65_536)

    receiver.answer = endless
    started = time.monotonic()
    send(receiver.url())
    assert time.monotonic() - started < 2
    receiver.over.wait(0.3)
    assert sum(written) < 50_000_000


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("piece", [b"X: " + b"x" * 60_000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000])
def test_a_big_head_is_not_read_to_its_end(receiver: Receiver, piece: bytes) -> None:
    def endless(wire: Wire) -> None:
        wire.write(b"HTTP/1.1 200 OK\r\n" if piece.startswith(b"X") else b"")
        while not wire.over.is_set():
            wire.write(piece)

    receiver.answer = endless
    with pytest.raises((AnswerTooLarge, http.client.HTTPException)):
        send(receiver.url())


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_what_speaks_no_http_is_a_failure(receiver: Receiver, said: bytes) -> None:
    receiver.answer = lambda wire: wire.write(said)
    with pytest.raises((http.client.HTTPException, OSError)):
        send(receiver.url())


@pytest.mark.usefixtures("_loopback_allowed")
def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        send(f"http://127.0.0.1:{port}/")


def test_an_address_that_is_dead_is_passed_over(
    settings: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.0/8"]
    where = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, receiver.port)) for address in ("127.0.0.3", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: where)
    send("http://two.example.com/")
    assert len(receiver.received) == 1


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def _authority_trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    outgoing._tls.cache_clear()
    yield
    outgoing._tls.cache_clear()


def secure(receiver: Receiver, folder: Path, authority: Authority, name: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(name, folder))
    receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)


def url_of(receiver: Receiver, host: str) -> str:
    return receiver.url(host=host).replace("http:", "https:")


@pytest.mark.usefixtures("_loopback_allowed", "_authority_trusted")
def test_tls_is_verified_for_the_host_name(tmp_path: Path, authority: Authority) -> None:
    with Receiver() as receiver:
        secure(receiver, tmp_path, authority, "localhost")
        send(url_of(receiver, "localhost"))
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
        with pytest.raises(ssl.SSLCertVerificationError):
            send(url_of(receiver, "127.0.0.1"))
        assert len(receiver.received) == 1


@pytest.mark.usefixtures("_loopback_allowed")
def test_an_authority_that_is_not_trusted_vouches_for_nobody(tmp_path: Path, authority: Authority) -> None:
    outgoing._tls.cache_clear()
    with Receiver() as receiver:
        secure(receiver, tmp_path, authority, "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            send(url_of(receiver, "localhost"))
        assert receiver.received == []


@pytest.mark.usefixtures("_loopback_allowed", "_authority_trusted")
def test_a_receiver_that_is_slow_over_tls_is_left_as_well(tmp_path: Path, authority: Authority) -> None:
    with Receiver() as receiver:
        secure(receiver, tmp_path, authority, "localhost")
        receiver.answer = dripping
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            send(url_of(receiver, "localhost"), seconds=0.7)
        assert time.monotonic() - started < 2


@pytest.mark.usefixtures("_loopback_allowed", "_authority_trusted")
def test_a_handshake_that_never_comes_is_left_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            send(f"https://localhost:{listening.getsockname()[1]}/", seconds=0.5)
        assert time.monotonic() - started < 2
