"""A new key is used from now on, and what is under older ones is read as ever."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from audit.models import Event
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.permissions import Permission
from databunker.crypto import envelope, store
from databunker.crypto.keyring import REQUIRED, Keyring, Purpose
from databunker.crypto.models import WrappedKey
from databunker.errors import AccessDenied, BadRequest
from databunker.keys import key_status, retire_keys, rewrap_all, rewrap_keyring, rotate_key
from databunker.keys.actions import ROTATABLE
from tests.api.helpers import told_by
from tests.conftest import Api
from vault.actions import prepare_batch
from vault.models import Record

from .conftest import Everything, data_keys_in_use


def test_the_new_data_key_seals_and_the_old_one_opens(everything: Everything) -> None:
    assert set().union(*data_keys_in_use().values()) == {1}
    with told_by() as told:
        key = rotate_key(operator())
    assert (key.id, key.purpose) == (7, Purpose.DATA)
    assert [(event.code, event.detail) for event in told] == [("key.rotate", {"key": 7, "purpose": "data"})]
    everything.check()
    everything.people["new"] = everything.api.create(login="new", secret="of new")
    assert data_keys_in_use()["vault_record.wrapped_key"] == {1, 7}
    everything.check()


@pytest.mark.parametrize("purpose", ROTATABLE)
def test_every_purpose_that_rotates_goes_on_to_work(everything: Everything, purpose: Purpose) -> None:
    for _ in range(2):
        key = rotate_key(operator(), purpose=purpose)
        assert store.current_keyring().newest(purpose) == key
        everything.check()
    row = WrappedKey.objects.get(pk=key.id)
    assert (row.purpose, key.secret in bytes(row.wrapped)) == (purpose.value, False)


def test_events_are_authenticated_and_sealed_by_the_newest_keys(api: Api) -> None:
    audit = rotate_key(operator(), purpose=Purpose.AUDIT)
    detail = rotate_key(operator(), purpose=Purpose.DETAIL)
    api.get("/v1/user/login/nobody")
    event = Event.objects.order_by("id").last()
    assert event is not None
    assert event.detail is not None
    assert (event.key_id, envelope.key_id_of(event.detail)) == (audit.id, detail.id)
    assert api.get(f"/v1/audit/get/{event.id}").json()["event"]["msg"] == "record not found"


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - set(ROTATABLE)))
def test_what_people_and_tokens_are_found_by_does_not_rotate(api: Api, purpose: Purpose) -> None:
    with pytest.raises(BadRequest, match=purpose.value):
        rotate_key(operator(), purpose=purpose)
    assert WrappedKey.objects.count() == len(REQUIRED)


ACTS: list[Callable[[Actor], Any]] = [
    rotate_key,
    retire_keys,
    rewrap_keyring,
    key_status,
    lambda actor: rewrap_all(actor, tell=lambda *_: None),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kind", [ActorKind.ANYONE, ActorKind.PERSON])
def test_strangers_and_people_have_nothing_to_do_with_keys(
    everything: Everything, act: Callable[[Actor], Any], kind: ActorKind
) -> None:
    before = list(WrappedKey.objects.order_by("id").values_list())
    with pytest.raises(AccessDenied):
        act(Actor(kind, subject=bytes(16)))
    assert list(WrappedKey.objects.order_by("id").values_list()) == before
    assert Permission.KEY_MANAGE.value == "key.manage"


def stale(keyring: Keyring) -> None:
    """This process read the keyring before the key was made, and will not read it again for a while."""
    store._cached = (store.time.monotonic() + 3600, keyring)


@pytest.mark.parametrize("purpose", ROTATABLE)
def test_a_process_that_has_not_seen_the_new_key_reads_what_others_made_with_it(
    everything: Everything, purpose: Purpose, settings: Any
) -> None:
    """On every path: each reads with a keyring that lacks the key which it needs."""
    settings.KEYRING_CACHE_SECONDS = -1  # nobody is waited for: that others know the key is what this takes away
    before = store.current_keyring()
    rotate_key(operator(), purpose=purpose)
    rewrap_all(operator(), tell=lambda *_: None)
    everything.people["new"] = everything.api.create(login="new", secret="of new")
    everything.api.get("/v1/user/login/nobody")
    for look in (
        lambda: everything.api.get("/v1/user/login/new"),
        lambda: everything.api.get(f"/v1/user/token/{everything.people['new']}"),
        lambda: everything.api.get(f"/v1/session/{everything.session}"),
        lambda: everything.api.get("/v1/agreement/news/email/nobody-yet@example.com"),
        lambda: everything.api.get("/v1/audit/admin?limit=100"),
        lambda: everything.api.get(f"/v1/audit/list/{everything.people['new']}"),
        lambda: everything.api.get(f"/v1/audit/get/{Event.objects.order_by('id').last().id}"),  # type: ignore[union-attr]
        lambda: everything.api.put("/v1/user/login/new", {"a": 1}),
        lambda: everything.api.delete("/v1/user/login/person0"),
    ):
        stale(before)
        assert look().status_code == 200
    stale(before)
    del everything.people["person0"]
    everything.check()


def test_a_captcha_outlives_every_rotation(api: Api) -> None:
    """It lives for two minutes on whichever host it is used."""
    from databunker.access import captcha

    before = store.current_keyring()
    code = captcha.new_captcha(tenant=1).code
    assert envelope.key_id_of(base64.urlsafe_b64decode(code)) == 0
    rotate_key(operator())
    assert captcha.picture(code, tenant=1).startswith(b"\x89PNG")
    newer = captcha.new_captcha(tenant=1).code
    stale(before)
    assert captcha.picture(newer, tenant=1).startswith(b"\x89PNG")


def test_a_key_of_a_rolled_back_rotation_is_used_by_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event, no key."""
    from audit import trail

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk"):
        patched.setattr(trail, "execute", fails)
        rotate_key(operator())
    assert WrappedKey.objects.count() == len(REQUIRED)
    api.create(login="ann")
    assert envelope.key_id_of(bytes(Record.objects.get().wrapped_key)) == 1


def test_people_who_waited_to_be_loaded_are_sealed_anew_under_a_newer_key(api: Api) -> None:
    """A load that slept since it prepared them must not bring an old key back into use."""
    batch = prepare_batch(operator(), [{"login": "ann"}])
    assert not batch.is_outdated
    rotate_key(operator(), purpose=Purpose.AUDIT)
    assert not batch.is_outdated
    rotate_key(operator())
    assert batch.is_outdated
    assert not prepare_batch(operator(), [{"login": "ann"}]).is_outdated
