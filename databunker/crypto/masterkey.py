"""The wrapping key: where it comes from, and how it wraps the keyring.

It is the one secret that lives outside the database: 32 bytes, from the environment, a file, or the
output of a command (for a KMS client). It does nothing but wrap the keys of the keyring.
"""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import envelope, hashing
from .envelope import Place
from .errors import IntegrityFailure, MasterKeyError
from .keyring import Key, Purpose

__all__ = ["MasterKey", "check_sources", "generate", "load", "parse", "write_new_file"]

_COMMAND_SECONDS = 30


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A wrapping key in hand."""

    secret: bytes

    def __repr__(self) -> str:
        return "MasterKey(…)"

    @property
    def fingerprint(self) -> int:
        """32 bits that tell one wrapping key from another and nothing of its bytes: the envelope's key id."""
        return int.from_bytes(hashing.mac(b"fingerprint", key=self.secret)[:4], "big")

    def wrap(self, key: Key) -> bytes:
        return envelope.seal(key.secret, key=self.secret, key_id=self.fingerprint, place=_place(key.id, key.purpose))

    def unwrap(self, key_id: int, purpose: Purpose, wrapped: bytes) -> Key:
        """
        Raises:
            MasterKeyError: `wrapped` was made under another wrapping key, or was changed.
        """
        try:
            if envelope.key_id_of(wrapped) != self.fingerprint:
                raise MasterKeyError(
                    "the master key is not the one that this vault's keyring was made with: "
                    "set DATABUNKER_MASTERKEY (or _FILE, _COMMAND) to the original key"
                )
            secret = envelope.open_sealed(wrapped, key=self.secret, place=_place(key_id, purpose))
        except IntegrityFailure as error:
            raise MasterKeyError(f"key {key_id} of the keyring was changed in the database") from error
        return Key(key_id, purpose, secret)


def _place(key_id: int, purpose: Purpose) -> Place:
    return Place(0, b"keyring", purpose.value.encode(), key_id.to_bytes(4, "big"))


def generate() -> MasterKey:
    return MasterKey(os.urandom(envelope.KEY_BYTES))


def parse(text: str) -> MasterKey:
    """A wrapping key written as 64 hex digits or as base64 (standard or URL-safe) of 32 bytes.

    Raises:
        MasterKeyError: anything else. The text is not repeated in the message.
    """
    text = text.strip()
    try:
        if len(text) == 2 * envelope.KEY_BYTES:
            secret = binascii.unhexlify(text)
        else:
            secret = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != envelope.KEY_BYTES:
        raise MasterKeyError("the master key must be 32 bytes, written as 64 hex digits or as base64")
    if len(set(secret)) == 1:
        raise MasterKeyError("the master key is one byte repeated: generate a random one with `manage.py init`")
    return MasterKey(secret)


def load(*, value: str, file: str, command: str) -> MasterKey | None:
    """The wrapping key from whichever of the three sources is set, or None where none is.

    Raises:
        MasterKeyError: more than one source is set, or the one that is set can't be read.
    """
    check_sources(value=value, file=file, command=command)
    if value:
        return parse(value)
    if file:
        return _read_file(Path(file))
    if command:
        return parse(_run(command))
    return None


def check_sources(*, value: str, file: str, command: str) -> None:
    """
    Raises:
        MasterKeyError: more than one source is set.
    """
    named = {"DATABUNKER_MASTERKEY": value, "DATABUNKER_MASTERKEY_FILE": file, "DATABUNKER_MASTERKEY_COMMAND": command}
    given = [name for name, setting in named.items() if setting]
    if len(given) > 1:
        raise MasterKeyError(f"set only one of {' and '.join(given)}")


def _read_file(path: Path) -> MasterKey:
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise MasterKeyError(f"DATABUNKER_MASTERKEY_FILE can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MasterKeyError("DATABUNKER_MASTERKEY_FILE does not hold a key in hex or base64") from error
    return parse(text)


def _run(command: str) -> str:
    """Standard output of the operator's own command, run without a shell."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own setting
            shlex.split(command), capture_output=True, timeout=_COMMAND_SECONDS, check=True, text=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise MasterKeyError(f"DATABUNKER_MASTERKEY_COMMAND failed: {type(error).__name__}") from None
    return done.stdout


def write_new_file(path: Path, key: MasterKey) -> None:
    """Write `key` in hex to a file that only its owner reads; an existing file is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(key.secret.hex() + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    # The folder's entry too: the keyring that this key wraps is about to be stored for good.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
