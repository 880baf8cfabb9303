"""The wrapping key: where it comes from, and how it wraps the keyring.

It is the one secret that lives outside the database: 32 bytes, from the environment, a file, the output of a
command, or a key management service that unwraps it. It does nothing but wrap the keys of the keyring, and those of
backups.
"""

from __future__ import annotations

import base64
import binascii
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import envelope, hashing
from .envelope import Place
from .errors import IntegrityFailure, MasterKeyError
from .keyring import Key, Purpose

__all__ = ["MasterKey", "Sources", "fingerprint_of", "generate", "load", "parse", "write_new_file"]

_COMMAND_SECONDS = 30
_MAX_OUTPUT = 4096


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

    def has(self, fingerprint: int) -> bool:
        return fingerprint == self.fingerprint

    def wrap(self, key: Key) -> bytes:
        return envelope.seal(key.secret, key=self.secret, key_id=self.fingerprint, place=_place(key.id, key.purpose))

    def unwrap(self, key_id: int, purpose: Purpose, wrapped: bytes) -> Key:
        """
        Raises:
            MasterKeyError: `wrapped` was made under another wrapping key, or was changed.
        """
        if not self.has(fingerprint_of(wrapped)):
            raise MasterKeyError(
                "the master key is not the one that this vault's keyring was made with, or that `manage.py keys "
                "rewrap-keyring` has put it under since: set DATABUNKER_MASTERKEY (or _FILE, _COMMAND, _TRANSIT) to "
                "that key"
            )
        try:
            secret = envelope.open_sealed(wrapped, key=self.secret, place=_place(key_id, purpose))
        except IntegrityFailure as error:
            raise MasterKeyError(f"key {key_id} of the keyring was changed in the database") from error
        return Key(key_id, purpose, secret)

    def wrap_backup_key(self, secret: bytes, *, backup: bytes) -> bytes:
        """The key of one backup, wrapped for its header; `backup` is the backup's id."""
        return envelope.seal(secret, key=self.secret, key_id=self.fingerprint, place=_backup_place(backup))

    def unwrap_backup_key(self, wrapped: bytes, *, backup: bytes) -> bytes:
        """
        Raises:
            MasterKeyError: the backup was made under another wrapping key.
            IntegrityFailure: `wrapped` was changed, or is another backup's.
        """
        if not self.has(envelope.key_id_of(wrapped)):
            raise MasterKeyError(
                "this backup was made under another master key: set DATABUNKER_MASTERKEY_OLD (or _OLD_FILE, "
                "_OLD_COMMAND, _OLD_TRANSIT) to the one that the vault had then"
            )
        return envelope.open_sealed(wrapped, key=self.secret, place=_backup_place(backup))


def fingerprint_of(wrapped: bytes) -> int:
    """Of the wrapping key that a key of the keyring is under.

    Raises:
        MasterKeyError: it was changed.
    """
    try:
        return envelope.key_id_of(wrapped)
    except IntegrityFailure as error:
        raise MasterKeyError("a key of the keyring was changed in the database") from error


def _place(key_id: int, purpose: Purpose) -> Place:
    return Place(0, b"keyring", purpose.value.encode(), key_id.to_bytes(4, "big"))


def _backup_place(backup: bytes) -> Place:
    return Place(0, b"backup", b"key", backup)


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
    return _checked(secret)


def _checked(secret: bytes) -> MasterKey:
    if len(secret) != envelope.KEY_BYTES:
        raise MasterKeyError("the master key must be 32 bytes, written as 64 hex digits or as base64")
    if len(set(secret)) == 1:
        raise MasterKeyError("the master key is one byte repeated: generate a random one with `manage.py init`")
    return MasterKey(secret)


# --- where it comes from ---------------------------------------------------------------------------------------------

Unwrap = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Sources:
    """The settings that one wrapping key may come from: `name` and, behind it, _FILE, _COMMAND and _TRANSIT."""

    name: str
    value: str = field(default="", repr=False)
    file: str = ""
    command: str = field(default="", repr=False)
    transit: str = field(default="", repr=False)

    def check(self) -> None:
        """
        Raises:
            MasterKeyError: more than one of them is set.
        """
        named = {"": self.value, "_FILE": self.file, "_COMMAND": self.command, "_TRANSIT": self.transit}
        given = [self.name + suffix for suffix, setting in named.items() if setting]
        if len(given) > 1:
            raise MasterKeyError(f"set only one of {' and '.join(given)}")


def load(sources: Sources, *, unwrap: Unwrap) -> MasterKey | None:
    """The wrapping key from whichever of the sources is set, or None where none is.

    `unwrap` has a key management service open what _TRANSIT holds.

    Raises:
        MasterKeyError: more than one source is set, or the one that is set can't be read.
    """
    sources.check()
    if sources.value:
        return parse(sources.value)
    if sources.file:
        return _read_file(Path(sources.file), setting=f"{sources.name}_FILE")
    if sources.command:
        return parse(_run(sources.command, setting=f"{sources.name}_COMMAND"))
    if sources.transit:
        return _checked(unwrap(sources.transit))
    return None


def _read_file(path: Path, *, setting: str) -> MasterKey:
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise MasterKeyError(f"{setting} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MasterKeyError(f"{setting} does not hold a key in hex or base64") from error
    return parse(text)


def _run(command: str, *, setting: str) -> str:
    """Standard output of the operator's own command, run without a shell.

    Raises:
        MasterKeyError: it can't be run, fails, takes too long or writes too much. Never says what it wrote.
    """
    try:
        return _output_of(shlex.split(command)).decode("ascii")
    except subprocess.CalledProcessError as error:
        raise MasterKeyError(f"{setting} failed: it ended with {error.returncode}") from None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise MasterKeyError(f"{setting} failed: {type(error).__name__}") from None


def _output_of(command: list[str]) -> bytes:
    """
    Raises:
        OSError, ValueError, SubprocessError: see `_run`.
    """
    with subprocess.Popen(  # noqa: S603 - the operator's own setting
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            output = _read_until(process, time.monotonic() + _COMMAND_SECONDS)
        except BaseException:
            # With whatever it has started, which may hold the other end of the pipe.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "")
    return output


def _read_until(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """All that it writes until it ends."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise subprocess.TimeoutExpired("", _COMMAND_SECONDS)
            part = os.read(process.stdout.fileno(), _MAX_OUTPUT)
            output += part
            if len(output) > _MAX_OUTPUT:
                raise ValueError("it writes too much")
            if not part:
                break
    process.wait(max(deadline - time.monotonic(), 0))
    return output


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
