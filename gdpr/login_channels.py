"""How a login code reaches a person: by mail or by text message, each with the legal basis that it rests on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from databunker.crypto.record_key import RecordKey
from databunker.notify import outbox

from .agreement_states import AgreementStatus
from .models import Agreement, LegalBasis

__all__ = ["Channel", "channel_of"]


class Channel(ABC):
    """One kind of message. `basis` is the brief of the legal basis whose withdrawal stops it."""

    basis: str

    @abstractmethod
    def is_set_up(self) -> bool:
        """Whether the settings say how to send."""

    def is_refused(self, tenant: int, *, subject: bytes, identities: Sequence[bytes]) -> bool:
        """Whether the person, or before that person existed the holder of the identity, has withdrawn the basis.

        `identities` are the blind indexes of the one identity.
        """
        bases = LegalBasis.objects.filter(tenant=tenant, brief=self.basis).values("id")
        whose = Q(subject=subject) | Q(digest__in=identities)
        withdrawn = (AgreementStatus.NO, AgreementStatus.REVOKED)
        return Agreement.objects.filter(whose, tenant=tenant, basis__in=bases, status__in=withdrawn).exists()

    @abstractmethod
    def can_reach(self, to: str) -> bool:
        """Whether `to` is something to send to."""

    @abstractmethod
    def write(self, tenant: int, *, to: str, code: str, sealer: RecordKey, deadline: int, language: str = "") -> None:
        """Put the message into the outbox, in the caller's transaction; in MAIL_LANGUAGE where no other is named."""


class _Mail(Channel):
    basis = "core-send-email-on-login"

    def is_set_up(self) -> bool:
        return bool(settings.EMAIL_HOST)

    def can_reach(self, to: str) -> bool:
        """One address: profiles may say anything where an address is meant."""
        try:
            validate_email(to)
        except ValidationError:
            return False
        return True

    def write(self, tenant: int, *, to: str, code: str, sealer: RecordKey, deadline: int, language: str = "") -> None:
        with translation.override(language or settings.MAIL_LANGUAGE):
            line = _("Your login code")
            told = _("Your login code is %(code)s. It is good once, for %(seconds)s seconds.") % _places(code)
            calm = _("If you have not asked for it, you need do nothing: without the code nobody gets in.")
        outbox.mail(tenant, to=to, subject_line=line, text=f"{told}\n\n{calm}\n", sealer=sealer, deadline=deadline)


class _TextMessage(Channel):
    basis = "core-send-sms-on-login"

    def is_set_up(self) -> bool:
        return bool(settings.SMS_URL)

    def can_reach(self, to: str) -> bool:
        return to.startswith("+")

    def write(self, tenant: int, *, to: str, code: str, sealer: RecordKey, deadline: int, language: str = "") -> None:
        with translation.override(language or settings.MAIL_LANGUAGE):
            # In each language of letters that every telephone has, or the message would be sent, and paid for, as two.
            text = _("%(code)s is your login code, good for %(seconds)s seconds.") % _places(code)
        outbox.sms(tenant, to=to, text=text, sealer=sealer, deadline=deadline)


def _places(code: str) -> dict[str, str]:
    return {"code": code, "seconds": str(settings.LOGIN_CODE_SECONDS)}


_CHANNELS: dict[str, Channel] = {"email": _Mail(), "phone": _TextMessage()}


def channel_of(mode: str) -> Channel | None:
    """The channel of a look-up, in any case; None where nobody logs in by it."""
    return _CHANNELS.get(mode.lower())
