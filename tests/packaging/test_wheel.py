"""What `pip install` brings is whole: a vault that runs without this clone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents.blocks import block_with
from tests.support.clients import Client
from tests.support.vaults import PROJECT, SECONDS, free_port
from tests.test_supply_chain import normal, pinned

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


@dataclass(frozen=True)
class Installed:
    """What the commands of docs/deployment.md leave behind, in a folder of their own."""

    folder: Path

    @property
    def wheel(self) -> Path:
        (made,) = (self.folder / "source" / "dist").glob("*.whl")
        return made

    @property
    def databunker(self) -> Path:
        return self.folder / "opt/databunker/bin/databunker"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built from what git knows, so that nothing that lies about can be in it."""
    folder = tmp_path_factory.mktemp("installed")
    for name in ("source", "opt", "etc/systemd/system", "usr/local/sbin"):
        (folder / name).mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True)
    subprocess.run(
        ["tar", "--create", "--null", "--files-from=-", f"--file={folder / 'source.tar'}"],
        cwd=PROJECT,
        check=True,
        input=listed.stdout,
    )
    subprocess.run(["tar", "--extract", f"--file={folder / 'source.tar'}"], cwd=folder / "source", check=True)
    text = re.sub(r"(?<=[\s>])(?=/(?:opt|etc|usr)/)", str(folder), block_with("docs/deployment.md", "make wheel").text)
    text = re.sub(r"^useradd .*$", "", text, flags=re.MULTILINE)  # not of the machine that tests run on
    make = f'make() {{ command make BIN={Path(sys.executable).parent} "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", make + text],
        cwd=folder / "source",
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(folder)


@pytest.mark.slow
def test_what_the_page_installs_stands_where_the_units_look_for_it(installed: Installed) -> None:
    etc = installed.folder / "etc"
    assert (etc / "databunker").stat().st_mode & 0o777 == 0o700
    assert (etc / "databunker" / "masterkey").stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", (etc / "databunker" / "masterkey").read_text())
    units = sorted(one.name for one in (etc / "systemd" / "system").iterdir())
    assert units == sorted(
        one.name for one in (PROJECT / "deploy/systemd").iterdir() if one.suffix in {".service", ".timer"}
    )
    assert os.access(installed.folder / "usr/local/sbin/databunker-run", os.X_OK)
    frozen = subprocess.run(
        [installed.databunker.parent / "pip", "freeze"], check=True, capture_output=True, text=True
    ).stdout
    versions = {
        name: version for name, (version, _) in {**pinned("requirements"), **pinned("requirements-otel")}.items()
    }
    found = {normal(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", frozen, re.MULTILINE)}
    assert found == versions


@pytest.mark.slow
def test_the_wheel_has_everything_that_a_vault_needs_and_nothing_else(installed: Installed) -> None:
    wheel = installed.wheel
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


@pytest.mark.slow
def test_an_installed_vault_is_made_and_serves(installed: Installed, tmp_path: Path) -> None:
    databunker = installed.databunker
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
