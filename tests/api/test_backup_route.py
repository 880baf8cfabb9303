"""`GET /v1/sys/backup`: the same file as `manage.py backup` writes, over HTTP."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from databunker.api.v1 import system
from databunker.backup import verify_backup, writing
from databunker.db import statements
from tests.api.helpers import assert_refused, told_by
from tests.conftest import Api
from tests.support.backups import emptied, everything, restored

PATH = "/v1/sys/backup"


def test_the_answer_is_a_backup_that_can_be_restored(committed_api: Api) -> None:
    committed_api.create(login="ann")
    with told_by() as told:
        answer = committed_api.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(
        r'attachment; filename="databunker-\d{8}T\d{6}Z\.backup"', answer.headers["Content-Disposition"]
    )
    assert [(event.code, event.outcome, event.who) for event in told] == [("backup.create", "ok", "root")]
    verified = verify_backup(io.BytesIO(answer.streamed))
    assert told[0].detail["backup"].replace("-", "") == verified.header.backup.hex()
    assert verified.rows == {table: len(rows) for table, rows in everything().items()}, "its own event is in it"
    emptied()
    restored(answer.streamed)
    assert committed_api.get("/v1/user/login/ann").status_code == 200


def test_a_head_sends_nothing_and_holds_nothing(api: Api) -> None:
    answer = api.call("HEAD", PATH)
    assert (answer.status_code, answer.streamed) == (200, b"")
    assert api.get(PATH).status_code == 200


def test_one_at_a_time_is_sent(api: Api) -> None:
    with system._streaming, told_by() as told:
        assert_refused(api.get(PATH), 409, "a backup is being sent already: try again when it is complete")
    assert [(event.code, event.outcome) for event in told] == [("backup.create", "conflict")]
    assert api.get(PATH).status_code == 200


@pytest.mark.parametrize("broken", ["trail", "snapshot"])
def test_where_it_can_not_begin_nothing_is_sent_and_nothing_held(
    api: Api, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise statements.OperationalError("down")

    place = ("databunker.backup.actions.trail.record", fail) if broken == "trail" else (writing, "Snapshot", fail)
    with monkeypatch.context() as patched:
        patched.setattr(*place)
        assert_refused(api.get(PATH), 503, "service unavailable")
    assert api.get(PATH).status_code == 200


def test_a_backup_that_fails_in_its_middle_holds_nothing(committed_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise statements.OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(writing, "encode_row", fail)
        with pytest.raises(statements.OperationalError):
            committed_api.get(PATH)
    assert committed_api.get(PATH).status_code == 200
