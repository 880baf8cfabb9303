"""A master key from a key management service, over HTTP: got, or a clear refusal that gives nothing away."""

from __future__ import annotations

import base64
import logging
import socket
import ssl
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from databunker.crypto import store
from databunker.crypto.configured import configured_master_key, key_management
from databunker.crypto.errors import MasterKeyError
from databunker.notify import outgoing, transit
from databunker.notify.checks import check_receivers
from tests.support.certificates import Authority
from tests.support.receivers import Receiver, Wire
from tests.support.transit import TOKEN, Transit

SECRET = bytes(range(100, 132))
NONSENSE = "vault:v1:MARKER"


def given(settings: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(settings, name, value)


@pytest.fixture
def service(settings: Any) -> Iterator[Transit]:
    with Transit() as running:
        given(settings, running.settings() | {"OUTGOING_ALLOW_PRIVATE": ["127.0.0.1"]})
        given(settings, {"DATABUNKER_MASTERKEY": "", "TRANSIT_TIMEOUT_SECONDS": 5})
        yield running


def refusal(act: Callable[[], Any] = lambda: transit.decrypt(NONSENSE)) -> str:
    """What it says; nothing in it, nor in what it was caused by, tells of token, key or address."""
    with pytest.raises(MasterKeyError) as refused:
        act()
    whole = "".join(traceback.format_exception(refused.value))
    for secret in (TOKEN, "MARKER", base64.b64encode(SECRET).decode(), "127.0.0.1"):
        assert secret not in whole
    return str(refused.value)


def test_what_was_encrypted_is_decrypted(service: Transit) -> None:
    ciphertext = transit.encrypt(SECRET)
    assert ciphertext.startswith("vault:v1:")
    assert transit.decrypt(ciphertext) == SECRET
    assert [asked.path for asked in service.received] == [
        "/v1/transit/encrypt/databunker",
        "/v1/transit/decrypt/databunker",
    ]


def test_it_is_a_source_of_the_master_key(service: Transit, settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY_TRANSIT = service.encrypt(SECRET)
    found = configured_master_key()
    assert found is not None
    assert found.secret == SECRET
    assert key_management() is transit


@pytest.mark.parametrize("secret", [b"", SECRET[:31], SECRET + b"x", b"x" * 32])
def test_what_is_no_master_key_is_refused(service: Transit, settings: Any, secret: bytes) -> None:
    settings.DATABUNKER_MASTERKEY_TRANSIT = service.encrypt(secret) if secret else NONSENSE
    refusal(configured_master_key)


def test_a_mount_and_a_namespace_of_ones_own(settings: Any) -> None:
    with Transit(mount="kv/deep/transit", namespace="team/privacy", key="other.key-1") as service:
        given(settings, service.settings() | {"OUTGOING_ALLOW_PRIVATE": ["127.0.0.1"]})
        assert transit.decrypt(transit.encrypt(SECRET)) == SECRET
        settings.TRANSIT_NAMESPACE = "team/other"
        assert refusal() == "Transit (TRANSIT_URL) did not decrypt the master key: HTTP 403"


def test_the_token_comes_from_a_file_that_is_read_each_time(service: Transit, settings: Any, tmp_path: Path) -> None:
    """As an agent renews it."""
    path = tmp_path / "token"
    given(settings, {"TRANSIT_TOKEN": "", "TRANSIT_TOKEN_FILE": str(path)})
    assert "TRANSIT_TOKEN_FILE can't be read: No such file" in refusal()
    path.write_text("an older one\n")
    assert "HTTP 403" in refusal()
    path.write_text(f"{TOKEN}\n")
    assert transit.decrypt(service.encrypt(SECRET)) == SECRET
    for content in ("zoë".encode(), b"two\nlines"):
        path.write_bytes(content)
        refusal()


def test_who_may_not_is_told_so(service: Transit, settings: Any) -> None:
    ciphertext = service.encrypt(SECRET)
    service.may = {"encrypt"}
    assert refusal(lambda: transit.decrypt(ciphertext)).endswith("HTTP 403")
    service.may = {"decrypt"}
    assert refusal(lambda: transit.encrypt(SECRET)).endswith("did not encrypt the master key: HTTP 403")
    assert refusal().endswith("HTTP 400"), "no ciphertext of this key"
    settings.TRANSIT_TOKEN = "another"
    assert refusal(lambda: transit.decrypt(ciphertext)).endswith("HTTP 403")


def saying(body: bytes, *, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Callable[[Wire], None]:
    return lambda wire: wire.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"data":null}',
        b'{"data":[]}',
        b'{"data":{}}',
        b'{"data":{"plaintext":null}}',
        b'{"data":{"plaintext":7}}',
        b'{"data":{"plaintext":""}}',
        b'{"data":{"plaintext":"not base64!"}}',
        b'{"data":{"plaintext":"YQ"}}',
        "{'data':'zoë'}".encode("latin-1"),
        b"<html>MARKER</html>",
    ],
)
def test_a_wrong_answer_is_refused(service: Transit, body: bytes) -> None:
    service.answer = saying(body)
    assert "its answer" in refusal()


