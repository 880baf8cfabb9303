"""nginx and Caddy as deploy/ has them, in front of a vault: TLS, no path in a log, nothing that is not for outside."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.vaults import SECONDS, Server, free_port, serving

from .conftest import DEPLOY, Judge

pytestmark = pytest.mark.database_independent

MARKER = "zx9marker"
NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr info;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/access.log;
    {server}
}}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, TRUSTED_PROXIES="1") as running:
        yield running


def replaced(text: str, **by: str) -> str:
    """Each of these must be there to be replaced."""
    for one, other in by.items():
        assert one in text, one
        text = text.replace(one, other)
    return text


def nginx(folder: Path, certificate: Path, *, tls: int, upstream: int) -> list[str]:
    text = (DEPLOY / "nginx" / "databunker.conf").read_text()
    text = re.sub(r"^ *listen \[::\].*$", "", text, flags=re.MULTILINE)
    by = {
        "listen 443": f"listen 127.0.0.1:{tls}",
        "listen 80": f"listen 127.0.0.1:{free_port()}",
        "/etc/ssl/vault.example.com.pem": str(certificate),
        "/etc/ssl/private/vault.example.com.key": str(certificate),
        "server 127.0.0.1:3000": f"server 127.0.0.1:{upstream}",
        "vault.example.com": "localhost",
    }
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=replaced(text, **by)))
    return ["nginx", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, certificate: Path, *, tls: int, upstream: int) -> list[str]:
    by = {
        "admin off": "admin off\n\tauto_https disable_redirects",
        "vault.example.com {": f"https://localhost:{tls} {{\n\ttls {certificate} {certificate}",
        "127.0.0.1:3000": f"127.0.0.1:{upstream}",
    }
    (folder / "Caddyfile").write_text(replaced((DEPLOY / "caddy" / "Caddyfile").read_text(), **by))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    path = os.environ["PATH"] + ":/usr/sbin"
    found = shutil.which(command[0], path=path)
    if found is None:
        assert not os.environ.get("DEPLOY_CHECK"), f"{command[0]} is missing"
        pytest.skip(f"{command[0]} is missing")
    kept = {"PATH": path, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen([found, *command[1:]], cwd=folder, env=kept, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + SECONDS
        while not listens(port):
            assert process.poll() is None, (folder / "proxy.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_a_vault_is_reached_by_tls_and_nothing_of_it_is_logged(server: Server, tmp_path: Path, proxy: object) -> None:
    assert callable(proxy)
    authority = Authority(tmp_path)
    trusts = ssl.create_default_context(cafile=str(authority.certificate))
    port = free_port()
    command = proxy(tmp_path, authority.issue("localhost", tmp_path), tls=port, upstream=server.port)
    with running(command, tmp_path, port):
        connection = http.client.HTTPSConnection("localhost", port, timeout=SECONDS, context=trusts)
        token = {"X-Bunker-Token": server.vault.root_token}

        def call(method: str, path: str, body: object = None) -> tuple[int, bytes]:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, token | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

        assert call("POST", "/v1/user", {"login": MARKER})[0] == 200
        status, body = call("GET", f"/v1/user/login/{MARKER}")
        assert (status, json.loads(body)["data"]) == (200, {"login": MARKER})
        assert call("PUT", f"/v1/user/login/{MARKER}", {"note": "x" * 100_000})[0] == 200
        assert len(json.loads(call("GET", f"/v1/user/login/{MARKER}")[1])["data"]["note"]) == 100_000
        assert call("GET", f"/v1/user/login/{MARKER}-2")[0] == 404
        assert call("GET", "/status") == (200, b"OK")
        for hidden in ("/v1/metrics", "/livez", "/readyz"):
            assert call("GET", hidden)[0] == 404, hidden
        status, body = call("GET", "/v1/sys/backup")
        assert (status, len(body) > 1000) == (200, True)
        server.stop()  # what goes wrong is logged, but not what was asked for
        assert call("GET", f"/v1/user/login/{MARKER}")[0] in {502, 503}
        connection.close()
    logs = [tmp_path / "proxy.log", *tmp_path.glob("access.log")]
    assert not any(MARKER in log.read_text() for log in logs)


def test_caddy_reads_its_file(judge: Judge) -> None:
    judge("caddy", "validate", "--config", "caddy/Caddyfile", "--adapter", "caddyfile")
