"""Compare a vault with a ledger, by the vault's own code and keys. Run with the vault's settings.

python -m tests.drill.facts LEDGER
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import django

django.setup()

from audit.events import Outcome, by_number  # noqa: E402
from audit.models import Event  # noqa: E402
from databunker.access.models import DEFAULT_TENANT  # noqa: E402
from databunker.notify import jobs  # noqa: E402
from databunker.notify.models import Job  # noqa: E402
from gdpr.agreement_states import AgreementStatus  # noqa: E402
from gdpr.models import Agreement, LegalBasis, Request  # noqa: E402
from vault import lookups, storage  # noqa: E402
from vault.app_records import open_app_data  # noqa: E402
from vault.lookups import ByIdentity  # noqa: E402
from vault.models import AppRecord, Record, RecordVersion, Session  # noqa: E402
from vault.records import OpenRecord  # noqa: E402
from vault.references import subject_of  # noqa: E402
from vault.sessions import OpenSession  # noqa: E402

from .ledger import BRIEF, NOBODY  # noqa: E402


def facts_of(record: OpenRecord) -> dict[str, Any]:
    """What the vault holds of one person, in the ledger's words."""
    row = record.row
    where = {"tenant": row.tenant, "subject": row.subject}
    agreements = Agreement.objects.filter(**where, basis__in=LegalBasis.objects.filter(brief=BRIEF).values("id"))
    agreement = agreements.values_list("status", flat=True).first()
    waiting = list(Job.objects.filter(**where))
    assert all(jobs.open_payload(job) is not None for job in waiting), "a message in the outbox does not open"
    return {
        "exists": True,
        "forgotten": record.forgotten,
        "profile": record.profile(),
        "version": row.version,
        "apps": {app.app: json.loads(open_app_data(record, app)) for app in AppRecord.objects.filter(**where)},
        "sessions": dict(_sessions(record)),
        "agreement": None if agreement is None else AgreementStatus(agreement).label,
        "requests": Request.objects.filter(**where).count(),
        "events": _events(where),
        "jobs": dict(Counter(job.topic for job in waiting)),
    }


def _sessions(record: OpenRecord) -> Iterator[tuple[str, Any]]:
    for session in Session.objects.filter(tenant=record.row.tenant, subject=record.row.subject):
        opened = OpenSession(session, record)
        yield str(opened.session_id), json.loads(opened.data_json)


def _events(where: dict[str, Any]) -> dict[str, int]:
    types = Event.objects.filter(**where, outcome=Outcome.OK).values_list("type", flat=True)
    return dict(Counter(by_number(number).code for number in types))


def _found(person: dict[str, Any]) -> OpenRecord | None:
    if person["token"]:
        return storage.by_subject(DEFAULT_TENANT, subject_of(UUID(person["token"]), tenant=DEFAULT_TENANT))
    lookup = lookups.parse("login", person["login"], tenant=DEFAULT_TENANT)
    assert isinstance(lookup, ByIdentity)
    holders = storage.by_digest(DEFAULT_TENANT, lookup.digest)
    return holders[0] if holders else None


def _problems(people: Iterator[dict[str, Any]]) -> Iterator[str]:
    present = 0
    for person in people:
        record = _found(person)
        actual = NOBODY if record is None else facts_of(record)
        present += record is not None
        if actual not in person["facts"]:
            allowed = "\n   or ".join(json.dumps(facts, sort_keys=True) for facts in person["facts"])
            yield f"round {person['round']}, {person['login']}: is\n      {json.dumps(actual, sort_keys=True)}\n   not {allowed}"
        if record is not None and not record.forgotten:
            row = record.row
            kept = RecordVersion.objects.filter(tenant=row.tenant, subject=row.subject).count()
            if kept != row.version - 1:
                yield f"{person['login']}: {kept} versions are archived, not {row.version - 1}"
    if Record.objects.count() != present:
        yield f"the vault has {Record.objects.count()} people, of whom the ledger knows {present}"


def main() -> int:
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        problems = list(_problems(json.loads(line) for line in lines))
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
