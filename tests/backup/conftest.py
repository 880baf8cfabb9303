"""A vault with something in every table, whose transactions really commit."""

from __future__ import annotations

import uuid

import pytest

from databunker.access import login_codes
from databunker.access.actor import operator
from databunker.access.models import TokenKind, Unlock, UsedCaptcha
from databunker.accounts import second_factor, sessions
from databunker.accounts.actions import create_account
from databunker.accounts.models import Account
from databunker.crypto.recovery import RecoverySecret
from databunker.ids import unix_now
from databunker.keys import replace_shares
from databunker.watch.anomalies import watch_readings
from databunker.watch.canaries import add_canaries, watch_canaries
from gdpr.task_runs import Run, note
from tests.conftest import Api, new_token
from tests.support.trail import sealed, written
from vault.actions import Created
from vault.models import LoadProgress


@pytest.fixture
def full_api(committed_api: Api) -> Api:
    """The root caller of a vault where everything has happened once."""
    api = committed_api
    api.post("/v1/lbasis/news", {"shortdesc": "Letters"})
    api.post("/v1/pactivity/letters", {"legalbasis": "news"})
    for number in range(12):
        token = api.create(
            login=f"login-of-{number:04}",
            email=f"person-{number:04}@example.com",
            phone=f"+44770090{number:04}",
            name=f"Näme of {number:04} 例",
        )
        api.put(f"/v1/user/token/{token}", {"city": f"city of {number:04}"})
        api.post(f"/v1/userapp/token/{token}/shop", {"basket": f"basket of {number:04}"})
        api.put(f"/v1/userapp/token/{token}/shop", {"basket": f"other of {number:04}"})
        api.post(f"/v1/session/{uuid.uuid4()}", {"token": token, "agent": f"agent of {number:04}"})
        api.post(f"/v1/sharedrecord/token/{token}", {"partner": f"partner of {number:04}"})
        new_token(TokenKind.PERSON, person=token)
        api.post(f"/v1/agreement/news/token/{token}", {"referencecode": f"contract of {number:04}"})
        api.post(f"/v1/exp/start/token/{token}")
        api.post(f"/v1/objection/token/{token}", {"reason": f"objection of {number:04}"})
        api.as_person(token).delete(f"/v1/user/token/{token}")
        if number % 4 == 0:
            api.delete(f"/v1/user/token/{token}")
    Api().get("/v1/login/email/person-0001@example.com/123456")
    login_codes.store_code("123456", tenant=1, identity=bytes(16), subject=None, expires=2**40)
    UsedCaptcha.objects.create(tenant=1, digest=bytes(16), expires=2**40)
    replace_shares(operator(), RecoverySecret(bytes(32)), threshold=3, shares=5)
    api.post("/v1/users/unlock")
    LoadProgress.objects.create(tenant=1, source=bytes(16), position=2**40)
    assert Unlock.objects.exists()
    (canary,) = add_canaries(operator(), profiles=[{"login": "canary"}])
    assert isinstance(canary, Created)
    api.get(f"/v1/user/token/{canary.token}")
    assert watch_canaries(unix_now(), 1) == 1
    watch_readings(unix_now() + 60, 1)
    note(Run(f"task {uuid.uuid4()}", unix_now(), unix_now(), 1, complete=True, failure=""))
    account = create_account(operator(), name="officer", role="dpo")
    second_factor.new_recovery_codes(Account.objects.get(pk=account.id))
    sessions.Session(sessions.Audience.CONSOLE).begin(seconds=3600, account=account.id)
    written(256)
    sealed()
    return api
