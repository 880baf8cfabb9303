"""Look at every record of every tenant: whether it opens under its keys. Shows nothing of what is inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from databunker import jsontext
from databunker.crypto import hashing
from databunker.crypto.errors import CryptoError
from databunker.errors import BadRequest

from . import storage
from .identities import UNIQUE_SLOT, is_proved
from .models import Identity
from .records import OpenRecord
from .references import subject_of

__all__ = ["RecordsChecked", "check_records", "check_strays"]

_BATCH = 200

# By tenant and person: the digest, slot and tag of each identity.
_Entries = dict[tuple[int, bytes], list[tuple[bytes, bytes, bytes]]]


class RecordsChecked(NamedTuple):
    """Some records, their identities, and what is wrong with them: row numbers, nothing of a person."""

    records: int
    identities: int
    problems: list[str]


def check_records() -> Iterator[RecordsChecked]:
    """All records, some at a time: that the token, the record key and the profile open, and the identities hold."""
    last = 0
    while batch := storage.walk(after=last, limit=_BATCH):
        entries = _entries(batch)
        problems = [problem for number, record in batch for problem in _problems(number, record, entries)]
        yield RecordsChecked(len(batch), sum(map(len, entries.values())), problems)
        last = batch[-1][0]


def check_strays(known: int) -> Iterator[str]:
    """Whether there are identities beside those, `known` in number, that `check_records` has found with a record."""
    strays = Identity.objects.count() - known
    if strays:
        yield f"{strays} identities belong to no record"


def _entries(batch: list[tuple[int, OpenRecord]]) -> _Entries:
    digests: dict[int, set[bytes]] = defaultdict(set)
    subjects: dict[int, set[bytes]] = defaultdict(set)
    for _, record in batch:
        digests[record.row.tenant] |= record.row.digest_set
        subjects[record.row.tenant].add(record.row.subject)
    found: _Entries = defaultdict(list)
    for tenant, wanted in digests.items():
        rows = Identity.objects.filter(tenant=tenant, digest__in=wanted, subject__in=subjects[tenant])
        for digest, slot, subject, tag in rows.values_list("digest", "slot", "subject", "tag"):
            found[tenant, bytes(subject)].append((bytes(digest), bytes(slot), bytes(tag)))
    return found


def _problems(number: int, record: OpenRecord, entries: _Entries) -> Iterator[str]:
    row = record.row
    try:
        if not hashing.same(subject_of(record.token, tenant=row.tenant), row.subject):
            yield f"record {number}: its token is another's"
    except (CryptoError, ValueError):
        yield f"record {number}: its token does not open"
    try:
        jsontext.loads(record.profile_json)
    except (CryptoError, BadRequest):
        yield f"record {number}: its profile does not open"
    held = entries.get((row.tenant, row.subject), [])
    if {digest for digest, _, _ in held} ^ row.digest_set:
        yield f"record {number}: an identity is missing"
    for digest, slot, tag in held:
        fits = any(hashing.same(slot, allowed) for allowed in (UNIQUE_SLOT, row.subject))
        if not fits or not is_proved(tag, digest, tenant=row.tenant, subject=row.subject):
            yield f"record {number}: an identity was changed"