def silent(wire: Wire) -> None:
    wire.over.wait(20)


def dripping(wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not wire.over.wait(0.02):
        wire.write(b" ")


@pytest.mark.parametrize("answer", [silent, dripping])
def test_a_slow_one_is_left(service: Transit, settings: Any, answer: Callable[[Wire], None]) -> None:
    settings.TRANSIT_TIMEOUT_SECONDS = 0.3
    service.answer = answer
    started = time.monotonic()
    assert "TimeoutError" in refusal()
    assert time.monotonic() - started < 3


def test_an_answer_without_end_is_left(service: Transit) -> None:
    def endless(wire: Wire) -> None:
        wire.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not wire.over.is_set():
            wire.write(b" " * 65_536)

    service.answer = endless
    assert "AnswerTooLarge" in refusal()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(service: Transit, status: int) -> None:
    with Receiver() as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url()}\r\n".encode()
        service.answer = saying(b"", head=head)
        assert f"HTTP {status}" in refusal()
        assert elsewhere.received == []


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_what_speaks_no_http_is_refused(service: Transit, said: bytes) -> None:
    service.answer = lambda wire: wire.write(said)
    refusal()


def test_nobody_there(settings: Any, service: Transit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    settings.TRANSIT_URL = f"http://127.0.0.1:{port}"
    assert "ConnectionRefusedError" in refusal()


def test_a_private_address_must_be_allowed(service: Transit, settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = []
    assert "OUTGOING_ALLOW_PRIVATE" in refusal()
    assert service.received == []


def test_tls_is_verified(service: Transit, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost", tmp_path))
    server = service._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    given(
        settings, {"TRANSIT_URL": f"https://localhost:{service.port}", "OUTGOING_ALLOW_PRIVATE": ["127.0.0.1", "::1"]}
    )
    ciphertext = service.encrypt(SECRET)
    assert "SSLCertVerificationError" in refusal(lambda: transit.decrypt(ciphertext))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    outgoing._tls.cache_clear()
    try:
        assert transit.decrypt(ciphertext) == SECRET
        settings.TRANSIT_URL = f"https://127.0.0.1:{service.port}"
        assert "SSLCertVerificationError" in refusal(lambda: transit.decrypt(ciphertext)), (
            "a certificate of another host"
        )
    finally:
        outgoing._tls.cache_clear()


UNUSABLE: dict[str, tuple[dict[str, str], str]] = {
    "no URL": ({"TRANSIT_URL": ""}, "TRANSIT_URL must be set"),
    "no key": ({"TRANSIT_KEY": ""}, "TRANSIT_KEY must be set"),
    "no token": ({"TRANSIT_TOKEN": ""}, "set one of TRANSIT_TOKEN and TRANSIT_TOKEN_FILE"),
    "two tokens": ({"TRANSIT_TOKEN_FILE": "/x"}, "set one of TRANSIT_TOKEN and TRANSIT_TOKEN_FILE"),
    "a key elsewhere": ({"TRANSIT_KEY": "../sys/seal"}, "TRANSIT_KEY and TRANSIT_MOUNT are names"),
    "a mount elsewhere": ({"TRANSIT_MOUNT": "a/../b"}, "TRANSIT_KEY and TRANSIT_MOUNT are names"),
    "in clear": ({"TRANSIT_URL": "http://vault.internal:8200"}, "must begin with https://"),
    "no URL at all": ({"TRANSIT_URL": "vault.internal"}, "TRANSIT_URL: a URL begins with"),
    "a password": ({"TRANSIT_URL": "https://a:b@vault.internal"}, "must not hold a user name or password"),
}


@pytest.mark.parametrize(("values", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_setting_that_cannot_be_used_is_named(
    service: Transit, settings: Any, values: dict[str, str], says: str
) -> None:
    settings.DATABUNKER_MASTERKEY_TRANSIT = NONSENSE
    assert check_receivers() == []
    given(settings, values)
    assert says in refusal()
    assert [problem.id for problem in check_receivers()] == ["notify.E005"]
    assert service.received == []


@pytest.mark.usefixtures("db")
def test_a_keyring_lives_under_it_and_is_asked_for_once(
    service: Transit, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.DATABUNKER_MASTERKEY_TRANSIT = service.encrypt(SECRET)
    settings.KEYRING_CACHE_SECONDS = 0
    master = configured_master_key()
    assert master is not None
    store.create_keyring(master)
    store.forget_cached()
    for _ in range(3):
        store.current_keyring()
    assert len(service.received) == 2, "each process asks once, however often it reads the keyring"
    assert TOKEN not in caplog.text
