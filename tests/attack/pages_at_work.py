"""The pages of a vault as they are used, by one at the console and one in the portal: all that they type and are shown."""

from __future__ import annotations

import re
from base64 import b32decode
from contextlib import closing
from http.cookiejar import CookieJar
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from django_otp.oath import totp

from tests.support.login import proof

from .people_at_work import PeopleAtWork

__all__ = ["work_at_pages"]

# Comes in by a code that is known, see SETTINGS of people_at_work.py.
TESTER, CODE = "test@securitybunker.io", "4444"


class Seen(NamedTuple):
    status: int
    path: str
    html: str

    @property
    def text(self) -> str:
        body = re.sub(r"(?s)<(script|style|head).*?</\1>", " ", self.html)
        return " ".join(re.sub(r"<[^>]+>", " ", body).split())


class Browser:
    """Without scripts; follows where it is sent, and gives back what it was given to keep."""

    def __init__(self, people: PeopleAtWork) -> None:
        self._people = people
        self._address = f"http://127.0.0.1:{people.server.port}"
        self._cookies = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))

    def get(self, path: str) -> Seen:
        return self._ask(path, None)

    def post(self, path: str, *, expect: int = 200, **fields: str) -> Seen:
        csrf = next((cookie.value for cookie in self._cookies if cookie.name == "csrf"), None)
        data = {"csrfmiddlewaretoken": csrf or "", **fields}
        seen = self._ask(path, urlencode(data).encode())
        assert seen.status == expect, (path, seen.status, seen.text)
        # What opens a session is as secret as a password.
        self._people.values.update(str(cookie.value) for cookie in self._cookies if cookie.name != "csrf")
        return seen

    def _ask(self, path: str, data: bytes | None) -> Seen:
        try:
            with self._opener.open(f"{self._address}{path}", data, timeout=60) as answer:
                return Seen(
                    answer.status, answer.url.removeprefix(self._address), answer.read().decode(errors="replace")
                )
        except HTTPError as refusal:
            return Seen(refusal.code, path, refusal.read().decode(errors="replace"))


def work_at_pages(people: PeopleAtWork) -> None:
    """Somebody is looked at, revealed, changed and restricted; somebody looks at the own data, changes it and objects."""
    login = people.word()
    profile = {"login": login, "email": f"{login.replace(' ', '.')}@example.com"}
    with closing(people.server.client()) as root:
        token = root.create(**profile)
    people.values.add(profile["email"])
    people.secrets.add(token)
    _at_the_console(people, profile, token)
    _in_the_portal(people)


def _at_the_console(people: PeopleAtWork, profile: dict[str, str], token: str) -> None:
    said, browser, email = people.word, Browser(people), profile["email"]
    name, new = said().replace(" ", "-"), said()
    people.values.update((name, new))
    done = people.server.vault.manage("account", "create", name, "--role", "admin", "--display-name", said())
    (first,) = re.findall(r"\b[a-z2-9]{5}(?:-[a-z2-9]{5}){3}\b", done.out)
    people.values.add(first)
    browser.get("/console/sign-in")
    for who, password in ((name, said()), (said().replace(" ", "-"), said())):
        people.values.add(who)
        browser.post("/console/sign-in", expect=422, name=who, password=password)
    assert browser.post("/console/sign-in", name=name, password=first).path.startswith("/console/me/password")
    browser.post("/console/me/password", old=first, new=new, again=new)
    _set_second_factor(people, browser)
    person = f"/console/people/{token}"
    assert browser.post("/console/people", mode="email", identity=email).path == person
    browser.post("/console/people", expect=422, mode="login", identity=said())
    assert email in browser.post(f"{person}/reveal", purpose=said(), everything="on").text
    version = re.findall(r'name="version" value="(\d+)"', browser.post(f"{person}/edit", reason=said()).html)[0]
    change = {f"at/{name}": value for name, value in profile.items()}
    change |= {"version": version, "new_path": "remark", "new_value": said(), "reason": said()}
    for step in ("preview", "save"):
        browser.post(f"{person}/edit/{step}", **change)
    browser.post(f"{person}/restrict", ground="accuracy", reason=said())
    browser.post(f"{person}/lift", reason=said())
    browser.post(f"{person}/object", brief="", reason=said())
    browser.post("/console/requests/find", mode="email", identity=email)
    browser.post("/console/audit/find", mode="email", identity=email)
    other = browser.post("/console/accounts/new", name=said().replace(" ", "-"), display_name=said(), role="dpo")
    people.values.update(re.findall(r"\b[a-z2-9]{5}(?:-[a-z2-9]{5}){3}\b", other.text))
    for tab in ("", "/data", "/agreements", "/requests", "/rights", "/trail"):
        assert browser.get(f"{person}{tab}").status == 200
    browser.post("/console/sign-out")


def _set_second_factor(people: PeopleAtWork, browser: Browser) -> None:
    page = browser.get("/console/me/second-factor")
    spelt = "".join(word for word in page.text.split() if re.fullmatch("[A-Z2-7]{4}", word))
    secret = b32decode(spelt)
    people.values.add(spelt)
    people.secrets.add(secret.hex())
    shown = browser.post("/console/me/second-factor", code=f"{totp(secret):06}").text
    codes = [word for word in shown.split() if word.count("-") == 2]
    assert len(codes) == 10
    people.values.update(codes)


def _in_the_portal(people: PeopleAtWork) -> None:
    said, browser = people.word, Browser(people)
    stranger = f"{said().replace(' ', '.')}@example.com"
    people.values.add(stranger)
    _ask_for_code(people, browser, stranger)
    browser.post("/code", expect=422, identity=stranger, code=said())
    _ask_for_code(people, browser, TESTER)
    mine = browser.post("/code", identity=TESTER, code=CODE)
    assert mine.path == "/my/data", mine.text
    browser.post("/my/rights/restrict", ground="accuracy", reason=said())
    browser.post("/my/rights/lift")
    browser.post("/my/rights/object", brief="", reason=said())
    for page in ("data", "consents", "requests", "accesses", "sign-ins", "shares", "rights", "report.json"):
        assert browser.get(f"/my/{page}").status == 200
    browser.post("/sign-out")


def _ask_for_code(people: PeopleAtWork, browser: Browser, identity: str) -> None:
    page = browser.get("/").html
    salt, bits, captcha = (
        re.findall(pattern, page)[0]
        for pattern in (
            r'data-proof-salt="([0-9a-f]+)"',
            r'data-proof-bits="(\d+)"',
            r'name="captcha" value="([\w-]+)"',
        )
    )
    people.values.add(captcha)
    answer = proof({"algorithm": "SHA-256", "salt": salt, "bits": int(bits)})
    browser.post("/", identity=identity, captcha=captcha, answer=answer)
