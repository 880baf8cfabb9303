"""An account in hand: found, opened, proved, changed. Knows rows and keys, no rules."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from django.utils.translation import gettext_noop

from databunker.access.actor import Actor, ActorKind
from databunker.access.roles import PERMISSIONS_OF, Role
from databunker.access.scopes import Scope
from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose
from databunker.errors import BadRequest, NotFound
from databunker.ids import unix_now

from .models import Account

__all__ = [
    "ACCOUNT_ROLES",
    "MAX_NAME",
    "OpenAccount",
    "Private",
    "accounts",
    "add",
    "by_id",
    "by_identity",
    "by_name",
    "identity_digest",
    "name_digest",
    "opened",
    "place",
    "save",
    "tidy_name",
]

MAX_NAME = 100
# What accounts can be. Who answers people's questions sees values masked.
ACCOUNT_ROLES = (Role.DPO, Role.ADMIN, Role.AUDITOR, Role.SUPPORT)
MASKED_ROLES = frozenset({Role.SUPPORT})


@dataclass(frozen=True, slots=True)
class Private:
    """What is sealed. `password` is an Argon2 hash, empty where nobody signs in by password.

    `first` says that somebody else knows the password, so that it has to be changed. `totp` is the secret of the
    second factor in hex, empty without one.
    """

    name: str
    display_name: str
    password: str = ""
    first: bool = False
    totp: str = ""


@dataclass(frozen=True, slots=True)
class OpenAccount:
    row: Account
    private: Private

    @property
    def id(self) -> int:
        return int(self.row.pk)

    @property
    def role(self) -> Role:
        return Role(self.row.role)

    @property
    def shown_name(self) -> str:
        return self.private.display_name or self.private.name

    @property
    def usable(self) -> bool:
        return self.row.disabled is None

    @property
    def has_second_factor(self) -> bool:
        return bool(self.private.totp)

    def actor(self, caller: Actor) -> Actor:
        """The account as the one who acts in `caller`'s request."""
        scope = Scope(PERMISSIONS_OF[self.role], masked=self.role in MASKED_ROLES)
        return replace(caller, kind=ActorKind.ACCOUNT, tenant=self.row.tenant, token_id=self.id, scope=scope)


def tidy_name(name: str) -> str:
    """A name to sign in with: without what cannot be seen, in one spelling.

    Raises:
        BadRequest: empty, too long, or with characters that no name has.
    """
    tidy = unicodedata.normalize("NFKC", name).strip().casefold()
    if not tidy:
        raise BadRequest(gettext_noop("the name is empty"))
    if len(tidy) > MAX_NAME:
        raise BadRequest(gettext_noop("a name has at most %(most)s characters"), places={"most": str(MAX_NAME)})
    if any(unicodedata.category(sign)[0] in "CZ" for sign in tidy):
        raise BadRequest(gettext_noop("a name has no spaces and no control characters"))
    return tidy


def _key(purpose: bytes, tenant: int) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.derive_key(root, purpose, tenant.to_bytes(4, "big"))


def name_digest(name: str, *, tenant: int) -> bytes:
    return hashing.digest(name.encode(), key=_key(b"account-name", tenant))


def identity_digest(issuer: str, subject: str, *, tenant: int) -> bytes:
    return hashing.digest(pack([issuer.encode(), subject.encode()]), key=_key(b"account-identity", tenant))


def place(tenant: int, digest: bytes) -> Place:
    return Place(tenant, b"account", b"private", digest)


def _mac(row: Account) -> bytes:
    numbers = [str(number).encode() for number in (row.pk, row.tenant, row.disabled or 0)]
    bound = pack([*numbers, row.digest, row.role.encode(), row.identity or b""])
    return hashing.mac(bound, key=_key(b"account-row", row.tenant))


def opened(row: Account) -> OpenAccount:
    """
    Raises:
        IntegrityFailure: the row was changed in the database.
    """
    if not hashing.same(row.mac, _mac(row)):
        raise IntegrityFailure("an account was changed in the database")
    return OpenAccount(row, Private(**orjson.loads(store.unseal(row.private, place(row.tenant, row.digest)))))


def _sealed(row: Account, private: Private) -> bytes:
    return store.current_keyring().seal(orjson.dumps(asdict(private)), place(row.tenant, row.digest))


def _first(*, lock: bool, **where: Any) -> OpenAccount | None:
    found = Account.objects.filter(**where)
    row = (found.select_for_update() if lock else found).first()
    return None if row is None else opened(row)


def by_name(name: str, *, tenant: int) -> OpenAccount | None:
    return _first(lock=False, tenant=tenant, digest=name_digest(name, tenant=tenant))


def by_identity(digest: bytes, *, tenant: int) -> OpenAccount | None:
    return _first(lock=False, tenant=tenant, identity=digest)


def by_id(number: int, *, tenant: int, lock: bool = False) -> OpenAccount:
    """
    Raises:
        NotFound: there is no such account.
    """
    found = _first(lock=lock, tenant=tenant, pk=number)
    if found is None:
        raise NotFound("account not found")
    return found


def accounts(*, tenant: int, lock: bool = False) -> list[OpenAccount]:
    """All of them, by their number. There are as many as people who work here."""
    found = Account.objects.filter(tenant=tenant).order_by("id")
    return [opened(row) for row in (found.select_for_update() if lock else found)]


def add(private: Private, *, tenant: int, role: str) -> OpenAccount:
    """In the caller's transaction.

    Raises:
        IntegrityError: the name is taken.
    """
    row = Account(tenant=tenant, digest=name_digest(private.name, tenant=tenant), role=role, created=unix_now())
    row.private, row.mac = _sealed(row, private), bytes(hashing.MAC_BYTES)
    row.save(force_insert=True)
    # The number that the database gave is part of what is bound.
    row.mac = _mac(row)
    row.save(update_fields=["mac"])
    return OpenAccount(row, private)


def save(account: OpenAccount, *, private: Private | None = None, **columns: Any) -> OpenAccount:
    """Change a row that the caller has locked."""
    row = account.row
    for name, value in columns.items():
        setattr(row, name, value)
    changed = OpenAccount(row, private or account.private)
    row.private, row.mac = _sealed(row, changed.private), _mac(row)
    row.save(update_fields=["private", "mac", *columns])
    return changed
