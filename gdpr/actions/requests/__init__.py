"""Requests: opened for what a person may not do alone, and what those who decide do with them."""

from .decide import approve_request, cancel_request
from .delay import ask_for_identity, extend_request, verify_identity
from .forgotten import close_requests_of
from .handling import assign_request, comment_request
from .opening import Done, Requested, open_request
from .together import MOST_TOGETHER, Approval, approve_together, try_approvals

__all__ = [
    "MOST_TOGETHER",
    "Approval",
    "Done",
    "Requested",
    "approve_request",
    "approve_together",
    "ask_for_identity",
    "assign_request",
    "cancel_request",
    "close_requests_of",
    "comment_request",
    "extend_request",
    "open_request",
    "try_approvals",
    "verify_identity",
]
