"""Whatever goes wrong inside, neither the answer nor the log says what was being worked on."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.http import HttpResponse

from audit import trail
from databunker import jsontext
from databunker.api import metrics
from databunker.crypto import store
from databunker.crypto.errors import IntegrityFailure, KeyringError, UnknownKey
from databunker.crypto.models import WrappedKey
from databunker.db import statements
from databunker.ids import new_event_id
from databunker.settings.logs import JsonFormatter
from tests.api.helpers import unreachable_database
from tests.conftest import Api
from vault import identities, patch, storage

# Stands in what is stored, sent and looked for, and in what the faults say.
MARKER = "Zx9marker"

Call = tuple[str, str, Any]


@pytest.fixture
def log(settings: Any) -> Iterator[io.StringIO]:
    """All that the product would have logged, as it would have written it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def token(root: Api) -> str:
    return root.create(login=MARKER, email=f"{MARKER}@example.com", custom=MARKER + "-c", secret=MARKER)


def calls(token: str) -> list[Call]:
    """Each with the marker wherever a caller may have put something personal."""
    return [
        ("GET", f"/v1/user/token/{token}", None),
        ("GET", f"/v1/user/email/{MARKER}@example.com", None),
        ("GET", f"/v1/user/login/{MARKER}?q={MARKER}", None),
        ("POST", "/v1/user", {"login": MARKER + "2", "secret": MARKER}),
        ("POST", "/v1/users/bulk", {"records": [{"login": MARKER + "3"}]}),
        ("PUT", f"/v1/user/token/{token}", {"secret": MARKER + "4"}),
        ("PUT", f"/v1/user/login/{MARKER}", {"login": MARKER + "5"}),
        ("POST", f"/v1/userapp/token/{token}/shop", {"basket": MARKER}),
        ("DELETE", f"/v1/user/login/{MARKER}", None),
        ("GET", f"/v1/audit/list/{token}", None),
    ]


def broken_by(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def a_bug(text: str) -> Exception:
    """With the value in its message, its notes, its cause and its context, as bugs have it."""
    error = KeyError(text)
    error.__cause__ = ValueError(f"cause {text}")
    error.add_note(f"note {text}")
    return error


FAULTS: dict[str, tuple[Exception, int]] = {
    "a bug": (a_bug(MARKER), 500),
    "a bug in text": (UnicodeEncodeError("utf-8", MARKER, 0, 1, MARKER), 500),
    "no memory": (MemoryError(MARKER), 500),
    "too deep": (RecursionError(MARKER), 500),
    "an operating system error": (FileNotFoundError(2, "No such file", f"/{MARKER}"), 500),
    "a changed ciphertext": (IntegrityFailure(MARKER), 500),
    "an unknown key": (UnknownKey(MARKER), 500),
    "a broken keyring": (KeyringError(MARKER), 503),
    "a lost database": (OperationalError(f"connection to {MARKER} lost"), 503),
    "a constraint": (IntegrityError(f'duplicate key: DETAIL: Key (email)=({MARKER}) already exists. "SELECT"'), 503),
}
# Where it goes wrong: on the way in, in the middle, and on the way out.
BROKEN = {
    "reading": [(storage, "_opened"), (jsontext, "loads")],
    "sealing": [(trail, "build")],
    "hashing": [(identities, "identity_digest"), (patch, "apply")],
    "writing": [(statements, "_run")],
    "answering": [(jsontext, "dumps")],
}
GENERIC = {500: "internal error", 503: "service unavailable"}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(("error", "status"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_answered_in_one_sentence(
    root: Api, token: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, broken: Any
) -> None:
    given = calls(token)
    root.get("/v1/status")
    for module, name in broken:
        monkeypatch.setattr(module, name, broken_by(error))
    failed = 0
    for call in given:
        answer = root.call(*call)
        if answer.status_code not in GENERIC:
            continue  # it never came to where the fault is
        failed += 1
        assert answer.status_code == status, call
        assert answer.json() == {"status": "error", "message": GENERIC[status]}
        assert_tells_nothing(answer, token)
    assert failed >= 3
    text = log.getvalue()
    assert text.count("\n") >= failed, "a fault is logged"
    for secret in (MARKER, token, root.token):
        assert secret not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(line["request_id"] and line["exception"] for line in lines if line["level"] == "ERROR")


def assert_tells_nothing(answer: HttpResponse, token: str) -> None:
    shown = answer.serialize().decode()
    for giveaway in (MARKER, token, "Traceback", "Error", "SELECT", "vault_", ".py", "DETAIL"):
        assert giveaway not in shown


def test_the_answer_and_the_log_line_are_tied_by_the_request_id(
    root: Api, token: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_opened", broken_by(a_bug(MARKER)))
    answer = root.get(f"/v1/user/token/{token}")
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["exception"], line["route"]) == ("KeyError", "v1/user/<str:mode>/<identity:identity>")


def test_the_databases_own_words_stay_inside(
    root: Api, token: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A true violation of a constraint: what the database says quotes the key."""
    fixed = new_event_id(1)
    monkeypatch.setattr(trail, "new_event_id", lambda _: fixed)
    assert root.get(f"/v1/user/login/{MARKER}").status_code == 200
    for call in calls(token):
        if connection.vendor == "postgresql":
            connection.needs_rollback = False
        answer = root.call(*call)
        assert_tells_nothing(answer, token)
        assert answer.json() == {"status": "error", "message": "service unavailable"}, call
    for secret in (MARKER, token, fixed.hex, str(fixed), "UNIQUE", "audit_event", "duplicate"):
        assert secret not in log.getvalue()


def test_a_database_that_is_down_is_no_news_to_others(root: Api, token: str, log: io.StringIO) -> None:
    root.get("/v1/status")
    with unreachable_database():
        for call in calls(token):
            answer = root.call(*call)
            assert (answer.status_code, answer.json()["message"]) == (503, "service unavailable"), call
            assert_tells_nothing(answer, token)
    for secret in (MARKER, token, "nonexistent", "127.0.0.1", "port"):
        assert secret not in log.getvalue()


@pytest.mark.parametrize("damage", ["empty", "foreign", "gone"])
def test_a_keyring_that_is_broken_says_nothing_of_itself(
    root: Api, token: str, log: io.StringIO, settings: Any, damage: str
) -> None:
    if damage == "empty":
        WrappedKey.objects.update(wrapped=b"")
    elif damage == "gone":
        WrappedKey.objects.all().delete()
    else:
        settings.DATABUNKER_MASTERKEY = "ab" * 31 + "cd"
    store.forget_cached()
    for call in calls(token):
        answer = root.call(*call)
        assert (answer.status_code, answer.json()["message"]) == (503, "service unavailable"), call
        assert_tells_nothing(answer, token)
    for secret in (MARKER, token, settings.DATABUNKER_MASTERKEY):
        assert secret not in log.getvalue()


def test_metrics_name_no_one(root: Api, token: str) -> None:
    for call in calls(token):
        root.call(*call)
    root.call("BREW" + MARKER.upper(), f"/v1/user/login/{MARKER}")
    root.get(f"/v1/{MARKER}/{token}")
    text = metrics.exposition().decode()
    for secret in (MARKER, MARKER.upper(), token, str(root.token)):
        assert secret not in text
