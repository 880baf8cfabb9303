"""The Django project of examples/django-shop: its own tests against a live vault, and it as it is served."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.vaults import Server, free_port

from .conftest import EXAMPLES, environment, run

SHOP = EXAMPLES / "django-shop"
NARROW = ["--allow", "writer", "--allow", "record.forget", "--purpose", "shop"]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(SHOP / "manage.py"), *arguments]


def settings(folder: Path, **more: str) -> dict[str, str]:
    return {"SHOP_DATABASE": str(folder / "shop.sqlite3")} | more


def test_its_client_is_the_one_that_is_shown() -> None:
    assert (SHOP / "people/vault_client.py").read_bytes() == (EXAMPLES / "python/vault_client.py").read_bytes()


@pytest.mark.slow
def test_its_own_tests_pass_with_a_narrow_token(server: Server, tmp_path: Path) -> None:
    token = server.vault.new_token("shop", *NARROW)
    done = run(
        manage("test", "people"),
        tmp_path,
        **settings(tmp_path, DATABUNKER_URL=f"http://127.0.0.1:{server.port}", DATABUNKER_TOKEN=token),
    )
    assert done.returncode == 0, done.stderr
    (number,) = re.findall(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    assert int(number) >= 10


@pytest.mark.slow
def test_it_has_its_migrations_and_can_be_deployed(tmp_path: Path) -> None:
    earnest = settings(tmp_path, HTTPS="true", SECRET_KEY="x1" * 20 + "of the tests, long enough")
    for arguments in (["makemigrations", "--check"], ["check", "--deploy", "--fail-level", "ERROR"]):
        done = run(manage(*arguments), tmp_path, **earnest)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_is_served_as_its_readme_says(tmp_path: Path) -> None:
    given = settings(tmp_path, DEBUG="true")
    assert run(manage("migrate"), tmp_path, **given).returncode == 0
    port = free_port()
    process = subprocess.Popen(
        manage("runserver", "--noreload", str(port)),
        cwd=tmp_path,
        env=environment(**given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            page = patient(f"http://127.0.0.1:{port}/sign-up")
            assert "<h1>Sign up</h1>" in page
            (style,) = re.findall(r'href="(/static/[^"]+\.css)"', page)
            assert "body" in patient(f"http://127.0.0.1:{port}{style}")
        finally:
            process.terminate()


def patient(url: str) -> str:
    """The page, once somebody listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
