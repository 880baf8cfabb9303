#!/usr/bin/env python3
"""Do as a newcomer does: `make demo`, paste README's curl lines, press Ctrl-C, come back, and find everyone again.

    python scripts/smoke.py                 in a clean clone: it makes ./var, and refuses where there is one already

Every line that begins with `curl` inside a ```sh block of README.md is run by a shell as it stands, save for the
port, and must answer with `"status":"ok"`; so must every curl line that `make demo` prints, in a fresh vault.
The commands of manage.py that it prints must end well.
Needs nothing but Python, make and curl.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
START_SECONDS = 180  # the first start installs packages
STOP_SECONDS = 40
MAX_OUTPUT = 1_000_000
PORT = re.compile(r"(?<=localhost:)3000\b|(?<=127\.0\.0\.1:)3000\b")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class SmokeError(Exception):
    """What a newcomer would have run into."""


def curl_lines(readme: str) -> list[str]:
    """The curl commands of the ```sh blocks, in order; a line that ends with a backslash goes on in the next."""
    lines = [line for block in BLOCK.findall(readme) for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("curl ")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def newcomers_environment(port: int) -> dict[str, str]:
    """This environment without any setting of the product, but with the port."""
    ours = re.compile(r"DATABUNKER_|BUNKER_|DATABASE_|SECRET_KEY$|MAKE|MFLAGS$")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return kept | {"BUNKER_PORT": str(port)}


@contextmanager
def demo(port: int) -> Iterator[list[str]]:
    """`make demo`, answering; the commands that it printed.

    Stopped by Ctrl-C in the end, which must not take long nor leave anything behind.
    """
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            ["make", "demo"],
            cwd=ROOT,
            env=newcomers_environment(port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_up(server, port)
            yield [line.strip() for line in printed(output).splitlines() if line.startswith("    ")]
            press_ctrl_c(server, port)
        except SmokeError as error:
            raise SmokeError(f"{error}\n--- make demo printed:\n{printed(output)}") from error
        finally:
            end(server)


def wait_until_up(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SmokeError(f"make demo ended by itself with {server.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    raise SmokeError(f"/status did not answer within {START_SECONDS} seconds")


def press_ctrl_c(server: subprocess.Popen[bytes], port: int) -> None:
    """As a terminal does it: SIGINT to every process of the foreground group."""
    os.killpg(server.pid, signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise SmokeError(f"Ctrl-C did not stop it within {STOP_SECONDS} seconds") from None
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SmokeError("something still listens after Ctrl-C")


def end(server: subprocess.Popen[bytes]) -> None:
    """Kill what Ctrl-C left, which is nothing where all went well."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def printed(output: IO[bytes]) -> str:
    """What is in the file so far, read without moving the position at which the server goes on writing."""
    return os.pread(output.fileno(), MAX_OUTPUT, 0).decode(errors="replace")


def call(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """
    Raises:
        SmokeError: an answer other than success.
    """
    headers = {"X-Bunker-Token": "DEMO", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the demonstration on this machine
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise SmokeError(f"{method} {path} answered {error.code}: {error.read().decode()}") from error
    return accepted(f"{method} {path}", text)


def accepted(what: str, text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.get("status") != "ok":
        raise SmokeError(f'{what}\ndid not answer with "status":"ok" but: {text[:1000]}')
    return answer


def paste(line: str) -> None:
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    accepted(line, done.stdout or done.stderr)
    print(f"  ok  {line}", flush=True)


def run_commands(lines: list[str], port: int) -> None:
    """In one shell, as what is exported by one is for the next."""
    done = subprocess.run(
        ["sh", "-ec", "\n".join(lines)],
        cwd=ROOT,
        env=newcomers_environment(port),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise SmokeError(f"{lines[-1]}\nended with {done.returncode}: {done.stderr[:1000]}")
    print(f"  ok  {lines[-1]}", flush=True)


def walk_through(lines: list[str], port: int) -> None:
    """
    Raises:
        SmokeError: a line did not answer as it should, or the vault is not the same after a restart.
    """
    print("curl lines of README.md:", flush=True)
    person = {"email": f"{uuid.uuid4()}@example.com", "name": "Zoë"}
    with demo(port):
        for line in lines:
            paste(PORT.sub(str(port), line))
        token = call(port, "POST", "/v1/user", person)["token"]
    with demo(port):
        found = call(port, "GET", f"/v1/user/email/{person['email']}")
        if (found["token"], found["data"]) != (token, person):
            raise SmokeError(f"after a restart the person reads otherwise: {found}")
    shutil.rmtree(VAR)
    print("curl lines that make demo prints:", flush=True)
    with demo(port) as printed_lines:
        calls = [line for line in printed_lines if line.startswith("curl ")]
        commands = [line for line in printed_lines if line not in calls]
        if not calls or not commands:
            raise SmokeError("make demo prints no curl line, or no command")
        for line in calls:
            paste(line)
        run_commands(commands, port)
    shutil.rmtree(VAR)


def main() -> int:
    """0 where all went as README says, else 1 with what didn't."""
    if VAR.exists():
        print("smoke: ./var exists: run this in a clean clone", file=sys.stderr)
        return 1
    lines = curl_lines((ROOT / "README.md").read_text(encoding="utf-8"))
    if not lines:
        print("smoke: README.md has no curl line in a ```sh block", file=sys.stderr)
        return 1
    try:
        walk_through(lines, free_port())
    except SmokeError as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    print("smoke: every curl line answered, and the vault resumed after Ctrl-C")
    return 0


if __name__ == "__main__":
    sys.exit(main())
