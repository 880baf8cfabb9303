"""`manage.py keys` as an operator types it."""

from __future__ import annotations

import io
import json
import logging
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from databunker.access.actor import operator
from databunker.crypto import ageing, store
from databunker.crypto.checks import check_keys
from databunker.crypto.errors import MasterKeyError
from databunker.crypto.keyring import REQUIRED, Purpose
from databunker.crypto.models import WrappedKey
from databunker.keys import measures, rotate_key
from gdpr import maintenance
from tests.api.helpers import unreachable_database
from tests.conftest import Api
from tests.support.backups import emptied, restored, taken
from tests.support.transit import Transit
from vault.models import Record

from .conftest import Everything, backdate

DAY = 86_400


def keys(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keys", *arguments, stdout=out, stderr=io.StringIO(), no_color=True)
    return out.getvalue()


def test_status_shows_each_key_and_what_is_under_it(everything: Everything) -> None:
    rotate_key(operator())
    backdate(1, 400 * DAY)
    backdate(7, 3 * DAY)
    everything.api.create(login="new")
    text = keys("status")
    lines = [line for line in text.splitlines() if re.match(r" +\d+  [a-z]", line)]
    assert [line.split()[:4] for line in lines] == [
        ["1", "data", "400", "days"],
        *([str(number), name, "0", "days"] for number, name in enumerate(REQUIRED[1:], start=2)),
        ["7", "data", "3", "days"],
    ]
    assert [line.split()[4] for line in lines] == ["old", *["in"] * 6]
    for number, what in ((3, "record keys"), (3, "tokens of people"), (1, "sessions of nobody"), (1, "record keys")):
        assert re.search(rf"^ +{number} {what}$", text, re.MULTILINE)
    assert re.search(r"^\d+ values are under an older data key: `manage\.py keys rewrap`\.$", text, re.MULTILINE)
    assert "KEY_LIFETIME" not in text


def test_status_as_json(everything: Everything, settings: Any) -> None:
    settings.KEY_LIFETIME = "30d"
    rotate_key(operator())
    backdate(7, 31 * DAY)
    found = json.loads(keys("status", "--json"))
    assert found["overdue"] == [7]
    first, last = found["keys"][0], found["keys"][-1]
    assert (first["id"], first["purpose"], first["newest"], first["overdue"]) == (1, "data", False, False)
    assert first["sealed"]["record keys"] == 3
    assert (last["id"], last["newest"], last["overdue"], last["sealed"]) == (7, True, True, {})
    assert found["outdated"] == sum(first["sealed"].values())
    assert found["keys"][2]["sealed"] is None
    assert "Older than KEY_LIFETIME: data key 7." in keys("status")


def test_from_rotate_to_retire(everything: Everything, settings: Any) -> None:
    settings.KEYRING_CACHE_SECONDS = 0
    assert keys("rotate").startswith("New data key 7. Every process uses it within 0 s.\n")
    assert keys("rotate", "--purpose", "audit") == "New audit key 8. Every process uses it within 0 s.\n"
    backdate(7, 3600)
    assert re.match(r"\d+ rows are under the newest data key now; \d+\.\d s\.\n$", keys("rewrap"))
    assert keys("retire", "1") == "Key 1 is destroyed.\n"
    assert keys("retire") == "There is no old key.\n"
    everything.check()


def test_retire_says_why_a_key_stays(everything: Everything) -> None:
    rotate_key(operator())
    assert keys("retire").startswith("Not destroyed: key 1 was the newest until a moment ago")
    with pytest.raises(CommandError, match="key 7 is the newest data key"):
        keys("retire", "7")


def test_rewrap_ends_with_an_error_where_rows_are_damaged(everything: Everything) -> None:
    rotate_key(operator())
    backdate(7, 3600)
    row = Record.objects.order_by("id")[0]
    Record.objects.filter(pk=row.pk).update(wrapped_key=bytes(row.wrapped_key)[:-1])
    with pytest.raises(CommandError, match=rf"1 rows don't open, .*: vault_record {row.pk}$"):
        keys("rewrap")


@pytest.mark.parametrize("verb", ["status", "rotate", "rewrap", "retire", "rewrap-keyring"])
def test_without_a_database_it_says_so(api: Api, verb: str) -> None:
    with unreachable_database(), pytest.raises(CommandError, match=r"^the database can't be reached or written"):
        keys(verb)


# --- a new master key ------------------------------------------------------------------------------------------------


def test_a_new_master_key_is_printed_and_nothing_is_under_it(api: Api) -> None:
    (first, second) = (keys("new-master-key") for _ in range(2))
    assert re.fullmatch(r"DATABUNKER_MASTERKEY=[0-9a-f]{64}\n", first)
    assert first != second


def test_a_new_master_key_in_a_file(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert keys("new-master-key", "--file", str(path)) == f"DATABUNKER_MASTERKEY_FILE={path}\n"
    assert re.fullmatch("[0-9a-f]{64}\n", path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(CommandError, match="can't be written: File exists"):
        keys("new-master-key", "--file", str(path))
    assert path.read_bytes() == before


def test_the_keyring_goes_under_a_new_master_key(everything: Everything, settings: Any) -> None:
    assert keys("rewrap-keyring") == "The keyring is under the master key that is set: nothing to do.\n"
    settings.DATABUNKER_MASTERKEY_OLD = settings.DATABUNKER_MASTERKEY
    settings.DATABUNKER_MASTERKEY = keys("new-master-key").strip().partition("=")[2]
    store.forget_cached()
    everything.check()
    assert keys("rewrap-keyring").startswith("6 keys are under the new master key.")
    settings.DATABUNKER_MASTERKEY_OLD = ""
    store.forget_cached()
    everything.check()


def test_a_backup_from_before_is_restored_with_the_old_master_key(
    committed_everything: Everything, settings: Any
) -> None:
    backup, old = taken(), settings.DATABUNKER_MASTERKEY
    settings.DATABUNKER_MASTERKEY_OLD = old
    settings.DATABUNKER_MASTERKEY = keys("new-master-key").strip().partition("=")[2]
    store.forget_cached()
    keys("rewrap-keyring")
    settings.DATABUNKER_MASTERKEY_OLD = ""
    emptied()
    with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_OLD"):
        restored(backup)
    settings.DATABUNKER_MASTERKEY_OLD = old
    assert restored(backup).checked.damaged == 0
    assert keys("rewrap-keyring").startswith("6 keys are under the new master key.")
    settings.DATABUNKER_MASTERKEY_OLD = ""
    store.forget_cached()
    committed_everything.check()


def test_without_the_old_master_key_nothing_changes(api: Api, settings: Any) -> None:
    before = list(WrappedKey.objects.order_by("id").values_list())
    settings.DATABUNKER_MASTERKEY = keys("new-master-key").strip().partition("=")[2]
    store.forget_cached()
    with pytest.raises(CommandError, match="the master key is not the one"):
        keys("rewrap-keyring")
    assert list(WrappedKey.objects.order_by("id").values_list()) == before


def test_it_moves_to_a_key_management_service_and_between_two_keys_of_it(everything: Everything, settings: Any) -> None:
    with Transit() as service:
        for name, value in service.settings().items():
            setattr(settings, name, value)
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
        settings.DATABUNKER_MASTERKEY_OLD, settings.DATABUNKER_MASTERKEY = settings.DATABUNKER_MASTERKEY, ""
        settings.DATABUNKER_MASTERKEY_TRANSIT = keys("new-master-key").strip().partition("=")[2]
        assert settings.DATABUNKER_MASTERKEY_TRANSIT.startswith("vault:v1:")
        store.forget_cached()
        assert keys("rewrap-keyring").startswith("6 keys are under")
        settings.DATABUNKER_MASTERKEY_OLD = ""
        settings.DATABUNKER_MASTERKEY_OLD_TRANSIT = settings.DATABUNKER_MASTERKEY_TRANSIT
        settings.DATABUNKER_MASTERKEY_TRANSIT = keys("new-master-key").strip().partition("=")[2]
        store.forget_cached()
        assert keys("rewrap-keyring").startswith("6 keys are under")
        settings.DATABUNKER_MASTERKEY_OLD_TRANSIT = ""
        store.forget_cached()
        everything.check()


# --- age -------------------------------------------------------------------------------------------------------------


def warn() -> dict[str, Any]:
    chosen = [task for task in maintenance.tasks() if task.name == "warnings of old keys"]
    (outcome,) = maintenance.run(chosen, seconds=10)
    return {"done": outcome.done, "failure": outcome.failure}


def test_old_keys_are_warned_of_once_a_day(
    api: Api, settings: Any, later: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    settings.KEY_LIFETIME = "30d"
    assert warn() == {"done": 0, "failure": ""}
    later(30 * DAY + 1)
    assert warn() == {"done": 2, "failure": ""}
    for _ in range(3):
        later(DAY // 4)
        assert warn()["done"] == 0
    later(DAY // 4)
    assert warn()["done"] == 2
    rotate_key(operator())
    later(DAY)
    assert warn()["done"] == 1
    texts = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(texts) == 5
    assert texts[0].startswith("data key 1 is in use for 30 days, longer than KEY_LIFETIME")
    assert texts[-1].startswith("detail key 6 is in use for 32 days")


@pytest.mark.parametrize("value", ["", "soon", "0", "0d"])
def test_a_lifetime_that_is_none_is_refused_at_start(settings: Any, value: str) -> None:
    assert check_keys() == []
    settings.KEY_LIFETIME = value
    (problem,) = check_keys()
    assert "KEY_LIFETIME" in problem.msg
    assert ageing.WATCHED == (Purpose.DATA, Purpose.DETAIL)


def metric(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])


def test_metrics_have_ages_and_numbers(everything: Everything, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_counted", None)
    backdate(1, 1000)
    text = everything.api.get("/v1/metrics").content.decode()
    assert metric(text, 'databunker_keys{purpose="data"}') == 1
    assert 1000 <= metric(text, 'databunker_key_age_seconds{purpose="data"}') < 1100
    assert metric(text, "databunker_rewrap_rows") == 0
    rotate_key(operator())
    text = everything.api.get("/v1/metrics").content.decode()
    assert metric(text, 'databunker_keys{purpose="data"}') == 2
    assert metric(text, 'databunker_key_age_seconds{purpose="data"}') < 100
    rows = metric(text, "databunker_rewrap_rows")
    assert rows > 5
    Record.objects.all().delete()
    again = everything.api.get("/v1/metrics").content.decode()
    assert metric(again, "databunker_rewrap_rows") == rows, "counted now and then, not for each who asks"
    with unreachable_database():
        assert b"databunker_keys" not in everything.api.get("/v1/metrics").content


@pytest.mark.parametrize("verb", ["status", "rotate", "rewrap", "reindex"])
@pytest.mark.django_db
def test_a_vault_without_keys_says_so(verb: str) -> None:
    with pytest.raises(CommandError, match="no keyring yet: run `manage.py init`"):
        keys(verb)
