"""Check a receipt with nothing but the vault's public key: no database, no keyring, no settings.

What is checked, in order: the vault's signature over the statement; that the event of the forgetting is what the proof
shows of it; that it stands in the tree of the audit trail; and the vault's signature over that tree.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from audit import verifier
from databunker import jsontext
from databunker.crypto import signing
from databunker.crypto.errors import IntegrityFailure
from databunker.errors import BadRequest

from .statement import FORMAT, KEPT_NOTHING, KEPT_PRESERVED, person_hash, statement

__all__ = ["MAX_RECEIPT_BYTES", "ReceiptRefused", "Verified", "is_of", "parse_receipt", "verify_receipt"]

# A path of 64 hashes and a head with several signatures are far shorter.
MAX_RECEIPT_BYTES = 65_536
_ED25519 = b"\1"
_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_FORGOTTEN, _OK = 103, 1


class ReceiptRefused(BadRequest):
    """The message says what doesn't hold."""

    code = "receipt_refused"


class Verified(NamedTuple):
    """What the receipt proves. `key` is the public key that it holds under, `public` its bytes; `event_shown`: its
    event can be seen.

    Where retention has deleted the event since, it is proved that it stood there, and the vault's statement says what
    it was.
    """

    receipt: UUID
    at: int
    when: str
    kept: str
    key: str
    public: bytes
    event_shown: bool


class _Key(NamedTuple):
    name: str
    key_id: bytes
    public: bytes


def parse_receipt(text: bytes) -> Mapping[str, Any]:
    """A receipt as it was saved, or as the API has answered it; nothing of it is checked yet.

    Raises:
        ReceiptRefused: it is none.
    """
    try:
        document = jsontext.loads(text) if len(text) <= MAX_RECEIPT_BYTES else None
    except BadRequest:
        document = None
    if isinstance(document, Mapping) and isinstance(document.get("receipt"), Mapping):
        document = document["receipt"]
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise ReceiptRefused("this is not a receipt of an erasure that this release knows")
    return document


def verify_receipt(receipt: Mapping[str, Any], *, public_keys: Collection[str] = ()) -> Verified:
    """What the receipt proves, by the given public keys of the vault, or else by the one that it names itself.

    Raises:
        ReceiptRefused: it does not hold.
    """
    try:
        return _verified(receipt, public_keys)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError):
        raise ReceiptRefused("the receipt can't be read: a part is missing, or was changed") from None


def _verified(receipt: Mapping[str, Any], public_keys: Collection[str]) -> Verified:
    key = _key_of(receipt["key"])
    if public_keys and receipt["key"] not in {text.strip() for text in public_keys}:
        raise ReceiptRefused("the receipt is not signed with this public key")
    _check_statement(receipt, key)
    event = receipt["proof"]["event"]
    if event["id"] != receipt["event"]:
        raise ReceiptRefused("the proof is of another event")
    shown = "type" in event
    told = (event["type"], event["outcome"], event["at"] // 1_000_000) if shown else None
    if shown and told != (_FORGOTTEN, _OK, receipt["at"]):
        raise ReceiptRefused("the event does not tell of this erasure")
    _check_proof(receipt)
    at: int = receipt["at"]
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Verified(UUID(receipt["receipt"]), at, when, receipt["kept"], receipt["key"], key.public, shown)


def _key_of(text: str) -> _Key:
    """`name+key id+base64`, as `manage.py audit public-key` prints it."""
    name, key_id, encoded = text.split("+", 2)
    material = b64decode(encoded, validate=True)
    public = material[1:]
    if material[:1] != _ED25519 or len(public) != _KEY_BYTES:
        raise ValueError("no Ed25519 key")
    expected = sha256(name.encode() + b"\n" + material).digest()[:_KEY_ID_BYTES]
    if bytes.fromhex(key_id) != expected:
        raise ReceiptRefused("the public key was changed")
    return _Key(name, expected, public)


def _check_statement(receipt: Mapping[str, Any], key: _Key) -> None:
    values = {name: receipt[name] for name in ("receipt", "log", "event", "kept", "person")}
    if (
        not all(isinstance(value, str) and "\n" not in value for value in values.values())
        or type(receipt["at"]) is not int
    ):
        raise ValueError("no text")
    if receipt["kept"] not in (KEPT_NOTHING, KEPT_PRESERVED):
        raise ReceiptRefused("the receipt says of what was kept what this release doesn't know")
    if receipt["log"] != key.name:
        raise ReceiptRefused("the public key is of another audit trail")
    text = statement(**values, at=receipt["at"])
    try:
        signing.verify(text.encode(), bytes.fromhex(receipt["signature"]), public_key=key.public)
    except IntegrityFailure:
        raise ReceiptRefused("the vault has not signed this statement: it was changed, or the key is another") from None


def _check_proof(receipt: Mapping[str, Any]) -> None:
    """By the same key as the statement: the vault hands out a receipt only once its newest key has signed the tree."""
    try:
        head = verifier.verify_proof(receipt["proof"], verifier.Keys([receipt["key"]]))
    except verifier.NotProved as error:
        raise ReceiptRefused(f"the proof does not hold: {error}") from None
    if head.origin != receipt["log"]:
        raise ReceiptRefused("the tree head is of another audit trail")


def is_of(receipt: Mapping[str, Any], token: UUID) -> bool:
    """Whether the receipt is of the person with this token. Only to be asked of a receipt that was verified."""
    return bytes.fromhex(receipt["person"]) == person_hash(receipt=UUID(receipt["receipt"]), token=token)
