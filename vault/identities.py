"""The fields that people are found by, and their blind indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.crypto import hashing, store
from databunker.crypto.keyring import Key, Keyring, Purpose
from databunker.errors import BadRequest

from . import normalise

__all__ = [
    "IdentityField",
    "IdentityRow",
    "as_text",
    "configured",
    "extract",
    "field_named",
    "identity_digest",
    "identity_digests",
    "is_proved",
    "is_shared",
    "rows_for",
    "unusable",
    "usable_rows_for",
]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset({"token", "admin", "bulk", "unlock"})
_NORMALISERS: dict[str, Callable[[str], str]] = {
    "text": normalise.text,
    "email": normalise.email,
    "phone": normalise.phone,
}
UNIQUE_SLOT = bytes(16)


class IdentityField(NamedTuple):
    """A top-level field of the profile that can be looked up. `kind` names its normaliser."""

    name: str
    kind: str
    unique: bool = True


class IdentityRow(NamedTuple):
    """One entry of the blind index; see `vault.models.Identity`."""

    field: str
    digest: bytes
    slot: bytes
    tag: bytes


BUILT_IN = (
    IdentityField("login", "text"),
    IdentityField("email", "email"),
    IdentityField("phone", "phone"),
    IdentityField("custom", "text"),
)


def configured() -> Mapping[str, IdentityField]:
    """The four built-in fields and those of IDENTITY_FIELDS, by name.

    Raises:
        ValueError: IDENTITY_FIELDS can't be read.
    """
    return _parse(tuple(settings.IDENTITY_FIELDS))


@lru_cache(maxsize=8)
def _parse(entries: tuple[str, ...]) -> Mapping[str, IdentityField]:
    fields = {field.name: field for field in BUILT_IN}
    for entry in entries:
        name, *options = entry.strip().split(":")
        if not _NAME.fullmatch(name) or name in fields or name in _RESERVED:
            raise ValueError(f"IDENTITY_FIELDS: {name!r} is not a free name of lower-case letters, digits and _")
        kinds = [option for option in options if option in _NORMALISERS]
        sharing = [option for option in options if option in ("unique", "shared")]
        if len(kinds) > 1 or len(sharing) > 1 or len(kinds) + len(sharing) != len(options):
            raise ValueError(f"IDENTITY_FIELDS: {name!r} takes one of text, email, phone and one of unique, shared")
        fields[name] = IdentityField(name, kinds[0] if kinds else "text", sharing != ["shared"])
    return fields


def field_named(mode: str) -> IdentityField:
    """
    Raises:
        BadRequest: no such look-up.
    """
    try:
        return configured()[mode.lower()]
    except KeyError:
        raise BadRequest(gettext_noop("bad mode")) from None


def is_shared(mode: str) -> bool:
    """Whether several people may be found by this mode."""
    field = configured().get(mode.lower())
    return field is not None and not field.unique


def normalised(field: IdentityField, value: str) -> str:
    """
    Raises:
        BadRequest: too long, or not a telephone number.
    """
    if len(value) > normalise.MAX_IDENTITY_LENGTH:
        raise BadRequest(gettext_noop("%(field)s is too long"), places={"field": field.name})
    try:
        return _NORMALISERS[field.kind](value)
    except BadRequest:
        raise BadRequest(gettext_noop("%(field)s is not a telephone number"), places={"field": field.name}) from None


def identity_digest(field: IdentityField, value: str, *, tenant: int, keyring: Keyring | None = None) -> bytes:
    """The blind index that a normalised value is looked up by; its key is this tenant's and this field's alone."""
    return _digest((keyring or store.current_keyring()).newest(Purpose.INDEX), field, value, tenant)


def identity_digests(field: IdentityField, value: str, *, tenant: int, keyring: Keyring | None = None) -> list[bytes]:
    """The same under every index key that still lives, first the one that is looked up by."""
    return [_digest(key, field, value, tenant) for key in (keyring or store.current_keyring()).index_keys]


def _digest(index_key: Key, field: IdentityField, value: str, tenant: int) -> bytes:
    key = hashing.derive_key(index_key.secret, b"identity", tenant.to_bytes(4, "big"), field.name.encode())
    return hashing.digest(value.encode(), key=key)


def _tag(index_key: Key, digest: bytes, *, tenant: int, subject: bytes) -> bytes:
    """Proves that this vault itself gave the identity to the person."""
    key = hashing.derive_key(index_key.secret, b"identity-row", tenant.to_bytes(4, "big"))
    return hashing.digest(digest + subject, key=key)


def is_proved(tag: bytes, digest: bytes, *, tenant: int, subject: bytes) -> bool:
    """Whether `tag` shows that this vault gave the identity to the person, whichever index key that was under."""
    keys = store.current_keyring().index_keys
    return any(hashing.same(tag, _tag(key, digest, tenant=tenant, subject=subject)) for key in keys)


def extract(profile: Mapping[str, Any], *, lenient: bool = False) -> list[tuple[IdentityField, str]]:
    """The normalised identities in `profile`; absent, null and empty fields have none.

    If `lenient`, fields that can't be used have none either.

    Raises:
        BadRequest: a field is of a type that can't be looked up, or is not a telephone number.
    """
    found = []
    for field in configured().values():
        value = profile.get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            spelling = normalised(field, _as_text(field, value))
        except BadRequest:
            if lenient or (settings.LENIENT_PHONE and field.kind == "phone" and isinstance(value, str)):
                continue
            raise
        if spelling:
            found.append((field, spelling))
    return found


def _as_text(field: IdentityField, value: Any) -> str:
    if isinstance(value, str):
        return value
    if field.kind == "text" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return jsontext.dumps(value).decode()
    rule = gettext_noop("%(field)s must be text or a number") if field.kind == "text" else _TEXT
    raise BadRequest(rule, places={"field": field.name})


_TEXT = gettext_noop("%(field)s must be text")


def as_text(mode: str, value: Any) -> str:
    """The text that `value` is looked up by: itself, or the decimal digits of a number.

    Raises:
        BadRequest: of a type that can't be looked up.
    """
    field = configured().get(mode)
    return _as_text(field, value) if field else _as_text(IdentityField(mode, "token"), value)


def rows_for(profile: Mapping[str, Any], *, tenant: int, subject: bytes, keyring: Keyring) -> list[IdentityRow]:
    """The blind index entries of `profile`, in one order for all writers so that they can't deadlock.

    While one index key replaces another (`Keyring.index_written`) each identity has an entry under both.

    Raises:
        BadRequest: see `extract`; also where nothing in the profile can be looked up.
    """
    rows = _rows(extract(profile), tenant=tenant, subject=subject, keyring=keyring)
    if not rows:
        raise BadRequest(gettext_noop("all user lookup fields are missing"))
    return rows


def usable_rows_for(profile: Mapping[str, Any], *, tenant: int, subject: bytes, keyring: Keyring) -> list[IdentityRow]:
    """As `rows_for`, without the fields that can't be looked up."""
    return _rows(extract(profile, lenient=True), tenant=tenant, subject=subject, keyring=keyring)


def _rows(
    found: Iterable[tuple[IdentityField, str]], *, tenant: int, subject: bytes, keyring: Keyring
) -> list[IdentityRow]:
    rows = []
    for field, value in found:
        slot = UNIQUE_SLOT if field.unique else subject
        for key in keyring.index_written:
            digest = _digest(key, field, value, tenant)
            rows.append(IdentityRow(field.name, digest, slot, _tag(key, digest, tenant=tenant, subject=subject)))
    return sorted(rows, key=lambda row: row.digest)


def unusable(profile: Mapping[str, Any]) -> list[str]:
    """The names of the identity fields in `profile` that nobody can be found by: no telephone number, or no text."""
    found = {field.name for field, _ in extract(profile, lenient=True)}
    given = (name for name in configured() if profile.get(name) is not None)
    return sorted(name for name in given if name not in found and str(profile[name]).strip())
