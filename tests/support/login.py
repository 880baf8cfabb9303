"""How the tests log people in: captchas solved as a client's computer does it, codes read where they are sent from."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from databunker.notify import jobs
from databunker.notify.models import Job
from tests.api.helpers import ANN
from tests.conftest import Api

__all__ = [
    "NOW",
    "Solved",
    "ask",
    "code_for",
    "code_in",
    "come",
    "other_than",
    "prelogin_path",
    "proof",
    "sent",
    "solved",
]

NOW = 1_900_000_000


class Solved(NamedTuple):
    """A captcha and a solution of its challenge."""

    code: str
    answer: str


def proof(challenge: dict[str, Any]) -> str:
    """Found by trying, by what the challenge says and nothing else."""
    assert challenge["algorithm"] == "SHA-256"
    for number in itertools.count():
        digest = hashlib.sha256(f"{challenge['salt']}{number}".encode()).digest()
        if f"{int.from_bytes(digest, 'big'):0256b}".startswith("0" * challenge["bits"]):
            return str(number)
    raise AssertionError


def solved(api: Any) -> Solved:
    """A new captcha of this vault; `api` is any caller with `get` or `call`."""
    answer = api.get("/v1/captcha") if hasattr(api, "get") else api.call("GET", "/v1/captcha")
    body = answer.json()
    return Solved(body["code"], proof(body["challenge"]))


def prelogin_path(mode: str, identity: str, captcha: Solved) -> str:
    return f"/v1/prelogin/{mode}/{identity}/{captcha.code}/{captcha.answer}"


def sent(kind: str) -> list[dict[str, Any]]:
    """The messages of this kind that wait to be delivered, oldest first."""
    found = Job.objects.filter(kind=kind).order_by("id")
    return [orjson.loads(payload) for job in found if (payload := jobs.open_payload(job)) is not None]


def code_in(message: dict[str, Any]) -> str:
    (code,) = re.findall(r"\b[0-9]{6}\b", message["text"])
    return str(code)


# --- through the door, as somebody without a token -------------------------------------------------------------------

EMAIL = ANN["email"]
DONE = {"status": "ok", "result": "done"}


def ask(mode: str = "email", identity: str = EMAIL, **meta: str) -> Any:
    return Api().get(prelogin_path(mode, quote(identity), solved(Api())), **meta)


def code_for(mode: str = "email", identity: str = EMAIL) -> str:
    """Asked for and read where it waits to be delivered."""
    assert ask(mode, identity).json() == DONE
    return code_in(sent("mail" if mode == "email" else "sms")[-1])


def come(code: str, mode: str = "email", identity: str = EMAIL, **meta: str) -> Any:
    return Api().get(f"/v1/login/{mode}/{quote(identity)}/{code}", **meta)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"
