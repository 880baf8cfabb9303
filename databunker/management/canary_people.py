"""People who don't exist, as everybody else looks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

__all__ = ["made_up_people"]

_FIRST = (
    "Amelia", "Anders", "Beatrice", "Camille", "Daniel", "Elena", "Emil", "Farah", "Felix", "Grace", "Hanna", "Ibrahim",
    "Ines", "Jakub", "Jonas", "Karin", "Laura", "Leon", "Lucia", "Marta", "Mateo", "Nadia", "Noah", "Olivia", "Oscar",
    "Paula", "Petra", "Rafael", "Rosa", "Samuel", "Sofia", "Stefan", "Theo", "Valentina", "Viktor", "Yusuf",
)  # fmt: skip
_LAST = (
    "Albrecht", "Andersen", "Barker", "Bianchi", "Bjork", "Carter", "Conti", "Dubois", "Evans", "Fischer", "Fontaine",
    "Garcia", "Hansen", "Hughes", "Ivanov", "Jensen", "Keller", "Kowalski", "Larsen", "Lindholm", "Marchetti", "Meyer",
    "Moreau", "Novak", "Okafor", "Palmer", "Pereira", "Ricci", "Romero", "Schneider", "Silva", "Turner", "Varga",
    "Weber",
)  # fmt: skip
_STREETS = ("Church Road", "High Street", "Mill Lane", "Park Avenue", "Station Road", "The Crescent", "Victoria Road")
_CITIES = (
    ("Bristol", "BS1"), ("Exeter", "EX4"), ("Leeds", "LS2"), ("Norwich", "NR1"), ("Oxford", "OX1"), ("York", "YO1"),
)  # fmt: skip
# Numbers that are given to nobody, for use in drama.
_PHONES = "+447700900"


def made_up_people(count: int, *, domain: str, telephones: bool = True) -> Iterator[dict[str, Any]]:
    """So many, each with a mail address at `domain`.

    Telephones are of numbers that nobody has: there are a thousand, so not everyone can have one.
    """
    phones = secrets.SystemRandom().sample(range(1000), min(count, 1000)) if telephones else []
    for number in range(count):
        first, last = secrets.choice(_FIRST), secrets.choice(_LAST)
        city, postcode = secrets.choice(_CITIES)
        person: dict[str, Any] = {
            "email": f"{first}.{last}{secrets.randbelow(90) + 10}@{domain}".lower(),
            "name": {"first": first, "last": last},
            "address": {
                "street": f"{secrets.randbelow(180) + 1} {secrets.choice(_STREETS)}",
                "city": city,
                "postcode": f"{postcode} {secrets.randbelow(9) + 1}{_letters()}",
            },
        }
        if number < len(phones):
            person["phone"] = f"{_PHONES}{phones[number]:03}"
        yield person


def _letters() -> str:
    return "".join(secrets.choice("ABDEFGHJLNPQRSTUWXYZ") for _ in range(2))
