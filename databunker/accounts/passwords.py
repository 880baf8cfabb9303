"""Passwords of accounts: Argon2id by Django's hasher, and what a password must be."""

from __future__ import annotations

import secrets

from django.contrib.auth import hashers
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from databunker.errors import BadRequest

__all__ = ["MAX_LENGTH", "Checked", "WeakPassword", "check", "hashed", "new_first_password", "require_good"]

MAX_LENGTH = 256  # what is longer only costs time
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5


class WeakPassword(BadRequest):
    """`reasons` are for the one who chose it, in the language of the page."""

    code = "weak_password"
    message = "the password is too weak"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__()
        self.reasons = reasons


class Checked:
    """Whether the password was right, and whether its hash is of an older kind than new ones are."""

    __slots__ = ("outdated", "right")

    def __init__(self, *, right: bool, outdated: bool) -> None:
        self.right, self.outdated = right, outdated


def hashed(password: str) -> str:
    return hashers.make_password(password)


def check(password: str, stored: str) -> Checked:
    """Takes as long where `stored` is empty, so that nobody learns who has an account."""
    if len(password) > MAX_LENGTH:
        password = password[:MAX_LENGTH] + "\0"  # right for nobody
    if not stored:
        hashers.make_password(password)
        return Checked(right=False, outdated=False)
    outdated = False

    def note(_password: str) -> None:
        nonlocal outdated
        outdated = True

    right = hashers.check_password(password, stored, setter=note)
    return Checked(right=right, outdated=outdated)


def require_good(password: str, *, names: tuple[str, ...]) -> None:
    """
    Raises:
        WeakPassword: see AUTH_PASSWORD_VALIDATORS; also where it is one of the account's own names.
    """
    try:
        validate_password(password)
    except ValidationError as error:
        raise WeakPassword(error.messages) from None
    if len(password) > MAX_LENGTH:
        raise WeakPassword([_("The password is too long.")])
    if password.casefold() in {name.casefold() for name in names if name}:
        raise WeakPassword([_("The password must not be your name.")])


def new_first_password() -> str:
    """100 bits from the system's CSPRNG, for somebody to read out: no letter looks like a digit."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
