"""A vault as it is used: a thousand people, every call, and all that was ever said to it."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.urls import Resolver404, resolve

from benchmarks.people import people
from databunker.api.docs import assets_version
from tests.support.clients import Answer
from tests.support.login import Solved, proof
from tests.support.search import personal_values
from tests.support.vaults import Server
from vault.normalise import email, phone

__all__ = ["SETTINGS", "PeopleAtWork"]

# A thousand is what issue 2 asks for.
IN_BULK, ONE_BY_ONE, BUSY, ASKING = 900, 100, 12, 3
HOOK, HOOK_SECRET = secrets.token_hex(16), secrets.token_hex(32)
DOCS_ASSET = f"/docs/{assets_version()}/start.js"
SETTINGS = {
    "LIST_USERS": "unlock",
    "IDENTITY_FIELDS": "customer_id:text:unique,household:text:shared",
    "AUDIT_CLIENT_ADDRESS": "true",
    "LOG_LEVEL": "INFO",
    # Webhooks of all that happens are written, and wait: nobody may be called at such an address.
    "NOTIFICATION_URL": f"http://127.0.0.1:9/{HOOK}",
    "NOTIFICATION_SECRET": HOOK_SECRET,
    "NOTIFICATION_ATTEMPTS": "1",
    # The test identities of the demonstration come in by a code that is known without a mailbox.
    "DATABUNKER_DEMO": "true",
    "CAPTCHA_PROOF_BITS": "4",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_FROM": "vault@example.com",
    "PAGES_HTTPS": "false",
}


class PeopleAtWork:
    """Makes the calls and remembers every value and secret in them: all that must be found nowhere."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.values: set[str] = set()
        self.secrets: set[str] = {server.vault.root_token, server.vault.master_key, HOOK, HOOK_SECRET}
        self.routes: set[str] = set()
        self.tokens: list[str] = []
        self.backup = b""
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
        self._keep_registers()
        busy = list(zip(self._people, self.tokens, strict=True))[::80][:BUSY]
        for number, (person, token) in enumerate(busy):
            self._read(person, token)
            self._change(person, token, number)
            self._keep_app_data_and_sessions(token)
            self._agree(person, token)
            self._exercise_rights(token)
            if number < ASKING:
                self._ask_for_approval(token)
            self._look_at_the_trail(token)
            self._ask_wrongly(person, token)
        self._agree_before_being_known()
        self._list()
        self._come_as_an_application()
        self._log_in()
        for number, (person, token) in enumerate(busy[::2]):
            path = f"email/{quote(person['email'])}" if number % 2 and "email" in person else f"token/{token}"
            receipt = self.ok("DELETE", f"/v1/user/{path}")["receipt"]
            self.secrets.add(receipt)
            assert self.call("GET", f"/v1/receipt/{receipt}").status in (200, 202)
            assert self.call("GET", f"/v1/user/token/{token}").json()["data"] == {}
            self._look_at_the_trail(token)
        self._fail_to_notify()
        for _, token in busy[1::2]:
            self._let_the_holder_of_the_link_decide(token)
        self._have_the_trail_proved()
        for path in (
            "/v1/status",
            "/v1/status/",
            "/status",
            "/status/",
            "/livez",
            "/readyz",
            "/v1/metrics",
            "/v1/openapi.json",
            "/docs",
            DOCS_ASSET,
        ):
            assert self.call("GET", path).status == 200
        self.backup = self.call("GET", "/v1/sys/backup").body
        for path in ("/v1/sys/configuration", "/v1/sys/uiconfiguration"):
            self.ok("GET", path)
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
        slash = {"login": self.word()}
        self.tokens.append(self.ok("POST", "/v1/user/", slash)["token"])
        self._people.append(slash)
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
        self.ok("GET", f"/v1/user/token/{token}/report")
        assert self.call("GET", f"/v1/user/token/{token}/report?format=pdf").body.startswith(b"%PDF")

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

    def _let_the_holder_of_the_link_decide(self, token: str) -> None:
        """About the expiration: keep, and in the end, delete."""
        person = f"token/{token}"
        links = [self.ok("POST", f"/v1/exp/start/{person}", {"expiration": "20d"})["exptoken"] for _ in range(4)]
        self.secrets.update(links)
        assert self.ok("GET", f"/v1/exp/status/{person}")["exptoken"] == links[-1]
        for verb in ("retain", "delete"):
            for link in links[:-1]:
                assert self.call("GET", f"/v1/exp/{verb}/{link}").status == 403
            assert self.call("GET", f"/v1/exp/{verb}/{links[-1]}", Accept="text/html").status == 200
        self.ok("DELETE", f"/v1/exp/cancel/{person}")
        links = [self.ok("POST", f"/v1/exp/start/{person}")["exptoken"]]
        assert self.call("GET", f"/v1/exp/retain/{links[0]}").body == b"OK"
        links.append(self.ok("POST", f"/v1/exp/start/{person}", {"status": "retain"})["exptoken"])
        self.secrets.update(links)
        assert b"<html" in self.call("POST", f"/v1/exp/delete/{links[1]}", Accept="text/html").body
        self._look_at_the_trail(token)

    def _publish(self, method: str, path: str, body: Any = None) -> None:
        """Texts that are shown to everyone: they may stand in the database as they are."""
        self.routes.add(str(resolve(path).route))
        answer = self._root.call(method, path, body)
        assert answer.status == 200, (method, path, answer)

    def _keep_registers(self) -> None:
        for brief in ("news", "offers", "passing"):
            self._publish("POST", f"/v1/lbasis/{brief}", {"shortdesc": "Letters", "module": "cookie-popup"})
        self._publish("POST", "/v1/pactivity/letters", {"title": "Letters", "script": "go()"})
        self._publish("POST", "/v1/pactivity/letters/news")
        self._publish("POST", "/v1/pactivity/letters/offers")
        self._publish("DELETE", "/v1/pactivity/letters/offers")
        self._publish("GET", "/v1/sys/cookiesettings")
        self._publish("DELETE", "/v1/lbasis/passing")
        assert len(self.ok("GET", "/v1/lbasis")["rows"]) > 2
        assert self.ok("GET", "/v1/pactivity")["total"] == 1
        self._publish("POST", "/v1/pactivity/passing", {})
        self._publish("DELETE", "/v1/pactivity/passing")

    def _agree(self, person: dict[str, Any], token: str) -> None:
        said = {"referencecode": self.word(), "lastmodifiedby": self.word(), "agreementmethod": self.word()}
        mode, who = ("email", quote(person["email"])) if "email" in person else ("token", token)
        self.ok("POST", f"/v1/agreement/news/{mode}/{who}", {"status": "yes", **said})
        self.ok("POST", f"/v1/agreement/offers/{mode}/{who}", {"status": "yes", "expiration": "1s"})
        self.ok("DELETE", f"/v1/agreement/news/token/{token}", {"lastmodifiedby": self.word()})
        assert self.ok("GET", f"/v1/agreement/news/{mode}/{who}")["data"]["token"] == token
        assert self.ok("GET", f"/v1/agreements/token/{token}")["total"] == 2
        assert self.ok("GET", f"/v1/agreement/news/token/{token}/history")["total"] == 2

    def _exercise_rights(self, token: str) -> None:
        """And take them back; one objection stands."""
        person = f"token/{token}"
        self.ok("POST", f"/v1/objection/{person}", {"reason": self.word()})
        self.ok("DELETE", f"/v1/objection/{person}")
        self.ok("POST", f"/v1/objection/{person}", {"reason": self.word()})
        self.ok("POST", f"/v1/restriction/{person}", {"ground": "accuracy", "reason": self.word()})
        assert self.ok("GET", f"/v1/rights/{person}")["restriction"]
        self.ok("DELETE", f"/v1/restriction/{person}", {"reason": self.word()})
        assert self.ok("GET", f"/v1/erasure/{person}")["erased"]
        self.ok("DELETE", f"/v1/erasure/{person}")

    def _agree_before_being_known(self) -> None:
        """One who comes, and one who doesn't."""
        emails = [f"{self.word().replace(' ', '.')}@example.com" for _ in range(2)]
        self.values.update(emails)
        for email_ in emails:
            said = {"referencecode": self.word(), "lastmodifiedby": self.word()}
            self.ok("POST", f"/v1/agreement/news/email/{email_}", {"status": "yes", **said})
            assert self.ok("GET", f"/v1/agreements/email/{email_}")["rows"][0]["token"] == ""
        comer = {"email": emails[0]}
        token = self.ok("POST", "/v1/user", comer)["token"]
        self.secrets.add(token)
        self._people.append(comer)
        self.tokens.append(token)
        assert self.ok("GET", f"/v1/agreement/news/token/{token}/history")["rows"][0]["who"] == emails[0]
        self.ok("DELETE", "/v1/agreement/news")

    def _ask_for_approval(self, token: str) -> None:
        """As the person, with a token of their own; one request is approved, one refused, others stay open."""
        own = self.server.vault.new_token_of(token)
        self.secrets.add(own)

        def ask(method: str, path: str, body: Any = None) -> str:
            rtoken: str = self.ok(method, path, body, X_Bunker_Token=own)["rtoken"]
            self.secrets.add(rtoken)
            return rtoken

        path = f"/v1/user/token/{token}"
        first = ask("PUT", path, {"nickname": self.word(), "deep": {"list": [self.word()]}})
        assert self.call("PUT", path, {"nickname": self.word()}, X_Bunker_Token=own).status == 409
        second = ask("POST", f"/v1/userapp/token/{token}/crm", {"basket": self.word()})
        for rtoken in (first, second, ask("DELETE", path)):
            self.ok("POST", f"/v1/request/{rtoken}/extend", {"reason": self.word()})
            self.ok("POST", f"/v1/request/{rtoken}/identity", {"proof": "ask", "reason": self.word()})
            self.ok("POST", f"/v1/request/{rtoken}/identity", {"proof": "verified"})
            self.ok("GET", f"/v1/request/{rtoken}")
        self.ok("POST", f"/v1/request/{first}", {"reason": self.word()})
        self.ok("DELETE", f"/v1/request/{second}", {"reason": self.word()})
        assert self.ok("GET", f"/v1/requests/token/{token}")["total"] == 3
        self.ok("GET", "/v1/requests?limit=1000")

    def _look_at_the_trail(self, token: str) -> None:
        for row in self.ok("GET", f"/v1/audit/list/{token}?limit=8")["rows"]:
            self.ok("GET", f"/v1/audit/get/{row['atoken']}")

    def _have_the_trail_proved(self) -> None:
        sealed = self.server.vault.manage("audit", "seal")
        assert sealed.code == 0, sealed.err
        rows = self.ok("GET", "/v1/audit/admin?limit=1000")["rows"]
        self.ok("GET", "/v1/audit/head?old=1")
        self.ok("GET", "/v1/audit/key")
        self.ok("GET", f"/v1/audit/proof/{rows[500]['atoken']}")

    def _fail_to_notify(self) -> None:
        """Some become dead letters, as their receiver is refused; the others wait."""
        vault = self.server.vault
        assert vault.script("from databunker.notify.delivery import deliver_due\nprint(deliver_due())") == "0\n"
        assert vault.database.value("SELECT count(*) FROM notify_job WHERE last_error = 'AddressRefused'") > 0
        assert vault.database.value("SELECT count(*) FROM notify_job WHERE attempts = 0") > BUSY

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
        narrowed = self.server.vault.new_token("desk", "--masked", "--purpose", "support", "--limit", "500/1h")
        self.secrets.add(narrowed)
        self.ok("GET", path, X_Bunker_Token=narrowed, X_Bunker_Purpose="support")
        assert self.call("GET", path, X_Bunker_Token=narrowed, X_Bunker_Purpose=self.word()).status == 400
        assert self.call("PUT", path, {"note": self.word()}, X_Bunker_Token=narrowed).status == 403
        self._read_a_canary()

    def _read_a_canary(self) -> None:
        """Who doesn't exist is as secret as those who do."""
        vault = self.server.vault
        profile = {"login": self.word(), "email": f"{self.word().replace(' ', '.')}@example.com", "note": self.word()}
        file = vault.folder / "canary.jsonl"
        file.write_text(json.dumps(profile))
        self.values.update(personal_values(profile))
        assert vault.manage("canary", "add", "--profiles", str(file)).code == 0
        file.unlink()
        (token,) = vault.manage("canary", "list").out.split()
        self.secrets.add(token)
        self.ok("GET", f"/v1/user/token/{token}")
        told = "from databunker.ids import unix_now\nfrom databunker.watch.canaries import watch_canaries\n"
        assert vault.script(f"{told}print(watch_canaries(unix_now(), 1))") == "1\n"

    def _log_in(self) -> None:
        """A test identity by either form; a person by wrong codes; nobody."""
        # As bytes: this address stands in our code, so it can't be looked for.
        email = "test@securitybunker.io"
        token = self.ok("POST", "/v1/user", b'{"email":"%s"}' % email.encode())["token"]
        self.secrets.add(token)
        captcha = self._captcha()
        assert self.call("GET", f"/v1/captcha/{captcha.code}").status == 200
        self.ok("GET", f"/v1/prelogin/email/{email}/{captcha.code}/{captcha.answer}")
        self._come_in(self.ok("GET", f"/v1/login/email/{email}/4444"), token)
        self._have_code_sent(email)
        form = f"mode=email&identity={email}&code=4444".encode()
        self._come_in(self.ok("POST", "/v1/login", form, content_type="application/x-www-form-urlencoded"), token)
        known = next(person["email"] for person in self._people if "email" in person)
        for email in (known, f"{self.word().replace(' ', '.')}@example.com"):
            self._have_code_sent(email)
            for code in ("000000", self.word()):
                assert self.call("GET", f"/v1/login/email/{quote(email)}/{quote(code)}").status == 403

    def _captcha(self) -> Solved:
        body = self.ok("GET", "/v1/captcha")
        self.values.add(body["code"])
        return Solved(body["code"], proof(body["challenge"]))

    def _have_code_sent(self, email: str) -> None:
        captcha = self._captcha()
        body = {"mode": "email", "identity": email, "code": captcha.code, "captcha": captcha.answer}
        self.ok("POST", "/v1/prelogin", json.dumps(body).encode(), content_type="application/json")

    def _come_in(self, answer: Any, token: str) -> None:
        self.secrets.add(answer["xtoken"])
        assert answer["token"] == token
        self.ok("GET", f"/v1/user/token/{token}", X_Bunker_Token=answer["xtoken"])

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
            (self.call("GET", f"/v1/exp/delete/{self.secret()}"), 403),
            (self.call("POST", f"/v1/exp/retain/{said}", Accept="text/html"), 403),
            (self.call("POST", f"/v1/exp/start/token/{token}", {"expiration": self.word()}), 400),
            (self.call("POST", f"/v1/exp/start/token/{token}", {"status": self.word()}), 400),
            (self.call("POST", f"/v1/agreement/news/login/{said}", {"referencecode": self.word()}), 404),
            (self.call("POST", f"/v1/agreement/news/token/{token}", {"referencecode": [self.word()]}), 400),
            (self.call("POST", f"/v1/agreement/{said}/token/{token}", {"referencecode": self.word()}), 400),
            (self.call("GET", f"/v1/agreements/email/{said}@example.com"), 404),
            (self.call("GET", f"/v1/userapp/login/{said}/shop"), 404),
            (self.call("POST", f"/v1/userapp/token/{token}/{said}", {"basket": self.word()}), 400),
            (self.call("POST", f"/v1/session/{said}", {"agent": self.word()}), 400),
            (self.call("POST", f"/v1/sharedrecord/token/{token}", {"session": self.word()}), 400),
            (self.call("GET", f"/v1/request/{self.secret()}"), 404),
            (self.call("POST", f"/v1/request/{said}", {"reason": self.word()}), 400),
            (self.call("GET", f"/v1/requests?status={said}"), 400),
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
