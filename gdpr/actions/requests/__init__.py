"""Requests: opened for what a person may not do alone, and what those who decide do with them."""

from .decide import approve_request, cancel_request
from .delay import ask_for_identity, extend_request, verify_identity
from .forgotten import close_requests_of
from .opening import Done, Requested, open_request

__all__ = [
    "Done",
    "Requested",
    "approve_request",
    "ask_for_identity",
    "cancel_request",
    "close_requests_of",
    "extend_request",
    "open_request",
    "verify_identity",
]
