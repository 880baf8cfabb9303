"""What the trail states, as signed notes (c2sp.org/signed-note), tree heads among them (c2sp.org/tlog-checkpoint).

Both are formats that transparency logs, their witnesses and monitors have in common. Reading and checking them is for
`audit.verifier`, which needs nothing of this vault.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

__all__ = ["checkpoint_text", "pruning_text", "signed_note", "verifier_key"]

_ED25519 = b"\x01"


def checkpoint_text(origin: str, *, size: int, root: bytes, at: int) -> str:
    """A tree head; `at` is Unix time in seconds, by the clock of whoever signed it."""
    return f"{origin}\n{size}\n{_base64(root)}\ntime {at}\n"


def pruning_text(origin: str, *, before: int, at: int) -> str:
    """That events from before `before` (Unix time in milliseconds) may have been deleted by retention."""
    return f"{origin}\npruned before {before}\ntime {at}\n"


def verifier_key(name: str, public_key: bytes) -> str:
    """The public key as verifiers of notes take it: name, key id and key."""
    return f"{name}+{_key_id(name, public_key).hex()}+{_base64(_ED25519 + public_key)}"


def signed_note(text: str, *, name: str, signatures: Iterable[tuple[bytes, bytes]]) -> str:
    """`text` with a line for each pair of public key and signature over it."""
    lines = [f"— {name} {_base64(_key_id(name, public_key) + signature)}\n" for public_key, signature in signatures]
    return "".join([text, "\n", *lines])


def _key_id(name: str, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
