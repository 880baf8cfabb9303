"""The evidence of a request: one file that a regulator verifies with nothing but the vault's public key."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import audit.queries
from audit import verifier
from audit.proofs import public_keys
from audit.sealing import seal_everything
from databunker.erasure import verifying
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.requests import PROFILE, asked

from .conftest import Visitor, make_account, text_of


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def change(api: Api, ann: str) -> str:
    return asked(api.as_person(ann), "PUT", "/v1/user/login/ann", {"n": 2})


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def downloaded(visitor: Visitor, rtoken: str) -> bytes:
    seal_everything(tell=lambda _: None)
    answer: Any = visitor.post(f"/console/requests/{rtoken}/evidence", f"/console/requests/{rtoken}")
    assert answer.status_code == 200, text_of(answer)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{rtoken}.zip"'
    content: bytes = answer.content
    return content


def files_of(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def kinds(files: Mapping[str, bytes]) -> list[str]:
    """The types of the events that are proved, in their order."""
    events = sorted(name for name in files if name.startswith("events/"))
    return [name.partition("-")[2].removesuffix(".json") for name in events]


def verified(files: Mapping[str, bytes], folder: Path) -> set[str]:
    """The heads that the proofs lead to, by `audit.verifier` as a regulator runs it: with files and the public key."""
    keys = public_keys(tenant=1)
    heads = set()
    for name, content in files.items():
        if name.startswith("events/"):
            path = folder / name.replace("/", "-")
            path.write_bytes(content)
            assert verifier.judge([str(path)], keys, None).startswith("Proved: the event stands at position")
            heads.add(json.loads(content)["head"])
    return heads


def test_the_evidence_is_proved_by_the_public_key_alone(dpo: Visitor, change: str, tmp_path: Path) -> None:
    page = f"/console/requests/{change}"
    dpo.post(f"{page}/ask-identity", page, reason="an odd address")
    dpo.post(f"{page}/verify-identity", page, reason="called the known number")
    dpo.post(f"{page}/assign", page, account=str(dpo.account))
    dpo.post(f"{page}/comment", page, comment="it is her")
    dpo.post(f"{page}/approve", page, reason="fine")
    files = files_of(downloaded(dpo, change))
    assert kinds(files) == [
        "request.open", "request.identity", "request.identity", "request.assign", "request.comment",
        "request.approve", "record.change",
    ]  # fmt: skip
    assert verified(files, tmp_path) == {files["head.txt"].decode()}, "all under the one head"
    request = json.loads(files["request.json"])
    assert (request["request"], request["state"], request["change"]) == (change, "approved", {"n": 2})
    assert request["reasons"] == {
        "identity": "an odd address", "proof": "called the known number", "decision": "fine",
    }  # fmt: skip
    history = json.loads(files["history.json"])
    assert [line["type"] for line in history] == kinds(files)[:-1]
    assert (history[0]["by"], history[0]["name"]) == ("person", None)
    assert (history[3]["name"], history[3]["assigned_to"]) == ("dora", "dora")
    assert history[4]["comment"] == "it is her"
    assert "receipt.json" not in files


def test_nothing_is_left_out_however_much_the_person_asks_for_afterwards(
    dpo: Visitor, api: Api, ann: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit.queries, "_BATCH", 3)
    page = f"/console/requests/{change}"
    dpo.post(f"{page}/comment", page, comment="it is her")
    dpo.post(f"{page}/approve", page, reason="fine")
    person = api.as_person(ann)
    for number in range(4):
        later = asked(person, "PUT", "/v1/user/login/ann", {"n": 10 + number})
        assert person.delete(f"/v1/request/{later}").status_code == 200
    files = files_of(downloaded(dpo, change))
    assert kinds(files) == ["request.open", "request.comment", "request.approve", "record.change"]
    assert len(json.loads(files["history.json"])) == 3
    assert "it is her" in text_of(dpo.get(page))


def test_it_names_the_keys_and_says_how_to_verify(dpo: Visitor, change: str) -> None:
    files = files_of(downloaded(dpo, change))
    assert files["public-keys.txt"].decode().split() == public_keys(tenant=1)
    assert public_keys(tenant=1)[-1] in files["README.md"].decode()


def test_what_was_changed_is_not_proved(dpo: Visitor, change: str, tmp_path: Path) -> None:
    files = files_of(downloaded(dpo, change))
    (name,) = (name for name in files if name.startswith("events/"))
    document = json.loads(files[name])
    document["event"]["at"] += 1
    with pytest.raises(verifier.NotProved):
        verified({name: json.dumps(document).encode()}, tmp_path)


def test_the_same_evidence_is_the_same_file(dpo: Visitor, api: Api, change: str) -> None:
    first = downloaded(dpo, change)
    api.create(login="bob")  # the trail goes on
    assert downloaded(dpo, change) == first


def test_nothing_of_other_requests_is_in_it(dpo: Visitor, api: Api, ann: str, change: str) -> None:
    other = asked(api.as_person(ann), "DELETE", "/v1/user/login/ann")
    page = f"/console/requests/{other}"
    dpo.post(f"{page}/refuse", page, reason="not yet")
    files = files_of(downloaded(dpo, change))
    assert kinds(files) == ["request.open"]
    assert b"not yet" not in b"".join(files.values())


def test_an_erasure_has_its_receipt(dpo: Visitor, api: Api, ann: str, tmp_path: Path) -> None:
    rtoken = asked(api.as_person(ann), "DELETE", "/v1/user/login/ann")
    page = f"/console/requests/{rtoken}"
    dpo.post(f"{page}/approve", page, reason="as she wants", token=ann[:8])
    files = files_of(downloaded(dpo, rtoken))
    assert kinds(files) == ["request.open", "request.approve", "record.forget"]
    verified(files, tmp_path)
    receipt = verifying.parse_receipt(files["receipt.json"])
    found = verifying.verify_receipt(receipt, public_keys=public_keys(tenant=1))
    assert found.event_shown
    request = json.loads(files["request.json"])
    assert (request["request"], request["person"], request["reasons"]) == (None, ann, {})
    assert "verify-receipt" in files["README.md"].decode()
    everything = b"".join(files.values())
    assert b"example.com" not in everything
    assert b"as she wants" not in everything, "the reasons are gone with the person"


def test_the_download_leaves_its_event(dpo: Visitor, change: str) -> None:
    with told_by() as told:
        downloaded(dpo, change)
    assert [(event.code, event.outcome) for event in told] == [("request.evidence", "ok")]


def test_what_is_not_sealed_yet_is_there_in_a_moment(dpo: Visitor, change: str) -> None:
    page = f"/console/requests/{change}"
    assert dpo.post(f"{page}/evidence", page).status_code == 303
    seal_everything(tell=lambda _: None)
    dpo.post(f"{page}/comment", page, comment="hm")
    answer = dpo.post(f"{page}/evidence", page)
    assert (answer.status_code, answer["Location"]) == (303, page)
    assert "not sealed yet" in text_of(dpo.get(page))


def test_it_goes_to_who_has_just_said_who_it_is(dpo: Visitor, change: str, settings: Any) -> None:
    seal_everything(tell=lambda _: None)
    settings.CONSOLE_CONFIRM_MINUTES = 0
    page = f"/console/requests/{change}"
    with told_by() as told:
        answer = dpo.post(f"{page}/evidence", page)
    assert (answer.status_code, answer["Location"]) == (
        303, f"/console/confirm?next={quote(f'{page}#evidence', safe='')}",
    )  # fmt: skip
    assert told == []


def test_who_decides_nothing_gets_no_evidence(api: Api, change: str) -> None:
    seal_everything(tell=lambda _: None)
    page = f"/console/requests/{change}"
    for role in ("auditor", "support"):
        visitor = make_account(f"the-{role}", role).sign_in()
        assert b"/evidence" not in visitor.get(page).content
        assert visitor.post(f"{page}/evidence", page).status_code == 403
