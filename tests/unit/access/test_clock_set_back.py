"""What lives for a moment doesn't live for an hour because a clock was ahead when it was made."""

from __future__ import annotations

import time_machine

from databunker.access import captcha, login_codes, tokens

NOW = 1_900_000_000
HOUR = 3600


def test_a_login_code(vault: None) -> None:
    with time_machine.travel(NOW + HOUR, tick=False) as clock:
        for identity in (b"a", b"b", b"c"):
            login_codes.store_code("123456", tenant=1, identity=identity, subject=b"s" * 16, expires=NOW + HOUR + 120)
        assert login_codes.try_code("123456", tenant=1, identity=b"a", now=NOW + HOUR) == b"s" * 16
        clock.move_to(NOW)
        assert login_codes.try_code("123456", tenant=1, identity=b"b", now=NOW) is None
        clock.move_to(NOW + HOUR - 30)  # as much as hosts may differ
        assert login_codes.try_code("123456", tenant=1, identity=b"c", now=NOW + HOUR - 30) == b"s" * 16


def test_a_captcha(vault: None) -> None:
    with time_machine.travel(NOW + HOUR, tick=False) as clock:
        code = captcha.new_captcha(tenant=1).code
        assert captcha.picture(code, tenant=1)
        clock.move_to(NOW)
        assert captcha._open(code, 1) is None


def test_an_unlock(vault: None) -> None:
    with time_machine.travel(NOW + HOUR, tick=False) as clock:
        unlock = tokens.grant_unlock(tenant=1, token_id=1)
        assert tokens.unlocked(unlock, tenant=1, token_id=1)
        clock.move_to(NOW)
        assert not tokens.unlocked(unlock, tenant=1, token_id=1)
