"""The receivers take what the vault signed, once, and nothing else."""

from __future__ import annotations

import hmac
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.clients import Client
from tests.support.vaults import Server, new_vault

from .conftest import command, environment

SECRET = "a secret of the tests, long enough for the vault"


class Running(NamedTuple):
    process: subprocess.Popen[str]
    port: int

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def post(self, body: bytes, **headers: str) -> int:
        with closing(Client(self.port)) as client:
            return client.call("POST", "/", body, **headers).status


def signed(body: bytes, delivery: str, *, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    moment = int(time.time()) if at is None else at
    message = b"%s.%d.%s" % (delivery.encode(), moment, body)
    signature = hmac.new(secret.encode(), message, "sha256").hexdigest()
    return {"x_databunker_delivery": delivery, "x_databunker_signature": f"t={moment},v1={signature}"}


@pytest.fixture(params=["python/receiver.py", "node/receiver.mjs"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        command(request.param),
        cwd=tmp_path,
        env=environment(NOTIFICATION_SECRET=SECRET, PORT="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield Running(process, int(process.stdout.readline().rpartition(":")[2]))
        finally:
            process.terminate()


@pytest.mark.slow
def test_a_webhook_of_the_vault_arrives(receiver: Running, tmp_path: Path) -> None:
    settings = {
        "NOTIFICATION_URL": f"http://127.0.0.1:{receiver.port}/",
        "NOTIFICATION_SECRET": SECRET,
        "OUTGOING_ALLOW_PRIVATE": "127.0.0.1",
    }
    with new_vault(tmp_path, **settings) as vault:
        with Server(vault) as server, closing(server.client()) as root:
            token = root.call("POST", "/v1/user", {"email": "nora@example.com"}).json()["token"]
        done = vault.manage("maintenance")
        assert done.code == 0, done.err
        assert receiver.line() == f"profilenew {token}"
        waiting = vault.manage("notifications", "list", "--waiting")
        assert (waiting.code, waiting.out) == (0, ""), "what was answered is not sent again"


def test_a_repetition_is_answered_and_not_done_again(receiver: Running) -> None:
    delivery, other = str(uuid.uuid4()), str(uuid.uuid4())
    body = json.dumps({"action": "profilenew", "identity": "first"}).encode()
    last = json.dumps({"action": "profilenew", "identity": "last"}).encode()
    assert receiver.post(body, **signed(body, delivery)) == 204
    assert receiver.post(body, **signed(body, delivery)) == 204
    assert receiver.post(last, **signed(last, other)) == 204
    assert [receiver.line(), receiver.line()] == ["profilenew first", "profilenew last"]


def test_what_the_vault_did_not_sign_is_refused(receiver: Running) -> None:
    delivery = str(uuid.uuid4())
    body = json.dumps({"action": "forgetme", "identity": "forged"}).encode()
    good = signed(body, delivery)
    at, _, signature = good["x_databunker_signature"].partition(",")
    refused = [
        {},
        signed(body, delivery, secret="another secret of the same kind, as long"),
        signed(body, delivery, at=int(time.time()) - 3600),
        good | {"x_databunker_delivery": str(uuid.uuid4())},
        good | {"x_databunker_signature": signature},
        good | {"x_databunker_signature": f"{at},v1="},
        good | {"x_databunker_signature": f"{at},v1=é"},
        good | {"x_databunker_signature": "nonsense"},
    ]
    assert [receiver.post(body, **headers) for headers in refused] == [403] * len(refused)
    assert receiver.post(body + b" ", **good) == 403
    assert receiver.post(body, **good) == 204
    assert receiver.line() == "forgetme forged"
