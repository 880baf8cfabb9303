"""What can go wrong with a call of ours to somebody else. Texts say nothing of where it went and what it said."""

from __future__ import annotations

__all__ = ["AddressRefused", "AnswerTooLarge", "BadStatus", "NotConfigured", "OutgoingError", "Undeliverable"]


class OutgoingError(Exception):
    """Base: the call was not made, or not answered as it must be."""


class AddressRefused(OutgoingError):
    """The URL is malformed, or leads where nothing of ours may go."""


class AnswerTooLarge(OutgoingError):
    """More came back than an honest answer has."""


class BadStatus(OutgoingError):
    """The receiver answered, but not with 2xx. Redirects are no success, and nobody follows them."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class NotConfigured(OutgoingError):
    """The setting that says where to was unset after the message was written."""


class Undeliverable(OutgoingError):
    """No further attempt would end otherwise."""
