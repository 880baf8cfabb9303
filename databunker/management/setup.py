"""Make a vault ready for use, once: database, keyring, tenant, root token. Safe to run again and on many hosts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from databunker.access import tokens
from databunker.access.actor import ActorKind, operator
from databunker.access.models import DEFAULT_TENANT, AccessToken, Tenant, TokenKind
from databunker.crypto import masterkey, store
from databunker.crypto.errors import MasterKeyError
from databunker.crypto.masterkey import MasterKey
from databunker.db.locks import setup_lock
from databunker.db.statements import atomically
from databunker.errors import BadRequest, Conflict
from databunker.ids import unix_now
from vault.actions import issue_token

__all__ = ["Outcome", "initialise"]

_MIN_ROOT_TOKEN = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was new. `master_key` and `root_token` are only set where they must be shown to the operator now."""

    new_keyring: bool
    master_key: str | None
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
            master, generated, key_file = _master_key(new_keyring=new_keyring)
            store.create_keyring(master)
            Tenant.objects.get_or_create(id=DEFAULT_TENANT, defaults={"name": "default", "created": unix_now()})
            root_token = _root_token()
    return Outcome(new_keyring, master.secret.hex() if generated and not key_file else None, key_file, root_token)


def _make_folder() -> None:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        Path(database["NAME"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _master_key(*, new_keyring: bool) -> tuple[MasterKey, bool, Path | None]:
    """The key, whether it was made just now, and the file that it was written to."""
    store.check_sources()
    named_file = Path(settings.DATABUNKER_MASTERKEY_FILE) if settings.DATABUNKER_MASTERKEY_FILE else None
    if new_keyring and named_file and not named_file.exists():
        made = masterkey.generate()
        try:
            masterkey.write_new_file(named_file, made)
        except OSError as error:
            raise MasterKeyError(f"DATABUNKER_MASTERKEY_FILE can't be written: {error.strerror}") from error
        return made, True, named_file
    configured = store.configured_master_key()
    if configured is not None:
        return configured, False, None
    if not new_keyring:
        raise MasterKeyError(
            "this vault has a keyring already, and no master key is set to open it: set DATABUNKER_MASTERKEY, "
            "DATABUNKER_MASTERKEY_FILE or DATABUNKER_MASTERKEY_COMMAND"
        )
    return masterkey.generate(), True, None


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
