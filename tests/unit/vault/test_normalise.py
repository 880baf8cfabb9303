from __future__ import annotations

import unicodedata
from typing import Any

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from databunker.errors import BadRequest
from vault import normalise

# Letters whose case changes their number, their marks, or whether they are composed.
odd = st.sampled_from("İıſßẞΣσςŉǰẖÅÅKΩ\u0301\u030c\u0307\u0345\u200d \t\u00a0\u2003@.+%AZaz")
texts = st.text(max_size=20) | st.lists(odd, max_size=10).map("".join)
PHONE_SIGNS = "0123456789+-() ./x;=#*٣三ABtel:ext\u00a0,"


@given(texts)
def test_text_is_idempotent_composed_and_trimmed(value: str) -> None:
    once = normalise.text(value)
    assert normalise.text(once) == once
    assert once == once.strip()
    assert unicodedata.is_normalized("NFC", once)


@settings(max_examples=80)
@given(texts)
@example("J\u030c@example.com")
@example("İ@example.com")
@example("H\u0331ANS@example.com")
def test_email_is_idempotent_composed_and_trimmed(value: str) -> None:
    once = normalise.email(value)
    assert normalise.email(once) == once
    assert once == once.strip()
    assert unicodedata.is_normalized("NFC", once)


@given(texts)
def test_canonically_equal_spellings_are_one_identity(value: str) -> None:
    composed, apart = unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)
    assert normalise.text(composed) == normalise.text(apart) == normalise.text(value)
    assert normalise.email(composed) == normalise.email(apart) == normalise.email(value)


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_email_is_one_whatever_the_case_and_the_space_around(value: str) -> None:
    assert normalise.email(value.upper()) == normalise.email(value.lower()) == normalise.email(f" \t{value}\n")


def test_spellings() -> None:
    assert normalise.text("  Ann ") == "Ann"
    assert normalise.text("Zoe\u0308") == "Zoë"
    assert normalise.email(" Ann@Example.COM\n") == "ann@example.com"
    assert normalise.email("ann+tag@example.com") == "ann+tag@example.com"
    assert normalise.email("a n%40") == "a n%40"
    assert normalise.email("ÅSA@EXAMPLE.COM") == "åsa@example.com"


@pytest.mark.parametrize(
    ("value", "country", "expected"),
    [
        ("07700 900123", "GB", "+447700900123"),
        ("+44 7700 900123", "GB", "+447700900123"),
        ("+44 (0) 7700-900123", "DE", "+447700900123"),
        ("0044 7700 900123", "GB", "+447700900123"),
        ("tel:+44-7700-900123", "US", "+447700900123"),
        (" 07700900123 ", "GB", "+447700900123"),
        ("(917) 555-0123", "US", "+19175550123"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 12 34 56 78", "IT", "+390612345678"),
        ("+390612345678", "GB", "+390612345678"),
        ("+३९०६१२३४५६७८", "GB", "+390612345678"),
    ],
)
def test_phones(settings: Any, value: str, country: str, expected: str) -> None:
    settings.DEFAULT_COUNTRY = country
    assert normalise.phone(value) == expected


@pytest.mark.parametrize(
    "value", ["", " ", "0", "1", "phone", "+", "++44", "@", "n/a", "+999 123456", "1" * 40, "\x00", "☎"]
)
def test_what_is_no_phone_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        normalise.phone(value)
    assert str(refusal.value) == "phone is not a telephone number"


@settings(max_examples=200)
@given(st.text(max_size=25) | st.text(PHONE_SIGNS, max_size=25) | st.from_regex(r"\+?[0-9 ()-]{3,18}", fullmatch=True))
def test_any_text_is_a_phone_or_a_bad_request(value: str) -> None:
    try:
        once = normalise.phone(value)
    except BadRequest:
        return
    assert once.startswith("+")
    assert once[1:].isascii()
    assert once[1:].isdigit()
    assert normalise.phone(once) == once


@settings(max_examples=80)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.integers(0, 10**9), st.sampled_from(list(range(4))))
def test_every_country_writes_its_numbers_to_the_same_normal_form(region: str, seed: int, style: int) -> None:
    number = phonenumbers.example_number(region)
    number.national_number = max(1, number.national_number - seed % 100)
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert normalise.phone(phonenumbers.format_number(number, [0, 1, 0, 3][style])) == expected


@pytest.mark.parametrize("country", ["GB", "DE", "US", "JP"])
def test_known_countries_pass(settings: Any, country: str) -> None:
    settings.DEFAULT_COUNTRY = country
    normalise.check_country()


@pytest.mark.parametrize("country", ["", "gb", "UK", "ZZ", "GBR", "+44"])
def test_unknown_countries_are_refused_by_the_name_of_the_setting(settings: Any, country: str) -> None:
    settings.DEFAULT_COUNTRY = country
    with pytest.raises(ValueError, match="DEFAULT_COUNTRY"):
        normalise.check_country()
