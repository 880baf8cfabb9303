"""A vault as it is used: a thousand people, every call, and all that was ever said to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.urls import Resolver404, resolve

from benchmarks.people import people
from tests.support.clients import Answer
from tests.support.search import personal_values
from tests.support.vaults import Server
from vault.normalise import email, phone

__all__ = ["SETTINGS", "PeopleAtWork"]

# A thousand is what issue 2 asks for.
IN_BULK, ONE_BY_ONE, BUSY = 900, 100, 12
SETTINGS = {
    "LIST_USERS": "unlock",
    "IDENTITY_FIELDS": "customer_id:text:unique,household:text:shared",
    "AUDIT_CLIENT_ADDRESS": "true",
    "LOG_LEVEL": "INFO",
}


class PeopleAtWork:
    """Makes the calls and remembers every value and secret in them: all that must be found nowhere."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.values: set[str] = set()
        self.secrets: set[str] = {server.vault.root_token, server.vault.master_key}
        self.routes: set[str] = set()
        self.tokens: list[str] = []
        self._root = server.client()
        # Codes in logins, e-mails and phones differ from run to run, so that no other test's people are found.
        self._people = list(people(IN_BULK + ONE_BY_ONE, seed=uuid.uuid4().int % 100_000, shape="mixed"))
        for number, person in enumerate(self._people):
            person["customer_id"] = f"{uuid.uuid4().hex} customer"
            person["household"] = f"{self.word()[:12]}{number // 3} household"

    def word(self) -> str:
        """Something that nobody said before; remembered as a value."""
        text = f"{uuid.uuid4().hex} said"
        self.values.add(text)
        return text

    def secret(self) -> str:
        """A UUID that must be found nowhere."""
        text = str(uuid.uuid4())
        self.secrets.add(text)
        return text

    def needles(self) -> Iterator[str | bytes]:
        """Values as they are and as they are normalised; secrets as they are written, and as the bytes they stand for."""
        for value in self.values:
            yield value
            if "@" in value:
                yield email(value)
            if value.startswith("+"):
                yield phone(value)
        for secret in self.secrets:
            yield secret
            yield bytes.fromhex(secret.replace("-", ""))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        self.values.update(personal_values(body))
        with suppress(Resolver404):
            self.routes.add(str(resolve(unquote(path.partition("?")[0])).route))
        return self._root.call(method, path, body, **headers)

    def work(self) -> None:
        """Everything that can be asked of a vault, in the right way and in the wrong ones."""
        self._load()
        busy = list(zip(self._people, self.tokens, strict=True))[::80][:BUSY]
        for number, (person, token) in enumerate(busy):
            self._read(person, token)
            self._change(person, token, number)
            self._keep_app_data_and_sessions(token)
            self._look_at_the_trail(token)
            self._ask_wrongly(person, token)
        self._list()
        self._come_as_an_application()
        for number, (person, token) in enumerate(busy[::2]):
            path = f"email/{quote(person['email'])}" if number % 2 and "email" in person else f"token/{token}"
            assert self.call("DELETE", f"/v1/user/{path}").status == 200
            assert self.call("GET", f"/v1/user/token/{token}").json()["data"] == {}
            self._look_at_the_trail(token)
        self.ok("GET", "/v1/audit/admin?limit=1000")
        for path in ("/v1/status", "/v1/status/", "/status", "/status/", "/v1/metrics"):
            assert self.call("GET", path).status == 200
        self._root.close()

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = self.call(method, path, body, **options)
        assert answer.status == 200, (method, path, answer)
        return answer.json()

    def _load(self) -> None:
        for start in range(0, IN_BULK, 450):
            part = self._people[start : start + 450]
            rows = self.ok("POST", "/v1/users/bulk", {"records": part})["rows"]
            self.tokens += [row["token"] for row in rows]
        for person in self._people[IN_BULK:]:
            self.tokens.append(self.ok("POST", "/v1/user", person)["token"])
        form = {"login": self.word(), "note": self.word()}
        form_type = "application/x-www-form-urlencoded"
        self.tokens.append(self.ok("POST", "/v1/user", urlencode(form).encode(), content_type=form_type)["token"])
        self._people.append(form)
        self.secrets.update(self.tokens)

    def _read(self, person: dict[str, Any], token: str) -> None:
        for mode in ("login", "email", "phone", "custom", "customer_id"):
            if mode in person:
                found = self.ok("GET", f"/v1/user/{mode}/{quote(person[mode], safe='')}")
                assert (found["token"], found["data"]) == (token, person)
        if "household" in person:
            rows = self.ok("GET", f"/v1/user/household/{quote(person['household'])}")["rows"]
            assert token in {row["token"] for row in rows}
        self.ok("GET", f"/v1/user/token/{token}")

    def _change(self, person: dict[str, Any], token: str, number: int) -> None:
        mode = "email" if "email" in person and number % 2 else "token"
        path = f"/v1/user/{mode}/{quote(person['email'] if mode == 'email' else token)}"
        self.ok("PUT", path, {"nickname": self.word(), "deep": {"list": [self.word()]}})
        self.ok("PUT", path, [{"op": "add", "path": "/deep/list/0", "value": self.word()}])
        self.ok("PUT", path, {"login": self.word()})

    def _keep_app_data_and_sessions(self, token: str) -> None:
        session, passing, app = self.secret(), self.secret(), f"/v1/userapp/token/{token}"
        for name in ("shop", "crm"):
            self.ok("POST", f"{app}/{name}", {"basket": self.word()})
            self.ok("PUT", f"{app}/{name}", {"basket": self.word()})
            self.ok("GET", f"{app}/{name}")
        self.ok("DELETE", f"{app}/crm")
        assert self.ok("GET", app)["apps"] == ["shop"]
        self.ok("GET", "/v1/userapps")
        self.ok("POST", f"/v1/session/{session}", {"token": token, "agent": self.word()})
        self.ok("POST", f"/v1/session/{passing}", {"nobody": self.word()})
        self.ok("GET", f"/v1/session/{session}")
        self.ok("GET", f"/v1/session/{passing}")
        self.ok("DELETE", f"/v1/session/{passing}")
        assert self.ok("GET", f"/v1/sessions/token/{token}")["total"] == 1
        self._share(token, {}, {"app": "shop", "partner": self.word()}, {"session": session, "fields": "agent"})

    def _share(self, token: str, *wishes: dict[str, Any]) -> None:
        path = f"/v1/sharedrecord/token/{token}"
        shared = [self.ok("POST", path, wish)["record"] for wish in wishes]
        self.secrets.update(shared)
        for record in shared:
            self.ok("GET", f"/v1/get/{record}")
        assert self.ok("GET", path)["total"] == len(shared)
        self.ok("DELETE", f"/v1/sharedrecord/{shared[0]}")
        assert self.call("GET", f"/v1/get/{shared[0]}").status == 403

    def _look_at_the_trail(self, token: str) -> None:
        for row in self.ok("GET", f"/v1/audit/list/{token}?limit=8")["rows"]:
            self.ok("GET", f"/v1/audit/get/{row['atoken']}")

    def _list(self) -> None:
        unlock = self.ok("POST", "/v1/users/unlock", {})["unlockuuid"]
        self.secrets.add(unlock)
        listed = self.ok("POST", "/v1/users?limit=1000", {"unlockuuid": unlock})
        assert listed["total"] == len(self._people)

    def _come_as_an_application(self) -> None:
        """With an access token of its own."""
        application = self.server.vault.new_token("shop")
        self.secrets.add(application)
        path = f"/v1/user/token/{self.tokens[0]}"
        self.ok("GET", path, X_Bunker_Token=application)
        self.ok("GET", path, X_Bunker_Token="", Authorization=f"Bearer {application}")

    def _ask_wrongly(self, person: dict[str, Any], token: str) -> None:
        """Values and secrets in every place of a request where they may be put by mistake or by malice."""
        said = quote(self.word())
        for answer, status in (
            (self.call("POST", "/v1/user", person | {"login": "free"}), 409),
            (self.call("POST", "/v1/user", {"name": self.word()}), 400),
            (self.call("POST", "/v1/user", {"phone": self.word()}), 400),
            (self.call("POST", "/v1/user", b'{"login":"%s"' % self.word().encode()), 400),
            (self.call("POST", "/v1/user", b'{"%s":1,"%s":2}' % ((self.word().encode(),) * 2)), 400),
            (self.call("POST", "/v1/user", self.word().encode(), content_type="text/plain"), 415),
            (self.call("POST", "/v1/user", {"login": self.word()}, X_Bunker_Token=token), 403),
            (self.call("GET", f"/v1/user/email/{said}@example.com"), 404),
            (self.call("GET", f"/v1/user/login/{said}?login={said}&token={token}"), 404),
            (self.call("GET", f"/v1/user/phone/{said}"), 400),
            (self.call("GET", f"/v1/user/{said}/{said}"), 400),
            (self.call("GET", f"/v1/user/token/{said}"), 400),
            (self.call("GET", f"/v1/user/token/{self.secret()}"), 404),
            (self.call("GET", f"/v1/{said}/{token}"), 404),
            (self.call("GET", f"/v1/get/{self.secret()}"), 403),
            (self.call("GET", f"/v1/session/{self.secret()}"), 404),
            (self.call("GET", f"/v1/userapp/login/{said}/shop"), 404),
            (self.call("POST", f"/v1/userapp/token/{token}/{said}", {"basket": self.word()}), 400),
            (self.call("POST", f"/v1/session/{said}", {"agent": self.word()}), 400),
            (self.call("POST", f"/v1/sharedrecord/token/{token}", {"session": self.word()}), 400),
            (self.call("GET", f"/v1/audit/list/{self.secret()}"), 404),
            (self.call("GET", f"/v1/audit/get/{self.secret()}"), 404),
            (self.call("GET", f"/v1/audit/admin?limit={said}&offset={token}"), 400),
            (self.call("PATCH", f"/v1/user/token/{token}", {"name": self.word()}), 405),
            (self.call("PUT", f"/v1/user/token/{token}", {"email": {"is": self.word()}}), 400),
            (self.call("PUT", f"/v1/user/token/{token}", [{"op": "test", "path": "/x", "value": self.word()}]), 409),
            (self.call("PUT", f"/v1/user/token/{token}", [{"op": self.word(), "path": f"/{self.word()}"}]), 400),
            (self.call("PUT", f"/v1/user/login/{said}", {"name": self.word()}), 404),
            (self.call("DELETE", f"/v1/user/login/{said}"), 404),
            (self.call("POST", "/v1/users", {"unlockuuid": self.secret()}), 403),
            (self.call("POST", "/v1/users/bulk", {"records": [person, self.word(), {"n": self.word()}]}), 200),
            (self.call("GET", "/status", X_Request_ID=self.word(), User_Agent=self.word(), Referer=self.word()), 200),
            (self.call("GET", "/v1/audit/admin", X_Bunker_Token="", Authorization=f"Bearer {self.secret()}"), 403),
        ):
            assert answer.status == status, answer
