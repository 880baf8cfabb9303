"""What the vault signs about its trail, with the newest signing key of the keyring.

After a change of that key a statement carries the old key's signature beside the new one's, so that whoever trusted the
old key is told by it which one follows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from databunker.crypto import signing, store
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Key, Purpose

from . import notes

__all__ = ["Signature", "check", "key_numbers", "note", "origin_of", "public_keys", "sign", "sign_message"]

_KEY_NUMBER = struct.Struct(">I")
_SIGNED_BYTES = _KEY_NUMBER.size + signing.SIGNATURE_BYTES


class Signature(NamedTuple):
    """A signature with the public key that it holds under."""

    public_key: bytes
    signature: bytes


def origin_of(log: UUID) -> str:
    """The name of a tree in all that is signed about it, and of the key that signs."""
    return f"databunker/{log}"


def sign(text: str, *, after: bytes = b"") -> bytes:
    """The signatures over `text`, as they are stored; `after` are those of the statement before it."""
    newest = store.current_keyring().newest(Purpose.SIGNING)
    # Oldest first; a key that signed only beside its successor has done its part.
    keys = [_signing_key(number) for number in key_numbers(after)[-1:] if number != newest.id] + [newest]
    message = text.encode()
    return b"".join(_KEY_NUMBER.pack(key.id) + signing.sign(message, seed=key.secret) for key in keys)


def check(text: str, signatures: bytes) -> None:
    """
    Raises:
        IntegrityFailure: there is no signature, or one doesn't hold.
        UnknownKey: one is of a key that this vault doesn't have.
    """
    if not signatures:
        raise IntegrityFailure("nobody has signed")
    for key, signature in _parts(signatures):
        signing.verify(text.encode(), signature, public_key=signing.public_key_of(key.secret))


def note(text: str, *, origin: str, signatures: bytes) -> str:
    """The statement as everybody can check it.

    Raises:
        IntegrityFailure, UnknownKey: see `check`; the signatures themselves are not checked.
    """
    parts = [(signing.public_key_of(key.secret), signature) for key, signature in _parts(signatures)]
    return notes.signed_note(text, name=origin, signatures=parts)


def key_numbers(signatures: bytes) -> list[int]:
    """The keys that signed, by their numbers in the keyring."""
    return [number for (number,) in (_KEY_NUMBER.unpack_from(part) for part in _pieces(signatures))]


def public_keys(*, origin: str) -> list[str]:
    """All that have ever signed, oldest first, as verifiers take them; the last one signs now."""
    keys = store.current_keyring().of_purpose(Purpose.SIGNING)
    return [notes.verifier_key(origin, signing.public_key_of(key.secret)) for key in keys]


def sign_message(message: bytes) -> Signature:
    """For statements of other packages. They must begin unlike any here, none of which begins as theirs: with a line
    of their own that says what they are.
    """
    key = store.current_keyring().newest(Purpose.SIGNING)
    return Signature(signing.public_key_of(key.secret), signing.sign(message, seed=key.secret))


def _parts(signatures: bytes) -> Iterator[tuple[Key, bytes]]:
    for number, piece in zip(key_numbers(signatures), _pieces(signatures), strict=True):
        yield _signing_key(number), piece[_KEY_NUMBER.size :]


def _pieces(signatures: bytes) -> list[bytes]:
    if len(signatures) % _SIGNED_BYTES:
        raise IntegrityFailure("signatures were cut")
    return [signatures[at : at + _SIGNED_BYTES] for at in range(0, len(signatures), _SIGNED_BYTES)]


def _signing_key(number: int) -> Key:
    """
    Raises:
        UnknownKey: the keyring has no such key.
        IntegrityFailure: it is for something else.
    """
    key = store.keyring_with(number).get(number)
    if key.purpose is not Purpose.SIGNING:
        raise IntegrityFailure(f"key {number} signs nothing")
    return key
