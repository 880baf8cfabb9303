"""Sessions written and deleted by many at the same moment."""

from __future__ import annotations

import uuid

from tests.api.helpers import told_by
from tests.conftest import Api
from tests.races.conftest import THREADS, racing
from vault.models import Session

ROUNDS = 3


def test_of_writers_of_one_session_the_last_stands_whole(committed_api: Api) -> None:
    token = committed_api.create(login="ann")
    for _ in range(ROUNDS):
        session = str(uuid.uuid4())
        with told_by() as told:
            answers = racing(
                lambda number: committed_api.post(
                    f"/v1/session/{session}",  # noqa: B023 - run to its end in this round
                    {"login": "ann" if number % 2 else "nobody", "number": number, "again": number},
                ),
                range(THREADS),
            )
        assert [answer.status_code for answer in answers] == [200] * THREADS
        assert [event.code for event in told] == ["session.store"] * THREADS
        data = committed_api.get(f"/v1/session/{session}").json()["data"]
        assert data["number"] == data["again"]
        listed = committed_api.get(f"/v1/sessions/token/{token}").json()["rows"]
        assert (session in {row["session"] for row in listed}) == (data["login"] == "ann")
    assert Session.objects.count() == ROUNDS


def test_a_session_that_is_written_and_deleted_at_once_is_whole_or_gone(committed_api: Api) -> None:
    committed_api.create(login="ann")
    for _ in range(ROUNDS):
        session = str(uuid.uuid4())
        path = f"/v1/session/{session}"

        def act(number: int, path: str = path) -> int:
            if number % 2:
                return int(committed_api.delete(path).status_code)
            return int(committed_api.post(path, {"login": "ann", "number": number}).status_code)

        assert set(racing(act, range(THREADS))) == {200}
        answer = committed_api.get(path)
        assert answer.status_code in (200, 404)
        assert Session.objects.count() == (answer.status_code == 200)
        committed_api.delete(path)
