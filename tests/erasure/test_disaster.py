"""The drill of docs/disaster.md within one process: traffic, a backup, more traffic, the database gone, and back.

`make drill-restore` does the same with real servers, from each kind of database to another.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connections

from audit import verification
from databunker import startup
from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.backup import create_backup
from databunker.crypto import store
from databunker.erasure import journal, outside
from databunker.erasure.verifying import is_of, verify_receipt
from tests.conftest import Api, new_token
from tests.support.backups import emptied, restored
from tests.support.trail import sealed
from vault.actions import replay_journal

from .conftest import read

PEOPLE = 12


class Traffic:
    """Creates people, changes them and has every third forgotten; what was acknowledged, by token."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.numbers: dict[str, int] = {}
        self.receipts: dict[str, str] = {}
        self.wrong: list[Exception] = []

    def go_on(self, name: str) -> None:
        try:
            for number in range(PEOPLE):
                token = self._api.create(login=f"{name}-{number}", n=0)
                assert self._api.put(f"/v1/user/token/{token}", {"n": number}).status_code == 200
                self.numbers[token] = number
                if number % 3 == 2:
                    self.forget(token)
        except Exception as error:  # noqa: BLE001 - told at the end
            self.wrong.append(error)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections.close_all()

    def forget(self, token: str) -> None:
        answer = self._api.delete(f"/v1/user/token/{token}")
        assert answer.status_code == 200
        self.receipts[token] = answer.json()["receipt"]
        self.numbers.pop(token)

    def data(self, token: str) -> Any:
        return self._api.get(f"/v1/user/token/{token}").json().get("data")


def test_a_vault_comes_back_without_those_who_were_forgotten(committed_api: Api, file: Path, settings: Any) -> None:
    settings.RECEIPTS_PER_ADDRESS = "1000/1h"
    new_token(TokenKind.ROOT)
    traffic = Traffic(committed_api)
    traffic.go_on("before")
    sealed()
    known = dict(traffic.numbers)
    writer = threading.Thread(target=traffic.go_on, args=("meanwhile",))
    writer.start()
    backup = b"".join(create_backup(operator()))
    writer.join()
    traffic.go_on("after")
    for token in list(known)[::2]:
        traffic.forget(token)
    assert traffic.wrong == []
    sealed()
    documents = {token: Api().get(f"/v1/receipt/{id_}").json()["receipt"] for token, id_ in traffic.receipts.items()}

    emptied()
    restored(backup, serves=False, hold_outbox=True)
    done = replay_journal(operator(), read(file))
    assert done.forgotten >= len(list(known)[::2])
    store.forget_cached()
    startup.verify()

    assert {token: traffic.data(token)["n"] for token in known if token not in traffic.receipts} == {
        token: number for token, number in known.items() if token not in traffic.receipts
    }
    for token, document in documents.items():
        assert traffic.data(token) in ({}, None), "forgotten, or of after the backup and unknown"
        verify_receipt(document)
        assert is_of(document, UUID(token))
    sealed()
    assert verification.verify(verification.Options(processes=1)).found.number == 0
    assert list(journal.check_chain()) == []
    assert outside.file_state() == (len(documents), 0)
    call_command("erasures", "status")
