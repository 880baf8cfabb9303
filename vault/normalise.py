"""One spelling for each identity, used alike when a record is created, changed and looked up."""

from __future__ import annotations

import unicodedata

import phonenumbers
from django.conf import settings

from databunker.errors import BadRequest

__all__ = ["MAX_IDENTITY_LENGTH", "check_country", "email", "phone", "text"]

MAX_IDENTITY_LENGTH = 1024
_MOST_READINGS = 32
_NO_PHONE = "phone is not a telephone number"


def text(value: str) -> str:
    """Trimmed and in Unicode's composed form (NFC), so that equal looks are equal bytes."""
    return value.strip() if value.isascii() else unicodedata.normalize("NFC", value).strip()


def email(value: str) -> str:
    """As `text`, in lower case."""
    return text(text(value).lower())  # what is lower case may compose anew


def phone(value: str) -> str:
    """`+<country><national>` (E.164), numbers without a country code being of DEFAULT_COUNTRY.

    Raises:
        BadRequest: not a telephone number.
    """
    # A few nonsense numbers lose leading digits each time they are read: go on until the spelling stays.
    for _ in range(_MOST_READINGS):
        spelling = _e164(value)
        if spelling == value:
            return spelling
        value = spelling
    raise BadRequest(_NO_PHONE)


def _e164(value: str) -> str:
    try:
        number = phonenumbers.parse(value, settings.DEFAULT_COUNTRY)
    except phonenumbers.NumberParseException:
        raise BadRequest(_NO_PHONE) from None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_country() -> None:
    """
    Raises:
        ValueError: DEFAULT_COUNTRY is not a country that has telephone numbers.
    """
    if settings.DEFAULT_COUNTRY not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("DEFAULT_COUNTRY must be a two-letter country code in capitals, such as GB")
