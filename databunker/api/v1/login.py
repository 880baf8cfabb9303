"""`/v1/captcha`, `/v1/prelogin` and `/v1/login`: a person comes in by a code that was sent to mail or phone."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse

from databunker import jsontext
from databunker.access import captcha, throttle
from databunker.access.captcha import CaptchaRefused
from databunker.api.answers import answer, raw
from databunker.api.endpoint import Call, Endpoint
from databunker.api.openapi import Answer, Body, Link, Operation, either, ok, row, schemas
from databunker.errors import AccessDenied, BadRequest, Conflict, NotFound, Throttled
from gdpr import actions, events

__all__ = ["Captcha", "CaptchaPicture", "Login", "LoginForm", "Prelogin", "PreloginForm"]


_MODE = {**schemas.one_of("email", "phone"), "description": "Where the code goes, in any case"}
_IDENTITY = {**schemas.TEXT, "description": "The e-mail address or telephone number", "examples": ["ann@example.com"]}
_CAPTCHA = {
    "captchaurl": {**schemas.TEXT, "description": "Where its picture is"},
    "code": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "description": "Names the captcha and tells nothing"},
    "challenge": {
        **row(
            algorithm=schemas.constant("SHA-256"),
            salt={"type": "string", "pattern": "^[0-9a-f]+$"},
            bits=schemas.NUMBER,
        ),
        "description": "To be solved by a computer: the SHA-256 of `salt` followed by a whole number, in decimal, is "
        "to begin with `bits` zero bits. That number is the solution.",
    },
}
_PICTURE = Link("login.CaptchaPicture.get", code="$response.body#/code")
_SENT = either(
    ok(result=schemas.constant("done")),
    Answer(row(status=schemas.constant("error"), result=schemas.constant("captcha-error"), **_CAPTCHA)),
)
_SENDS = (
    "By mail (mode `email`) or text message (`phone`); the answer is the same whether or not there is such a person. "
    "A captcha is used up by one try: with a wrong, old or used one the answer is `captcha-error` and a new captcha. "
    "Refused with 409 where no such message can be sent."
)
_LOGGED_IN = ok(
    xtoken={**schemas.UUID, "description": "The access token, to be sent as `X-Bunker-Token`; shown this once"},
    token={**schemas.UUID, "description": "The person's token"},
)
_LETS_IN = (
    "Mode `email` or `phone`. A code is good once, for a short time and a few tries. A wrong code, a used one and an "
    "unknown person are refused alike."
)
_PERSON = Link("users.User.get", mode="token", identity="$response.body#/token")


class Captcha(Endpoint):
    """`GET /v1/captcha`: a new captcha, to be solved by its picture or by its challenge."""

    public: ClassVar = {"GET": None}

    @Operation(
        "Get a captcha",
        description="Good once, for 120 seconds: by the digits of its picture, or by a solution of its challenge.",
        answer=ok(**_CAPTCHA),
        links=(_PICTURE,),
    )
    def get(self, call: Call) -> HttpResponse:
        return answer(**_new_captcha(call))


class CaptchaPicture(Endpoint):
    """`GET /v1/captcha/{code}`: the picture of a captcha."""

    public: ClassVar = {"GET": None}

    @Operation(
        "See a captcha's picture",
        description="Six digits; the same picture each time.",
        answer=Answer(schemas.BINARY, "image/png"),
        refuses=(NotFound, Throttled),
    )
    def get(self, call: Call, code: str) -> HttpResponse:
        limit, tenant = throttle.parse_limit(settings.CAPTCHA_PICTURES_PER_ADDRESS), call.actor.tenant
        throttle.take(limit, tenant=tenant, what=b"captcha", who=throttle.address_key(call.actor.address))
        return raw(captcha.picture(code, tenant=tenant), content_type="image/png")


class Prelogin(Endpoint):
    """`GET /v1/prelogin/{mode}/{identity}/{code}/{captcha}`: send a code to a person, whoever exists."""

    public: ClassVar = {"GET": events.LOGIN_CODE_SENT}

    @Operation(
        "Have a login code sent",
        description=f"{_SENDS} The captcha's code and its solution may stand in either order.",
        answer=_SENT,
        refuses=(Conflict, Throttled),
        links=(_PICTURE,),
    )
    def get(self, call: Call, mode: str, identity: str, code: str, captcha: str) -> HttpResponse:
        return _prelogin(call, mode=mode, identity=identity, captcha_code=code, captcha_answer=captcha)


class PreloginForm(Endpoint):
    """`POST /v1/prelogin`: the same with `mode`, `identity`, `code` and `captcha` in the body."""

    public: ClassVar = {"POST": events.LOGIN_CODE_SENT}

    @Operation(
        "Have a login code sent",
        description=_SENDS,
        body=Body(
            row(
                mode=_MODE,
                identity=_IDENTITY,
                optional={
                    "code": {**schemas.TEXT, "description": "The captcha's code"},
                    "captcha": {**schemas.TEXT, "description": "The digits, or a solution of the challenge"},
                },
            )
        ),
        answer=_SENT,
        refuses=(Conflict, Throttled),
        links=(_PICTURE,),
    )
    def post(self, call: Call) -> HttpResponse:
        mode, identity, code, solution = _texts(call, "mode", "identity", "code", "captcha")
        return _prelogin(call, mode=mode, identity=identity, captcha_code=code, captcha_answer=solution)


class Login(Endpoint):
    """`GET /v1/login/{mode}/{identity}/{code}`: an access token for the code."""

    public: ClassVar = {"GET": events.LOGIN_REFUSED}

    @Operation(
        "Log in by a code",
        description=_LETS_IN,
        answer=_LOGGED_IN,
        refuses=(AccessDenied, Throttled),
        links=(_PERSON,),
    )
    def get(self, call: Call, mode: str, identity: str, code: str) -> HttpResponse:
        return _login(call, mode=mode, identity=identity, code=code)


class LoginForm(Endpoint):
    """`POST /v1/login`: the same with `mode`, `identity` and `code` in the body, so that they stand in no URL."""

    public: ClassVar = {"POST": events.LOGIN_REFUSED}

    @Operation(
        "Log in by a code",
        description=f"{_LETS_IN} Here the code stands in no URL.",
        body=Body(
            row(
                mode=_MODE,
                identity=_IDENTITY,
                code={**schemas.TEXT, "description": "The code that was sent", "examples": ["123456"]},
            )
        ),
        answer=_LOGGED_IN,
        refuses=(AccessDenied, Throttled),
        links=(_PERSON,),
    )
    def post(self, call: Call) -> HttpResponse:
        mode, identity, code = _texts(call, "mode", "identity", "code")
        return _login(call, mode=mode, identity=identity, code=code)


def _new_captcha(call: Call) -> dict[str, Any]:
    new = captcha.new_captcha(tenant=call.actor.tenant)
    return {"captchaurl": f"/v1/captcha/{new.code}", "code": new.code, "challenge": new.challenge}


def _prelogin(call: Call, *, mode: str, identity: str, captcha_code: str, captcha_answer: str) -> HttpResponse:
    try:
        actions.send_login_code(
            call.actor, mode=mode, identity=identity, captcha_code=captcha_code, captcha_answer=captcha_answer
        )
    except CaptchaRefused as refusal:
        # As the peer has it: no failure of the request, and the next captcha with it.
        return raw(jsontext.dumps({"status": "error", "result": refusal.code, **_new_captcha(call)}))
    return answer(result="done")


def _login(call: Call, *, mode: str, identity: str, code: str) -> HttpResponse:
    done = actions.log_in(call.actor, mode=mode, identity=identity, code=code)
    return answer(xtoken=str(done.xtoken), token=str(done.token))


def _texts(call: Call, *names: str) -> list[str]:
    """
    Raises:
        BadRequest: one of them is no text. What is absent is empty.
    """
    body = call.object()
    values = [body.get(name) or "" for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            raise BadRequest(f"{name} must be text")
    return values
