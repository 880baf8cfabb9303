"""Real browsers: Debian's Chromium, driven by Playwright, against a real server. `make test-pages` runs them.

A page fails its test by any complaint of the console or of the policy, whatever else the test is about. These tests
never touch the database themselves: the server is a process of its own.
"""

from __future__ import annotations

import functools
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from django_otp.oath import hotp
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from databunker.ids import unix_now
from tests.support.login import proof
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
SECONDS = 15
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

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to the root token."""
        with closing(self.server.client()) as caller:
            answer = caller.call(method, path, body)
        assert answer.status == 200, answer
        return answer.json()

    def script(self, text: str) -> str:
        return self.server.vault.script(text)

    def send(self) -> None:
        """All messages that are due, as the scheduler does it."""
        self.script("from databunker.notify.delivery import deliver_due\ndeliver_due()")

    def deliver(self) -> str:
        """The code in the mail that was sent last."""
        self.send()
        (code,) = re.findall(r"\b[0-9]{6}\b", self.mail.taken[-1].get_content())
        return str(code)

    def seal(self) -> None:
        self.script("from audit.sealing import seal_everything\nseal_everything(tell=print)")

    def newcomer(self, **profile: Any) -> str:
        """The token of somebody new, known by an e-mail address of one's own."""
        profile = {"email": f"{secrets.token_hex(6)}@example.com", **profile}
        return str(self.call("POST", "/v1/user", profile)["token"])

    def profile_of(self, person: str) -> Any:
        return self.call("GET", f"/v1/user/token/{person}")["data"]

    def asked(self, person: str, method: str, path: str, body: Any = None) -> str:
        """What the person may not do alone; the token of the request that it becomes."""
        with closing(self.server.client(self.server.vault.new_token_of(person))) as caller:
            return str(caller.call(method, path, body).json()["rtoken"])

    def change_asked_by(self, person: str, **change: Any) -> str:
        return self.asked(person, "PUT", f"/v1/user/token/{person}", change)


MADE = f"""
from databunker.access.actor import operator
from databunker.accounts import actions, rows
from dataclasses import replace

def make(name, role, secret):
    made = actions.create_account(operator(), name=name, role=role, password="{PASSWORD}")
    account = rows.by_id(made.id, tenant=1)
    rows.save(account, private=replace(account.private, totp=secret.hex()))
"""
ACCOUNTS = f"""{MADE}
for role in ("admin", "dpo", "auditor", "support"):
    make("the-" + role, role, role.encode().ljust(20, b"_"))
actions.create_account(operator(), name="newcomer", role="dpo", password="{PASSWORD}")
"""
INCIDENT = """
from databunker.ids import unix_now
from databunker.watch.models import Incident
start = 7200 * Incident.objects.count()
print(Incident.objects.create(tenant=1, kind=1, actor_kind=2, token_id=1, start=start, last=unix_now(), people=90,
                              usual=9).pk)
"""
SETTINGS = {
    "PAGES_HTTPS": "false",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_TLS": "none",
    "EMAIL_FROM": "privacy@shop.example.com",
    "CAPTCHA_PROOF_BITS": "8",
    "UI_COMPANY_TITLE": "Example Shop",
    "CONSOLE_TRIES_PER_ADDRESS": "1000/1h",
    "CONSOLE_TRIES_PER_ACCOUNT": "100/1h",
    "LOGIN_CODES_PER_PERSON": "100/1h",
    "LOGIN_CODES_PER_ADDRESS": "1000/1h",
}


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[tuple[Server, Taker]]:
    """An empty vault with its server and its mail server."""
    with (
        mail_server() as (taker, port),
        serving(folder, **{**SETTINGS, "EMAIL_PORT": str(port), **settings}) as server,
        server.vault.with_shell(),
    ):
        yield server, taker


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"UI_PRIVACY_POLICY_LINK": "https://shop.example.com/privacy", "LIST_USERS": "unlock"}
    # Each step of a test that takes long would otherwise be asked who it is once more.
    settings |= {"CONSOLE_CONFIRM_MINUTES": "60", "CONSOLE_IDLE_MINUTES": "60"}
    with served(tmp_path_factory.mktemp("site"), **settings) as (server, taker):
        server.vault.script(ACCOUNTS)
        site = Site(server, taker, "", ())
        address = {"city": "Bergen", "zip": None}
        site.person = site.newcomer(login="ann", email="ann@example.com", first_name="Ann", address=address)
        keep_registers(site, "ann")
        change = site.change_asked_by(site.person, address={"city": "Oslo"}, plan="b")
        site.requests = (change, site.asked(site.person, "DELETE", f"/v1/user/token/{site.person}"))
        yield site


