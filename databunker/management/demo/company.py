"""What the company of the demonstration does with people's data: legal bases, and its register of activities."""

from __future__ import annotations

from typing import Any

from databunker.access.actor import Actor
from gdpr.actions import save_activity, save_legal_basis

__all__ = ["lay_down", "renew_letters"]

_BASES: dict[str, dict[str, Any]] = {
    "contract": {
        "basistype": "contract",
        "module": "shop",
        "requiredflag": True,
        "shortdesc": "We process your order",
        "fulldesc": "We keep your name, address and orders to deliver what you buy and to answer for it afterwards.",
        "requiredmsg": "Without it we can't deliver anything.",
    },
    "newsletter": {
        "basistype": "consent",
        "module": "marketing",
        "usercontrol": True,
        "shortdesc": "Send me letters about new things in the shop",
        "fulldesc": "A letter by e-mail, about once a month. You may withdraw this at any time.",
    },
    "analytics": {
        "basistype": "consent",
        "module": "shop",
        "shortdesc": "Count my visits, to make the shop better",
        "fulldesc": "We look at which pages are visited, for thirteen months, and pass that on to nobody.",
    },
    "fraud-prevention": {
        "basistype": "legitimate-interest",
        "module": "shop",
        "shortdesc": "Recognise orders that somebody else makes in your name",
        "fulldesc": "We compare orders with those before. You may object.",
    },
    "bookkeeping": {
        "basistype": "legal-requirement",
        "module": "accounts",
        "shortdesc": "Keep invoices for as long as tax law wants it",
        "fulldesc": "Invoices are kept for ten years, whatever else is deleted.",
    },
}
_ACTIVITIES = {
    "orders": {
        "title": "Orders and delivery",
        "legalbasis": "contract,fraud-prevention",
        "purposes": "Sell goods, deliver them, answer for them",
        "datasubjects": "Customers",
        "datacategories": "Names, addresses, orders, payments",
        "recipients": "Parcel services, the payment provider",
        "transfers": "None outside of the EEA and the United Kingdom",
        "retention": "Three years after the last order",
        "security": "Records encrypted under a key each; access by role, each access on the audit trail",
    },
    "letters": {
        "title": "Letters about the shop",
        "legalbasis": "newsletter",
        "purposes": "Tell customers of new things",
        "datasubjects": "Customers who agreed to it",
        "datacategories": "Names, e-mail addresses",
        "recipients": "The mail provider",
        "transfers": "Mail provider in Switzerland, by adequacy decision",
        "safeguards": "Adequacy decision of the European Commission",
        "retention": "Until the agreement is withdrawn",
        "security": "The provider gets a share that ends by itself, never the record",
    },
    "visits": {
        "title": "Counting visits",
        "legalbasis": "analytics",
        "purposes": "Make the shop better",
        "datasubjects": "Visitors who agreed to it",
        "datacategories": "Pages visited, kind of browser",
        "recipients": "Nobody",
        "retention": "Thirteen months",
        "security": "Counted under pseudonyms",
    },
    "invoices": {
        "title": "Bookkeeping",
        "legalbasis": "bookkeeping",
        "purposes": "Fulfil tax law",
        "datasubjects": "Customers, suppliers",
        "datacategories": "Names, addresses, amounts",
        "recipients": "The tax adviser, tax authorities",
        "retention": "Ten years",
        "security": "Kept apart from the shop",
    },
}


def lay_down(actor: Actor) -> None:
    """Legal bases and the register, as they were at first."""
    for brief, texts in _BASES.items():
        save_legal_basis(actor, brief=brief, wish=texts)
    for activity, wish in _ACTIVITIES.items():
        save_activity(actor, activity=activity, wish=wish)


def renew_letters(actor: Actor) -> None:
    """A second version of a text: who agreed to the first has agreed to that one."""
    wish = {"fulldesc": "A letter by e-mail, twice a month at most. You may withdraw this at any time."}
    save_legal_basis(actor, brief="newsletter", wish=wish)
