"""Access tokens: made, checked and revoked. Only keyed hashes of them are ever stored."""

from __future__ import annotations

import time
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose
from databunker.db.statements import fetch_one
from databunker.ids import new_token, parse_token, unix_now

from .actor import ActorKind
from .models import DEFAULT_TENANT, AccessToken, TokenKind, Unlock

__all__ = [
    "UNLOCK_SECONDS",
    "Grant",
    "add_token",
    "delete_tokens_of",
    "forget_cached",
    "grant_unlock",
    "is_known",
    "lookup",
    "revoke_token",
    "token_digest",
    "unlocked",
]

UNLOCK_SECONDS = 60
_CACHE_SIZE = 10_000


class Grant(NamedTuple):
    """What a valid access token stands for."""

    kind: ActorKind
    tenant: int
    token_id: int
    subject: bytes | None
    expires: int | None


_cache: dict[bytes, tuple[float, Grant]] = {}


def token_digest(token: str) -> bytes:
    """The keyed hash by which an access token is stored. A UUID may be written in any case."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    text = str(parse_token(token) or token)
    return hashing.digest(text.encode(), key=hashing.derive_key(root, b"access-token"))


def lookup(token: str) -> Grant | None:
    """The grant of `token`, or None where it is unknown, expired or revoked.

    A good answer is kept for AUTH_CACHE_SECONDS in the process, so a revocation takes effect everywhere
    within that time.
    """
    digest = token_digest(token)
    now = time.monotonic()
    cached = _cache.get(digest)
    if cached is not None and now < cached[0]:
        grant = cached[1]
    else:
        found = _read(digest)
        if found is None:
            return None
        grant = found
        if len(_cache) >= _CACHE_SIZE:
            _cache.clear()
        _cache[digest] = (now + settings.AUTH_CACHE_SECONDS, grant)
    return None if grant.expires is not None and grant.expires <= unix_now() else grant


def is_known(token: str) -> bool:
    """Whether this very token was ever issued, be it revoked or expired since."""
    return AccessToken.objects.filter(digest=token_digest(token)).exists()


def _read(digest: bytes) -> Grant | None:
    row = fetch_one(
        "SELECT id, tenant, kind, subject, expires, mac FROM access_token WHERE digest = %s AND revoked IS NULL",
        [digest],
    )
    if row is None:
        return None
    token_id, tenant, kind, subject, expires, mac = row
    subject = None if subject is None else bytes(subject)
    expected = _row_mac(digest, tenant=tenant, kind=kind, subject=subject, expires=expires, revoked=None)
    if not hashing.same(bytes(mac), expected):
        return None  # the row was changed by somebody who has no key
    return Grant(ActorKind(kind), tenant, token_id, subject, expires)


def _row_mac(
    digest: bytes, *, tenant: int, kind: int, subject: bytes | None, expires: int | None, revoked: int | None
) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    numbers = [str(number).encode() for number in (tenant, kind, expires, revoked)]
    return hashing.mac(pack([digest, subject or b"", *numbers]), key=hashing.derive_key(root, b"access-token-row"))


def add_token(
    *, token: str, kind: TokenKind, tenant: int = DEFAULT_TENANT, label: str = "", subject: bytes | None = None,
    expires: int | None = None,
) -> AccessToken:  # fmt: skip
    """Store the keyed hash of `token`.

    Raises:
        IntegrityError: the same token exists already.
    """
    digest = token_digest(token)
    mac = _row_mac(digest, tenant=tenant, kind=kind, subject=subject, expires=expires, revoked=None)
    return AccessToken.objects.create(
        tenant=tenant, kind=kind, digest=digest, subject=subject, label=label, created=unix_now(),
        expires=expires, mac=mac,
    )  # fmt: skip


def revoke_token(token_id: int, *, tenant: int) -> bool:
    """Whether there was such a token to revoke. Other processes follow within AUTH_CACHE_SECONDS."""
    row = AccessToken.objects.filter(pk=token_id, tenant=tenant, revoked=None).first()
    if row is None:
        return False
    now = unix_now()
    subject = None if row.subject is None else bytes(row.subject)
    mac = _row_mac(bytes(row.digest), tenant=tenant, kind=row.kind, subject=subject, expires=row.expires, revoked=now)
    changed = AccessToken.objects.filter(pk=token_id, revoked=None).update(revoked=now, mac=mac)
    forget_cached()
    transaction.on_commit(forget_cached)  # once more: another thread may have asked before the commit
    return bool(changed)


def delete_tokens_of(subject: bytes, *, tenant: int) -> None:
    """Delete every access token of a person. Other processes follow within AUTH_CACHE_SECONDS."""
    AccessToken.objects.filter(tenant=tenant, subject=subject).delete()
    forget_cached()
    transaction.on_commit(forget_cached)  # once more: another thread may have asked before the commit


def forget_cached() -> None:
    """Ask the database again for every token."""
    _cache.clear()


def _unlock_digest(unlock: str) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.digest(unlock.lower().encode(), key=hashing.derive_key(root, b"unlock"))


def grant_unlock(*, tenant: int, token_id: int) -> str:
    """A new unlock UUID for the holder of `token_id`, good for UNLOCK_SECONDS. Expired ones are cleared away."""
    now = unix_now()
    Unlock.objects.filter(expires__lte=now).delete()
    unlock = str(new_token())
    Unlock.objects.create(digest=_unlock_digest(unlock), tenant=tenant, token_id=token_id, expires=now + UNLOCK_SECONDS)
    return unlock


def unlocked(unlock: str, *, tenant: int, token_id: int | None) -> bool:
    """Whether this very caller was given `unlock` and it still lives."""
    if token_id is None:
        return False
    return Unlock.objects.filter(
        digest=_unlock_digest(unlock), tenant=tenant, token_id=token_id, expires__gt=unix_now()
    ).exists()
