"""Pools of names, streets, towns and firms, drawn from Faker once a locale and then only read.

Faker costs tens to hundreds of microseconds a value, so people are combined from these pools instead.
A pool depends on its seed and locale alone, never on how many people are asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from faker import Faker

__all__ = ["LOCALES", "LocalePool", "Region", "locale_pool"]

POOL_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class Region:
    """What a locale says about telephone and place. `phone` is an E.164 prefix that wants 7 more digits."""

    country: str
    language: str
    phone: str
    currency: str
    timezone: str


LOCALES: dict[str, Region] = {
    "en_GB": Region("GB", "en", "+44770", "GBP", "Europe/London"),
    "en_US": Region("US", "en", "+1917", "USD", "America/New_York"),
    "de_DE": Region("DE", "de", "+491511", "EUR", "Europe/Berlin"),
    "fr_FR": Region("FR", "fr", "+3361", "EUR", "Europe/Paris"),
    "es_ES": Region("ES", "es", "+3461", "EUR", "Europe/Madrid"),
    "pl_PL": Region("PL", "pl", "+4850", "PLN", "Europe/Warsaw"),
    "pt_BR": Region("BR", "pt", "+551198", "BRL", "America/Sao_Paulo"),
    "tr_TR": Region("TR", "tr", "+90532", "TRY", "Europe/Istanbul"),
    "sv_SE": Region("SE", "sv", "+4670", "SEK", "Europe/Stockholm"),
    "el_GR": Region("GR", "el", "+30697", "EUR", "Europe/Athens"),
    "uk_UA": Region("UA", "uk", "+38067", "UAH", "Europe/Kyiv"),
    "hi_IN": Region("IN", "hi", "+91981", "INR", "Asia/Kolkata"),
    "ja_JP": Region("JP", "ja", "+81901", "JPY", "Asia/Tokyo"),
    "zh_CN": Region("CN", "zh", "+861381", "CNY", "Asia/Shanghai"),
}


@dataclass(frozen=True, slots=True)
class LocalePool:
    """Everything a person of one locale is put together from.

    `first` and `last` pair a name as written with its plain ASCII form, which is used in logins and e-mails.
    """

    locale: str
    region: Region
    first: tuple[tuple[str, str], ...]
    last: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    postcodes: tuple[str, ...]
    companies: tuple[str, ...]
    jobs: tuple[str, ...]


@lru_cache(maxsize=64)
def locale_pool(locale: str, seed: int) -> LocalePool:
    """The pool of one locale; the same for the same seed, and drawn only once a process."""
    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(f"{seed}/{locale}")
    plain = _plain_names(fake, locale, seed)
    return LocalePool(
        locale=locale,
        region=LOCALES[locale],
        first=_named(fake.first_name, plain),
        last=_named(fake.last_name, plain),
        streets=_draw(fake.street_address),
        cities=_draw(fake.city),
        postcodes=_draw(fake.postcode),
        companies=_draw(fake.company),
        jobs=_draw(fake.job),
    )


def _draw(make: Callable[[], str], size: int = POOL_SIZE) -> tuple[str, ...]:
    return tuple(make().replace("\n", ", ") for _ in range(size))


def _named(make: Callable[[], str], plain: Callable[[], str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _ascii(name) or plain()) for name in _draw(make))


def _plain_names(fake: Faker, locale: str, seed: int) -> Callable[[], str]:
    """A maker of Latin names for scripts that have none: the locale's own romanised ones where it knows them."""
    if hasattr(fake, "romanized_name"):
        return lambda: _ascii(str(fake.last_romanized_name()))
    english = Faker("en_GB", use_weighting=False)
    english.seed_instance(f"{seed}/{locale}/plain")
    return lambda: _ascii(english.first_name())


def _ascii(name: str) -> str:
    """The letters a-z of a name without its accents; empty where it is written in another script."""
    stripped = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l").replace("ı", "i"))
    return re.sub("[^a-z]", "", stripped)
