"""Settings that would lose messages, or send them in clear, are noticed at start."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.notify.checks import check_receivers

GOOD: dict[str, Any] = {
    "NOTIFICATION_URL": "https://shop.example.com/hook?key=hush",
    "NOTIFICATION_SECRET": "x" * 32,
    "OUTGOING_ALLOW_PRIVATE": ["10.0.0.0/8", "hooks.internal"],
    "EMAIL_HOST": "mail.example.com",
    "EMAIL_FROM": "privacy@example.com",
    "EMAIL_TLS": "starttls",
    "SMS_URL": "https://sms.example.com/?to=_PHONE_",
    "SMS_BODY": "text=_MSG_",
    "SMS_CUSTOM_HEADER": "X-Key: hush",
}


def problems(settings: Any, **changed: Any) -> list[str]:
    for name, value in (GOOD | changed).items():
        setattr(settings, name, value)
    found = check_receivers()
    assert "hush" not in repr(found)
    return [f"{problem.id} {problem.msg}" for problem in found]


def test_good_settings_have_no_problem(settings: Any) -> None:
    assert problems(settings) == []


def test_nothing_set_is_no_problem() -> None:
    assert check_receivers() == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"NOTIFICATION_URL": "shop.example.com/hush"}, "notify.E002 NOTIFICATION_URL: "),
        ({"NOTIFICATION_URL": "https://user:hush@example.com"}, "notify.E002 NOTIFICATION_URL: "),
        ({"NOTIFICATION_SECRET": ""}, "notify.E002 NOTIFICATION_URL needs a NOTIFICATION_SECRET"),
        ({"NOTIFICATION_SECRET": "hush"}, "notify.E002 NOTIFICATION_URL needs a NOTIFICATION_SECRET"),
        ({"OUTGOING_ALLOW_PRIVATE": ["10.0.0.0/64"]}, "notify.E001 OUTGOING_ALLOW_PRIVATE"),
        ({"SMS_URL": "hush"}, "notify.E003 SMS_URL: "),
        ({"SMS_URL": "https://_PHONE_.example.com/"}, "notify.E003 SMS_URL must have no placeholder"),
        ({"SMS_BODY": "text=hush"}, "notify.E003 SMS_URL or SMS_BODY must have"),
        ({"SMS_METHOD": "GET"}, "notify.E003 SMS_URL or SMS_BODY must have"),
        ({"SMS_CUSTOM_HEADER": "hush"}, "notify.E003 SMS_CUSTOM_HEADER"),
        ({"EMAIL_FROM": ""}, "notify.E004 EMAIL_HOST needs an EMAIL_FROM"),
        ({"NOTIFICATION_URL": "http://shop.example.com/"}, "notify.W001 NOTIFICATION_URL sends personal data in clear"),
        ({"SMS_URL": "http://sms.example.com/_PHONE_"}, "notify.W001 SMS_URL sends personal data in clear"),
        ({"EMAIL_TLS": "none"}, "notify.W002 EMAIL_TLS"),
    ],
)
def test_each_mistake_is_named(settings: Any, changed: dict[str, Any], says: str) -> None:
    (problem,) = problems(settings, **changed)
    assert problem.startswith(says)
