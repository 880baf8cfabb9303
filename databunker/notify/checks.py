"""Mistakes in where messages go, shown at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's names

from . import addresses, sms, transit
from .errors import AddressRefused

__all__ = ["check_receivers", "check_signed_url"]

_MIN_SECRET = 32


def check_signed_url(name: str, *, prefix: str) -> list[CheckMessage]:
    """The address in this setting can be called, if it is set, and what is sent there can be signed."""
    if not getattr(settings, name):
        return []
    try:
        addresses.parse_url(getattr(settings, name))
    except AddressRefused as error:
        return [Error(f"{name}: {error}", id=f"{prefix}.E001")]
    if len(settings.NOTIFICATION_SECRET) < _MIN_SECRET:
        message = f"{name} needs a NOTIFICATION_SECRET of at least {_MIN_SECRET} characters"
        return [Error(message, id=f"{prefix}.E002")]
    return []


@register()
def check_receivers(**_: Any) -> list[CheckMessage]:
    """Settings of webhooks, mail, text messages and Transit can be used as they are."""
    probes: list[Callable[[], object]] = [
        addresses.permissions,
        _check_webhooks,
        _check_sms,
        _check_mail,
        _check_transit,
    ]
    problems: list[CheckMessage] = []
    for number, probe in enumerate(probes, start=1):
        try:
            probe()
        except ValueError as error:
            problems.append(Error(str(error), id=f"notify.E{number:03}"))
    return problems + _warnings()


def _parsed(name: str) -> addresses.Target | None:
    """
    Raises:
        ValueError: the setting is no URL.
    """
    try:
        return addresses.parse_url(getattr(settings, name)) if getattr(settings, name) else None
    except AddressRefused as error:
        raise ValueError(f"{name}: {error}") from None


def _check_webhooks() -> None:
    if _parsed("NOTIFICATION_URL") and len(settings.NOTIFICATION_SECRET) < _MIN_SECRET:
        raise ValueError(f"NOTIFICATION_URL needs a NOTIFICATION_SECRET of at least {_MIN_SECRET} characters")


def _check_sms() -> None:
    if _parsed("SMS_URL") is None:
        return
    written = settings.SMS_URL + (settings.SMS_BODY if settings.SMS_METHOD == "POST" else "")
    if "_PHONE_" not in written or "_MSG_" not in written:
        raise ValueError("SMS_URL or SMS_BODY must have the placeholders _PHONE_ and _MSG_")
    if sms.PLACEHOLDER.search(addresses.parse_url(settings.SMS_URL).host.upper()):
        raise ValueError("SMS_URL must have no placeholder in its host name")
    if settings.SMS_CUSTOM_HEADER:
        sms.header(settings.SMS_CUSTOM_HEADER)


def _check_mail() -> None:
    if settings.EMAIL_HOST and "@" not in settings.EMAIL_FROM:
        raise ValueError("EMAIL_HOST needs an EMAIL_FROM: the address that mails come from")


def _check_transit() -> None:
    if settings.TRANSIT_URL or settings.DATABUNKER_MASTERKEY_TRANSIT or settings.DATABUNKER_MASTERKEY_OLD_TRANSIT:
        transit.require_usable()


def _warnings() -> list[CheckMessage]:
    """What works, but sends personal data over the network as it is."""
    found: list[CheckMessage] = [
        Warning(f"{name} sends personal data in clear: use https", id="notify.W001")
        for name in ("NOTIFICATION_URL", "SMS_URL")
        if getattr(settings, name).startswith("http:")
    ]
    if settings.EMAIL_HOST and settings.EMAIL_TLS == "none":
        found.append(Warning("EMAIL_TLS=none sends personal data in clear", id="notify.W002"))
    return found
