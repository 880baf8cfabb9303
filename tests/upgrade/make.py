"""Makes the database that the next release is tried on: `make upgrade-dumps`, when a release is made.

Of the kind that DATABASE_URL names: a vault with something in each corner, its SQL, and what a caller reads of it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.support.clients import Client
from tests.support.databases import KIND
from tests.support.vaults import Server, Vault, new_vault

from .dumps import dump, folder

PEOPLE = [
    {"login": "ann", "email": "ann@example.com", "phone": "+4722000002", "name": {"first": "Ann", "last": "Ång"}},
    {"login": "bo", "email": "bo@example.com", "health": {"blood": "A+", "allergies": ["pollen", "nuts"]}},
    {"login": "cem", "custom": "c-3", "note": "𝔘nicode ✓ and a\nline"},
    {"login": "dora", "email": "dora@example.com"},
]


def call(client: Client, method: str, path: str, body: Any = None) -> Any:
    answer = client.call(method, path, body)
    assert answer.status == 200, (method, path, answer)
    return answer.json()


def fill(client: Client) -> list[str]:
    """Use every corner; the paths under which it can be read, none of which answers otherwise another day."""
    tokens = [client.create(**person) for person in PEOPLE]
    ann, bo, cem, dora = tokens
    for city in ("Leeds", "York"):
        call(client, "PUT", f"/v1/user/token/{ann}", {"address": {"city": city}})
    call(client, "POST", f"/v1/userapp/token/{ann}/shop", {"cart": [1, 2, {"sku": "x"}], "vip": True})
    call(client, "PUT", f"/v1/userapp/token/{ann}/shop", {"vip": None})
    call(client, "POST", f"/v1/userapp/token/{bo}/clinic", {"visits": 3})
    call(client, "POST", "/v1/lbasis/news", {"shortdesc": "Letters", "basistype": "consent", "usercontrol": True})
    call(client, "POST", "/v1/pactivity/letters", {"title": "Letters"})
    call(client, "POST", "/v1/pactivity/letters/news")
    call(client, "POST", f"/v1/agreement/news/token/{ann}", {"status": "yes"})
    call(client, "POST", f"/v1/agreement/news/token/{bo}", {"status": "yes"})
    call(client, "DELETE", f"/v1/agreement/news/token/{bo}")
    call(client, "POST", f"/v1/restriction/token/{cem}", {"ground": "accuracy"})
    call(client, "DELETE", f"/v1/user/token/{dora}")
    return [
        *(f"/v1/user/token/{token}" for token in (ann, bo, cem)),
        "/v1/user/login/cem",
        "/v1/user/email/ANN@example.com",
        "/v1/user/phone/+4722000002",
        f"/v1/userapp/token/{ann}",
        f"/v1/userapp/token/{ann}/shop",
        f"/v1/userapp/token/{bo}/clinic",
        "/v1/userapps",
        "/v1/lbasis",
        "/v1/pactivity",
        f"/v1/agreements/token/{ann}",
        f"/v1/agreement/news/token/{bo}/history",
        "/v1/audit/key",
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as name, new_vault(Path(name)) as prepared:
        vault = Vault(prepared.database, prepared.folder, prepared.master_key, {}, prepared.root_token)
        with Server(vault) as server:
            client = server.client()
            paths = fill(client)
            assert vault.manage("maintenance").code == 0  # seals the trail, among others
            answers = {path: (answer.status, answer.json()) for path in paths for answer in [client.call("GET", path)]}
            events = call(client, "GET", "/v1/audit/admin?limit=100")["rows"]
            client.close()
        known = {
            "master_key": vault.master_key,
            "root_token": vault.root_token,
            "answers": answers,
            "events": [event["atoken"] for event in events],
        }
        folder().mkdir(exist_ok=True)
        (folder() / f"{KIND}.json").write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        (folder() / f"{KIND}.sql").write_text(dump(vault.database))


if __name__ == "__main__":
    main()
