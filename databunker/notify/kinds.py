"""The kinds of jobs that this package delivers, and what a handler of any kind is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

__all__ = ["MAIL", "SMS", "SWITCHES", "WEBHOOK", "Delivery"]

WEBHOOK, MAIL, SMS = "webhook", "mail", "sms"
# The setting without which nothing of a kind is sent.
SWITCHES = {WEBHOOK: "NOTIFICATION_URL", MAIL: "EMAIL_HOST", SMS: "SMS_URL"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: `id` is the same in all attempts of a job, so that a receiver can tell a repetition."""

    id: UUID
    payload: bytes = field(repr=False)
