"""What docs/notifications.md tells receivers to do is run here as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databunker.notify import webhooks
from databunker.notify.delivery import deliver_due
from databunker.settings.environment import SETTINGS
from tests.conftest import Api
from tests.support.receivers import Receiver

from .conftest import SECRET

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "notifications.md").read_text()

# As an HTTP server gives them to an application: without regard to upper and lower case.
Verify = Callable[[dict[str, str], bytes, str], None]


@pytest.fixture
def verify() -> Verify:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verify"]


@pytest.fixture
def got(api: Api, receiver: Receiver) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a webhook that was really sent."""
    api.create(login="ann")
    assert deliver_due() == 1
    (one,) = receiver.received
    return {name.title(): value for name, value in one.headers.items()}, one.body


def test_what_we_sign_is_verified(verify: Verify, got: tuple[dict[str, str], bytes]) -> None:
    verify(*got, SECRET)


def test_nothing_else_is(verify: Verify, got: tuple[dict[str, str], bytes], time_machine: Any) -> None:
    headers, body = got
    other = {"X-Databunker-Delivery": "0190a5b0-0000-7000-8000-000000000000"}
    later = {"X-Databunker-Signature": headers["X-Databunker-Signature"].replace("t=", "t=1")}
    for given in (
        (headers, body + b" ", SECRET),
        (headers, body, SECRET + "x"),
        (headers | other, body, SECRET),
        (headers | later, body, SECRET),
        (headers | {"X-Databunker-Signature": "t=1,v1=é"}, body, SECRET),
    ):
        with pytest.raises(ValueError, match="not signed"):
            verify(*given)
    at = int(headers["X-Databunker-Signature"].split(",")[0][2:])
    for seconds, fresh in ((299, True), (302, False), (-302, False)):
        time_machine.move_to(at + seconds, tick=False)
        if fresh:
            verify(headers, body, SECRET)
        else:
            with pytest.raises(ValueError, match="too long ago"):
                verify(headers, body, SECRET)


def test_every_body_stands_in_the_table_with_its_members() -> None:
    told = [
        webhooks.profile_new(None, {}),  # type: ignore[arg-type]
        webhooks.profile_change(None, old={}, new={}),  # type: ignore[arg-type]
        webhooks.forget_me(None, {}, receipt=None),  # type: ignore[arg-type]
        webhooks.consent_change(brief="", status="", mode="", identity=""),
        webhooks.bad_login(mode="", identity=""),
        webhooks.anomaly(who="", period="", since=0, people=0, usual=0),
        webhooks.canary(who="", when=0),
    ]
    for body in told:
        (row,) = re.findall(rf"^\| `{body['action']}` \|.*\|(.*)\|$", PAGE, re.MULTILINE)
        assert set(re.findall(r"`([a-z]+)`", row)) - {"token"} == set(body) - {"action"}


def test_settings_that_it_names_exist() -> None:
    named = set(re.findall(r"\b(?:NOTIFICATION|OUTGOING|EMAIL|SMS)_[A-Z_]+\b", PAGE))
    assert named <= {setting.name for setting in SETTINGS}
    assert len(named) > 10
