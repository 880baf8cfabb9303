"""The errors that the product raises on purpose.

Domain code raises these and knows nothing of HTTP responses; `databunker.api.errors` turns them into
answers in one place. Messages are for callers: they name fields and rules, never a value, a token, SQL
or a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AccessDenied",
    "BadRequest",
    "Conflict",
    "NeedsApproval",
    "NotFound",
    "Outdated",
    "PayloadTooLarge",
    "ProcessingRestricted",
    "Throttled",
    "Unavailable",
    "UnsupportedMediaType",
    "VaultError",
]


class VaultError(Exception):
    """Base of all deliberate refusals: a stable code, an HTTP status and a message that is safe to show.

    `message` is in English, as the API has it. Where it has places such as `%(field)s`, `places` says what stands
    there; `template` keeps them open, so that pages can say the same in another language: `databunker.pages.errors`.
    `subject` is the reference of the person concerned and `trace` what was looked for, where these are known:
    for the audit event, not for the caller. Like the message they hold nothing personal. `shown` is for the caller
    alone, who may know it: further fields of the answer, such as the token of a request that stands in the way.
    """

    code = "error"
    http_status = 500

    message = "refused"

    def __init__(
        self,
        message: str = "",
        *,
        places: Mapping[str, str] | None = None,
        subject: bytes | None = None,
        trace: Mapping[str, Any] | None = None,
        shown: Mapping[str, str] | None = None,
    ) -> None:
        self.template, self.places = message or self.message, places or {}
        self.message = self.template % self.places if self.places else self.template
        super().__init__(self.message)
        self.subject = subject
        self.trace = trace
        self.shown = shown or {}


class BadRequest(VaultError):
    """The input is malformed or breaks a rule that needs no look at stored data."""

    code = "bad_request"
    http_status = 400


class AccessDenied(VaultError):
    """No token, a wrong one, or one that may not do this. All look alike from outside."""

    code = "access_denied"
    http_status = 403
    message = "Access denied"


class NeedsApproval(AccessDenied):
    """The person may ask for this but not do it alone: the data protection officer decides."""

    code = "needs_approval"
    message = "this change needs approval"


class NotFound(VaultError):
    code = "not_found"
    http_status = 404
    message = "record not found"


class Conflict(VaultError):
    """A duplicate identity, or a state that does not allow the change."""

    code = "conflict"
    http_status = 409


class Outdated(Conflict):
    """What is changed does not say any more what whoever changes it has seen."""

    code = "outdated"
    message = "it has changed meanwhile"


class ProcessingRestricted(Conflict):
    """The person's data is kept and not processed, until somebody lifts the restriction (GDPR Art. 18)."""

    code = "processing_restricted"
    message = "processing of this person's data is restricted"


class PayloadTooLarge(VaultError):
    code = "too_large"
    http_status = 413


class UnsupportedMediaType(VaultError):
    code = "unsupported_media_type"
    http_status = 415


class Throttled(VaultError):
    """Tried too often; `retry_after` says in how many seconds it may be tried again."""

    code = "throttled"
    http_status = 429
    message = "too many tries"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = max(retry_after, 1)


class Unavailable(VaultError):
    """A dependency (database, keyring, audit trail) is down, so nothing was done."""

    code = "unavailable"
    http_status = 503
    message = "service unavailable"
