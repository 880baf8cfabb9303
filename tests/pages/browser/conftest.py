"""Real browsers: Debian's Chromium, driven by Playwright, against a real server. `make test-pages` runs them.

A page fails its test by any complaint of the console or of the policy, whatever else the test is about. These tests
never touch the database themselves: the server is a process of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django_otp.oath import hotp
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from databunker.ids import unix_now
from tests.support.clients import Client
from tests.support.mail import Taker, mail_server
from tests.support.vaults import Server, serving

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or ""
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
]
PASSWORD = "correct horse battery staple"
# A form with mistakes comes back with 422, a page that is not there with 404: that is no complaint about the page.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")

collect_ignore_glob = [] if "PAGES_IN_BROWSER" in os.environ else ["test_*.py"]


@dataclass
class Site:
    """A server with mail, a person who has asked for things, and an account of each role."""

    server: Server
    mail: Taker
    person: str
    requests: tuple[str, ...]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def deliver(self) -> str:
        """The code in the mail that was sent last."""
        self.server.vault.script("from databunker.notify.delivery import deliver_due\ndeliver_due()")
        (code,) = re.findall(r"\b[0-9]{6}\b", self.mail.taken[-1].get_content())
        return str(code)


ACCOUNTS = f"""
from databunker.access.actor import operator
from databunker.accounts import actions, rows
from dataclasses import replace
for role in ("admin", "dpo", "auditor", "support"):
    made = actions.create_account(operator(), name="the-" + role, role=role, password="{PASSWORD}")
    account = rows.by_id(made.id, tenant=1)
    rows.save(account, private=replace(account.private, totp=role.encode().ljust(20, b"_").hex()))
actions.create_account(operator(), name="newcomer", role="dpo", password="{PASSWORD}")
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "PAGES_HTTPS": "false",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_TLS": "none",
        "EMAIL_FROM": "privacy@shop.example.com",
        "CAPTCHA_PROOF_BITS": "8",
        "UI_COMPANY_TITLE": "Example Shop",
        "UI_PRIVACY_POLICY_LINK": "https://shop.example.com/privacy",
        "CONSOLE_TRIES_PER_ADDRESS": "1000/1h",
        "CONSOLE_TRIES_PER_ACCOUNT": "100/1h",
        "LOGIN_CODES_PER_PERSON": "100/1h",
        "LIST_USERS": "unlock",
    }
    with mail_server() as (taker, port):
        folder = tmp_path_factory.mktemp("site")
        with serving(folder, EMAIL_PORT=str(port), **settings) as server:
            server.vault.script(ACCOUNTS)
            caller = server.client()
            person = caller.create(
                login="ann", email="ann@example.com", first_name="Ann", address={"city": "Bergen", "zip": None}
            )
            kept_in_registers(caller, "ann")
            caller.close()
            yield Site(server, taker, str(person), asked_by(server, str(person)))


def kept_in_registers(caller: Client, login: str) -> None:
    """Legal basis 1, to which the person agrees in texts that have changed since, and activity 1, which rests on it."""
    bodies: list[tuple[str, dict[str, str]]] = [
        (
            "/v1/lbasis/core-send-email-on-login",
            {"shortdesc": "Codes by e-mail", "fulldesc": "One at a time.\nNo more."},
        ),
        (f"/v1/agreement/core-send-email-on-login/login/{login}", {}),
        ("/v1/lbasis/core-send-email-on-login", {"fulldesc": "One at a time."}),
        (
            "/v1/pactivity/letters",
            {
                "title": "Monthly letters",
                "purposes": "To tell customers what is new.\nOnce a month.",
                "transfers": "Switzerland",
                "legalbasis": "core-send-email-on-login,core-send-sms-on-login",
            },
        ),
    ]
    for path, body in bodies:
        assert caller.call("POST", path, body).status == 200, path


def asked_by(server: Server, person: str) -> tuple[str, ...]:
    """The tokens of the person's requests: a change of the profile, and to be forgotten."""
    caller = server.client(server.vault.new_token_of(person))
    path = f"/v1/user/token/{person}"
    answers = [caller.call("PUT", path, {"address": {"city": "Oslo"}, "plan": "b"}), caller.call("DELETE", path)]
    caller.close()
    return tuple(str(answer.json()["rtoken"]) for answer in answers)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM or not AXE.is_file():
        pytest.skip("no chromium or no axe-core: make test-pages")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@dataclass
class Visit:
    """One browser window of one visitor."""

    page: Page
    site: Site
    complaints: list[str]

    def go(self, path: str) -> Visit:
        self.page.goto(self.site.address + path)
        return self

    def sign_in(self, role: str) -> Visit:
        self.go("/console/sign-in")
        self.page.get_by_label("Name").fill(f"the-{role}")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_label("Code").fill(code_of(role, self.site))
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console/")
        return self

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice."""
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def assert_clean(self) -> None:
        assert self.complaints == []
        assert self.violations() == []
        assert self.overflow() <= 0


_steps: dict[str, int] = {}


def code_of(role: str, site: Site) -> str:
    """A code that was not used yet. There are three at a moment; the server is made to forget them for a fourth."""
    now = unix_now() // 30
    _steps[role] = max(_steps.get(role, 0) + 1, now - 1)
    if _steps[role] > now + 1:
        site.server.vault.script("from databunker.accounts.models import Account\nAccount.objects.update(totp_step=0)")
        _steps.clear()
        _steps[role] = now
    return f"{hotp(role.encode().ljust(20, b'_'), _steps[role]):06}"


@contextmanager
def visiting(browser: Browser, site: Site, **options: Any) -> Iterator[Visit]:
    context: BrowserContext = browser.new_context(**options)
    page, complaints = context.new_page(), []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    visit = Visit(page, site, complaints)
    try:
        yield visit
    finally:
        context.close()
    assert visit.complaints == []


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    with visiting(browser, site) as begun:
        yield begun
