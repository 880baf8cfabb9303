"""Many change one record at once: no change is lost, and each has its version and its event."""

from __future__ import annotations

from typing import Any

from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from vault.models import Identity, Record, RecordVersion

from .conftest import THREADS, racing, statuses

EACH = 4


def stored(api: Api, token: str) -> dict[str, Any]:
    answer = api.get(f"/v1/user/token/{token}")
    assert answer.status_code == 200
    profile: dict[str, Any] = answer.json()["data"]
    return profile


def assert_history_is_whole(token: str, changes: int) -> None:
    """Versions from 1 on without a gap."""
    subject = subject_of(token)
    archived = RecordVersion.objects.filter(subject=subject).order_by("version").values_list("version", flat=True)
    assert list(archived) == list(range(1, changes + 1))
    assert Record.objects.get(subject=subject).version == changes + 1


def test_merge_patches_of_different_fields_are_all_there(committed_api: Api) -> None:
    token = committed_api.create(login="ann")

    def change(thread: int) -> list[int]:
        path = f"/v1/user/token/{token}" if thread % 2 else "/v1/user/login/ann"
        return [committed_api.put(path, {f"f{thread}-{turn}": turn}).status_code for turn in range(EACH)]

    with told_by() as told:
        assert racing(change, range(THREADS)) == [[200] * EACH] * THREADS
    wanted = {f"f{thread}-{turn}": turn for thread in range(THREADS) for turn in range(EACH)}
    assert stored(committed_api, token) == {"login": "ann"} | wanted
    assert_history_is_whole(token, THREADS * EACH)
    assert sorted(event.detail["version"] for event in told) == list(range(2, THREADS * EACH + 2))
    assert {(event.code, event.outcome) for event in told} == {("record.change", "ok")}


def test_identities_that_change_at_once_are_found_as_they_are_at_the_end(committed_api: Api) -> None:
    token = committed_api.create(login="ann", email="ann@example.com", custom="c")

    def change(thread: int) -> list[int]:
        field = ("login", "email", "custom")[thread % 3]
        values = [f"{field}{thread}-{turn}@example.com" for turn in range(EACH)]
        return [committed_api.put(f"/v1/user/token/{token}", {field: value}).status_code for value in values]

    assert racing(change, range(9)) == [[200] * EACH] * 9
    profile = stored(committed_api, token)
    assert_history_is_whole(token, 9 * EACH)
    assert Identity.objects.filter(subject=subject_of(token)).count() == 3
    for field in ("login", "email", "custom"):
        assert profile[field].endswith(f"-{EACH - 1}@example.com"), "a caller's last change was undone"
        assert committed_api.get(f"/v1/user/{field}/{profile[field]}").json()["token"] == token


def test_increments_guarded_by_a_test_all_count(committed_api: Api) -> None:
    token = committed_api.create(login="ann", n=0)
    path = f"/v1/user/token/{token}"

    def increment(_: int) -> int:
        tries = 0
        for _ in range(EACH):
            done = False
            while not done:
                tries += 1
                assert tries < 1000
                n = committed_api.get(path).json()["data"]["n"]
                change = [{"op": "test", "path": "/n", "value": n}, {"op": "replace", "path": "/n", "value": n + 1}]
                answer = committed_api.put(path, change)
                assert answer.status_code in (200, 409), answer.content
                done = answer.status_code == 200
        return tries

    tries = sum(racing(increment, range(8)))
    assert stored(committed_api, token)["n"] == 8 * EACH
    assert_history_is_whole(token, 8 * EACH)
    assert tries >= 8 * EACH


def test_two_who_swap_their_emails_at_once(committed_api: Api) -> None:
    """In whichever order they come each finds the other's e-mail taken."""
    ann, bob = committed_api.create(email="ann@example.com"), committed_api.create(email="bob@example.com")
    wishes = [(ann, "bob@example.com"), (bob, "ann@example.com")]

    def swap(wish: tuple[str, str]) -> Any:
        return committed_api.put(f"/v1/user/token/{wish[0]}", {"email": wish[1]})

    for _ in range(8):
        answers = racing(swap, wishes)
        assert statuses(answers) == [409, 409]
        assert {answer.json()["message"] for answer in answers} == {"duplicate email index"}
    assert committed_api.get("/v1/user/email/ann@example.com").json()["token"] == ann
    assert committed_api.get("/v1/user/email/bob@example.com").json()["token"] == bob
    assert Identity.objects.count() == 2


def test_an_email_that_is_let_go_of_is_had_by_one(committed_api: Api) -> None:
    """One gives an e-mail up while two others reach for it."""
    ann, bob, eve = (committed_api.create(login=name) for name in ("ann", "bob", "eve"))
    for turn in range(8):
        email = f"wanted{turn}@example.com"
        assert committed_api.put(f"/v1/user/token/{ann}", {"email": email}).status_code == 200
        wishes = [(ann, None), (bob, email), (eve, email)]
        answers = racing(lambda wish: committed_api.put(f"/v1/user/token/{wish[0]}", {"email": wish[1]}), wishes)
        assert answers[0].status_code == 200
        assert {answer.status_code for answer in answers[1:]} <= {200, 409}
        winners = [wish[0] for wish, answer in list(zip(wishes, answers, strict=True))[1:] if answer.status_code == 200]
        assert len(winners) <= 1
        found = committed_api.get(f"/v1/user/email/{email}")
        assert (found.json()["token"] if found.status_code == 200 else None) == (winners[0] if winners else None)
        assert [person for person in (ann, bob, eve) if stored(committed_api, person).get("email") == email] == winners


def test_changing_and_creating_reach_for_the_same_identity(committed_api: Api) -> None:
    tokens = [committed_api.create(login=f"ann{number}") for number in range(6)]

    def reach(number: int) -> Any:
        if number < 6:
            return committed_api.put(f"/v1/user/token/{tokens[number]}", {"custom": "prize"})
        return committed_api.post("/v1/user", {"login": f"new{number}", "custom": "prize"})

    assert statuses(racing(reach, range(12))) == [200] + [409] * 11
    assert committed_api.get("/v1/user/custom/prize").status_code == 200
