"""Access tokens: made, checked and revoked. Only keyed hashes of them are ever stored."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose
from databunker.db.planning import of_tenant
from databunker.db.statements import fetch_one
from databunker.ids import CLOCK_SKEW_SECONDS, new_token, parse_token, unix_now

from . import rates, scopes
from .actor import ActorKind
from .models import DEFAULT_TENANT, AccessToken, TokenKind, Unlock
from .scopes import Scope

__all__ = [
    "UNLOCK_SECONDS",
    "Grant",
    "add_token",
    "delete_tokens_of",
    "forget_cached",
    "grant_unlock",
    "is_known",
    "labels_of",
    "lookup",
    "rescope_token",
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
    scope: Scope | None = None


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
        "SELECT id, tenant, kind, subject, expires, scope, mac FROM access_token WHERE digest = %s AND revoked IS NULL",
        [digest],
    )
    if row is None:
        return None
    token_id, tenant, kind, subject, expires, scope, mac = row
    subject = None if subject is None else bytes(subject)
    rights = _Rights(tenant, kind, expires, None, scope)
    if not hashing.same(bytes(mac), _row_mac(digest, subject, rights)):
        return None  # the row was changed by somebody who has no key
    try:
        narrowed = scopes.from_text(scope) if scope else None
    except (ValueError, TypeError, KeyError):
        return None  # by a release that can narrow in ways that this one can't
    return Grant(ActorKind(kind), tenant, token_id, subject, expires, _limited(narrowed, kind))


def _limited(scope: Scope | None, kind: int) -> Scope | None:
    """With the limit that applications' tokens have where their scope has none."""
    limit = rates.configured_limit("TOKEN_CALLS") if kind == TokenKind.ADMIN else None
    if limit is None or (scope is not None and scope.limit is not None):
        return scope
    return replace(scope or scopes.EVERYTHING, limit=limit)


class _Rights(NamedTuple):
    """All that a token may do, as it stands in its row."""

    tenant: int
    kind: int
    expires: int | None
    revoked: int | None
    scope: str


def _row_mac(digest: bytes, subject: bytes | None, rights: _Rights) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    texts = [str(right).encode() for right in rights]
    return hashing.mac(pack([digest, subject or b"", *texts]), key=hashing.derive_key(root, b"access-token-row"))


def add_token(
    *, token: str, kind: TokenKind, tenant: int = DEFAULT_TENANT, label: str = "", subject: bytes | None = None,
    expires: int | None = None, scope: Scope | None = None,
) -> AccessToken:  # fmt: skip
    """Store the keyed hash of `token`.

    Raises:
        IntegrityError: the same token exists already.
    """
    digest, text = token_digest(token), scope.text if scope else ""
    mac = _row_mac(digest, subject, _Rights(tenant, kind, expires, None, text))
    return AccessToken.objects.create(
        tenant=tenant, kind=kind, digest=digest, subject=subject, label=label, created=unix_now(),
        expires=expires, scope=text, mac=mac,
    )  # fmt: skip


def rescope_token(token_id: int, *, tenant: int, scope: Scope | None) -> bool:
    """Give a token another scope; whether there is such a token. Other processes follow within AUTH_CACHE_SECONDS."""
    row = AccessToken.objects.filter(pk=token_id, tenant=tenant, revoked=None).first()
    if row is None:
        return False
    text = scope.text if scope else ""
    mac = _row_mac(bytes(row.digest), _subject_of(row), _Rights(tenant, row.kind, row.expires, None, text))
    changed = AccessToken.objects.filter(pk=token_id, revoked=None).update(scope=text, mac=mac)
    _forget_everywhere_here()
    return bool(changed)


def _subject_of(row: AccessToken) -> bytes | None:
    return None if row.subject is None else bytes(row.subject)


def _forget_everywhere_here() -> None:
    """At once and after the commit: another thread may ask in between."""
    forget_cached()
    transaction.on_commit(forget_cached)


def revoke_token(token_id: int, *, tenant: int) -> bool:
    """Whether there was such a token to revoke. Other processes follow within AUTH_CACHE_SECONDS."""
    row = AccessToken.objects.filter(pk=token_id, tenant=tenant, revoked=None).first()
    if row is None:
        return False
    now = unix_now()
    rights = _Rights(tenant, row.kind, row.expires, now, row.scope)
    mac = _row_mac(bytes(row.digest), _subject_of(row), rights)
    changed = AccessToken.objects.filter(pk=token_id, revoked=None).update(revoked=now, mac=mac)
    _forget_everywhere_here()
    return bool(changed)


def labels_of(numbers: Collection[int], *, tenant: int) -> dict[int, str]:
    """What tokens are for, by their numbers; those without a label are left out."""
    found = of_tenant(AccessToken.objects.filter(pk__in=set(numbers)).exclude(label=""), tenant)
    return dict(found.values_list("pk", "label"))


def delete_tokens_of(subject: bytes, *, tenant: int) -> None:
    """Delete every access token of a person. Other processes follow within AUTH_CACHE_SECONDS."""
    AccessToken.objects.filter(tenant=tenant, subject=subject).delete()
    _forget_everywhere_here()


def forget_cached() -> None:
    """Ask the database again for every token."""
    _cache.clear()


def _unlock_digest(unlock: str) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.digest(unlock.lower().encode(), key=hashing.derive_key(root, b"unlock"))


def _unlock_mac(digest: bytes, *, tenant: int, token_id: int, expires: int) -> bytes:
    """Over all that the unlock is good for: SQL alone neither makes one, nor gives one away, nor a longer life."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    bound = pack([digest, *(str(number).encode() for number in (tenant, token_id, expires))])
    return hashing.mac(bound, key=hashing.derive_key(root, b"unlock-row"))


def grant_unlock(*, tenant: int, token_id: int) -> str:
    """A new unlock UUID for the holder of `token_id`, good for UNLOCK_SECONDS. Expired ones are cleared away."""
    now = unix_now()
    Unlock.objects.filter(expires__lte=now).delete()
    unlock = str(new_token())
    digest, expires = _unlock_digest(unlock), now + UNLOCK_SECONDS
    mac = _unlock_mac(digest, tenant=tenant, token_id=token_id, expires=expires)
    Unlock.objects.create(digest=digest, tenant=tenant, token_id=token_id, expires=expires, mac=mac)
    return unlock


def unlocked(unlock: str, *, tenant: int, token_id: int | None) -> bool:
    """Whether this very caller was given `unlock` and it still lives."""
    if token_id is None:
        return False
    digest = _unlock_digest(unlock)
    now = unix_now()
    # One that would live longer than any was given by a clock that was ahead.
    alive = Q(expires__gt=now, expires__lte=now + UNLOCK_SECONDS + CLOCK_SKEW_SECONDS)
    row = Unlock.objects.filter(alive, digest=digest, tenant=tenant, token_id=token_id).first()
    return row is not None and hashing.same(
        bytes(row.mac), _unlock_mac(digest, tenant=tenant, token_id=token_id, expires=row.expires)
    )
