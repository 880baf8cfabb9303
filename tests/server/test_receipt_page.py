"""`/receipt` in a real browser: it checks receipts itself, tells the truth, and sends neither them nor tokens anywhere."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.support.damage import flipped
from tests.support.vaults import Server, serving

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.database_independent,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), BUNKER_WORKERS="1", PAGES_HTTPS="false") as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: Server) -> tuple[str, str, Any]:
    """A forgotten person's token, the id of the receipt, and the receipt."""
    with closing(server.client()) as caller:
        token = caller.create(login="ann", email="ann@example.com")
        for number in range(20):
            caller.create(login=f"other{number}")
        receipt = caller.call("DELETE", f"/v1/user/token/{token}").json()["receipt"]
        caller.create(login="later")
        done = server.vault.manage("audit", "seal")
        assert done.code == 0, done.err
        return token, receipt, caller.call("GET", f"/v1/receipt/{receipt}").json()["receipt"]


class Page:
    def __init__(self, page: Any) -> None:
        self.page = page
        self.sent: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.sent.append(f"{request.method} {request.url}"))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def check(self, text: str, token: str = "") -> list[str]:
        self.page.fill("#receipt", text)
        self.page.fill("#token", token)
        self.page.click("form[data-keys] button")
        return self.results()

    def results(self) -> list[str]:
        """What is shown, once it is no longer busy."""
        shown = "[data-result]:not([hidden]):not([data-result=busy])"
        self.page.wait_for_selector(shown)
        return [str(found.get_attribute("data-result")) for found in self.page.query_selector_all(shown)]


@contextmanager
def opened(server: Server, path: str, **options: Any) -> Iterator[Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            page = Page(browser.new_context(**options).new_page())
            page.page.goto(f"http://127.0.0.1:{server.port}{path}")
            yield page
        finally:
            browser.close()


def test_the_browser_checks_by_itself(server: Server, ann: tuple[str, str, Any]) -> None:
    token, receipt, document = ann
    text = json.dumps(document)
    with opened(server, f"/receipt?id={receipt}") as page:
        assert page.results() == ["genuine", "kept-nothing"]
        assert json.loads(page.page.input_value("#receipt")) == document
        when = page.page.inner_text("[data-result=genuine] strong")
        assert when.startswith("20")
        assert when.endswith(" UTC")
        page.sent.clear()
        assert page.check(text, token) == ["genuine", "kept-nothing", "mine"]
        assert page.check(text, token.upper()) == ["genuine", "kept-nothing", "mine"]
        assert page.check(text, str(uuid.uuid4())) == ["genuine", "kept-nothing", "not-mine"]
        assert page.check(json.dumps({"status": "ok", "receipt": document})) == ["genuine", "kept-nothing"]
        for changed in _changed(document):
            assert page.check(json.dumps(changed), token) == ["refused"], changed
        for nonsense in ("x", "[]", "null", '{"format":"databunker-erasure-receipt/1"}', text[:-1]):
            assert page.check(nonsense) == ["refused"], nonsense
        assert page.sent == [], "nothing leaves the browser"
        assert page.complaints == []


def _changed(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    proof = document["proof"]
    yield document | {"at": document["at"] + 1}
    yield document | {"kept": "what the law preserves"}
    yield document | {"person": "00" * 32}
    yield document | {"event": str(uuid.uuid4())}
    yield document | {"signature": flipped(bytes.fromhex(document["signature"])).hex()}
    yield document | {"key": document["key"][:-4] + "AAA="}
    for change in (
        {"position": proof["position"] + 1},
        {"path": proof["path"][:-1]},
        {"path": [*proof["path"], "00" * 32]},
        {"event": proof["event"] | {"type": 101}},
        {"event": proof["event"] | {"mac": "00" * 32}},
        {"event": proof["event"] | {"actor_token": 77}},
        {"head": proof["head"].replace("\n", "\n1", 1)},
    ):
        yield document | {"proof": proof | change}


def test_a_file_can_be_chosen(server: Server, ann: tuple[str, str, Any], tmp_path: Any) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(ann[2]))
    with opened(server, "/receipt") as page:
        page.page.set_input_files("#file", path)
        page.page.wait_for_function("document.getElementById('receipt').value.length > 100")
        page.page.click("form[data-keys] button")
        assert page.results() == ["genuine", "kept-nothing"]


def test_an_unknown_receipt_is_told(server: Server) -> None:
    with opened(server, f"/receipt?id={uuid.uuid4()}") as page:
        assert page.results() == ["unknown"]


def test_without_javascript_the_server_checks(server: Server, ann: tuple[str, str, Any]) -> None:
    token, receipt, document = ann
    with opened(server, f"/receipt?id={receipt}", java_script_enabled=False) as page:
        assert page.page.inner_text("#token-help") == "This server compares it and keeps nothing."
        assert page.page.get_attribute("a[download]", "href") == f"/v1/receipt/{receipt}"
        assert page.check(json.dumps(document), token) == ["genuine", "kept-nothing", "mine"]
        assert page.check(json.dumps(document | {"at": 1}), token) == ["refused"]


NO_ED25519 = """
const importKey = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) => (algorithm.name || algorithm) === 'Ed25519'
  ? Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError'))
  : importKey(format, key, algorithm, ...rest);
"""


def test_a_browser_without_ed25519_asks_the_server_and_keeps_the_token_to_itself(
    server: Server, ann: tuple[str, str, Any]
) -> None:
    token, _, document = ann
    with opened(server, "/receipt") as page:
        page.page.add_init_script(NO_ED25519)
        page.page.reload()
        bodies: list[str] = []
        page.page.on("request", lambda request: bodies.append(request.post_data or ""))
        help_ = page.page.inner_text("#token-help")
        assert help_ == "Your browser compares it and sends it nowhere."
        for changed, typed, expected in (
            ({}, token.upper(), ["genuine", "kept-nothing", "mine"]),
            ({}, str(uuid.uuid4()), ["genuine", "kept-nothing", "not-mine"]),
            ({}, "", ["genuine", "kept-nothing"]),
            ({"at": 1}, token, ["refused"]),
        ):
            bodies.clear()
            with page.page.expect_navigation():
                page.page.fill("#receipt", json.dumps(document | changed))
                page.page.fill("#token", typed)
                page.page.click("form[data-keys] button")
            assert page.results() == expected
            (sent,) = [body for body in bodies if body]
            assert "databunker-erasure-receipt" in sent
            assert typed == "" or typed.lower() not in sent.lower()
        assert page.complaints == []


def test_it_can_be_used_by_keyboard(server: Server, ann: tuple[str, str, Any]) -> None:
    with opened(server, "/receipt") as page:
        page.page.fill("#receipt", json.dumps(ann[2]))
        page.page.focus("#token")
        page.page.keyboard.press("Enter")
        assert page.results() == ["genuine", "kept-nothing"]
        for selector in ("#receipt", "#file", "#token"):
            assert page.page.query_selector(f"label[for={selector[1:]}]") is not None
