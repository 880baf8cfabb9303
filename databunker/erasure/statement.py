"""What a receipt states, as the text that the vault signs. Plain values: whoever checks a receipt computes the same."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

__all__ = ["FORMAT", "KEPT_NOTHING", "KEPT_PRESERVED", "person_hash", "statement"]

FORMAT = "databunker-erasure-receipt/1"
KEPT_NOTHING, KEPT_PRESERVED = "nothing", "what the law preserves"


def statement(*, receipt: str, log: str, event: str, at: int, kept: str, person: str) -> str:
    """One value a line; `log` names the audit trail in which the event stands."""
    values = {"receipt": receipt, "log": log, "event": event, "at": at, "kept": kept, "person": person}
    return "".join([f"{FORMAT}\n", *(f"{name} {value}\n" for name, value in values.items())])


def person_hash(*, receipt: UUID, token: UUID) -> bytes:
    """By this the person, who knows the token, shows whose receipt it is. From it alone nobody finds a token."""
    return sha256(f"databunker-person/1\n{receipt}\n{token}\n".encode()).digest()
