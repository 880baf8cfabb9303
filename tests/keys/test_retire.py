"""An old key is destroyed when nothing uses it, and not a moment earlier."""

from __future__ import annotations

import re
from typing import Any

import pytest

from audit.models import Event
from databunker.access.actor import operator
from databunker.crypto import store
from databunker.crypto.errors import UnknownKey
from databunker.crypto.holdings import Holding
from databunker.crypto.keyring import Purpose
from databunker.crypto.models import WrappedKey
from databunker.errors import Conflict, NotFound
from databunker.ids import unix_now
from databunker.keys import holdings, retire_keys, rewrap_all, rotate_key
from databunker.keys.actions import MARGIN_SECONDS
from tests.api.helpers import told_by
from tests.conftest import Api
from vault.models import Record

from .conftest import Everything, backdate


def refusal(key_id: int) -> str:
    before = list(WrappedKey.objects.order_by("id").values_list("id", flat=True))
    with told_by() as told, pytest.raises(Conflict) as refused:
        retire_keys(operator(), key_id=key_id)
    assert told == []
    assert list(WrappedKey.objects.order_by("id").values_list("id", flat=True)) == before
    return refused.value.message


@pytest.fixture
def rewrapped(everything: Everything) -> Everything:
    """Key 1 is old, and nothing is under it any more."""
    rotate_key(operator())
    backdate(7, 3600)
    rewrap_all(operator(), tell=lambda *_: None)
    return everything


def test_a_key_that_nothing_uses_is_destroyed(rewrapped: Everything) -> None:
    with told_by() as told:
        retired = retire_keys(operator(), key_id=1)
    assert (retired.gone, retired.kept) == ([1], {})
    assert [(event.code, event.detail) for event in told] == [("key.retire", {"key": 1, "purpose": "data"})]
    assert not WrappedKey.objects.filter(pk=1).exists()
    with pytest.raises(UnknownKey):
        store.keyring_with(1)
    rewrapped.check()
    assert rotate_key(operator()).id == 8, "a number is never given again"


def test_a_key_in_use_stays_and_says_for_what(everything: Everything) -> None:
    rotate_key(operator())
    backdate(7, 3600)
    message = refusal(1)
    assert message.startswith("key 1 is in use for 3 record keys, 3 tokens of people, ")
    assert message.endswith(": `manage.py keys rewrap` puts them under the newest key")


COLUMNS = [(holding, column) for holding in holdings.under(Purpose.DATA) for column in holding.columns]


@pytest.mark.parametrize(("holding", "column"), COLUMNS, ids=[column for _, column in COLUMNS])
def test_a_single_value_keeps_a_key_alive(everything: Everything, holding: Holding, column: str) -> None:
    """Of whatever kind: one is put back as it was before all was re-wrapped."""
    pk, value = holding.rows().order_by("pk").values_list("pk", column)[0]
    rotate_key(operator())
    backdate(7, 3600)
    rewrap_all(operator(), tell=lambda *_: None)
    holding.model._default_manager.filter(pk=pk).update(**{column: value})
    assert refusal(1).startswith(f"key 1 is in use for 1 {holding.columns[column]}: ")
    assert rewrap_all(operator(), tell=lambda *_: None).rows == 1
    assert retire_keys(operator(), key_id=1).gone == [1]
    everything.check()


def test_the_newest_key_stays(rewrapped: Everything) -> None:
    assert refusal(7) == "key 7 is the newest data key: it is in use. Make a new one with `manage.py keys rotate`"


@pytest.mark.parametrize(("key_id", "purpose"), [(2, "index"), (3, "reference"), (4, "audit"), (5, "signing")])
def test_keys_of_other_purposes_stay(rewrapped: Everything, key_id: int, purpose: str) -> None:
    if purpose in ("audit", "signing"):
        rotate_key(operator(), purpose=Purpose(purpose))
        WrappedKey.objects.update(created=1)
    assert refusal(key_id) == f"key {key_id} is of the purpose {purpose}: such keys are not retired"


def test_there_must_be_such_a_key(rewrapped: Everything) -> None:
    with pytest.raises(NotFound, match="there is no key 99"):
        retire_keys(operator(), key_id=99)
    retire_keys(operator(), key_id=1)
    with pytest.raises(NotFound, match="there is no key 1"):
        retire_keys(operator(), key_id=1)


def test_a_key_that_a_process_may_still_seal_under_stays(rewrapped: Everything, settings: Any) -> None:
    settings.KEYRING_CACHE_SECONDS = 30
    for age in (0, 29, 31, MARGIN_SECONDS + 29):
        backdate(7, age)
        left = int(re.search(r"try again in (\d+) s", refusal(1))[1])  # type: ignore[index]
        assert abs(left - (MARGIN_SECONDS + 30 - age)) <= 1
    backdate(7, MARGIN_SECONDS + 30)
    assert retire_keys(operator(), key_id=1).gone == [1]


def test_the_next_key_decides_and_not_the_newest(rewrapped: Everything) -> None:
    """Key 1 has been out of use for long, whatever became the newest since."""
    rotate_key(operator())
    assert retire_keys(operator()).gone == [1]
    assert WrappedKey.objects.get(pk=8).created >= unix_now() - 60


def test_all_old_keys_at_once(rewrapped: Everything) -> None:
    """Those that can't go stay, each with its reason."""
    rotate_key(operator())
    rotate_key(operator(), purpose=Purpose.DETAIL)
    for key_id in (8, 9):
        backdate(key_id, 3600)
    retired = retire_keys(operator())
    assert retired.gone == [1]
    assert sorted(retired.kept) == [6, 7]
    assert retired.kept[7].startswith("key 7 is in use for 3 record keys")
    assert "details of events of nobody: events are never changed" in retired.kept[6]
    assert retire_keys(operator()).gone == []


def test_a_detail_key_goes_when_its_events_are_gone(api: Api) -> None:
    api.get("/v1/user/login/nobody")
    rotate_key(operator(), purpose=Purpose.DETAIL)
    backdate(7, 3600)
    assert "MAX_AUDIT_RETENTION" in refusal(6)
    Event.objects.all().delete()
    assert retire_keys(operator(), key_id=6).gone == [6]
    assert api.get("/v1/audit/admin").status_code == 200


def test_of_a_damaged_value_the_key_stays(rewrapped: Everything) -> None:
    """It may be mended from a backup."""
    from databunker.crypto.envelope import header_for

    row = Record.objects.order_by("id")[0]
    Record.objects.filter(pk=row.pk).update(wrapped_key=header_for(1) + bytes(row.wrapped_key)[5:])
    rewrap_all(operator(), tell=lambda *_: None)
    assert refusal(1).startswith("key 1 is in use for 1 record keys: ")


def test_no_event_no_end(rewrapped: Everything, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit import trail

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk"):
        patched.setattr(trail, "execute", fails)
        retire_keys(operator(), key_id=1)
    assert WrappedKey.objects.filter(pk=1).exists()
