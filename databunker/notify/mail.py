"""Mail, by SMTP to the server that EMAIL_HOST names. It is the operator's own, so it may have a private address."""

from __future__ import annotations

import smtplib
from contextlib import suppress

import orjson
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from .errors import NotConfigured, Undeliverable
from .kinds import Delivery

__all__ = ["deliver"]

_PERMANENT = 500  # SMTP replies from here on say that it will never be taken


def deliver(delivery: Delivery) -> None:
    """
    Raises:
        NotConfigured: EMAIL_HOST was unset meanwhile.
        Undeliverable: the server refuses the recipient or the message for good.
        OSError, SMTPException: it didn't take the mail now.
    """
    if not settings.EMAIL_HOST:
        raise NotConfigured
    server = _server()
    try:
        _message(delivery, server).send()
    except smtplib.SMTPRecipientsRefused as error:
        _raise_if_permanent(*(code for code, _ in error.recipients.values()))
        raise
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        _raise_if_permanent(error.smtp_code)
        raise
    except ValueError:
        # No single address, or a line break in what becomes a header.
        raise Undeliverable("bad address") from None
    finally:
        # Django leaves the connection open where signing in failed.
        with suppress(OSError):
            server.close()


def _server() -> EmailBackend:
    return EmailBackend(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        username=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        use_tls=settings.EMAIL_TLS == "starttls",
        use_ssl=settings.EMAIL_TLS == "tls",
        timeout=settings.NOTIFICATION_TIMEOUT_SECONDS,
    )


def _message(delivery: Delivery, server: EmailBackend) -> EmailMessage:
    said = orjson.loads(delivery.payload)
    domain = settings.EMAIL_FROM.rpartition("@")[2].rstrip(">")
    return EmailMessage(
        said["subject"],
        said["text"],
        from_email=settings.EMAIL_FROM,
        to=[said["to"]],
        # The same in every attempt: mail programs show a repetition once.
        headers={"Message-ID": f"<{delivery.id}@{domain}>", "Auto-Submitted": "auto-generated"},
        connection=server,
    )


def _raise_if_permanent(*codes: int) -> None:
    """
    Raises:
        Undeliverable: all of the replies say so.
    """
    if all(code >= _PERMANENT for code in codes):
        raise Undeliverable(f"SMTP {max(codes)}") from None
