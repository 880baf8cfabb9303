"""What the tests through the door share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings

from databunker import refusals
from databunker.access.models import TokenKind
from tests.api.matrix import SETTINGS, Scene, make_scene, set_up
from tests.api.people import People, make_people
from tests.conftest import Api, make_vault, new_token
from tests.support.login import NOW


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test may be refused as often as a new process may, whatever the tests before it did."""
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})


@pytest.fixture
def login_set_up(settings: Any) -> None:
    """Both kinds of messages are set up; captchas are easy, limits far away."""
    settings.EMAIL_HOST = settings.SMS_URL = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 4
    for whom in ("PERSON", "ADDRESS"):
        setattr(settings, f"LOGIN_CODES_PER_{whom}", "1000/1h")
        setattr(settings, f"LOGIN_TRIES_PER_{whom}", "1000/1h")


@pytest.fixture
def clock() -> Iterator[Any]:
    """Time stands still at NOW until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def shared_scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """Made once for the tests of a module, each of which is rolled back to it: it takes longer than most of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        make_vault()
        with override_settings(**SETTINGS):
            made = make_scene(Api(new_token(TokenKind.ROOT)))
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def scene(shared_scene: Scene, db: None, settings: Any) -> Scene:
    set_up(settings)
    return shared_scene._replace(callers=dict(shared_scene.callers))


@pytest.fixture
def people(api: Api, settings: Any) -> People:
    settings.LIST_USERS = "legacy"
    return make_people(api)
