"""Make a vault ready for use, once: database, keyring, tenant, root token, the legal bases that log-ins need.

Safe to run again and on many hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.management import call_command

from databunker.access import tokens
from databunker.access.actor import ActorKind, operator
from databunker.access.models import DEFAULT_TENANT, AccessToken, Tenant, TokenKind
from databunker.access.roles import Role
from databunker.accounts.actions import create_account
from databunker.accounts.models import Account
from databunker.crypto import hashing, masterkey, store
from databunker.crypto.configured import key_management, required_master_key
from databunker.crypto.errors import MasterKeyError
from databunker.crypto.masterkey import MasterKey
from databunker.db.locks import setup_lock
from databunker.db.statements import atomically
from databunker.errors import BadRequest, Conflict
from databunker.ids import unix_now
from gdpr.actions import ensure_default_bases
from vault.actions import issue_token

__all__ = ["Master", "Outcome", "first_account", "initialise", "new_master_key", "write_master_key"]

_MIN_ROOT_TOKEN = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was new. `master_key`, `ciphertext` and `root_token` are only set where they must be shown now.

    `ciphertext` is the master key as the key management service has encrypted it.
    """

    new_keyring: bool
    master_key: str | None
    ciphertext: str | None
    key_file: Path | None
    root_token: str | None


def initialise() -> Outcome:
    """
    Raises:
        MasterKeyError: the master key is malformed, or not the one of this vault, or missing for a vault that has one.
        BadRequest: DATABUNKER_ROOTTOKEN is too short.
        Conflict: DATABUNKER_ROOTTOKEN is not the root token that this vault has.
        Unavailable: another host has held the lock for too long.
    """
    _check_root_token()
    _make_folder()
    with setup_lock():
        call_command("migrate", interactive=False, verbosity=0)
        # All of it or nothing: a keyring under a key that nobody was shown could never be opened.
        with atomically():
            new_keyring = not store.keyring_exists()
            made = _master_key(new_keyring=new_keyring)
            store.create_keyring(made.key)
            Tenant.objects.get_or_create(id=DEFAULT_TENANT, defaults={"name": "default", "created": unix_now()})
            root_token = _root_token()
            for tenant in Tenant.objects.order_by("id").values_list("id", flat=True):
                ensure_default_bases(replace(operator(), tenant=tenant))
    shown = made.key.secret.hex() if made.generated and not (made.file or made.ciphertext) else None
    return Outcome(new_keyring, shown, made.ciphertext, made.file, root_token)


def first_account(name: str) -> str | None:
    """An administrator's account for the console, with a first password; None where there are accounts already."""
    with setup_lock():
        if Account.objects.filter(tenant=DEFAULT_TENANT).exists():
            return None
        return create_account(operator(), name=name, role=Role.ADMIN).password


def _make_folder() -> None:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        Path(database["NAME"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


class Master(NamedTuple):
    """The master key, whether it was made just now, and where it was put so that nobody has to be shown it."""

    key: MasterKey
    generated: bool = False
    file: Path | None = None
    ciphertext: str | None = None


def _master_key(*, new_keyring: bool) -> Master:
    store.check_sources()
    named_file = Path(settings.DATABUNKER_MASTERKEY_FILE) if settings.DATABUNKER_MASTERKEY_FILE else None
    if new_keyring and named_file and not named_file.exists():
        made = masterkey.generate()
        _write_file(named_file, made)
        return Master(made, generated=True, file=named_file)
    configured = store.configured_master_key()
    if configured is not None:
        return Master(configured if new_keyring else store.master_in_use())
    if not new_keyring:
        raise MasterKeyError(
            "this vault has a keyring already, and no master key is set to open it: set DATABUNKER_MASTERKEY, "
            "DATABUNKER_MASTERKEY_FILE, DATABUNKER_MASTERKEY_COMMAND or DATABUNKER_MASTERKEY_TRANSIT"
        )
    return new_master_key()


@contextmanager
def recovery_master_key(*, use_configured: bool) -> Iterator[Master]:
    """The one that a keyring is to be recovered under: a new one, or the one that the settings name. Where what is done
    with it fails, its file goes again.

    Raises:
        MasterKeyError: DATABUNKER_MASTERKEY_FILE names a file that is there, which is never overwritten; or see
            `new_master_key`.
    """
    store.check_sources()
    master = Master(required_master_key()) if use_configured else _new_in_its_place()
    try:
        yield master
    except BaseException:
        if master.file:
            master.file.unlink()
        raise


def _new_in_its_place() -> Master:
    if not settings.DATABUNKER_MASTERKEY_FILE:
        return new_master_key()
    named = Path(settings.DATABUNKER_MASTERKEY_FILE)
    if named.exists():
        raise MasterKeyError(
            f"{named} (DATABUNKER_MASTERKEY_FILE) is there: move it away to have a new master key written to it, or "
            "give --use-configured to recover the keyring under the one in it"
        )
    made = masterkey.generate()
    _write_file(named, made)
    return Master(made, generated=True, file=named)


def _write_file(path: Path, key: MasterKey) -> None:
    try:
        masterkey.write_new_file(path, key)
    except OSError as error:
        raise MasterKeyError(f"DATABUNKER_MASTERKEY_FILE can't be written: {error.strerror}") from error


def new_master_key() -> Master:
    """A new one; encrypted by the key management service where one is set.

    Raises:
        MasterKeyError: that can't be reached, or doesn't give back what it was given.
    """
    made = masterkey.generate()
    if not settings.TRANSIT_URL:
        return Master(made, generated=True)
    service = key_management()
    ciphertext = service.encrypt(made.secret)
    # Before anything is under it: who may encrypt there may not always decrypt.
    if not hashing.same(service.decrypt(ciphertext), made.secret):
        raise MasterKeyError("the key management service does not give back the key that it was given")
    return Master(made, generated=True, ciphertext=ciphertext)


def write_master_key(path: Path, made: Master) -> None:
    """To a new file that only its owner reads.

    Raises:
        OSError: it can't be written, or is there already.
    """
    masterkey.write_new_file(path, made.key)


def _check_root_token() -> None:
    given = settings.DATABUNKER_ROOTTOKEN
    if given and len(given) < _MIN_ROOT_TOKEN and not settings.DATABUNKER_DEMO:
        raise BadRequest(f"DATABUNKER_ROOTTOKEN must have at least {_MIN_ROOT_TOKEN} characters: take a random UUID")


def _root_token() -> str | None:
    """A new root token that must be shown now, or None."""
    given = settings.DATABUNKER_ROOTTOKEN
    if given:
        grant = tokens.lookup(given)
        if grant is not None and grant.kind is ActorKind.ROOT:
            return None
    roots = AccessToken.objects.filter(kind=TokenKind.ROOT, tenant=DEFAULT_TENANT)
    if given and (roots.filter(revoked=None).exists() or tokens.is_known(given)):
        raise Conflict(
            "DATABUNKER_ROOTTOKEN is not a valid root token of this vault: unset it, and issue another root token with "
            "`manage.py access_token create --root` if you need one"
        )
    if roots.filter(revoked=None).exists():
        return None
    text, _ = issue_token(operator(), kind=TokenKind.ROOT, label="root", token=given or None)
    return None if given else text