def keep_registers(site: Site, login: str) -> None:
    """Legal basis 1, to which the person agrees in texts that have changed since, and activity 1, which rests on it."""
    basis = "core-send-email-on-login"
    fraud = {"basistype": "legitimate-interest", "shortdesc": "To find out fraud"}
    letters = {
        "title": "Monthly letters",
        "purposes": "To tell customers what is new.\nOnce a month.",
        "transfers": "Switzerland",
        "legalbasis": f"{basis},core-send-sms-on-login",
    }
    site.call("POST", f"/v1/lbasis/{basis}", {"shortdesc": "Codes by e-mail", "fulldesc": "One at a time.\nNo more."})
    site.call("POST", f"/v1/agreement/{basis}/login/{login}", {})
    site.call("POST", f"/v1/lbasis/{basis}", {"fulldesc": "One at a time."})
    site.call("POST", "/v1/lbasis/fraud", fraud)
    site.call("POST", "/v1/pactivity/letters", letters)


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
    scripts: bool = True

    def go(self, path: str) -> Visit:
        self.page.goto(self.site.address + path)
        return self

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    @property
    def status(self) -> Locator:
        """What the page says has been done."""
        return self.main.get_by_role("status")

    def part(self, name: str) -> Locator:
        """The section of the page under this heading: several of them have fields of one name."""
        return self.page.get_by_role("region", name=name, exact=True)

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def open(self, section: str) -> None:
        """By the navigation."""
        sections = self.page.get_by_role("navigation", name="Sections")
        sections.get_by_role("link", name=section, exact=True).click()

    def follow(self, link: str) -> None:
        self.page.get_by_role("link", name=link, exact=True).click()

    def downloaded(self, link: str) -> bytes:
        with self.page.expect_download() as taken:
            self.follow(link)
        return taken.value.path().read_bytes()

    def sign_in(self, role: str) -> Visit:
        self.go("/console/sign-in")
        self.page.get_by_label("Name").fill(f"the-{role}")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")
        self.page.get_by_label("Code").fill(code_of(role, self.site))
        self.press("Sign in")
        self.page.wait_for_url("**/console/")
        return self

    def sign_in_at_the_portal(self, identity: str) -> Visit:
        """With the code that really comes. Without scripts the test does not read the picture, but solves its puzzle."""
        page = self.go("/").page
        page.get_by_label("E-mail address or telephone number").fill(identity)
        if not self.scripts:
            form = page.locator("form[data-proof-salt]")
            challenge = {"algorithm": "SHA-256", "bits": int(form.get_attribute("data-proof-bits") or 0)}
            solution = proof({**challenge, "salt": form.get_attribute("data-proof-salt")})
            page.get_by_label("Digits in the picture").fill(solution)
        self.press("Send me a code")
        expect(page.get_by_role("heading", level=1)).to_have_text("The code")
        page.get_by_label("Code").fill(self.site.deliver())
        self.press("Sign in")
        page.wait_for_url("**/my/data")
        return self

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice."""
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def assert_clean(self) -> None:
        """Light and dark, on a desk and on a phone. Where scripts are off, axe can't look."""
        assert self.complaints == []
        if not self.scripts:
            return
        self.page.evaluate(_axe())
        for theme, size in LOOKS:
            self.page.emulate_media(color_scheme=theme)
            self.page.set_viewport_size(size)
            assert self.overflow() <= 0, (self.page.url, size)
            assert self.violations() == [], (self.page.url, theme, size)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESK)


DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
LOOKS: list[tuple[Literal["light", "dark"], ViewportSize]] = [("light", DESK), ("dark", DESK), ("light", PHONE)]


@functools.cache
def _axe() -> str:
    return AXE.read_text()


_steps: dict[str, int] = {}


def code_of(role: str, site: Site) -> str:
    """A code that was not used yet. Two are good for a while still; the server is made to forget them for a third."""
    now = unix_now() // 30
    _steps[role] = max(_steps.get(role, 0) + 1, now)
    if _steps[role] > now + 1:
        site.script("from databunker.accounts.models import Account\nAccount.objects.update(totp_step=0)")
        _steps.clear()
        _steps[role] = now
    return f"{hotp(role.encode().ljust(20, b'_'), _steps[role]):06}"


@contextmanager
def visiting(browser: Browser, site: Site, *, scripts: bool = True, **options: Any) -> Iterator[Visit]:
    """A window; `scripts` is whether it runs any. Leaving the block asserts that nothing was complained of."""
    options = {"viewport": DESK, "reduced_motion": "reduce", **options}
    context: BrowserContext = browser.new_context(java_script_enabled=scripts, **options)
    context.set_default_timeout(SECONDS * 1000)
    page, complaints = context.new_page(), []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    visit = Visit(page, site, complaints, scripts)
    try:
        yield visit
    finally:
        context.close()
    assert visit.complaints == []


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    with visiting(browser, site) as begun:
        yield begun


@pytest.fixture(scope="session")
def windows(browser: Browser, site: Site) -> Iterator[Callable[[str, bool], Visit]]:
    """A signed-in window of each role, with or without scripts, which all tests share."""
    with ExitStack() as stack:

        @functools.cache
        def window(role: str, scripts: bool) -> Visit:
            return stack.enter_context(visiting(browser, site, scripts=scripts)).sign_in(role)

        yield window


@contextmanager
def at_the_console(window: Visit, role: str) -> Iterator[Visit]:
    """The window at its first page; signed in anew where a test has ended the session."""
    if "sign-in" in window.go("/console/").page.url:
        window.sign_in(role)
    yield window
    assert window.complaints == []


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def dpo(windows: Callable[[str, bool], Visit], scripts: bool) -> Iterator[Visit]:
    """The data protection officer, with scripts and without."""
    with at_the_console(windows("dpo", scripts), "dpo") as window:
        yield window


@pytest.fixture
def admin(windows: Callable[[str, bool], Visit], scripts: bool) -> Iterator[Visit]:
    """An administrator, with scripts and without."""
    with at_the_console(windows("admin", scripts), "admin") as window:
        yield window
