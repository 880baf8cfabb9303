"""`manage.py incidents`: what looked wrong."""

from __future__ import annotations

import io

from django.core.management import call_command

from databunker.watch.models import Incident
from tests.api.helpers import told_by

NOW = 2_000_000_000


def incidents(*arguments: str) -> str:
    out = io.StringIO()
    call_command("incidents", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_they_are_listed_the_latest_first(vault: None) -> None:
    some = {"tenant": 1, "actor_kind": 2, "start": NOW}
    Incident.objects.create(**some, kind=1, token_id=7, last=NOW + 60, people=12_345, usual=100)
    Incident.objects.create(**some | {"actor_kind": 0}, kind=3, token_id=0, last=NOW + 120, people=1, usual=0)
    Incident.objects.create(**some | {"tenant": 2}, kind=3, token_id=0, last=NOW, people=1, usual=0)
    with told_by() as told:
        lines = incidents().splitlines()
    assert lines == [
        "2033-05-18 03:33 to 2033-05-18 03:35  anyone       a canary was read: 1",
        "2033-05-18 03:33 to 2033-05-18 03:34  admin 7      unusually many people in an hour: 12,345 (at most 100 expected)",
        "2 in all.",
    ]
    assert [event.code for event in told] == ["incident.list"]
    assert len(incidents("--limit", "1").splitlines()) == 2
