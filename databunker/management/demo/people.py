"""The people of the demonstration. None of them exists; their telephone numbers are given to nobody."""

from __future__ import annotations

from typing import Any

from .dice import Dice

__all__ = ["FIRST_PEOPLE", "basket_of", "profiles"]

# The first ones are those that `make demo` and README know by name.
FIRST_PEOPLE: list[dict[str, Any]] = [
    {
        "login": "ann",
        "email": "ann@example.com",
        "phone": "+44 7700 900001",
        "first_name": "Ann",
        "last_name": "Example",
        "address": {"street": "1 High Street", "city": "London", "country": "GB"},
    },
    {
        "login": "joao",
        "email": "joao@example.com",
        "phone": "+351 912 345 678",
        "first_name": "João",
        "last_name": "Exemplo",
        "health": {"blood": "A+", "allergies": ["pollen"]},
    },
    {
        "login": "mika",
        "email": "mika@example.com",
        "custom": "customer-42",
        "first_name": "美香",
        "last_name": "例",
        "cards": [{"brand": "visa", "number": "4000000000000002", "expires": "12/31"}],
    },
    # Comes in by the code 4444, as in the peer's demonstration.
    {
        "login": "test",
        "email": "test@securitybunker.io",
        "phone": "4444",
        "first_name": "Test",
        "last_name": "Person",
        "address": {"street": "4 Mill Lane", "city": "York", "country": "GB"},
        "birthday": "1990-04-04",
    },
]
_FIRST = (
    "Amelia", "Anders", "Beatrice", "Camille", "Daniel", "Elena", "Emil", "Farah", "Felix", "Grace", "Hanna", "Ibrahim",
    "Ines", "Jakub", "Jonas", "Karin", "Laura", "Leon", "Lucia", "Marta", "Mateo", "Nadia", "Noah", "Oscar", "Paula",
    "Petra", "Rafael", "Rosa", "Samuel", "Sofia", "Stefan", "Theo", "Valentina", "Viktor", "Yusuf", "Zoë",
)  # fmt: skip
_LAST = (
    "Albrecht", "Andersen", "Barker", "Bianchi", "Björk", "Carter", "Conti", "Dubois", "Evans", "Fischer", "Fontaine",
    "García", "Hansen", "Hughes", "Ivanov", "Jensen", "Keller", "Kowalski", "Larsen", "Lindholm", "Marchetti", "Meyer",
    "Moreau", "Novák", "Okafor", "Palmer", "Pereira", "Ricci", "Romero", "Schneider", "Silva", "Turner", "Varga",
    "Weber", "Yıldız", "Zeman",
)  # fmt: skip
_PLACES = (
    ("Bristol", "GB"), ("Leeds", "GB"), ("Oxford", "GB"), ("Bergen", "NO"), ("Lyon", "FR"), ("Bremen", "DE"),
    ("Porto", "PT"), ("Seville", "ES"), ("Utrecht", "NL"), ("Brno", "CZ"),
)  # fmt: skip
_STREETS = ("Church Road", "High Street", "Mill Lane", "Park Avenue", "Station Road", "Victoria Road")
_GOODS = ("teapot", "rucksack", "garden chair", "desk lamp", "cookbook", "wool blanket", "bicycle bell", "notebook")
_FREE_NUMBER = 101  # of those that +447700900 begins


def profiles(dice: Dice) -> list[dict[str, Any]]:
    """The same people for the same dice."""
    lasts = dice.sample(_LAST, len(_LAST))
    return FIRST_PEOPLE + [
        _profile(number, first, lasts[number], dice) for number, first in enumerate(dice.sample(_FIRST, len(_FIRST)))
    ]


def _profile(number: int, first: str, last: str, dice: Dice) -> dict[str, Any]:
    city, country = dice.choice(_PLACES)
    name = f"customer{number + 1:02}"
    return {
        "login": name,
        "email": f"{name}@example.com",
        "phone": f"+447700900{_FREE_NUMBER + number}",
        "first_name": first,
        "last_name": last,
        "birthday": f"{dice.randint(1950, 2004)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
        "address": {"street": f"{dice.randint(1, 90)} {dice.choice(_STREETS)}", "city": city, "country": country},
    }


def basket_of(dice: Dice) -> dict[str, Any]:
    """What the shop keeps of somebody."""
    goods = dice.sample(_GOODS, dice.randint(1, 3))
    orders = [{"item": item, "price": f"{dice.randint(5, 90)}.00 EUR"} for item in goods]
    return {"orders": orders, "loyalty": dice.choice(["none", "silver", "gold"]), "size": dice.choice("SML")}
