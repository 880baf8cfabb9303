"""Log a person in without a password: the vault sends a code, the person types it. Prints the person's access token.

`log_in.py email nora@example.com`; DATABUNKER_URL says where the vault is.
"""

import hashlib
import os
import sys
from itertools import count
from typing import Any

from vault_client import Vault


def solve(challenge: dict[str, Any]) -> str:
    """What a browser does in a moment, and whoever wants to ask a million times does not."""
    for number in count():
        digest = hashlib.sha256(f"{challenge['salt']}{number}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - challenge["bits"]) == 0:
            return str(number)
    raise AssertionError


def log_in(vault: Vault, mode: str, identity: str) -> str:
    """The same answers for those who exist and those who don't: the code that is sent, or not, makes the difference."""
    captcha = vault.call("GET", "/v1/captcha")
    solution = {"code": captcha["code"], "captcha": solve(captcha["challenge"])}
    vault.call("POST", "/v1/prelogin", {"mode": mode, "identity": identity, **solution})
    print("Code: ", end="", file=sys.stderr, flush=True)
    code = sys.stdin.readline().strip()
    return str(vault.call("POST", "/v1/login", {"mode": mode, "identity": identity, "code": code})["xtoken"])


if __name__ == "__main__":
    print(log_in(Vault(os.environ["DATABUNKER_URL"], ""), sys.argv[1], sys.argv[2]))
