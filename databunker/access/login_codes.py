"""The codes that people log in with: six digits, good once, for a minute or two, and for few tries.

A row stands under a keyed hash of the identity that the code was asked for, whether anybody has that identity or
not, so that nobody's tries are counted alike. The code is kept as a keyed hash over all that it is bound to: SQL
alone neither makes a code, nor gives one to somebody else, nor a longer life.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db.models import F

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.db.statements import conflict_target
from databunker.ids import CLOCK_SKEW_SECONDS

from .models import LoginCode

__all__ = ["DIGITS", "TRIES", "delete_codes_of", "new_code", "purge_codes", "store_code", "try_code"]

DIGITS = 6
TRIES = 5


def new_code() -> str:
    """Six digits from the system's CSPRNG."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def _roots(tenant: int, identity: bytes) -> dict[bytes, bytes]:
    """Where the code for `identity` may stand, and the index key that makes it so; first where a new one is put.

    Codes and identities can be guessed, so they are hashed under the key that guards what can be guessed. While one
    such key replaces another, a process that is behind puts codes where the others must find them.
    """
    roots = [key.secret for key in store.current_keyring().index_keys]
    return {hashing.digest(identity, key=_key(root, b"login-code", tenant)): root for root in roots}


def _key(root: bytes, purpose: bytes, tenant: int) -> bytes:
    return hashing.derive_key(root, purpose, tenant.to_bytes(4, "big"))


def _code_mac(root: bytes, code: str, *, tenant: int, digest: bytes, subject: bytes | None, expires: int) -> bytes:
    bound = pack([digest, subject or b"", str(expires).encode(), code.encode(errors="surrogatepass")])
    return hashing.mac(bound, key=_key(root, b"login-code-row", tenant))


def store_code(code: str, *, tenant: int, identity: bytes, subject: bytes | None, expires: int) -> None:
    """Keep `code` for `identity`, in the place of an older one, with no tries used.

    `subject` is the person who has the identity; None where nobody has it.
    """
    (digest, root), *others = _roots(tenant, identity).items()
    if others:
        LoginCode.objects.filter(tenant=tenant, digest__in=[other for other, _ in others]).delete()
    row = LoginCode(
        tenant=tenant,
        digest=digest,
        subject=subject,
        mac=_code_mac(root, code, tenant=tenant, digest=digest, subject=subject, expires=expires),
        tries=0,
        expires=expires,
    )
    LoginCode.objects.bulk_create(
        [row],
        update_conflicts=True,
        update_fields=["subject", "mac", "tries", "expires"],
        unique_fields=conflict_target("tenant", "digest"),
    )


def try_code(code: str, *, tenant: int, identity: bytes, now: int) -> bytes | None:
    """The person that `code` was sent to, once; None where it is wrong, used, too old or tried too often.

    The try counts whatever comes of it, and all of these take the same way. To be called in a transaction that is
    committed also where the answer is None.
    """
    roots = _roots(tenant, identity)
    row = LoginCode.objects.filter(tenant=tenant, digest__in=list(roots))
    # One that would live longer than any was made by a clock that was ahead.
    latest = now + settings.LOGIN_CODE_SECONDS + CLOCK_SKEW_SECONDS
    counted = row.filter(tries__lt=TRIES, expires__gt=now, expires__lte=latest).update(tries=F("tries") + 1)
    stored = row.first()
    subject = bytes(stored.subject) if stored and stored.subject is not None else None
    mac, expires = (bytes(stored.mac), stored.expires) if stored else (bytes(hashing.MAC_BYTES), 0)
    digest = bytes(stored.digest) if stored else next(iter(roots))
    expected = _code_mac(roots[digest], code, tenant=tenant, digest=digest, subject=subject, expires=expires)
    if not (hashing.same(mac, expected) and counted):
        return None
    # Of those who come with the same code at the same moment one deletes the row.
    return subject if row.filter(mac=mac).delete()[0] else None


def delete_codes_of(subject: bytes, *, tenant: int) -> None:
    LoginCode.objects.filter(tenant=tenant, subject=subject).delete()


def purge_codes(now: int) -> int:
    """Delete the codes that have ended; how many."""
    return LoginCode.objects.filter(expires__lte=now).delete()[0]
