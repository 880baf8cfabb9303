"""Sessions of web pages. The database keeps a keyed hash of what the cookie holds, and sealed data.

A session ends when it is not used for a while, at a fixed time however it is used, and when it is revoked. Its key is
changed whenever its rights change, so that nobody can have planted it beforehand.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from databunker.access.models import DEFAULT_TENANT
from databunker.crypto import hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.errors import CryptoError
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically
from databunker.ids import unix_now

from .models import WebSession

__all__ = ["Audience", "Session", "SessionView", "end_sessions_of", "list_sessions", "load", "place", "purge_sessions"]

_KEY_BYTES = 32
_MINUTE = 60
_HOUR = 60 * _MINUTE


class Audience(enum.StrEnum):
    """Whose pages a session is for. One is no good at the other's."""

    CONSOLE = "console"
    PORTAL = "portal"

    @property
    def idle_seconds(self) -> int:
        return _MINUTE * int(
            settings.CONSOLE_IDLE_MINUTES if self is Audience.CONSOLE else settings.PORTAL_IDLE_MINUTES
        )


class Session:
    """What pages remember of one visitor; a mapping of names to JSON values.

    Nobody has a session before `begin`: what is put into it until then is for this one request.
    """

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.key: str | None = None  # what the cookie must hold in the end; None: no cookie
        self.key_is_new = False
        self._row: WebSession | None = None
        self._data: dict[str, Any] = {}
        self._modified = False

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._data[name] = value
        self._modified = True

    def __delitem__(self, name: str) -> None:
        del self._data[name]
        self._modified = True

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def get(self, name: str, default: Any = None) -> Any:
        return self._data.get(name, default)

    def pop(self, name: str, default: Any = None) -> Any:
        if name in self._data:
            self._modified = True
        return self._data.pop(name, default)

    @property
    def exists(self) -> bool:
        return self._row is not None

    @property
    def id(self) -> str:
        """For lists and forms; nobody gets in with it."""
        return self._row.digest.hex() if self._row else ""

    def begin(self, *, seconds: int, tenant: int = DEFAULT_TENANT, account: int | None = None, **data: Any) -> None:
        """A new session with a new key, in the place of the one there was; it ends `seconds` from now."""
        now = unix_now()
        with atomically():
            self._delete_row()
            self._row = WebSession(
                digest=self._renew_key(), tenant=tenant, account=account, created=now, used=now,
                expires=now + seconds,
            )  # fmt: skip
            self._data = data if account is None else {"account": account, **data}
            self._write(force_insert=True)

    def rotate(self) -> None:
        """Another key and id for the same session: whoever knew the old one knows nothing any more."""
        row = self._row
        if row is None:
            raise RuntimeError("there is no session")
        with atomically():
            self._delete_row()
            row.digest = self._renew_key()
            self._write(force_insert=True)

    def end(self) -> None:
        self._delete_row()
        self._row, self.key, self._data, self._modified = None, None, {}, False

    def save(self) -> None:
        """What has changed, and once a minute that the session was used."""
        if self._row is None:
            return
        now = unix_now()
        if self._modified:
            self._row.used = now
            self._write(force_insert=False)
        elif now - self._row.used >= _MINUTE:
            self._row.used = now
            WebSession.objects.filter(pk=self._row.pk).update(used=now)

    def open(self, row: WebSession, key: str) -> None:
        """
        Raises:
            CryptoError: the data do not open in this row.
        """
        self._data = orjson.loads(store.unseal(row.data, place(row.tenant, row.digest)))
        self._row, self.key = row, key

    def _renew_key(self) -> bytes:
        """The digest of the new key."""
        self.key, self.key_is_new = secrets.token_urlsafe(_KEY_BYTES), True
        return _digest(self.audience, self.key)

    def _delete_row(self) -> None:
        if self._row is not None:
            WebSession.objects.filter(pk=self._row.pk).delete()

    def _write(self, *, force_insert: bool) -> None:
        row = self._row
        if row is None:
            raise RuntimeError("there is no session")
        row.data = store.current_keyring().seal(orjson.dumps(self._data), place(row.tenant, row.digest))
        if force_insert:
            row.save(force_insert=True)
        else:
            # No insert where it was revoked meanwhile: it stays ended.
            WebSession.objects.filter(pk=row.pk).update(data=row.data, used=row.used)
        self._modified = False


def _digest(audience: Audience, key: str) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.digest(key.encode(errors="replace"), key=hashing.derive_key(root, b"web-session", audience.encode()))


def place(tenant: int, digest: bytes) -> Place:
    return Place(tenant, b"account_session", b"data", digest)


def load(audience: Audience, key: str | None) -> Session:
    """The session whose key the cookie holds; an empty one where there is none, or none any more."""
    session = Session(audience)
    if not key:
        return session
    row = WebSession.objects.filter(digest=_digest(audience, key)).first()
    if row is None:
        return session
    now = unix_now()
    if row.expires <= now or row.used + audience.idle_seconds <= now:
        WebSession.objects.filter(pk=row.pk).delete()
        return session
    try:
        session.open(row, key)
    except CryptoError:
        return Session(audience)  # nobody is let in by a row that was tampered with
    return session


class SessionView(NamedTuple):
    """One session as its owner sees it."""

    id: str
    created: int
    used: int
    address: str
    agent: str


def list_sessions(account: int, *, tenant: int) -> list[SessionView]:
    """The sessions of an account that haven't ended, the last used first."""
    now = unix_now()
    found = WebSession.objects.filter(
        tenant=tenant, account=account, expires__gt=now, used__gt=now - Audience.CONSOLE.idle_seconds
    )
    views = []
    for row in found.order_by("-used", "-created", "digest"):
        data = orjson.loads(store.unseal(row.data, place(row.tenant, row.digest)))
        views.append(
            SessionView(row.digest.hex(), row.created, row.used, data.get("address", ""), data.get("agent", ""))
        )
    return views


def end_sessions_of(account: int, *, tenant: int, only: str | None = None, keep: str | None = None) -> int:
    """End the sessions of an account: all, the one with the id `only`, or all but the one with the id `keep`."""
    found = WebSession.objects.filter(tenant=tenant, account=account)
    if only is not None:
        found = found.filter(pk=_bytes_of(only))
    if keep is not None:
        found = found.exclude(pk=_bytes_of(keep))
    return found.delete()[0]


def _bytes_of(session_id: str) -> bytes:
    try:
        return bytes.fromhex(session_id)
    except ValueError:
        return b""


def purge_sessions(now: int) -> int:
    """Delete the sessions that have ended by `now`; how many."""
    return WebSession.objects.filter(expires__lte=now).delete()[0]
