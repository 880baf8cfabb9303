"""A request of a megabyte costs seconds at most, and some times its size in memory, whatever is in it.

Asked in a process of its own whose memory is limited: one that took more than it may would answer with a fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.vaults import Vault, new_vault

# Of the processor, not of the clock, so that a busy machine is no failure.
SECONDS = 4.0
MAY_GROW_MEGABYTES = 192

_ASK = f"""
import io, itertools, json, resource, sys, time
sys.path.insert(0, PROJECT)
from databunker.api.handler import Handler
from databunker.accounts.sessions import Audience, Session
from databunker.pages.middleware import cookie_name
from tests.support.hostile_inputs import Hostile, hostile_forms, hostile_requests
handler = Handler()
def ask(one, token):
    environ = {{
        "REQUEST_METHOD": one.method, "SCRIPT_NAME": "", "PATH_INFO": "", "QUERY_STRING": "", "REMOTE_ADDR": "192.0.2.1",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "CONTENT_TYPE": one.content_type, "CONTENT_LENGTH": str(len(one.body)),
        "HTTP_X_BUNKER_TOKEN": token, "wsgi.input": io.BytesIO(one.body), "wsgi.url_scheme": "http", **dict(one.headers),
    }}
    from urllib.parse import unquote_to_bytes
    path, _, environ["QUERY_STRING"] = one.path.partition("?")
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    told = []
    body = b"".join(handler(environ, lambda status, headers: told.append(status)))
    return int(told[0][:3]), body
status, body = ask(Hostile("", "POST", "/v1/user", b'{{"login":"ann"}}'), ROOT)
person = json.loads(body)["token"]
session = Session(Audience.PORTAL)
session.begin(seconds=3600)
signed_in = f"{{cookie_name(Audience.PORTAL)}}={{session.key}}"
for path in ("/", "/code", "/receipt", "/my/data/edit", "/console/sign-in", "/preferences/theme"):
    ask(Hostile("", "GET", path), "")  # what is read once: templates, languages
pages = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")]
resource.setrlimit(resource.RLIMIT_AS, (pages[0] * 1024 + {MAY_GROW_MEGABYTES} * 1024 * 1024, -1))
for one in itertools.chain(hostile_forms(signed_in), hostile_requests(person, "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d")):
    began = time.process_time()
    status, body = ask(one, ROOT)
    spent = round(time.process_time() - began, 3)
    print(json.dumps([one.name, status, spent, len(body)]), flush=True)
"""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path, TRUSTED_PROXIES="1", LOG_LEVEL="ERROR") as made:
        yield made


def results(vault: Vault) -> list[list[Any]]:
    from tests.support.vaults import PROJECT

    text = vault.script(f"ROOT, PROJECT = {vault.root_token!r}, {str(PROJECT)!r}\n{_ASK}", seconds=500)
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_no_request_costs_much(vault: Vault) -> None:
    found = results(vault)
    assert len(found) > 200
    assert [one for one in found if one[1] >= 500] == []
    assert [one for one in found if one[2] > SECONDS] == []
    # Nor does anything come back that is much larger than what was sent.
    assert [one for one in found if one[3] > 4 << 20] == []
