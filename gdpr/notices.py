"""What the law has people told about their requests: Art. 12(3), (4) and (6) GDPR."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.notify import outbox

from .requests import OpenRequest, holidays
from .states import Step

__all__ = ["mail_step", "refusal_notice"]

# The line of the subject, and how the mail begins.
_TOLD: dict[Step, tuple[str | Promise, str | Promise]] = {
    Step.REFUSE: (
        gettext_lazy("Your request was refused"),
        gettext_lazy("We don't do what you asked for on %(day)s, for this reason:"),
    ),
    Step.EXTEND: (
        gettext_lazy("Your request takes longer"),
        gettext_lazy("What you asked for on %(day)s will be answered by %(due)s, for this reason:"),
    ),
    Step.ASK_IDENTITY: (
        gettext_lazy("Your request needs proof of identity"),
        gettext_lazy(
            "Before we answer what you asked for on %(day)s, we have to know that you have asked, for this reason:"
        ),
    ),
}


def refusal_notice() -> str:
    """How to act against a refusal: REFUSAL_NOTICE, or what the law says, and SUPERVISORY_AUTHORITY."""
    with translation.override(settings.MAIL_LANGUAGE):
        notice = settings.REFUSAL_NOTICE.strip() or _(
            "If you disagree, you may complain to a supervisory authority and go to court (Art. 12(4), 77 and 79 GDPR)."
        )
    return "\n\n".join(filter(None, (notice, settings.SUPERVISORY_AUTHORITY.strip())))


def mail_step(request: OpenRequest, taken: Step, *, reason: str) -> None:
    """Mail the person what was done with the request, once the caller's transaction is committed.

    Nothing is sent of a step of which nobody must hear, or where REQUEST_MAIL is off or there is no address.
    """
    if taken not in _TOLD or not settings.REQUEST_MAIL or not settings.EMAIL_HOST:
        return
    to = request.holder.profile().get("email")
    if not isinstance(to, str) or not _is_address(to):
        return
    row, clock, free = request.stored, request.clock, holidays()
    with translation.override(settings.MAIL_LANGUAGE):
        line, told = (str(words) for words in _TOLD[taken])
        told %= {"day": _day(row.created), "due": _day(clock.due(free) or clock.unpaused_due(free))}
    parts = [told, reason, refusal_notice() if taken is Step.REFUSE else "", settings.UI_COMPANY_TITLE]
    text = "\n\n".join(filter(None, parts)) + "\n"
    outbox.mail(row.tenant, to=to, subject_line=line, text=text, subject=bytes(row.subject), sealer=request.holder.key)


def _is_address(to: str) -> bool:
    """Profiles may say anything where an address is meant."""
    try:
        validate_email(to)
    except ValidationError:
        return False
    return True


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).date().isoformat()
