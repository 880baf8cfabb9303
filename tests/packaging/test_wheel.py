"""What `pip install` brings is whole: a vault that runs without this clone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import venv
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.clients import Client
from tests.support.vaults import PROJECT, SECONDS, free_port
from tests.test_supply_chain import pinned

PACKAGES = ("audit", "databunker", "gdpr", "vault")
RESOURCES = "databunker/resources/"


def metadata() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return project


def test_the_extras_ask_for_what_the_lists_ask_for() -> None:
    extras = metadata()["optional-dependencies"]
    assert isinstance(extras, dict)
    for extra, wanted in extras.items():
        lines = (PROJECT / f"requirements-{extra}.in").read_text().splitlines()
        assert wanted == [line for line in lines if line and not line.startswith(("#", "-"))], extra


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git knows, so that nothing that lies about can be in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True)
    subprocess.run(
        ["tar", "--create", "--null", "--files-from=-", f"--file={folder / 'source.tar'}"],
        cwd=PROJECT,
        check=True,
        input=listed.stdout,
    )
    subprocess.run(["tar", "--extract", f"--file={folder / 'source.tar'}"], cwd=source, check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", f"--wheel-dir={folder}", str(source)], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_has_everything_that_a_vault_needs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    ours = {name for name in tracked.splitlines() if name.startswith(tuple(f"{package}/" for package in PACKAGES))}
    beside = {
        RESOURCES + name
        for name in tracked.splitlines()
        if name.startswith(("static/", "templates/", "locale/")) or name == "deploy/gunicorn.conf.py"
    }
    assert {name for name in beside if name.endswith(".mo")}, "texts in other languages are compiled"
    assert {name for name in ours if "/migrations/0001" in name}
    assert {name for name in names if ".dist-info/" not in name} == ours | beside
    about = next(name for name in names if name.endswith(".dist-info/METADATA"))
    text = zipfile.ZipFile(wheel).read(about).decode()
    assert re.search(r"^License-Expression: MIT$", text, re.MULTILINE)
    assert re.search(r"^Requires-Dist: django<5\.3,>=5\.2", text, re.MULTILINE)


@pytest.fixture(scope="module")
def databunker(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of a fresh environment, with the versions that this clone has pinned."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    limits = folder / "limits.txt"
    limits.write_text("".join(f"{name}=={version}\n" for name, (version, _) in pinned("requirements").items()))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", f"--constraint={limits}", str(wheel)], check=True, cwd=folder)
    return folder / "bin" / "databunker"


@pytest.mark.slow
def test_an_installed_vault_is_made_and_serves(databunker: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BUNKER_PORT": str(port), "BUNKER_WORKERS": "1"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(databunker), *arguments], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = run("init")
    (environment["DATABUNKER_MASTERKEY"],) = re.findall(r"DATABUNKER_MASTERKEY=([0-9a-f]{64})$", told, re.MULTILINE)
    (token,) = re.findall(r"X-Bunker-Token: ([0-9a-f-]{36})$", told, re.MULTILINE)
    assert (tmp_path / "var" / "databunker.sqlite3").is_file(), "the vault is where it was made"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([str(databunker), "serve"], cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        with closing(Client(port, token)) as client, closing(Client(port)) as stranger:
            wait_for(stranger)
            person = client.create(login="ann", email="ann@example.com")
            assert client.call("GET", f"/v1/user/token/{person}").json()["data"]["email"] == "ann@example.com"
            page = stranger.call("GET", "/", accept="text/html", accept_language="de")
            assert b'lang="de"' in page.body
            (style,) = set(re.findall(rb'href="(/static/vault[^"]*\.css[^"]*)"', page.body))
            for path in (style.decode(), "/console/sign-in", "/docs"):
                assert stranger.call("GET", path).status == 200, path
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) == 0, (tmp_path / "log").read_text()
    assert "up to date" in run("init")
    assert run("verify")


def wait_for(client: Client) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            assert client.call("GET", "/readyz").body == b"ok"
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
