"""schemathesis over the whole OpenAPI document: a real server answers all that it allows as it says.

Generated requests, right ones and wrong ones, and sequences along the document's links: what one call answers goes
into the next. `make test-openapi` tries more, and more of them, than the ordinary run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.vaults import Server, serving

HERE = Path(__file__).parent
EXAMPLES = int(os.environ["OPENAPI_EXAMPLES"])
SEED = os.environ.get("OPENAPI_SEED", "1")
SECONDS = 900
SETTINGS = {
    "IDENTITY_FIELDS": "household:text:shared",
    # Generated text is no telephone number, and would have most people refused.
    "LENIENT_PHONE": "true",
    "LIST_USERS": "unlock",
    "SELFSERVICE_USER_RECORD_CHANGE": "true",
    "SELFSERVICE_APP_RECORD_CHANGE": "*",
    "FAILED_CALLS_PER_ADDRESS": "",
    "ANONYMOUS_CALLS_PER_ADDRESS": "",
}
# All but those that the API breaks on purpose: it is lenient in what it takes, and a forgotten person's token stays
# known (what is preserved is read by it).
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "ensure_resource_availability",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), **SETTINGS) as running:
        yield running


class Report(NamedTuple):
    passed: bool
    text: str


def ask(server: Server, folder: Path, *options: str, document: str = "", config: str = "any", **extra: str) -> Report:
    """What schemathesis finds where the server does otherwise than the document says."""
    address = f"http://127.0.0.1:{server.port}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / f"{config}.toml")),
            *("run", document or f"{address}/v1/openapi.json", "--url", address),
            *("--checks", ",".join(CHECKS), "--seed", SEED, "--generation-database", "none"),
            *options,
        ],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **extra},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Report(done.returncode == 0, done.stdout)


def one_by_one(phases: str, token: str | None) -> list[str]:
    """Each operation for itself, by the caller with this token."""
    header = [] if token is None else ["--header", f"X-Bunker-Token: {token}"]
    return ["--phases", phases, "--max-examples", str(EXAMPLES), *header]


def token_of_person(server: Server, person: str) -> str:
    """An access token of this person, as a login gives it."""
    return server.vault.script(
        "import uuid\n"
        "from databunker.access import tokens\n"
        "from databunker.access.models import DEFAULT_TENANT, TokenKind\n"
        "from vault import references\n"
        f"subject = references.subject_of(uuid.UUID('{person}'), tenant=DEFAULT_TENANT)\n"
        "token = str(uuid.uuid4())\n"
        "tokens.add_token(token=token, kind=TokenKind.PERSON, subject=subject, expires=None, label='test')\n"
        "print(token)"
    ).strip()


def test_an_application_is_answered_as_described(server: Server, tmp_path: Path) -> None:
    report = ask(server, tmp_path, *one_by_one("examples,coverage,fuzzing", server.vault.new_token("shop")))
    assert report.passed, report.text


def test_an_application_is_answered_as_described_step_by_step(server: Server, tmp_path: Path) -> None:
    header = f"X-Bunker-Token: {server.vault.new_token('shop')}"
    scenarios = str(EXAMPLES * 8)
    report = ask(server, tmp_path, "--phases", "stateful", "--max-examples", scenarios, "--header", header)
    assert report.passed, report.text
    followed = re.search(r"API Links: +(\d+) covered / (\d+) selected", report.text)
    assert followed, report.text
    # Most calls are refused for what they say, so few of the links are come by in the time that there is.
    assert int(followed[1]) >= 8, report.text


def test_a_person_is_answered_as_described(server: Server, tmp_path: Path) -> None:
    """Asks for their own record wherever a person is asked for."""
    vault = server.client()
    person = vault.create(login="the person who asks", household="here")
    vault.close()
    options = one_by_one("coverage,fuzzing", token_of_person(server, person))
    report = ask(server, tmp_path, *options, config="person", PERSON=person)
    assert report.passed, report.text


def test_a_stranger_is_answered_as_described(server: Server, tmp_path: Path) -> None:
    report = ask(server, tmp_path, *one_by_one("examples,fuzzing", None))
    assert report.passed, report.text


def test_an_answer_that_is_not_described_would_be_found(server: Server, tmp_path: Path) -> None:
    client = server.client()
    described = client.call("GET", "/v1/openapi.json").json()
    client.close()
    operation = described["paths"]["/v1/userapps"]["get"]
    del operation["responses"]["403"]
    described["paths"] = {"/v1/userapps": {"get": operation}}
    (tmp_path / "openapi.json").write_text(json.dumps(described))
    report = ask(server, tmp_path, *one_by_one("fuzzing", None), document=str(tmp_path / "openapi.json"))
    assert not report.passed
    assert "Undocumented status code" in report.text, report.text
