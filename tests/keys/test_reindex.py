"""A new index key: at each step of the way everybody is found, and nobody's identity is given twice."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from audit.models import Event
from databunker.access import login_codes, throttle
from databunker.access.actor import Actor, operator
from databunker.access.models import Throttle
from databunker.crypto import index_keys, store
from databunker.crypto.index_keys import Phase
from databunker.crypto.keyring import Keyring, Purpose
from databunker.crypto.models import WrappedKey
from databunker.errors import Conflict, Throttled
from databunker.keys import reindexing
from databunker.keys.reindexing import Outcome, Plan
from gdpr.models import Agreement, AgreementEvent
from tests.api.helpers import subject_of
from tests.conftest import Api
from vault import actions, integrity
from vault.actions import Created, Newcomer
from vault.events import IDENTITY_LEFT_OUT
from vault.models import Identity, Record

NOBODY = bytes(16)


@pytest.fixture(autouse=True)
def _read_at_once(settings: Any) -> None:
    """Every process reads the keyring each time, unless a test makes one that is behind."""
    settings.KEYRING_CACHE_SECONDS = 0


@contextmanager
def behind(keyring: Keyring) -> Iterator[None]:
    """A process that goes on with the keyring that it has read some time ago."""
    store._cached = (float("inf"), keyring)
    try:
        yield
    finally:
        store.forget_cached()


def nothing(*_: Any) -> None:
    pass


def reindex(at_each: Callable[[], None] = nothing, **plan: Any) -> Outcome:
    """All of the way; `at_each` is called while it waits after each step."""

    def sleep(seconds: float) -> None:
        at_each()
        time.sleep(seconds)

    return reindexing.reindex(operator(), Plan(margin=0.001, **plan), tell=nothing, sleep=sleep)


def assert_sound() -> None:
    """Each record has the identities that it says it has, all under keys that there are, and no other is stored."""
    known = 0
    for checked in integrity.check_records():
        assert checked.problems == []
        known += checked.identities
    assert list(integrity.check_strays(known)) == []


def index_key() -> int:
    return index_keys.index_keys().live


# --- the way ---------------------------------------------------------------------------------------------------------


def test_a_new_key_takes_the_place_of_the_old_one(api: Api) -> None:
    tokens = {name: api.create(login=name, email=f"{name}@example.com", phone="+4930123456") for name in ("ann",)}
    tokens["bob"] = api.create(login="bob", custom="7")
    old, before = index_key(), set(Identity.objects.values_list("digest", flat=True))
    outcome = reindex()
    assert index_key() != old
    assert not WrappedKey.objects.filter(id=old).exists()
    assert outcome.records == 4  # two people, written under both keys and then under the new one alone
    after = set(Identity.objects.values_list("digest", flat=True))
    assert len(after) == len(before) == 5
    assert not after & before
    for path, name in (
        ("login/ann", "ann"),
        ("email/ANN@example.com", "ann"),
        ("phone/+4930123456", "ann"),
        ("custom/7", "bob"),
    ):
        assert api.get(f"/v1/user/{path}").json()["token"] == tokens[name]
    assert_sound()


def test_each_step_leaves_its_event(api: Api) -> None:
    reindex()
    assert list(Event.objects.filter(type__gte=310, type__lt=320).order_by("at").values_list("type", flat=True)) == [
        310, 311, 312, 313,
    ]  # fmt: skip


def test_everybody_is_found_and_unique_after_each_step_for_processes_ahead_and_behind(api: Api) -> None:
    """At every step one process has read the keyring just now, and another one just before the step."""
    numbers = itertools.count()
    people: dict[str, str] = {}
    phases: list[Phase] = []
    keyrings = [store.current_keyring()]

    def act() -> None:
        """What one process does: all that reads or writes the index."""
        name = f"p{next(numbers)}"
        people[name] = api.create(login=name, email=f"{name}@example.com")
        mover, goner = f"p{next(numbers)}", f"p{next(numbers)}"
        people[mover] = api.create(login=mover, email=f"{mover}@example.com")
        assert api.put(f"/v1/user/login/{mover}", {"login": f"{mover}-moved"}).status_code == 200
        people[f"{mover}-moved"] = people.pop(mover)
        assert api.create(login=goner)
        assert api.delete(f"/v1/user/login/{goner}").status_code == 200
        assert (
            api.post("/v1/users/bulk", {"records": [{"login": name}, {"login": f"{name}-bulk"}]}).json()["created"] == 1
        )
        people[f"{name}-bulk"] = api.get(f"/v1/user/login/{name}-bulk").json()["token"]
        assert api.post("/v1/user", {"login": mover}).status_code == 200, "who moves away lets go of the name"
        people[mover] = api.get(f"/v1/user/login/{mover}").json()["token"]

    def check() -> None:
        for name, token in people.items():
            assert api.get(f"/v1/user/login/{name}").json()["token"] == token
            assert api.post("/v1/user", {"login": name}).status_code == 409
        unique = Identity.objects.filter(slot=NOBODY)
        assert unique.values("digest").distinct().count() == unique.count()

    def at_each() -> None:
        phases.append(index_keys.index_keys().phase)
        now = store.current_keyring()
        for keyring in (keyrings[-1], now):
            with behind(keyring):
                act()
        for keyring in (keyrings[-1], now):
            with behind(keyring):
                check()
        keyrings.append(now)

    act()
    reindex(at_each)
    check()
    assert phases == [Phase.ANNOUNCED, Phase.SWITCHED, Phase.SETTLED]
    assert_sound()


def test_who_is_stored_by_a_process_that_is_two_steps_behind_is_found_in_the_end(api: Api) -> None:
    """It should not happen; if a process sleeps for that long, nobody is lost and no identity given twice."""
    first = store.current_keyring()
    late: dict[str, str] = {}

    def at_each() -> None:
        name = f"late{len(late)}"
        with behind(first):
            late[name] = api.create(login=name)

    reindex(at_each)
    for name, token in late.items():
        assert api.get(f"/v1/user/login/{name}").json()["token"] == token
    assert_sound()


class Killed(Exception):
    pass


@pytest.mark.parametrize("steps", range(4))
def test_a_run_that_was_stopped_is_taken_up(api: Api, steps: int) -> None:
    token = api.create(login="ann")
    waits = itertools.count()

    def stop() -> None:
        if next(waits) == steps:
            raise Killed

    old = index_key()
    if steps < 3:
        with pytest.raises(Killed):
            reindex(stop)
        assert WrappedKey.objects.filter(id=old).exists()
    reindex()
    assert not WrappedKey.objects.filter(id=old).exists()
    assert WrappedKey.objects.filter(purpose=Purpose.INDEX.value).count() == 1
    assert api.get("/v1/user/login/ann").json()["token"] == token
    assert_sound()


def test_of_two_hosts_one_takes_each_step(api: Api) -> None:
    """The other is at it too, from the first wait of this one on, and finishes."""
    api.create(login="ann")
    done: list[Outcome] = []

    def other() -> None:
        if not done:
            done.append(Outcome())
            done.append(reindex())

    reindex(other)
    assert WrappedKey.objects.filter(purpose=Purpose.INDEX.value).count() == 1
    assert Event.objects.filter(type=310).count() == Event.objects.filter(type=313).count() == 1
    assert_sound()


def test_index_keys_in_an_impossible_state_are_refused(api: Api) -> None:
    WrappedKey.objects.filter(purpose=Purpose.INDEX.value).update(state="idle")
    with pytest.raises(Conflict, match="changed in the database"):
        index_keys.index_keys()


# --- what people are found by ----------------------------------------------------------------------------------------


def test_a_field_that_was_declared_later_finds_those_who_were_there_before(api: Api, settings: Any) -> None:
    token = api.create(login="ann", nick="annie")
    settings.IDENTITY_FIELDS = ["nick"]
    assert api.get("/v1/user/nick/annie").status_code == 404
    old = index_key()
    assert reindex(keep_key=True).records == 1
    assert index_key() == old
    assert api.get("/v1/user/nick/annie").json()["token"] == token
    assert_sound()


def test_another_default_country_moves_the_phone_numbers(api: Api, settings: Any) -> None:
    settings.DEFAULT_COUNTRY = "DE"
    token = api.create(login="ann", phone="030 123456")
    settings.DEFAULT_COUNTRY = "AT"
    reindex(keep_key=True)
    assert api.get("/v1/user/phone/+4330123456").json()["token"] == token
    assert api.get("/v1/user/phone/+4930123456").status_code == 404
    assert_sound()


@pytest.mark.parametrize("keep_key", [True, False])
def test_a_collision_is_told_of_and_takes_nobody_out_of_the_index(api: Api, settings: Any, keep_key: bool) -> None:
    settings.DEFAULT_COUNTRY = "DE"
    bob = api.create(login="bob", phone="+43 1 123456")
    ann = api.create(login="ann", phone="01 123456")
    settings.DEFAULT_COUNTRY = "AT"
    outcome = reindex(keep_key=keep_key)
    assert outcome.left_out == {"phone": 1}
    assert api.get("/v1/user/phone/+431123456").json()["token"] == bob
    assert api.get("/v1/user/login/ann").json()["token"] == ann
    (event,) = Event.objects.filter(type=IDENTITY_LEFT_OUT.number)
    assert bytes(event.subject) == subject_of(ann)
    shown = api.get(f"/v1/audit/get/{event.id}").json()["event"]
    assert shown["title"] == "left out an identity that somebody else has"
    assert_sound()


def test_nobody_takes_an_identity_that_another_has_by_being_first_in_the_row(root_actor: Actor, api: Api) -> None:
    """An import has stored the first without the e-mail, which the second has had already."""
    bob = api.create(login="bob", email="shared@example.com")
    first = Record.objects.get().id
    (adopted,) = actions.adopt_people(
        root_actor, people=[Newcomer(UUID(int=5, version=4), {"login": "ann", "email": "shared@example.com"})]
    )
    assert adopted.taken == ["email"]
    Record.objects.filter(id=first).update(id=10**6)  # so that the other one comes first
    seen = []

    def at_each() -> None:
        seen.append(api.get("/v1/user/email/shared@example.com").json()["token"])

    assert reindex(at_each).left_out == {"email": 1}
    assert [*seen, api.get("/v1/user/email/shared@example.com").json()["token"]] == [bob] * 4
    assert_sound()


def test_fields_that_the_settings_do_not_name_stop_it_before_it_begins(api: Api, settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["nick"]
    api.create(login="ann", nick="annie")
    settings.IDENTITY_FIELDS = []
    with pytest.raises(Conflict, match="people are found by nick"):
        reindex()
    assert index_keys.index_keys().phase is Phase.STEADY
    reindex(drop_fields=True)
    settings.IDENTITY_FIELDS = ["nick"]
    assert api.get("/v1/user/nick/annie").status_code == 404
    assert_sound()


def test_a_shared_field_keeps_all_who_share_it(api: Api, settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["family:shared"]
    tokens = {api.create(login=f"p{number}", family="Smith") for number in range(3)}
    reindex()
    assert {row["token"] for row in api.get("/v1/user/family/Smith").json()["rows"]} == tokens
    assert_sound()


def test_what_is_preserved_of_the_forgotten_stays_found(api: Api, settings: Any, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type":"object","properties":{"email":{"type":"string","preserve":true}}}')
    settings.USER_SCHEMA_FILE = str(schema)
    token = api.create(login="ann", email="ann@example.com")
    api.delete(f"/v1/user/token/{token}")
    seen: list[int] = []

    def at_each() -> None:
        other = api.create(login=f"q{len(seen)}", email=f"q{len(seen)}@example.com")
        api.delete(f"/v1/user/token/{other}")
        seen.append(api.get(f"/v1/user/email/q{len(seen)}@example.com").status_code)

    reindex(at_each)
    assert Identity.objects.filter(subject=subject_of(token)).values_list("field", flat=True).get() == "email"
    assert len(set(seen)) == 1
    assert_sound()


def test_a_damaged_record_stops_it_before_anybody_is_lost(api: Api) -> None:
    api.create(login="ann")
    token = api.create(login="bob")
    record = Record.objects.order_by("id")[0]
    Record.objects.filter(id=record.id).update(profile=bytes(80))
    with pytest.raises(Conflict, match=f"1 records don't open, among them number {record.id}"):
        reindex()
    assert index_keys.index_keys().phase is Phase.ANNOUNCED
    assert api.get("/v1/user/login/bob").json()["token"] == token
    outcome = reindex(leave_damaged=True)
    assert outcome.damaged == {record.id}
    assert api.get("/v1/user/login/bob").json()["token"] == token
    assert api.get("/v1/user/login/ann").status_code == 404


# --- login codes, limits, agreements, loads --------------------------------------------------------------------------


def test_a_code_is_good_once_whichever_process_is_asked(vault: None) -> None:
    keyrings = [store.current_keyring()]
    identity, who = b"ann@example.com", b"a" * 16

    def send(code: str) -> None:
        login_codes.store_code(code, tenant=1, identity=identity, subject=who, expires=100)

    def at_each() -> None:
        keyrings.append(store.current_keyring())
        for sender, reader in itertools.product(keyrings[-2:], repeat=2):
            with behind(sender):
                send("111111")
            with behind(reader):
                send("222222")
            with behind(sender):
                assert login_codes.try_code("111111", tenant=1, identity=identity, now=1) is None, "it was replaced"
                assert login_codes.try_code("222222", tenant=1, identity=identity, now=1) == who
            for keyring in (sender, reader):
                with behind(keyring):
                    assert login_codes.try_code("222222", tenant=1, identity=identity, now=1) is None

    reindex(at_each)


def test_no_limit_begins_anew_on_the_way(vault: None) -> None:
    limit = throttle.Limit(tries=3, seconds=10**6)
    keyrings = [store.current_keyring()]

    def taken() -> int:
        try:
            throttle.take(limit, tenant=1, what=b"x", who=b"ann")
        except Throttled:
            return 0
        return 1

    granted = [taken()]

    def at_each() -> None:
        keyrings.append(store.current_keyring())
        for keyring in keyrings[-2:]:
            with behind(keyring):
                granted.append(taken())

    reindex(at_each)
    granted += [taken(), taken()]
    assert sum(granted) <= 2 * limit.tries - 1  # once, what was taken before the new key was known
    assert Throttle.objects.count() == 2


@pytest.fixture
def news(api: Api) -> None:
    assert api.post("/v1/lbasis/news", {"shortdesc": "Letters"}).status_code == 200


def test_agreements_of_people_who_are_not_here_yet_come_along(api: Api, news: None) -> None:
    for number in range(4):
        assert api.post(f"/v1/agreement/news/email/n{number}@example.com", {}).status_code == 200
    old = index_key()
    counted = itertools.count(4)
    keyrings = [store.current_keyring()]

    def at_each() -> None:
        keyrings.append(store.current_keyring())
        for keyring in keyrings[-2:]:
            with behind(keyring):
                email = f"n{next(counted)}@example.com"
                assert api.post(f"/v1/agreement/news/email/{email}", {}).status_code == 200
            for reader in keyrings[-2:]:
                with behind(reader):
                    assert api.get(f"/v1/agreement/news/email/{email}").json()["data"]["status"] == "yes"
                    assert api.post(f"/v1/agreement/news/email/{email}", {"status": "no"}).status_code == 200
                    assert api.get(f"/v1/agreement/news/email/{email}").json()["data"]["status"] == "no"
                    assert api.post(f"/v1/agreement/news/email/{email}", {}).status_code == 200

    outcome = reindex(at_each)
    assert outcome.agreements >= 4
    assert not WrappedKey.objects.filter(id=old).exists()
    last = next(counted)
    assert Agreement.objects.count() == last
    for number in range(last):
        email = f"n{number}@example.com"
        assert api.get(f"/v1/agreement/news/email/{email}/history").status_code == 200
        token = api.create(email=email)
        assert api.get(f"/v1/agreement/news/token/{token}").json()["data"]["status"] == "yes"


def test_an_agreement_that_was_begun_under_both_keys_becomes_one(api: Api, news: None) -> None:
    def both() -> None:
        if index_keys.index_keys().phase is not Phase.SWITCHED:
            return
        assert api.post("/v1/agreement/news/email/n@example.com", {"status": "no"}).status_code == 200
        row = Agreement.objects.get()
        with behind(announced[0]):
            digest = store.current_keyring()
        assert digest is announced[0]
        with behind(only(announced[0])):
            api.post("/v1/agreement/news/email/n@example.com", {})
        assert Agreement.objects.count() == 2
        assert row.id

    announced: list[Keyring] = []

    def at_each() -> None:
        announced.append(store.current_keyring())
        both()

    reindex(at_each)
    row = Agreement.objects.get()
    assert AgreementEvent.objects.filter(agreement=row.id).count() == 2
    assert api.get("/v1/agreement/news/email/n@example.com/history").status_code == 200


def only(keyring: Keyring) -> Keyring:
    """The keyring of a process that knows of no other index key than the one that it looks up by."""
    live = keyring.newest(Purpose.INDEX)
    return Keyring([key for key in keyring._by_id.values() if key.purpose is not Purpose.INDEX or key is live])


def test_an_agreement_that_can_not_be_read_keeps_the_old_key_alive(api: Api, news: None) -> None:
    api.post("/v1/agreement/news/email/n@example.com", {})
    AgreementEvent.objects.update(words=bytes(80))
    old = index_key()
    with pytest.raises(Conflict, match="1 agreements of people who are not here yet"):
        reindex()
    assert index_keys.index_keys().phase is Phase.SETTLED
    Agreement.objects.all().delete()
    reindex()
    assert not WrappedKey.objects.filter(id=old).exists()


def test_a_batch_that_was_prepared_before_a_step_is_prepared_anew(root_actor: Actor, vault: None) -> None:
    batch = actions.prepare_batch(root_actor, [{"login": "ann"}])
    assert not batch.is_outdated
    checked = []

    def at_each() -> None:
        checked.append(batch.is_outdated)

    reindex(at_each)
    assert checked == [True] * 3
    (result,) = actions.create_records(root_actor, profiles=[{"login": "ann"}])
    assert isinstance(result, Created)
