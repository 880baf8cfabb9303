"""The three shapes of a test person: `small` (600 bytes), `wide` (40 fields, 2 KB) and `mixed` (real life)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from faker import Faker

from benchmarks.pools import LOCALES, LocalePool, locale_pool

__all__ = ["MAX_PEOPLE", "SHAPES", "SIZES", "Basis", "Dice", "basis", "columns"]

# Codes and phones are a permutation of the index modulo this, hence unique below it.
MAX_PEOPLE = 10_000_000
SCRAMBLE = 7_368_787  # odd and no multiple of 5: the multiplication has no collision modulo a power of ten
SIZES = {"small": 600, "wide": 2_048}
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

T = TypeVar("T")
Record = dict[str, Any]


class Dice(random.Random):
    """A seeded random source with the few quick draws the shapes need."""

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def date(self, first_year: int, last_year: int) -> str:
        return self.pick(_dates(first_year, last_year))


@dataclass(frozen=True, slots=True)
class Basis:
    """Who a person is, before a shape decides how much is known of them. The identities are unique."""

    pool: LocalePool
    first: str
    last: str
    login: str
    email: str
    phone: str
    code: str


def basis(dice: Dice, index: int, seed: int) -> Basis:
    """Name, locale and unique identities of person `index`."""
    pool = locale_pool(dice.pick(_LOCALES), seed)
    scrambled = (index * SCRAMBLE + seed) % MAX_PEOPLE
    code = _base36(scrambled).rjust(5, "0") + _base36(seed)
    (first, first_plain), (last, last_plain) = dice.pick(pool.first), dice.pick(pool.last)
    return Basis(
        pool=pool,
        first=first,
        last=last,
        login=f"{first_plain[:1]}{last_plain}.{code}",
        email=f"{first_plain}.{last_plain}.{code}@{dice.pick(_HOSTS)}",
        phone=f"{pool.region.phone}{scrambled:07}",
        code=code,
    )


def _small(dice: Dice, who: Basis) -> Record:
    return _padded(
        dice,
        {
            "login": who.login,
            "email": who.email,
            "phone": who.phone,
            "first_name": who.first,
            "last_name": who.last,
            "birth_date": dice.date(1930, 2006),
            "language": who.pool.region.language,
            "address": _address(dice, who.pool),
            "company": dice.pick(who.pool.companies),
            "job": dice.pick(who.pool.jobs),
            "newsletter": dice.chance(0.4),
            "created": dice.date(2012, 2024),
        },
        SIZES["small"],
    )


def _wide(dice: Dice, who: Basis) -> Record:
    pool, region = who.pool, who.pool.region
    return _padded(
        dice,
        {
            "login": who.login,
            "email": who.email,
            "phone": who.phone,
            "title": dice.pick(("Dr", "Prof", "Mr", "Ms", "Mx")),
            "first_name": who.first,
            "middle_name": dice.pick(pool.first)[0],
            "last_name": who.last,
            "birth_name": dice.pick(pool.last)[0],
            "birth_date": dice.date(1930, 2006),
            "birth_place": dice.pick(pool.cities),
            "gender": dice.pick(("female", "male", "other")),
            "nationality": region.country,
            "language": region.language,
            "timezone": region.timezone,
            "currency": region.currency,
            "address": _address(dice, pool),
            "delivery_address": _address(dice, pool),
            "company": dice.pick(pool.companies),
            "department": dice.pick(_DEPARTMENTS),
            "job": dice.pick(pool.jobs),
            "employee_number": f"E-{dice.below(10**7):07}",
            "hired": dice.date(2000, 2024),
            "salary": 18_000 + dice.below(90_000),
            "work_email": f"{who.code}@work.example",
            "home_page": f"https://people.example/{who.login}",
            "iban": f"{region.country}{dice.below(90) + 10}{dice.below(10**18):018}",
            "tax_number": f"{dice.below(10**11):011}",
            "passport": f"{dice.pick('CFGHJK')}{dice.below(10**8):08}",
            "driving_licence": f"{dice.below(10**10):010}",
            "health": dice.pick(_ready(_health)),
            "emergency_contact": f"{dice.pick(pool.first)[0]} {dice.pick(pool.last)[0]}",
            "marital_status": dice.pick(("single", "married", "divorced", "widowed")),
            "children": dice.below(4),
            "newsletter": dice.chance(0.4),
            "loyalty_points": dice.below(50_000),
            "preferences": dice.pick(_ready(_preferences)),
            "tags": [dice.pick(_TAGS), dice.pick(_TAGS)],
            "created": dice.date(2012, 2024),
            "last_order": dice.date(2020, 2024),
        },
        SIZES["wide"],
    )


def _mixed(dice: Dice, who: Basis) -> Record:
    """A person as companies really know them: now a login only, now everything down to the allergies."""
    person = _some_identities(dice, who)
    person |= {"name": f"{who.first} {who.last}"} if dice.chance(0.3) else _split_name(who)
    for field, (probability, make) in _MIXED.items():
        if dice.chance(probability):
            person[field] = make(dice, who)
    return person


def _some_identities(dice: Dice, who: Basis) -> Record:
    person: Record = {}
    if dice.chance(0.65):
        person["login"] = who.login
    if dice.chance(0.85):
        person["email"] = who.email.title() if dice.chance(0.05) else who.email
    if dice.chance(0.7) or not person:
        person["phone"] = who.phone
    if dice.chance(0.1):
        person["custom"] = f"C-{who.code}"
    return person


def _split_name(who: Basis) -> Record:
    return {"first_name": who.first, "last_name": who.last}


def _address(dice: Dice, pool: LocalePool) -> Record:
    return {
        "street": dice.pick(pool.streets),
        "city": dice.pick(pool.cities),
        "postcode": dice.pick(pool.postcodes),
        "country": pool.region.country,
    }


@lru_cache(maxsize=16)
def _dates(first_year: int, last_year: int) -> tuple[str, ...]:
    years, months, days = range(first_year, last_year + 1), range(1, 13), range(1, 29)
    return tuple(f"{year}-{month:02}-{day:02}" for year in years for month in months for day in days)


def _preferences(dice: Dice) -> Record:
    return {
        "theme": dice.pick(("light", "dark", "system")),
        "contact": {"email": dice.chance(0.7), "sms": dice.chance(0.3), "hours": [9, 12 + dice.below(9)]},
    }


def _cards(dice: Dice) -> list[Record]:
    return [
        {"brand": "visa", "number": _card_number(dice), "expires": f"{1 + dice.below(12):02}/{26 + dice.below(6)}"}
        for _ in range(1 + dice.below(2))
    ]


def _card_number(dice: Dice) -> str:
    """Sixteen digits with a right check digit (Luhn)."""
    digits = f"400000{dice.below(10**9):09}"
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def _health(dice: Dice) -> Record:
    return {
        "blood": dice.pick(("0+", "0-", "A+", "A-", "B+", "B-", "AB+", "AB-")),
        "allergies": [dice.pick(_ALLERGIES) for _ in range(dice.below(3))],
        "height_cm": 150 + dice.below(50),
        "weight_kg": round(45 + dice.random() * 60, 1),
    }


@lru_cache(maxsize=8)
def _ready(make: Callable[[Dice], Record], size: int = 1_000) -> tuple[Record, ...]:
    """A pool of ready-made parts, for the shape where making each anew would cost too much."""
    dice = Dice(1)
    return tuple(make(dice) for _ in range(size))


def _family(dice: Dice, who: Basis) -> list[Record]:
    return [
        {"relation": dice.pick(("child", "partner", "parent")), "name": dice.pick(who.pool.first)[0]}
        for _ in range(dice.below(4))
    ]


def _padded(dice: Dice, person: Record, size: int) -> Record:
    """Add notes until the compact JSON has about `size` bytes, whatever the script of the names."""
    room = size - len(orjson.dumps(person)) - len(',"notes":""')
    start = dice.below(4_000)
    person["notes"] = _notes()[start : start + max(room, 16)]
    return person


@lru_cache(maxsize=1)
def _notes() -> str:
    fake = Faker("en_GB")
    fake.seed_instance(1)
    return " ".join(fake.paragraphs(120))


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text or "0"


_LOCALES = tuple(LOCALES)
_HOSTS = ("example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example")
_DEPARTMENTS = ("sales", "finance", "people", "logistics", "research", "support", "legal", "production")
_TAGS = ("vip", "new", "returning", "wholesale", "student", "senior", "trial", "partner")
_ALLERGIES = ("pollen", "peanut", "penicillin", "latex", "lactose", "cat hair", "crème brûlée")
_REMARKS = ("👩‍🚀 Zoë’s friend", "said “call me ☎”", "naïve café", "שלום", "مرحبا", "a\tb\nc", 'back\\slash "q"')
_MIXED: dict[str, tuple[float, Callable[[Dice, Basis], Any]]] = {
    "birth_date": (0.6, lambda dice, who: dice.date(1930, 2006)),
    "gender": (0.3, lambda dice, who: dice.pick(("female", "male", "other", None))),
    "language": (0.5, lambda dice, who: who.pool.locale),
    "address": (0.7, lambda dice, who: _address(dice, who.pool)),
    "company": (0.35, lambda dice, who: dice.pick(who.pool.companies)),
    "job": (0.4, lambda dice, who: dice.pick(who.pool.jobs)),
    "preferences": (0.5, lambda dice, who: _preferences(dice)),
    "cards": (0.3, lambda dice, who: _cards(dice)),
    "health": (0.15, lambda dice, who: _health(dice)),
    "family": (0.2, _family),
    "balance": (0.3, lambda dice, who: round(dice.random() * 5_000, 2)),
    "newsletter": (0.5, lambda dice, who: dice.chance(0.4)),
    "tags": (0.3, lambda dice, who: [dice.pick(_TAGS) for _ in range(dice.below(4))]),
    "remark": (0.25, lambda dice, who: dice.pick(_REMARKS)),
}

SHAPES: dict[str, Callable[[Dice, Basis], Record]] = {"small": _small, "wide": _wide, "mixed": _mixed}


def columns(shape: str) -> tuple[str, ...]:
    """Every top-level field that people of this shape can have, in order."""
    if shape == "mixed":
        return ("login", "email", "phone", "custom", "name", "first_name", "last_name", *_MIXED)
    return tuple(SHAPES[shape](Dice(0), basis(Dice(0), 0, 0)))
