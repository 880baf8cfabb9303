"""How people come into the portal: through its door, without scripts."""

from __future__ import annotations

import re
from typing import Any

from tests.support.login import code_in, proof, sent

from .conftest import Visitor

__all__ = ["EMAIL", "ask", "come", "come_in"]

EMAIL = "ann@example.com"
_PARTS = {
    "salt": r'data-proof-salt="([0-9a-f]+)"',
    "bits": r'data-proof-bits="(\d+)"',
    "code": r'name="captcha" value="([\w-]+)"',
}


def ask(visitor: Visitor, identity: str = EMAIL, **fields: str) -> Any:
    page = visitor.get("/").content.decode()
    found = {name: re.search(pattern, page)[1] for name, pattern in _PARTS.items()}  # type: ignore[index]
    answer = proof({"algorithm": "SHA-256", "salt": found["salt"], "bits": int(found["bits"])})
    return visitor.post("/", "/", **{"identity": identity, "captcha": found["code"], "answer": answer} | fields)


def come(visitor: Visitor, identity: str = EMAIL, code: str = "") -> Any:
    return visitor.post("/code", "/", identity=identity, code=code or code_in(sent("mail")[-1]))


def come_in(identity: str = EMAIL) -> Visitor:
    """The person with this e-mail address, signed in."""
    visitor = Visitor()
    assert ask(visitor, identity).status_code == 200
    assert come(visitor, identity)["Location"] == "/my/data"
    return visitor
