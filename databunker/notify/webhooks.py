"""Webhooks: what they say, and how they are signed and sent to NOTIFICATION_URL."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

from django.conf import settings

from databunker.ids import unix_now

from . import outgoing
from .errors import NotConfigured
from .kinds import Delivery

__all__ = [
    "anomaly",
    "bad_login",
    "canary",
    "consent_change",
    "consents_revoked",
    "deliver",
    "forget_me",
    "objection",
    "post",
    "profile_change",
    "profile_new",
    "restriction",
    "signature",
]


# --- bodies, as the peer has them. A profile is a value, or JSON as an orjson.Fragment -------------------------------


def profile_new(token: UUID, profile: Any) -> dict[str, Any]:
    return {"action": "profilenew", "identity": str(token), "mode": "token", "profile": profile}


def profile_change(token: UUID, *, old: Any, new: Any) -> dict[str, Any]:
    return {"action": "profilechange", "identity": str(token), "mode": "token", "old": old, "profile": new}


def forget_me(token: UUID, profile: Any, *, receipt: UUID) -> dict[str, Any]:
    told = {"action": "forgetme", "identity": str(token), "mode": "token", "profile": profile}
    return {**told, "receipt": str(receipt)}  # ours


def consent_change(*, brief: str, status: str, mode: str, identity: str) -> dict[str, Any]:
    return {"action": "consentchange", "brief": brief, "status": status, "mode": mode, "identity": identity}


def consents_revoked(*, brief: str, agreements: int) -> dict[str, Any]:
    """Of everybody's at once: whoever keeps consents of the vault's asks it again."""
    return {"action": "consentsrevoked", "brief": brief, "agreements": agreements}  # ours


def restriction(token: UUID, *, restricted: bool) -> dict[str, Any]:
    """GDPR Art. 19: recipients are told."""
    return {"action": "restriction", "identity": str(token), "mode": "token", "restricted": restricted}  # ours


def objection(token: UUID, *, brief: str, objects: bool) -> dict[str, Any]:
    """`brief` is empty for all that rests on legitimate or public interest."""
    told = {"action": "objection", "identity": str(token), "mode": "token"}  # ours
    return {**told, "brief": brief, "objects": objects}


def bad_login(*, mode: str, identity: str) -> dict[str, Any]:
    return {"action": "badlogin", "mode": mode, "identity": identity}


def anomaly(*, who: str, period: str, since: int, people: int, usual: int) -> dict[str, Any]:
    return {"action": "anomaly", "who": who, "period": period, "since": since, "people": people, "usual": usual}


def canary(*, who: str, when: int) -> dict[str, Any]:
    """It doesn't say which one: whoever reads the receiver's logs shall not know."""
    return {"action": "canary", "who": who, "when": when}


# --- sending ---------------------------------------------------------------------------------------------------------


def deliver(delivery: Delivery) -> None:
    """
    Raises:
        NotConfigured: NOTIFICATION_URL was unset meanwhile.
        OSError, OutgoingError, HTTPException: see `outgoing.send`.
    """
    if not settings.NOTIFICATION_URL:
        raise NotConfigured
    post(settings.NOTIFICATION_URL, delivery)


def post(url: str, delivery: Delivery) -> None:
    """Send a signed message of any kind.

    Raises:
        OSError, OutgoingError, HTTPException: see `outgoing.send`.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "databunker",
        "X-Databunker-Delivery": str(delivery.id),
        "X-Databunker-Signature": signature(delivery, secret=settings.NOTIFICATION_SECRET, at=unix_now()),
    }
    outgoing.send("POST", url, body=delivery.payload, headers=headers, seconds=settings.NOTIFICATION_TIMEOUT_SECONDS)


def signature(delivery: Delivery, *, secret: str, at: int) -> str:
    """The time, and HMAC-SHA256 over delivery id, time and body: neither can be put on another message."""
    message = b"%s.%d.%s" % (str(delivery.id).encode(), at, delivery.payload)
    return f"t={at},v1={hmac.digest(secret.encode(), message, 'sha256').hex()}"
