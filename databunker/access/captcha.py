"""Captchas: a picture of six digits to be typed, or a puzzle for the client's computer. Each is good once.

A captcha is nothing but its code: random id, answer and end, sealed. Nothing is stored until it
is used, then the keyed hash of its id until its end. No captcha says anything about another.
"""

from __future__ import annotations

import binascii
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from django.db import IntegrityError

from databunker.crypto import envelope, hashing, store
from databunker.crypto.envelope import OVERHEAD, Place
from databunker.crypto.errors import CryptoError
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically
from databunker.errors import BadRequest, NotFound
from databunker.ids import CLOCK_SKEW_SECONDS, unix_now

from . import proof_of_work
from .captcha_picture import draw
from .models import UsedCaptcha
from .proof_of_work import Challenge

__all__ = ["SECONDS", "CaptchaRefused", "NewCaptcha", "new_captcha", "picture", "purge_captchas", "use"]

SECONDS = 120
_DIGITS = 6
_ID_BYTES = 16
_END_BYTES = 8
_LENGTH = -(-(OVERHEAD + _ID_BYTES + _END_BYTES + _DIGITS) * 4 // 3)
_CODE = re.compile(rf"[A-Za-z0-9_-]{{{_LENGTH}}}", re.ASCII)


class CaptchaRefused(BadRequest):
    """Missing, malformed, wrong, too old or used before. All look alike."""

    code = "captcha-error"
    message = "captcha-error"


class NewCaptcha(NamedTuple):
    """The code names the captcha and tells nothing; `challenge` is the other way to solve it."""

    code: str
    challenge: Challenge


class _Captcha(NamedTuple):
    id: bytes
    answer: str
    expires: int

    def secret(self, purpose: bytes) -> bytes:
        """The keyed hash of the id, for one purpose. The id is random: nothing can be guessed from it."""
        root = store.current_keyring().secret(Purpose.REFERENCE)
        return hashing.digest(self.id, key=hashing.derive_key(root, purpose))

    @property
    def salt(self) -> str:
        return self.secret(b"captcha-salt").hex()


# A code lives for two minutes, over all processes, whichever keys they know: so it is under none that is rotated.
_CODE_KEY = 0


def _code_key() -> bytes:
    return hashing.derive_key(store.current_keyring().secret(Purpose.REFERENCE), b"captcha-code")


def _place(tenant: int) -> Place:
    """A code stands in no row: its id is inside."""
    return Place(tenant, b"captcha", b"code", b"")


def new_captcha(*, tenant: int) -> NewCaptcha:
    """A captcha that nobody has seen, good for SECONDS."""
    captcha = _Captcha(os.urandom(_ID_BYTES), f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}", unix_now() + SECONDS)
    plain = captcha.id + captcha.expires.to_bytes(_END_BYTES, "big") + captcha.answer.encode()
    sealed = envelope.seal(plain, key=_code_key(), key_id=_CODE_KEY, place=_place(tenant))
    return NewCaptcha(urlsafe_b64encode(sealed).decode(), proof_of_work.challenge(captcha.salt))


def _open(code: str, tenant: int) -> _Captcha | None:
    """None where it is none of ours, or has ended."""
    if not _CODE.fullmatch(code):
        return None
    try:
        plain = envelope.open_sealed(urlsafe_b64decode(code), key=_code_key(), place=_place(tenant))
    except (CryptoError, binascii.Error):
        return None
    end = _ID_BYTES + _END_BYTES
    expires = int.from_bytes(plain[_ID_BYTES:end], "big")
    # One that would live longer than any was made by a clock that was ahead.
    alive = 0 < expires - unix_now() <= SECONDS + CLOCK_SKEW_SECONDS
    return _Captcha(plain[:_ID_BYTES], plain[end:].decode(), expires) if alive else None


def picture(code: str, *, tenant: int) -> bytes:
    """The PNG of a captcha: the same each time, so that nobody gets rid of its noise by asking again.

    Raises:
        NotFound: there is no such captcha, or no more.
    """
    captcha = _open(code, tenant)
    if captcha is None:
        raise NotFound("captcha expired")
    return draw(captcha.answer, seed=captcha.secret(b"captcha-picture"))


def use(code: str, answer: str, *, tenant: int) -> None:
    """Use up the captcha, whether `answer` (the digits, or a solution of the challenge) is right or wrong.

    Which of the two parts came first doesn't matter: clients of the peer put the digits before the code.

    Raises:
        CaptchaRefused: wrong, or not to be used (any more).
    """
    captcha = _open(code, tenant)
    if captcha is None:
        captcha, answer = _open(answer, tenant), code
    if captcha is None or not answer or not _first_use(captcha, tenant):
        raise CaptchaRefused
    answer = answer.strip()
    typed = hashing.same(answer.encode(errors="surrogatepass"), captcha.answer.encode())
    if not typed and not proof_of_work.solves(answer, salt=captcha.salt):
        raise CaptchaRefused


def _first_use(captcha: _Captcha, tenant: int) -> bool:
    """The primary key decides, also between two at the same moment."""
    used = UsedCaptcha(tenant=tenant, digest=captcha.secret(b"captcha"), expires=captcha.expires)
    try:
        with atomically():
            used.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def purge_captchas(now: int) -> int:
    """Forget the used captchas that have ended: they are refused for their age. How many."""
    return UsedCaptcha.objects.filter(expires__lte=now).delete()[0]
