"""Whoever is forgotten gets a receipt that holds by itself, tells nobody who it is about, and can't be made up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils.http import urlencode
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from audit import sealing
from audit.models import Event
from databunker.access.actor import operator
from databunker.crypto import store
from databunker.crypto.keyring import Key, Purpose
from databunker.crypto.models import WrappedKey
from databunker.erasure.models import Receipt
from databunker.erasure.verifying import ReceiptRefused, is_of, parse_receipt, verify_receipt
from gdpr.actions import expire_people
from tests.api.helpers import assert_refused, told_by
from tests.conftest import FORM, Api, make_vault
from tests.support.backups import emptied, restored, taken
from vault.actions import replay_journal

from .conftest import read


def seal() -> None:
    sealing.seal_everything(tell=lambda *_: None)


def receipt_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.json()["receipt"])


def fetched(receipt: str) -> dict[str, Any]:
    """As anybody gets it who knows its id."""
    answer = Api().get(f"/v1/receipt/{receipt}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["receipt"])


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com")


@pytest.fixture
def receipt(api: Api, ann: str) -> str:
    """Of Ann, sealed among other events."""
    for number in range(5):
        api.create(login=f"other{number}")
    found = receipt_of(api.delete(f"/v1/user/token/{ann}"))
    api.create(login="later")
    seal()
    return found


def test_it_is_pending_until_the_event_is_sealed(api: Api, ann: str) -> None:
    found = receipt_of(api.delete(f"/v1/user/token/{ann}"))
    with told_by() as told:
        answer = Api().get(f"/v1/receipt/{found}")
    assert (answer.status_code, answer.json()) == (202, {"status": "ok", "result": "pending"})
    assert answer.headers["Retry-After"] == "5"
    assert told == []
    seal()
    assert verify_receipt(fetched(found)).receipt == UUID(found)


def test_it_says_what_was_done_when_and_nothing_of_the_person(api: Api, ann: str, receipt: str) -> None:
    event = Event.objects.get(type=103)
    with told_by() as told:
        document = fetched(receipt)
    found = verify_receipt(document)
    assert (found.at, found.kept, found.event_shown) == (event.at // 1_000_000, "nothing", True)
    assert document["event"] == str(event.pk)
    text = json.dumps(document)
    for word in (ann, ann.replace("-", ""), "ann", bytes(event.subject).hex(), bytes(event.subject).hex().upper()):
        assert word not in text.replace("scanned", ""), word
    assert [(event.code, event.who, event.subject) for event in told] == [("receipt.read", "anyone", event.subject)]


def test_the_person_shows_that_it_is_theirs_by_the_token(api: Api, ann: str, receipt: str) -> None:
    document = fetched(receipt)
    assert is_of(document, UUID(ann))
    assert not is_of(document, uuid4())
    # Who has the receipts of two people, and no token, can't even tell that they are two.
    bob = api.create(login="bob")
    other = receipt_of(api.delete(f"/v1/user/token/{bob}"))
    seal()
    assert fetched(other)["person"] != document["person"]


def test_every_way_to_be_forgotten_gives_one(api: Api, settings: Any, file: Path) -> None:
    settings.SELFSERVICE_FORGET_ME = True
    people = [api.create(login=f"p{number}") for number in range(4)]
    receipts = [receipt_of(api.as_person(people[0]).delete(f"/v1/user/token/{people[0]}"))]
    settings.SELFSERVICE_FORGET_ME = False
    rtoken = api.as_person(people[1]).delete(f"/v1/user/token/{people[1]}").json()["rtoken"]
    receipts.append(receipt_of(api.post(f"/v1/request/{rtoken}")))
    link = api.post(f"/v1/exp/start/token/{people[2]}").json()["exptoken"]
    page = Api().post(f"/v1/exp/delete/{link}", HTTP_ACCEPT="text/html").content.decode()
    receipts.append(page.partition("/receipt?id=")[2][:36])
    api.post(f"/v1/exp/start/token/{people[3]}", {"expiration": "1s"})
    assert expire_people(2**40, 10) == 1
    receipts.append(receipt_of(api.delete(f"/v1/user/token/{people[3]}")))
    seal()
    documents = [fetched(one) for one in receipts]
    for person, document in zip(people, documents, strict=True):
        verify_receipt(document)
        assert is_of(document, UUID(person))


def test_a_request_that_forgets_nobody_has_none(api: Api, ann: str) -> None:
    rtoken = api.as_person(ann).put(f"/v1/user/token/{ann}", {"login": "anna"}).json()["rtoken"]
    assert api.post(f"/v1/request/{rtoken}").json() == {"status": "ok", "result": "done"}


def test_who_is_forgotten_twice_has_one(api: Api, ann: str, receipt: str) -> None:
    assert receipt_of(api.delete(f"/v1/user/token/{ann}")) == receipt
    assert Receipt.objects.count() == 1


def test_the_receiver_of_webhooks_is_told_its_id(api: Api, ann: str, settings: Any) -> None:
    from databunker.notify import jobs
    from databunker.notify.models import Job

    settings.NOTIFICATION_URL, settings.NOTIFICATION_SECRET = "https://hooks.example.com/", "x" * 32
    found = receipt_of(api.delete(f"/v1/user/token/{ann}"))
    payload = jobs.open_payload(Job.objects.get(topic="forgetme"))
    assert payload is not None
    assert json.loads(payload)["receipt"] == found


def test_it_says_whether_something_is_preserved(api: Api, settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"type":"object","properties":{"tax":{"type":"string","preserve":true}}}')
    settings.USER_SCHEMA_FILE = str(path)
    for profile, kept in (({"login": "ann"}, "nothing"), ({"login": "bob", "tax": "x"}, "what the law preserves")):
        found = receipt_of(api.delete(f"/v1/user/token/{api.create(**profile)}"))
        seal()
        assert verify_receipt(fetched(found)).kept == kept


@pytest.mark.parametrize("receipt_", ["x", "0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11", "%00"])
def test_an_unknown_one_is_not_found(api: Api, receipt_: str) -> None:
    assert_refused(Api().get(f"/v1/receipt/{receipt_}"), 404, "receipt not found")


def test_nobody_asks_for_too_many(api: Api, receipt: str, settings: Any) -> None:
    settings.RECEIPTS_PER_ADDRESS = "2/1h"
    statuses = [Api().get(f"/v1/receipt/{receipt}").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


# --- it can't be made up, or changed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["tenant", "subject", "event", "kept", "person", "mac"])
def test_what_was_changed_in_the_database_is_not_signed(api: Api, receipt: str, column: str) -> None:
    (row,) = Receipt.objects.values()
    values = {"tenant": 2, "subject": bytes(16), "event": uuid4(), "kept": True, "person": bytes(32), "mac": bytes(32)}
    assert values[column] != row[column]
    Receipt.objects.update(**{column: values[column]})
    assert_refused(Api().get(f"/v1/receipt/{receipt}"), 500, "internal error")


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each single value of the receipt stands."""
    if isinstance(document, dict | list):
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(value, (*path, key))
    else:
        yield path


