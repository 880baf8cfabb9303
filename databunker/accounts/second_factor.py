"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import os
import secrets
from base64 import b32encode
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose
from databunker.ids import unix_now

from .models import Account, RecoveryCode

__all__ = [
    "RECOVERY_CODES",
    "count_recovery_codes",
    "delete_recovery_codes",
    "new_recovery_codes",
    "new_secret",
    "provisioning_uri",
    "spelled",
    "step_of",
    "use_recovery_code",
    "use_step",
]

SECRET_BYTES = 20  # as RFC 4226 recommends, and as every app can take
STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4


def new_secret() -> bytes:
    return os.urandom(SECRET_BYTES)


def spelled(secret: bytes) -> str:
    """For typing it into an app, in groups of four."""
    text = b32encode(secret).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def provisioning_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What the QR code holds."""
    query = urlencode({"secret": b32encode(secret).decode(), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"


def step_of(secret: bytes, code: str, *, now: int | None = None) -> int | None:
    """The time step that `code` is of: this one, or a neighbour for clocks that go wrong. None: it is of none."""
    current = (unix_now() if now is None else now) // STEP_SECONDS
    typed = "".join(code.split()).encode(errors="replace")
    found = None
    for step in (current - 1, current, current + 1):
        if hashing.same(typed, f"{hotp(secret, step, digits=DIGITS):0{DIGITS}}".encode()):
            found = step
    return found


def use_step(account: Account, step: int) -> bool:
    """Whether this step was not used before: a code is good once, also for two at the same moment."""
    return bool(Account.objects.filter(pk=account.pk, totp_step__lt=step).update(totp_step=step))


def _digest(account: Account, code: str) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    key = hashing.derive_key(root, b"account-recovery", account.tenant.to_bytes(4, "big"))
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashing.digest(pack([str(account.pk).encode(), plain.encode(errors="replace")]), key=key)


def new_recovery_codes(account: Account) -> list[str]:
    """In the place of all that the account had; shown this once."""
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]
    delete_recovery_codes(account)
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(tenant=account.tenant, account=account.pk, digest=_digest(account, code)) for code in codes]
    )
    return codes


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))


def delete_recovery_codes(account: Account) -> None:
    RecoveryCode.objects.filter(account=account.pk).delete()


def count_recovery_codes(account: Account) -> int:
    return RecoveryCode.objects.filter(account=account.pk).count()


def use_recovery_code(account: Account, code: str) -> bool:
    """Whether it was one of the account's, which it is no more: of two at the same moment one deletes the row."""
    found = RecoveryCode.objects.filter(account=account.pk, digest=_digest(account, code))
    return bool(found.delete()[0])
