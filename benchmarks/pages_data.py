"""Fills a vault for `benchmarks.pages`, with the product's own functions; run by it, in processes of their own.

    python -m benchmarks.pages_data events --after 0 --upto 500000 --each 10
    python -m benchmarks.pages_data rest FILE
    python -m benchmarks.pages_data visitors PERSON FILE

`events` gives the people of these record numbers so many events each, over the last year. `rest` gives the vault what
its pages list, and one person far more of everything than people have; `visitors` lets in an administrator and that
person. Both write into FILE what the pages' addresses and cookies need.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import time
import uuid
from pathlib import Path
from typing import Any
from unittest import mock

import django

django.setup()

from audit import trail  # noqa: E402 - Django must be ready
from databunker.access import tokens  # noqa: E402
from databunker.access.actor import Actor, ActorKind, operator  # noqa: E402
from databunker.access.models import TokenKind  # noqa: E402
from databunker.accounts import rows  # noqa: E402
from databunker.accounts.actions import create_account  # noqa: E402
from databunker.accounts.sessions import Audience, Session  # noqa: E402
from databunker.db.statements import atomically, execute, insert_many  # noqa: E402
from databunker.ids import unix_now  # noqa: E402
from gdpr import actions as workflows  # noqa: E402
from gdpr.agreement_states import AgreementStatus  # noqa: E402
from gdpr.models import LegalBasis  # noqa: E402
from vault import actions, events, references, storage  # noqa: E402
from vault.records import OpenRecord  # noqa: E402

PEOPLE_AT_ONCE = 500
YEAR_MICROS = 365 * 24 * 3600 * 1_000_000
HOUR = 3600
BASES = 60
REQUESTS = 2_000
AGREEMENTS = 6_000
OF_ONE = 100  # sessions, shares and application data of the one person
READS_OF_ONE = 10_000


def fill_events(after: int, upto: int, each: int) -> None:
    """Reads, in the order of their times as a trail has them: a share of everybody's, then the next."""
    reader = Actor(ActorKind.ADMIN, token_id=1)
    step = YEAR_MICROS // max(1, (upto - after) * each)
    clock = iter(range(time.time_ns() // 1000 - YEAR_MICROS, 2**62, step))
    with mock.patch.object(trail, "unix_micros", clock.__next__):
        while batch := [one for one in storage.walk(after=after, limit=PEOPLE_AT_ONCE) if one[0] <= upto]:
            after = batch[-1][0]
            rows = [
                trail.build(
                    reader, events.RECORD_READ, subject=record.row.subject, sealer=record.key,
                    detail={"mode": "email"} if number % 2 else None,
                )
                for number in range(each) for _, record in batch
            ]  # fmt: skip
            for start in range(0, len(rows), 5_000):
                with atomically():
                    insert_many(trail.insert(*rows[start : start + 5_000]))


def fill_rest() -> dict[str, Any]:
    caller = Actor(ActorKind.ADMIN, token_id=1)
    for number in range(BASES):
        workflows.save_legal_basis(operator(), brief=f"basis-{number}", wish={"shortdesc": f"Letters of kind {number}"})
        wish = {"title": f"Activity {number}", "legalbasis": f"basis-{number}"}
        workflows.save_activity(operator(), activity=f"activity-{number}", wish=wish)
    people = [record for _, record in storage.walk(after=0, limit=max(REQUESTS, AGREEMENTS // 3))]
    request = ""
    for number, record in enumerate(people[:REQUESTS]):
        person = Actor(ActorKind.PERSON, token_id=8, subject=record.row.subject)
        asked = workflows.change_profile(
            person, mode="token", identity=str(record.token), change={"job": f"position {number}"}
        )
        request = str(asked.token)
        workflows.start_expiration(caller, **by_token(record), wish={"expiration": f"{1 + number % 60}d"})
    dice = random.Random(1)
    for record in people[: AGREEMENTS // 3]:
        for number in dice.sample(range(BASES), 3):
            workflows.accept_agreement(caller, brief=f"basis-{number}", **by_token(record), wish={})
    one = people[0]
    fill_one(caller, one)
    return {
        "person": str(one.token),
        "request": request,
        "event": str(newest_event(one.row.subject)),
        "everyones": agreed_by_everyone(caller, one),
    }


def agreed_by_everyone(caller: Actor, one: OpenRecord) -> int:
    """The number of a legal basis to which each person of the vault agrees. The agreements of all but this one are
    multiplied by SQL and have no history: pages that count them read no more than these rows.
    """
    workflows.save_legal_basis(operator(), brief="everyones", wish={"shortdesc": "What everybody has agreed to"})
    (basis,) = LegalBasis.objects.filter(brief="everyones").values_list("id", flat=True)
    execute(
        "INSERT INTO gdpr_agreement "
        "(tenant, subject, basis, status, number, said, text_version, starts, created, changed) "
        "SELECT tenant, subject, %s, %s, 1, 1, 1, 0, created, created FROM vault_record "
        "WHERE subject <> %s",
        [basis, AgreementStatus.YES.value, one.row.subject],
    )
    workflows.accept_agreement(caller, brief="everyones", **by_token(one), wish={})
    return basis


def let_in(token: str) -> dict[str, Any]:
    """An administrator's session at the console, and this person's at the portal."""
    made = create_account(operator(), name="officer", role="admin", password=secrets.token_urlsafe())
    account = rows.by_id(made.id, tenant=1)
    private = rows.Private("officer", "", account.private.password, totp=secrets.token_hex(20))
    rows.save(account, private=private)
    console = Session(Audience.CONSOLE)
    console.begin(seconds=24 * HOUR, account=made.id, confirmed=unix_now(), how="benchmark")
    key, subject = str(uuid.uuid4()), references.subject_of(uuid.UUID(token), tenant=1)
    tokens.add_token(token=key, kind=TokenKind.PERSON, label="portal", subject=subject, expires=unix_now() + HOUR)
    portal = Session(Audience.PORTAL)
    portal.begin(seconds=HOUR, xtoken=key, token=token)
    return {"console": console.key, "portal": portal.key, "account": made.id}


def fill_one(caller: Actor, one: OpenRecord) -> None:
    """One person with more of everything than people have."""
    subject = one.row.subject
    for number in range(OF_ONE):
        actions.store_app_data(caller, **by_token(one), app=f"app{number % 20}", data={"number": number})
        actions.store_session(caller, session=str(uuid.uuid4()), data={"token": str(one.token), "agent": "a browser"})
        actions.create_share(caller, **by_token(one), wish={"partner": f"partner {number}"})
    for number in range(BASES):
        workflows.accept_agreement(caller, brief=f"basis-{number}", **by_token(one), wish={})
    rows = [
        trail.build(caller, events.RECORD_READ, subject=subject, sealer=one.key, detail={"mode": "email"})
        for _ in range(READS_OF_ONE)
    ]
    with atomically():
        insert_many(trail.insert(*rows))


def by_token(record: OpenRecord) -> dict[str, Any]:
    return {"mode": "token", "identity": str(record.token)}


def newest_event(subject: bytes) -> uuid.UUID:
    from audit.models import Event

    return Event.objects.filter(tenant=1, subject=subject).order_by("-id").values_list("id", flat=True)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    works = parser.add_subparsers(dest="work", required=True)
    some = works.add_parser("events")
    for name in ("after", "upto", "each"):
        some.add_argument(f"--{name}", type=int, required=True)
    works.add_parser("rest").add_argument("file", type=Path)
    visitors = works.add_parser("visitors")
    visitors.add_argument("person")
    visitors.add_argument("file", type=Path)
    options = parser.parse_args()
    if options.work == "events":
        fill_events(options.after, options.upto, options.each)
    elif options.work == "visitors":
        options.file.write_text(json.dumps(let_in(options.person)), encoding="utf-8")
    else:
        options.file.write_text(json.dumps(fill_rest()), encoding="utf-8")


if __name__ == "__main__":
    main()
