"""Somebody with something of everything, whose data others try to come by: what is known of them, and what is secret."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from tests.conftest import Api
from vault import references

__all__ = ["Victim"]

# What anybody may leave behind who asks for a login code for somebody: that a code was asked for.
OPEN_TO_ANYONE = frozenset({"access_login_code", "access_throttle", "access_used_captcha", "notify_job"})


@dataclass
class Victim:
    """`name` is part of every identity, all of which the attacker knows; of the secrets the attacker knows none."""

    api: Api
    name: str
    tenant: int = 1
    token: str = field(init=False)
    share: str = field(init=False)
    link: str = field(init=False)
    known: dict[str, list[str]] = field(init=False)
    secrets: list[str] = field(init=False, default_factory=list)
    _before: dict[str, list[Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        api, name = self.api, self.name
        email, phone, session = f"{name}@example.com", "+447700900042", str(uuid.uuid4())
        self.token = api.create(login=name, email=email, phone=phone, custom=f"{name}-42", note=self._secret())
        who = f"token/{self.token}"
        self._ok(api.put(f"/v1/user/{who}", {"more": self._secret()}))
        self._ok(api.post(f"/v1/userapp/{who}/shop", {"basket": self._secret()}))
        self._ok(api.post(f"/v1/session/{session}", {"token": self.token, "agent": self._secret()}))
        self._ok(api.post("/v1/lbasis/news", {"shortdesc": "Letters"}))
        self._ok(api.post(f"/v1/agreement/news/{who}", {"referencecode": self._secret()}))
        # Whoever has these two links may follow them, so the attacker has not.
        self.share = api.post(f"/v1/sharedrecord/{who}", {"partner": self._secret(), "fields": "note"}).json()["record"]
        self.link = api.post(f"/v1/exp/start/{who}").json()["exptoken"]
        # Nobody withdraws from this legal basis alone, whatever the settings: it becomes a request.
        said = {"lastmodifiedby": self._secret()}
        wish = api.as_person(self.token).delete(f"/v1/agreement/news/{who}", said).json()
        events = api.get(f"/v1/audit/list/{self.token}?limit=100").json()["rows"]
        self.known = {
            "token": [self.token],
            "identity": [self.token, name, email, phone, f"{name}-42"],
            "app": ["shop"],
            "session": [session],
            "rtoken": [wish["rtoken"]],
            "atoken": [row["atoken"] for row in events],
            "brief": ["news"],
        }
        self._before = self.rows()

    def _secret(self) -> str:
        self.secrets.append(f"secret {uuid.uuid4().hex}")
        return self.secrets[-1]

    @staticmethod
    def _ok(answer: Any) -> None:
        assert answer.status_code == 200, answer.content

    def rows(self) -> dict[str, list[Any]]:
        """Every row of the victim in every table, but for what anybody may leave behind; events are only added to."""
        subject = references.subject_of(uuid.UUID(self.token), tenant=self.tenant)
        found: dict[str, list[Any]] = {}
        for model in apps.get_models():
            table, names = model._meta.db_table, {column.name for column in model._meta.fields}
            if table in OPEN_TO_ANYONE or table == "audit_event" or "tenant" not in names:
                continue
            where = {"subject": subject} if "subject" in names else {"tenant": self.tenant}
            columns = [column.attname for column in model._meta.concrete_fields if column.column]
            found[table] = sorted(model._default_manager.filter(**where).values_list(*columns), key=repr)
        return found

    def assert_untouched(self) -> None:
        now = self.rows()
        assert {table for table in now if now[table] != self._before[table]} == set()

    def assert_untold(self, content: bytes) -> None:
        assert not [secret for secret in self.secrets if secret.encode() in content]
