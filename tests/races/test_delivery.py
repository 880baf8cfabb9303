"""Several deliverers at once: each message goes out once while its lease holds, and none is lost with its deliverer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from databunker.ids import new_token
from databunker.notify import outbox
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.receivers import Receiver, Wire
from tests.support.vaults import SECONDS, Vault, new_vault

from .conftest import racing

SECRET = "a secret of at least thirty-two characters"
MESSAGES, DELIVERERS = 60, 6


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        settings.NOTIFICATION_URL = running.url()
        settings.NOTIFICATION_SECRET = SECRET
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
        yield running


def test_each_message_is_delivered_once_by_deliverers_at_once(committed_vault: None, receiver: Receiver) -> None:
    for _ in range(MESSAGES):
        outbox.webhook(1, {"action": "badlogin"})
    counts = racing(lambda _: deliver_due(MESSAGES), range(DELIVERERS))
    counts += racing(lambda _: deliver_due(MESSAGES), range(1))
    assert sum(counts) == MESSAGES
    ids = Counter(got.headers["x-databunker-delivery"] for got in receiver.received)
    assert len(ids) == MESSAGES
    assert set(ids.values()) == {1}
    assert not Job.objects.exists()


def test_deliverers_and_callers_do_not_disturb_each_other(committed_api: Api, receiver: Receiver) -> None:
    """People come, change and go while three deliver: all is told, nothing is refused."""

    def live(number: int) -> list[int]:
        login = f"{new_token().hex}{number}"
        answers = [committed_api.post("/v1/user", {"login": login})]
        token = answers[0].json()["token"]
        answers += [committed_api.put(f"/v1/user/token/{token}", {"number": turn}) for turn in range(3)]
        answers.append(committed_api.delete(f"/v1/user/token/{token}"))
        assert not Job.objects.filter(subject=subject_of(token), generation=1).exists()
        return [answer.status_code for answer in answers]

    def deliver() -> list[int]:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            deliver_due()
        return []

    acts: list[Callable[[], list[int]]] = [lambda number=number: live(number) for number in range(6)]  # type: ignore[misc]
    codes = racing(lambda act: act(), [*acts, deliver, deliver, deliver])
    assert {code for answers in codes for code in answers} == {200}
    deliver_due()
    assert sum(body["action"] == "forgetme" for body in receiver.bodies()) == 6
    assert not Job.objects.exists()
    repeated = Counter(got.headers["x-databunker-delivery"] for got in receiver.received)
    assert set(repeated.values()) == {1}


# --- a deliverer that is killed --------------------------------------------------------------------------------------


@pytest.fixture
def told_vault(tmp_path: Path) -> Iterator[tuple[Vault, Receiver]]:
    with Receiver() as running:
        settings = {
            "NOTIFICATION_URL": running.url(),
            "NOTIFICATION_SECRET": SECRET,
            "OUTGOING_ALLOW_PRIVATE": "127.0.0.1",
        }
        with new_vault(tmp_path, **settings) as vault:
            yield vault, running


DELIVER = "import django\ndjango.setup()\nfrom databunker.notify.delivery import deliver_due\nprint(deliver_due())"


@pytest.mark.slow
def test_a_deliverer_killed_while_it_sends_loses_nothing(told_vault: tuple[Vault, Receiver]) -> None:
    """By SIGKILL, after the receiver has the message and before it has answered."""
    vault, receiver = told_vault
    vault.script("from databunker.notify import outbox\noutbox.webhook(1, {'action': 'badlogin'})")

    def silent(wire: Wire) -> None:
        wire.over.wait(SECONDS)

    receiver.answer = silent
    process = subprocess.Popen(
        [sys.executable, "-c", DELIVER], cwd=vault.folder, env=vault.environment(), stdin=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + SECONDS
        while not receiver.received:
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
    receiver.answer = None
    deliver = DELIVER.partition("setup()\n")[2]
    assert vault.script(deliver) == "0\n", "the lease of the dead one still holds"
    vault.database.rows("UPDATE notify_job SET next_attempt = 0")
    assert vault.script(deliver) == "1\n"
    first, second = receiver.received
    assert first.headers["x-databunker-delivery"] == second.headers["x-databunker-delivery"]
    assert first.body == second.body
    assert vault.database.value("SELECT count(*) FROM notify_job") == 0
