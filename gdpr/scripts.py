"""What web pages run: the scripts of processing activities, and on which legal bases, bound by keys.

Whoever can only write to the database lets no page run anything: a script has a MAC with its activity, and each link of
an activity to a legal basis one of its own.
"""

from __future__ import annotations

from hashlib import sha256

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose

from .models import ActivityBasis, ProcessingActivity

__all__ = ["check_link", "check_script", "fingerprint", "link_mac", "script_mac"]


def script_mac(row: ProcessingActivity) -> bytes:
    """Of a row that has its number."""
    return hashing.mac(pack([b"%d" % row.id, row.script.encode()]), key=_key(b"activity-script", row.tenant))


def check_script(row: ProcessingActivity) -> None:
    """
    Raises:
        IntegrityFailure: the script was changed in the database, or is another activity's.
    """
    if not hashing.same(row.mac, script_mac(row)):
        raise IntegrityFailure("a script of a processing activity was changed in the database")


def link_mac(row: ProcessingActivity, basis: int) -> bytes:
    """`basis` is the number of the legal basis."""
    return hashing.mac(pack([b"%d" % row.id, b"%d" % basis]), key=_key(b"activity-basis", row.tenant))


def check_link(row: ProcessingActivity, link: ActivityBasis) -> None:
    """
    Raises:
        IntegrityFailure: nobody has let this activity rest on this legal basis.
    """
    if not hashing.same(link.mac, link_mac(row, link.basis)):
        raise IntegrityFailure("a legal basis of a processing activity was changed in the database")


def fingerprint(script: str) -> str:
    """The SHA-256 of its UTF-8 in hex, for the trail: anybody can compare it with what is run. Empty: there is none."""
    return sha256(script.encode()).hexdigest() if script else ""


def _key(use: bytes, tenant: int) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.derive_key(root, use, tenant.to_bytes(4, "big"))
