"""A Databunker database, made as Databunker makes it: its tables, its columns' types, its encryption."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .databases import KIND, Database

__all__ = ["TABLES", "Peer", "app_table"]

# Types as Databunker declares them: STRING, which SQLite takes for a number where it looks like one.
_TYPES = {
    "sqlite": {"text": "STRING", "long": "TEXT", "int": "int", "flag": "BOOLEAN"},
    "postgresql": {"text": "VARCHAR", "long": "TEXT", "int": "int", "flag": "BOOLEAN"},
    "mysql": {"text": "TINYTEXT", "long": "TEXT", "int": "int", "flag": "BOOLEAN"},
}


def _columns(text: str = "", *, long: str = "", numbers: str = "", flags: str = "") -> dict[str, str]:
    kinds = {"text": text, "long": long, "int": numbers, "flag": flags}
    return {name: kind for kind, names in kinds.items() for name in names.split()}


TABLES: dict[str, dict[str, str]] = {
    "users": _columns(
        "token key md5 loginidx emailidx phoneidx customidx expstatus exptoken",
        long="data", numbers="endtime tempcodeexp tempcode",
    ),
    "userapps": _columns("appname token md5 status", long="data", numbers="when"),
    "xtokens": _columns("xtoken token type app fields", numbers="endtime"),
    "sharedrecords": _columns("token record partner session app fields", numbers="endtime when"),
    "audit": _columns(
        "atoken identity record who mode app title status msg debug", long="before after", numbers="when"
    ),
    "requests": _columns("rtoken token app brief action status change reason", numbers="creationtime when"),
    "processingactivities": _columns(
        "activity title fulldesc legalbasis applicableto", long="script", numbers="creationtime"
    ),
    "legalbasis": _columns(
        "brief status module shortdesc basistype requiredmsg",
        long="fulldesc", flags="usercontrol requiredflag", numbers="creationtime",
    ),
    "agreements": _columns(
        "who mode token brief status referencecode lastmodifiedby agreementmethod",
        numbers="creationtime starttime endtime when",
    ),
    "sessions": _columns("token session key", long="data", numbers="endtime when"),
}  # fmt: skip


def app_table() -> dict[str, str]:
    """Of one application, where each has a table of its own."""
    return _columns("token md5 rofields status", long="data", numbers="when")


@dataclass
class Peer:
    """`kind` is that of `database`; SQLite's file may stand beside a vault of any kind."""

    database: Database
    kind: str = KIND
    master_key: bytes = field(default_factory=lambda: os.urandom(24))
    keys: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table, columns in TABLES.items():
            self.create_table(table, columns)
        self.insert("xtokens", xtoken=self.hashed(str(uuid.uuid4())), token="", type="root")

    @property
    def key_text(self) -> str:
        return self.master_key.hex()

    @property
    def url(self) -> str:
        return self.database.url

    def _quoted(self, name: str) -> str:
        sign = "`" if self.kind == "mysql" else '"'
        return f"{sign}{name}{sign}"

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.database.path, isolation_level=None)) as connection:
                connection.execute(statement.replace("%s", "?"), values)
            return
        self.database.rows(statement, values)

    def create_table(self, table: str, columns: dict[str, str]) -> None:
        parts = (f"{self._quoted(name)} {_TYPES[self.kind][kind]}" for name, kind in columns.items())
        charset = " CHARACTER SET utf8mb4" if self.kind == "mysql" else ""
        self.run(f"CREATE TABLE {self._quoted(table)} ({', '.join(parts)}){charset}")

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(map(self._quoted, values))
        wanted = ", ".join(["%s"] * len(values))
        self.run(f"INSERT INTO {self._quoted(table)} ({names}) VALUES ({wanted})", tuple(values.values()))

    def update(self, table: str, token: str, /, **values: Any) -> None:
        changes = ", ".join(f"{self._quoted(name)} = %s" for name in values)
        self.run(f"UPDATE {self._quoted(table)} SET {changes} WHERE token = %s", (*values.values(), token))

    # --- encryption --------------------------------------------------------------------------------------------------

    def hashed(self, text: str) -> str:
        salt = hashlib.md5(self.master_key).digest()
        return base64.b64encode(hashlib.sha256(salt + text.encode()).digest()).decode()

    def sealed(self, record_key: bytes, content: bytes) -> str:
        nonce = os.urandom(12)
        return base64.b64encode(AESGCM(self.master_key + record_key).encrypt(nonce, content, None) + nonce).decode()

    def sealed_identity(self, text: str) -> str:
        key = self.master_key + hashlib.md5(self.master_key).digest()[4:12]
        return base64.b64encode(AESGCM(key).encrypt(b"$DataBunker$", text.encode(), None)).decode()

    def sealed_for(self, token: str, value: Any) -> str:
        return self.sealed(self.keys[token], json.dumps(value).encode())

    # --- what it knows -----------------------------------------------------------------------------------------------

    def person(self, *, token: str | None = None, content: bytes | None = None, **profile: Any) -> str:
        """A person; the token."""
        token = token or str(uuid.uuid4())
        key = self.keys[token] = os.urandom(8)
        data = self.sealed(key, json.dumps(profile).encode() if content is None else content)
        hashes = {
            f"{name}idx": self.hashed(str(profile[name]))
            for name in ("login", "email", "phone", "custom")
            if profile.get(name)
        }
        md5 = base64.b64encode(hashlib.md5(data.encode()).digest()).decode()
        self.insert("users", token=token, key=base64.b64encode(key).decode(), md5=md5, data=data, **hashes)
        return token

    def forgotten(self) -> str:
        """A person who was forgotten; the token, which is all that is left."""
        token = self.person(login=uuid.uuid4().hex)
        self.update("users", token, key=None, data=None, loginidx=None)
        return token

    def app_data(self, token: str, app: str, data: Any, *, when: int | None = None) -> None:
        self.insert("userapps", token=token, appname=app, data=self.sealed_for(token, data), when=when)

    def own_app_table(self, app: str, data: dict[str, Any]) -> None:
        """A table for one application, with each person's data."""
        self.create_table(f"app_{app}", app_table())
        for token, value in data.items():
            self.insert(f"app_{app}", token=token, data=self.sealed_for(token, value))

    def session(self, data: Any, *, token: str = "", seconds: int = 3600, session: str = "", when: int = 0) -> str:
        session = session or str(uuid.uuid4())
        key, now = os.urandom(8), int(time.time())
        self.insert(
            "sessions", token=token, session=session, key=base64.b64encode(key).decode(),
            data=self.sealed(key, json.dumps(data).encode()), endtime=now + seconds, when=when or now - 5,
        )  # fmt: skip
        return session

    def share(self, token: str, *, seconds: int = 3600, **terms: str) -> str:
        record, now = str(uuid.uuid4()), int(time.time())
        self.insert("sharedrecords", token=token, record=record, when=now - 5, endtime=now + seconds, **terms)
        return record

    def event(self, *, who: str, record: str = "", mode: str = "token", when: int = 1_600_000_000, **more: Any) -> str:
        atoken = str(uuid.uuid4())
        given = {"title": "get user by token", "status": "ok"} | more
        if record:
            given["record"] = self.sealed_identity(record)
        self.insert("audit", atoken=atoken, who=self.sealed_identity(who), mode=mode, when=when, **given)
        return atoken

    def basis(self, brief: str, **more: Any) -> None:
        given = {"status": "active", "basistype": "consent", "usercontrol": True, "requiredflag": False} | more
        self.insert("legalbasis", brief=brief, **given)

    def agreement(self, brief: str, *, token: str = "", mode: str = "token", who: str = "", **more: Any) -> None:
        given = {"status": "yes", "agreementmethod": "api", "when": 1_600_000_000, "endtime": 0, "starttime": 0} | more
        given.setdefault("creationtime", given["when"])
        self.insert("agreements", brief=brief, token=token, mode=mode, who=self.sealed_identity(who or token), **given)

    def request(self, token: str, action: str, *, change: Any = None, **more: Any) -> str:
        rtoken = str(uuid.uuid4())
        given = {"status": "open", "creationtime": 1_600_000_000, "when": 1_600_000_000} | more
        sealed = {}
        if change is not None:
            self.keys.setdefault(token, bytes(8))
            sealed["change"] = self.sealed_for(token, change)
        self.insert("requests", rtoken=rtoken, token=token, action=action, **sealed, **given)
        return rtoken
