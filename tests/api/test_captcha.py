"""Captchas, through the door: good once, unpredictable, solved by a picture or by computing."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import time_machine
from PIL import Image

from databunker.access import captcha as captchas
from databunker.access.models import UsedCaptcha
from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api
from tests.support.login import Solved, proof, solved

DONE = {"status": "ok", "result": "done"}


@pytest.fixture(autouse=True)
def _login(settings: Any, vault: None) -> None:
    settings.EMAIL_HOST = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 8
    settings.LOGIN_CODES_PER_PERSON = settings.LOGIN_CODES_PER_ADDRESS = "1000/1h"


def ask(captcha: Solved) -> Any:
    return Api().get(f"/v1/prelogin/email/ann@example.com/{captcha.code}/{captcha.answer}").json()


def digits(code: str) -> str:
    """What a person reads from the picture."""
    opened = captchas._open(code, 1)
    assert opened is not None
    return opened.answer


def assert_wrong(answer: Any) -> None:
    """Refused, with a new captcha."""
    assert {key: answer[key] for key in ("status", "result")} == {"status": "error", "result": "captcha-error"}
    assert answer["captchaurl"] == f"/v1/captcha/{answer['code']}"
    assert set(answer["challenge"]) == {"algorithm", "salt", "bits"}


def test_the_digits_of_the_picture_are_taken() -> None:
    code = Api().get("/v1/captcha").json()["code"]
    assert ask(Solved(code, digits(code))) == DONE


def test_a_solved_challenge_is_taken() -> None:
    assert ask(solved(Api())) == DONE


def test_a_captcha_is_good_once() -> None:
    captcha = solved(Api())
    assert ask(captcha) == DONE
    assert_wrong(ask(captcha))
    assert_wrong(ask(Solved(captcha.code, digits(captcha.code))))


@pytest.mark.parametrize("wrong", ["x", "12345", "-1", "1e3", "9" * 400, "%ED%A0%80", "%00", "١٢٣٤٥٦"])
def test_a_wrong_answer_uses_it_up(settings: Any, wrong: str) -> None:
    settings.CAPTCHA_PROOF_BITS = 32
    code = Api().get("/v1/captcha").json()["code"]
    assert_wrong(ask(Solved(code, wrong)))
    assert_wrong(ask(Solved(code, digits(code))))


@pytest.mark.parametrize(
    ("code", "answer"), [("", ""), ("x", "y"), ("x" * 100, "123456"), ("A" * 100, ""), ("a" * 5000, "1")]
)
def test_what_is_no_captcha_is_wrong_and_costs_nothing(code: str, answer: str) -> None:
    before = contents()
    refused = Api().get(f"/v1/prelogin/email/ann@example.com/{code}/{answer}")
    assert refused.status_code == 200
    assert_wrong(refused.json())
    after = contents()
    assert {name for name in after if after[name] != before[name]} == {"access_throttle"}
    new = refused.json()
    assert ask(Solved(new["code"], proof(new["challenge"]))) == DONE


def test_an_empty_answer_is_wrong() -> None:
    assert_wrong(ask(Solved(solved(Api()).code, "")))


def test_a_captcha_ends() -> None:
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        kept, late = solved(Api()), solved(Api())
        clock.shift(119)
        assert Api().get(f"/v1/captcha/{late.code}").status_code == 200
        assert ask(kept) == DONE
        clock.shift(1)
        assert_wrong(ask(late))
        assert_refused(Api().get(f"/v1/captcha/{late.code}"), 404, "captcha expired")


def test_a_solution_of_another_captcha_is_wrong(settings: Any) -> None:
    first, second = solved(Api()), solved(Api())
    settings.CAPTCHA_PROOF_BITS = 32
    assert_wrong(ask(Solved(first.code, second.answer)))
    code, other = (Api().get("/v1/captcha").json()["code"] for _ in range(2))
    if digits(code) != digits(other):
        assert_wrong(ask(Solved(code, digits(other))))


def test_codes_tell_nothing_of_each_other() -> None:
    codes = [base64.urlsafe_b64decode(Api().get("/v1/captcha").json()["code"]) for _ in range(50)]
    assert len({code[5:] for code in codes}) == 50
    # Under a fixed nonce equal plaintext bytes at one place would be equal ciphertext bytes there.
    assert all(len({code[at] for code in codes}) > 20 for at in range(5, 75))


def test_a_code_is_of_its_tenant_and_can_not_be_changed() -> None:
    captcha = solved(Api())
    foreign = captchas.new_captcha(tenant=2)
    assert_wrong(ask(Solved(foreign.code, proof(foreign.challenge))))
    for at in (0, 10, 50, 99):
        changed = captcha.code[:at] + ("A" if captcha.code[at] != "A" else "B") + captcha.code[at + 1 :]
        assert_wrong(ask(Solved(changed, captcha.answer)))
        assert Api().get(f"/v1/captcha/{changed}").status_code == 404
    assert not UsedCaptcha.objects.exists()


def test_the_picture_is_one_png_of_one_size() -> None:
    code = Api().get("/v1/captcha").json()["code"]
    answer = Api().get(f"/v1/captcha/{code}")
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "no-store"
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (220, 80), "L")
    assert len(answer.content) < 20_000
    # To ask again gives no second picture to compare with.
    assert Api().get(f"/v1/captcha/{code}").content == answer.content


def test_pictures_of_the_same_digits_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captchas.secrets, "randbelow", lambda end: 123456)
    pictures = {Api().get(Api().get("/v1/captcha").json()["captchaurl"]).content for _ in range(5)}
    assert len(pictures) == 5


def test_an_address_asks_for_few_pictures(settings: Any) -> None:
    settings.CAPTCHA_PICTURES_PER_ADDRESS = "2/1h"
    url = Api().get("/v1/captcha").json()["captchaurl"]
    assert [Api().get(url).status_code for _ in range(3)] == [200, 200, 429]
    assert Api().get(url, REMOTE_ADDR="10.0.0.9").status_code == 200


def test_captchas_leave_no_events_and_touch_nobody() -> None:
    with told_by() as told:
        url = Api().get("/v1/captcha").json()["captchaurl"]
        Api().get(url)
        ask(Solved("x", "y"))
    assert told == []
