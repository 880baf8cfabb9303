"""`/docs` in a real browser: it shows every operation, and the browser has nothing to complain of."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.described import the_document
from tests.support.vaults import Server, serving

CHROMIUM = shutil.which("chromium") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium: apt-get install chromium")
SECONDS = 120


class Shown(NamedTuple):
    """The document as it stands in the browser, and what its console said."""

    page: str
    complaints: list[str]


def show(address: str, folder: Path) -> Shown:
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--enable-logging=stderr", f"--user-data-dir={folder}", "--virtual-time-budget=30000", "--dump-dom"),
            address,
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Shown(done.stdout, re.findall(r"CONSOLE[^\n]*", done.stderr))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_every_operation_is_shown(server: Server, tmp_path: Path) -> None:
    shown = show(f"http://127.0.0.1:{server.port}/docs", tmp_path)
    assert shown.complaints == []
    operations = [operation for methods in the_document()["paths"].values() for operation in methods.values()]
    for operation in operations:
        assert operation["summary"].replace("'", "&#39;") in shown.page or operation["summary"] in shown.page
    assert len(re.findall(r'class="opblock opblock-\w+', shown.page)) == len(operations)


def test_an_operation_opens_with_its_form(server: Server, tmp_path: Path) -> None:
    shown = show(f"http://127.0.0.1:{server.port}/docs#/users/users.User.put", tmp_path)
    assert shown.complaints == []
    assert "merge patch (RFC 7396" in shown.page, "what it does"
    assert "Bergen" in shown.page, "an example of a body"
    assert re.search(r"<button[^>]*>Execute</button>", shown.page)


def test_a_complaint_would_be_heard(tmp_path: Path) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Security-Policy", "default-src 'none'")
            self.end_headers()
            self.wfile.write(b"<!doctype html><p>here<script>1</script>")

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            shown = show(f"http://127.0.0.1:{site.server_port}/", tmp_path)
        finally:
            site.shutdown()
            thread.join()
    assert "here" in shown.page
    assert "Content Security Policy" in "".join(shown.complaints)