def with_value(document: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    copy = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = change(at[path[-1]])
    return copy


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return value + 1
    return value[:-2] + ("0" if value[-2] != "0" else "1") + value[-1] if value else "00"


def test_every_value_in_it_counts(api: Api, receipt: str) -> None:
    document = fetched(receipt)
    every = list(places(document))
    assert len(every) > 20
    for path in every:
        for change in (other, lambda _: None, lambda _: [], lambda _: "\n", lambda _: -1):
            changed = with_value(document, path, change)
            if changed == document or path == ("proof", "format"):
                continue
            with pytest.raises(ReceiptRefused):
                verify_receipt(parse_receipt(json.dumps(changed).encode()))


def test_every_part_of_it_is_needed(api: Api, receipt: str) -> None:
    document = fetched(receipt)
    for name in set(document) - {"format"}:
        with pytest.raises(ReceiptRefused):
            verify_receipt({key: value for key, value in document.items() if key != name} | {"x": 1})
    for name in set(document["proof"]) - {"format"}:
        proof = {key: value for key, value in document["proof"].items() if key != name}
        with pytest.raises(ReceiptRefused):
            verify_receipt(document | {"proof": proof})


def test_the_proof_of_another_event_does_not_do(api: Api, receipt: str) -> None:
    from audit.proofs import proof_of

    document = fetched(receipt)
    for event in Event.objects.exclude(pk=document["event"])[:5]:
        proof = proof_of(event.pk, tenant=1).document()
        with pytest.raises(ReceiptRefused, match="of another event"):
            verify_receipt(document | {"proof": proof})


def test_a_key_of_somebody_else_s_is_not_the_vault_s(api: Api, receipt: str) -> None:
    document = fetched(receipt)
    stranger = document["key"].rpartition("+")[0] + "+" + "A" * 44
    with pytest.raises(ReceiptRefused, match="not signed with this public key"):
        verify_receipt(document, public_keys=[stranger])
    assert verify_receipt(document, public_keys=[stranger, document["key"] + "\n"]).key == document["key"]


@effort(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
).map(lambda value: json.dumps({"format": "databunker-erasure-receipt/1", "proof": value, "key": value}).encode())))  # fmt: skip
def test_whatever_else_is_given_is_refused(text: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        verify_receipt(parse_receipt(text))


# --- what becomes of the vault -----------------------------------------------------------------------------------------


def test_it_holds_after_the_signing_key_was_changed(api: Api, ann: str, receipt: str) -> None:
    before = fetched(receipt)
    master = store.configured_master_key()
    assert master is not None
    key = Key(100, Purpose.SIGNING, bytes(range(32)))
    WrappedKey.objects.create(id=100, purpose="signing", wrapped=master.wrap(key), created=1)
    store.forget_cached()
    assert Api().get(f"/v1/receipt/{receipt}").status_code == 202, "until the new key has signed the tree"
    api.create(login="somebody")
    seal()
    after = fetched(receipt)
    assert after["key"] != before["key"]
    for document in (before, after):
        verify_receipt(document)


def test_who_is_forgotten_again_after_a_restore_has_the_same_receipt(committed_api: Api, file: Path) -> None:
    api = committed_api
    ann = api.create(login="ann")
    seal()
    backup = taken()
    found = receipt_of(api.delete(f"/v1/user/token/{ann}"))
    seal()
    before = fetched(found)
    emptied()
    restored(backup, serves=False)
    replay_journal(operator(), read(file))
    seal()
    after = fetched(found)
    assert (after["receipt"], after["person"], after["key"]) == (before["receipt"], before["person"], before["key"])
    assert after["event"] != before["event"]
    for document in (before, after):
        verify_receipt(document)
        assert is_of(document, UUID(ann))


# --- checking it -------------------------------------------------------------------------------------------------------


def verify(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("audit", "verify-receipt", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_the_command_tells_what_it_proves(api: Api, ann: str, receipt: str, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(Api().get(f"/v1/receipt/{receipt}").content)
    key = fetched(receipt)["key"]
    code, told = verify(str(path))
    assert code == 0
    assert told.startswith("The receipt holds: the data of the person was erased at 20")
    assert "Nothing of the record was kept." in told
    assert f"compared with the vault's own:\n    {key}" in told
    code, told = verify(str(path), "--public-key", key, "--token", ann)
    assert (code, key in told) == (0, False)
    refused = (1, "it is not the receipt of the person with this token")
    assert verify(str(path), "--public-key", key, "--token", str(uuid4())) == refused
    assert verify(str(path), "--token", "ann") == refused
    assert verify(str(path), "--public-key", key + "x")[0] == 1
    path.write_bytes(path.read_bytes().replace(b'"kept":"nothing"', b'"kept":"what the law preserves"'))
    code, told = verify(str(path))
    assert code == 1
    assert told.startswith("the receipt does not hold: the vault has not signed this statement")
    assert verify(str(tmp_path / "absent")) == (2, "the receipt can't be read: No such file or directory")


def checked(text: str, token: str = "") -> list[str]:
    """The results that the page shows without JavaScript."""
    import re

    answer = Client().post("/receipt", urlencode({"receipt": text, "token": token}), content_type=FORM)
    assert answer.status_code == 200, answer.content
    assert text not in answer.content.decode() or "<" not in text
    shown = re.findall(r'data-result="([a-z-]+)"(?! hidden)>', answer.content.decode())
    return [str(name) for name in shown]


def test_the_page_checks_without_javascript(api: Api, ann: str, receipt: str) -> None:
    text = json.dumps(fetched(receipt))
    assert checked(text) == ["genuine", "kept-nothing"]
    assert checked(text, ann) == ["genuine", "kept-nothing", "mine"]
    assert checked(text, str(uuid4())) == ["genuine", "kept-nothing", "not-mine"]
    assert checked(text, "x") == ["genuine", "kept-nothing", "not-mine"]
    assert checked(text.replace('"nothing"', '"x"')) == ["refused"]
    for nonsense in ("", "[]", "<script>alert(1)</script>", "{" * 1000, "x" * 70_000):
        assert checked(nonsense) == ["refused"]


def test_a_receipt_of_another_vault_is_told_from_our_own(api: Api, receipt: str) -> None:
    text = json.dumps(fetched(receipt))
    WrappedKey.objects.all().delete()
    store.forget_cached()
    make_vault()
    assert checked(text) == ["foreign"]


def test_the_page_is_locked_down(api: Api) -> None:
    answer = Client().get("/receipt?id=0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    text = answer.content.decode()
    assert "<script>" not in text
    assert "onclick" not in text
    assert 'href="/v1/receipt/0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11"' in text
    assert "<b>" not in Client().get("/receipt?id=<b>").content.decode()
    assert Client().post("/receipt", "", content_type=FORM).status_code == 200
