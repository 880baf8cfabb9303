"""Databunker's own clients, as npm has them, against a real server: `make test-clients`.

They are installed into this folder by `npm ci`, which `make test-clients` runs; without it these tests have nothing to run.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import SECONDS, Answer
from tests.support.vaults import Server, serving

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    not (HERE / "node_modules").is_dir(), reason="the clients are not installed: make test-clients"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def environment(server: Server) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        # As people write it: both clients take the slash off.
        "DATABUNKER_URL": f"http://127.0.0.1:{server.port}/",
        "DATABUNKER_TOKEN": server.vault.new_token("shop"),
        "COOKIE_SECRET": "a secret of the tests",
        "PORT": "0",
    }


def run(script: str, server: Server) -> None:
    """The script has its own assertions."""
    done = subprocess.run(
        ["node", script],
        cwd=HERE,
        env=environment(server),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def express(server: Server) -> Iterator[int]:
    """The application of app.js; its port."""
    process = subprocess.Popen(
        ["node", "app.js"],
        cwd=HERE,
        env=environment(server),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().rpartition(":")[2])
            assert process.poll() is None, "it ended by itself"
        finally:
            process.terminate()


class Browser:
    """Keeps the session's cookie, and gives it back until it is told to drop it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    @property
    def session(self) -> str:
        """The session's id, as the cookie has it."""
        found = re.match(r"connect\.sid=s%3A([0-9a-f-]{36})\.", self.cookie)
        assert found, self.cookie
        return found[1]

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        got = connection.getresponse()
        answer = Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        connection.close()
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def log_in(self, email: str) -> None:
        assert self.call("POST", "/login", {"email": email}).status == 204


def test_the_store_keeps_people_and_what_applications_know_of_them(server: Server) -> None:
    run("store.js", server)


def test_the_store_says_what_people_agree_to(server: Server) -> None:
    vault = server.client()
    for brief, wish in {
        "newsletter": {"module": "signup-page", "usercontrol": True},
        "orders": {"module": "signup-page", "basistype": "contract"},
    }.items():
        assert vault.call("POST", f"/v1/lbasis/{brief}", wish).status == 200
    run("agreements.js", server)
    history = vault.call("GET", "/v1/agreement/newsletter/email/nora@example.com/history").json()
    assert [(row["status"], row["agreementmethod"]) for row in history["rows"]] == [("yes", "api"), ("no", "api")]
    vault.close()


def test_express_sessions_live_in_the_vault(server: Server) -> None:
    vault = server.client()
    person = vault.create(email="olga@example.com", name="Olga")
    with express(server) as port:
        visitor, stranger = Browser(port), Browser(port)
        assert visitor.call("GET", "/").status == 401
        assert visitor.call("POST", "/login", {"email": "nobody@example.com"}).status == 403
        # Log in.
        visitor.log_in("olga@example.com")
        stored = vault.call("GET", f"/v1/session/{visitor.session}").json()["data"]
        assert stored["token"] == person
        assert stored["cookie"]["path"] == "/"
        assert vault.call("GET", f"/v1/sessions/token/{person}").json()["total"] == 1
        # Reload, also after the application was started anew.
        for visit in (1, 2):
            assert visitor.call("GET", "/").json() == {"name": "Olga", "visits": visit}
    with express(server) as port:
        visitor.port = stranger.port = port
        assert visitor.call("GET", "/").json() == {"name": "Olga", "visits": 3}
        assert stranger.call("GET", "/").status == 401
        # Log in again: another session, and the old one is gone.
        old, old_cookie = visitor.session, visitor.cookie
        visitor.log_in("olga@example.com")
        assert visitor.session != old
        assert vault.call("GET", f"/v1/session/{old}").status == 404
        stranger.cookie = old_cookie
        assert stranger.call("GET", "/").status == 401
        # Log out.
        session = visitor.session
        assert visitor.call("POST", "/logout").status == 204
        assert vault.call("GET", f"/v1/session/{session}").json() == {"status": "error", "message": "not found"}
        assert visitor.call("GET", "/").status == 401
        assert visitor.call("POST", "/logout").status == 204, "and once more"
    assert vault.call("GET", f"/v1/sessions/token/{person}").json()["total"] == 0
    vault.close()


def test_express_sessions_end_with_the_person(server: Server) -> None:
    vault = server.client()
    person = vault.create(email="piotr@example.com", name="Piotr")
    with express(server) as port:
        visitor = Browser(port)
        visitor.log_in("piotr@example.com")
        assert visitor.call("GET", "/").json()["name"] == "Piotr"
        assert vault.call("DELETE", f"/v1/user/token/{person}").status == 200
        assert visitor.call("GET", "/").status == 401
    vault.close()


def test_express_sessions_expire_as_the_vault_says(tmp_path: Path) -> None:
    with serving(tmp_path, MAX_SESSION_RETENTION="2s") as server, express(server) as port:
        vault = server.client()
        vault.create(email="rosa@example.com", name="Rosa")
        visitor = Browser(port)
        visitor.log_in("rosa@example.com")
        expired = visitor.session
        time.sleep(2.5)
        assert vault.call("GET", f"/v1/session/{expired}").json() == {"status": "error", "message": "session expired"}
        assert visitor.call("GET", "/").status == 401
        # The visitor is nobody, not locked out.
        visitor.log_in("rosa@example.com")
        assert visitor.session != expired
        assert visitor.call("GET", "/").json() == {"name": "Rosa", "visits": 1}
        vault.close()
