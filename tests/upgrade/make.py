"""Makes the database that the next release is tried on: `make upgrade-dumps`, when a release is made.

Of the kind that DATABASE_URL names: a vault with rows in each table but those of `EMPTY`, its SQL, and what a caller reads of it.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.clients import Client
from tests.support.databases import KIND
from tests.support.vaults import Server, Vault, new_vault

from .dumps import dump, folder

# What lasts for minutes, what a command leaves only while it runs, and what wants a large trail, its retention or a ceremony.
EMPTY = {
    "access_login_code",
    "access_unlock",
    "access_used_captcha",
    "account_recovery_code",
    "account_session",
    "audit_node",
    "audit_pruning",
    "crypto_recovery_copy",
    "gdpr_import_progress",
    "vault_load_progress",
}
# Not kept to: what Django has of its own, and counters of calls, which come and go.
COUNTED_BY_NOBODY = {"django_migrations", "access_throttle"}
# What has an end is there when the next release is tried; what is told has nobody to be delivered to.
SETTINGS = {
    "MAX_SESSION_RETENTION": "50y",
    "MAX_SHAREABLE_RECORD_RETENTION": "50y",
    "MAX_USER_RETENTION": "50y",
    "NOTIFICATION_URL": "http://127.0.0.1:9/",
    "NOTIFICATION_SECRET": "x" * 32,
    "OUTGOING_ALLOW_PRIVATE": "true",
}
SESSION = uuid.UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
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


def fill(client: Client, vault: Vault, server: Server) -> list[str]:
    """Use what there is; the paths under which it can be read, none of which answers otherwise another day."""
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
    call(client, "POST", f"/v1/session/{SESSION}", {"token": ann, "cart": [1]})
    shared = call(client, "POST", f"/v1/sharedrecord/token/{ann}", {"fields": "name", "partner": "mail"})["record"]
    call(client, "POST", f"/v1/exp/start/token/{bo}")
    call(client, "DELETE", f"/v1/user/token/{dora}")
    with closing(server.client(vault.new_token_of(ann))) as person:
        asked = call(person, "PUT", f"/v1/user/token/{ann}", {"name": {"first": "Anna"}})["rtoken"]
    call(client, "GET", f"/v1/request/{asked}")
    for command in (["account", "create", "ada", "--role", "admin"], ["canary", "add"]):
        assert vault.manage(*command).code == 0, command
    canary = vault.manage("canary", "list").out.split()[0]
    with closing(server.client(vault.new_token())) as shop:
        call(shop, "GET", f"/v1/user/token/{canary}")
    return [
        *(f"/v1/user/token/{token}" for token in (ann, bo, cem)),
        "/v1/user/login/cem",
        "/v1/user/email/ANN@example.com",
        "/v1/user/phone/+4722000002",
        f"/v1/userapp/token/{ann}",
        f"/v1/userapp/token/{ann}/shop",
        f"/v1/userapp/token/{bo}/clinic",
        "/v1/userapps",
        f"/v1/session/{SESSION}",
        f"/v1/sharedrecord/token/{ann}",
        f"/v1/get/{shared}",
        f"/v1/exp/status/token/{bo}",
        "/v1/lbasis",
        "/v1/pactivity",
        f"/v1/agreements/token/{ann}",
        f"/v1/agreement/news/token/{bo}/history",
        "/v1/audit/key",
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as name, new_vault(Path(name)) as prepared:
        vault = Vault(prepared.database, prepared.folder, prepared.master_key, SETTINGS, prepared.root_token)
        with Server(vault) as server:
            client = server.client()
            paths = fill(client, vault, server)
            assert vault.manage("maintenance").code == 0  # seals the trail, among others
            answers = {path: (answer.status, answer.json()) for path in paths for answer in [client.call("GET", path)]}
            events = call(client, "GET", "/v1/audit/admin?limit=100")["rows"]
            client.close()
        tables = set(vault.database.tables()) - COUNTED_BY_NOBODY
        rows = {table: int(vault.database.value(f"SELECT count(*) FROM {table}")) for table in sorted(tables)}
        empty = {table for table, number in rows.items() if not number}
        assert empty == EMPTY, empty ^ EMPTY
        known = {
            "master_key": vault.master_key,
            "root_token": vault.root_token,
            "answers": answers,
            "rows": rows,
            "events": [event["atoken"] for event in events],
        }
        folder().mkdir(exist_ok=True)
        (folder() / f"{KIND}.json").write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        (folder() / f"{KIND}.sql").write_text(dump(vault.database))


if __name__ == "__main__":
    main()
