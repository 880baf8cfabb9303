"""What every column holds, and how it leaves when a person is forgotten: `docs/data.md` is made from this table.

The type of most columns says it: a sealed value, a keyed hash, a number. What is in clear and could be text is named
here, and so is every table. A test fails where one is missing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["TABLES", "Held", "Leaves", "Table", "as_markdown", "columns_of"]


class Leaves(enum.StrEnum):
    """What becomes of a row about somebody who is forgotten."""

    SHREDDED = "stays, and what is sealed in it can't be opened any more: the record key is destroyed"
    DELETED = "is deleted"
    STRIPPED = "stays as a bare fact, with states and times; what was sealed in it is deleted"
    EMPTIED = "is overwritten: what is left is the token, sealed, and what the schema marks as `preserve`"
    KEPT = "is kept, so that nobody comes back with an older backup: a keyed hash and a time"
    ENDS = "is about nobody by name, and is deleted at its end"
    NOBODYS = "is about nobody"


class Held(enum.StrEnum):
    SEALED = "sealed: personal data, tokens or keys"
    HASHED = "keyed hash or MAC: a pseudonym to whoever lacks the keys"
    PLAIN = "number, time or state"
    WORDS = "in clear"


_SIGNATURES = "signatures, each behind the number of its key"


class Table(NamedTuple):
    """`words` says of each column in clear that could hold text what stands in it."""

    about: str
    leaves: Leaves
    words: Mapping[str, str] = MappingProxyType({})


_APP = "name of the application that keeps the data"
_OPERATORS = "the operator's own words, for everyone to read"

TABLES: dict[str, Table] = {
    "account": Table(
        "those who work at the console; names and secrets are sealed, and leave with the row",
        Leaves.NOBODYS,
        {"role": "what the account may do, a fixed word"},
    ),
    "account_recovery_code": Table("ways in without the second factor, each good once", Leaves.NOBODYS),
    "account_session": Table("who is signed in at the console or the portal", Leaves.ENDS),
    "audit_head": Table("signed heads of the tree over the trail", Leaves.NOBODYS, {"signatures": _SIGNATURES}),
    "audit_leaf": Table("the place of each event in the tree", Leaves.NOBODYS),
    "audit_node": Table("inner nodes of the tree", Leaves.NOBODYS),
    "audit_pruning": Table("up to when events were deleted", Leaves.NOBODYS, {"signatures": _SIGNATURES}),
    "audit_sealer": Table("how far the tree has come", Leaves.NOBODYS),
    "audit_tree": Table("the tree over each tenant's events", Leaves.NOBODYS),
    "gdpr_task_run": Table(
        "how each task of the scheduler went the last time",
        Leaves.NOBODYS,
        {"name": "name of the task", "outcome": "the kind of failure, never its text"},
    ),
    "erasure_entry": Table("the erasure journal: who was forgotten, as a keyed hash", Leaves.KEPT),
    "erasure_receipt": Table("the receipts that people get who were forgotten", Leaves.KEPT),
    "erasure_journal": Table("where the erasure journal ends", Leaves.NOBODYS),
    "watch_canary": Table("which records are canaries", Leaves.NOBODYS),
    "watch_incident": Table("what looked wrong about a token", Leaves.NOBODYS),
    "watch_progress": Table("how far the watch over readings has come", Leaves.NOBODYS),
    "watch_reading": Table(
        "how many different people a token has read",
        Leaves.NOBODYS,
        {"sketch": "a count of keyed hashes from which none of them can be had"},
    ),
    "access_login_code": Table("codes that were sent to people", Leaves.ENDS),
    "access_tenant": Table("tenants", Leaves.NOBODYS, {"name": "the operator's name for the tenant"}),
    "access_throttle": Table("how much of a limit is used up, of one address or identity", Leaves.ENDS),
    "access_token": Table(
        "access tokens of applications, administrators and people",
        Leaves.DELETED,
        {
            "label": "the operator's note of what the token is for; no personal data",
            "scope": "routes, fields, addresses and purposes that the operator has narrowed the token to",
        },
    ),
    "access_unlock": Table("short permissions to list people", Leaves.ENDS),
    "access_used_captcha": Table("captchas that are used up", Leaves.ENDS),
    "audit_event": Table("what happened: one row for each call", Leaves.SHREDDED),
    "crypto_key": Table(
        "the keyring, wrapped by the master key", Leaves.NOBODYS, dict.fromkeys(("purpose", "state"), "a fixed word")
    ),
    "crypto_recovery_copy": Table(
        "the keyring once more, sealed under the recovery key that shares put together",
        Leaves.NOBODYS,
        {"sealed": "sealed keys, by another layout than that of other columns"},
    ),
    "django_migrations": Table(
        "which migrations were made", Leaves.NOBODYS, {"app": "name in our code", "name": "name in our code"}
    ),
    "gdpr_activity": Table(
        "the register of processing activities",
        Leaves.NOBODYS,
        dict.fromkeys(("activity", "title", "script", "fulldesc", "applicableto"), _OPERATORS)
        # What Art. 30 asks for.
        | dict.fromkeys(("controller", "purposes", "datasubjects", "datacategories", "recipients"), _OPERATORS)
        | dict.fromkeys(("transfers", "safeguards", "retention", "security"), _OPERATORS),
    ),
    "gdpr_activity_basis": Table("which activity rests on which legal basis", Leaves.NOBODYS),
    "gdpr_agreement": Table("whether somebody agrees to a legal basis", Leaves.DELETED),
    "gdpr_agreement_event": Table("every step of an agreement", Leaves.DELETED),
    "gdpr_expiration": Table("when a person's data ends", Leaves.STRIPPED),
    "gdpr_import_progress": Table("how far an import has come; a token is in its sealed state", Leaves.ENDS),
    "gdpr_legal_basis": Table(
        "legal bases", Leaves.NOBODYS, dict.fromkeys(("brief", "module"), _OPERATORS) | {"basistype": "a fixed word"}
    ),
    "gdpr_legal_basis_text": Table(
        "the texts of legal bases, with all versions",
        Leaves.NOBODYS,
        dict.fromkeys(("shortdesc", "fulldesc", "requiredmsg"), _OPERATORS),
    ),
    "gdpr_right": Table("restrictions, objections and erasures that wait, while they stand", Leaves.DELETED),
    "gdpr_request": Table("what people asked for, and what was decided", Leaves.STRIPPED),
    "notify_job": Table(
        "messages that wait to be delivered",
        Leaves.DELETED,
        {
            "kind": "webhook, mail or text message",
            "topic": "what happened, a fixed word",
            "last_error": "the kind of the failure, a fixed word",
        },
    ),
    "vault_app_record": Table("what applications keep about a person", Leaves.DELETED, {"app": _APP}),
    "vault_app_version": Table("earlier states of it", Leaves.DELETED, {"app": _APP}),
    "vault_identity": Table(
        "blind indexes: by what a person is found", Leaves.DELETED, {"field": "name of the field, such as email"}
    ),
    "vault_load_progress": Table("how far a file was loaded", Leaves.NOBODYS),
    "vault_record": Table("people", Leaves.EMPTIED, {"digests": "keyed hashes of the identities, one after the other"}),
    "vault_record_version": Table("earlier profiles", Leaves.DELETED),
    "vault_session": Table("sessions of applications", Leaves.DELETED),
    "vault_shared_record": Table("what is shared with whom", Leaves.DELETED),
}


def columns_of(table: str) -> dict[str, Held | None]:
    """Each column and what it holds; None where nobody has said it."""
    words = TABLES[table].words if table in TABLES else {}
    return {field.column: _held(field, words) for field in _model(table)._meta.concrete_fields if field.column}  # noqa: SLF001 - Django's documented interface


def _model(table: str) -> type[models.Model]:
    (model,) = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table]  # noqa: SLF001
    return model


_TYPES: tuple[tuple[tuple[type[models.Field[Any, Any]], ...], Held], ...] = (
    ((SealedField,), Held.SEALED),
    ((FixedBinaryField,), Held.HASHED),
    ((models.IntegerField, models.BooleanField, models.UUIDField, models.DateTimeField, models.DateField), Held.PLAIN),
)


def _held(field: models.Field[Any, Any], words: Mapping[str, str]) -> Held | None:
    if field.column in words:
        return Held.WORDS
    return next((held for types, held in _TYPES if isinstance(field, types)), None)


def as_markdown() -> str:
    """docs/data.md."""
    return "\n".join(
        [
            "# Data",
            "",
            "Every table and column: what it holds, and how it leaves when a person is forgotten. This page is made by",
            "`make docs-data` from `databunker/inventory.py`. What an attacker with the database sees of it stands in",
            "[security](security.md).",
            "",
            *_sections(),
        ]
    )


def _sections() -> Iterator[str]:
    for name, table in sorted(TABLES.items()):
        if name == "django_migrations":
            continue
        yield f"## {name}"
        yield ""
        yield f"Holds {table.about}. When a person is forgotten, a row about that person {table.leaves}."
        yield ""
        yield "| Columns | Hold |"
        yield "|---|---|"
        yield from _rows(name, table)
        yield ""


def _rows(name: str, table: Table) -> Iterator[str]:
    order = list(Held)
    found = sorted(columns_of(name).items(), key=lambda item: order.index(item[1]) if item[1] else -1)
    for held, group in groupby(found, key=lambda item: item[1]):
        columns = [column for column, _ in group]
        if held is Held.WORDS:
            yield from (f"| `{column}` | in clear: {table.words[column]} |" for column in columns)
        else:
            yield f"| {', '.join(f'`{column}`' for column in columns)} | {held} |"
