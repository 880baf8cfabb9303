#!/usr/bin/env python3
"""The pictures of the documentation, taken from a demonstration vault that is made for it and gone afterwards.

    python scripts/doc_images.py docs/images [--chromium /usr/bin/chromium]      (make screenshots)
    python scripts/doc_images.py FOLDER --all      each page in light and dark, on a desk and on a phone

PNG with few colours: each picture is smaller than 150 KB, or the script fails.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]
DESK, PHONE = (1280, 800), (390, 844)
PASSWORD = "a-vault-to-try-out"  # noqa: S105 - of the demonstration, for everybody
MOST_BYTES = 150_000
COLOURS = 128
START_SECONDS = 120
STOP_SECONDS = 40


class Shot(NamedTuple):
    """A page as `who` sees it: an account, or the person of the demonstration.

    `follow` is a link to click first; `login` somebody to be looked up by the form of the page.
    """

    name: str
    who: str
    path: str
    size: tuple[int, int] = DESK
    theme: str = "light"
    follow: str = ""
    login: str = ""


SHOTS = (
    Shot("console-dashboard", "dora", "/console/"),
    Shot("console-requests", "dora", "/console/requests"),
    Shot("console-request", "dora", "/console/requests", follow="tbody tr:nth-child(2) th a"),
    Shot("console-person", "dora", "/console/people", login="ann"),
    Shot("console-audit", "dora", "/console/audit?action=record.read"),
    Shot("console-register", "dora", "/console/activities"),
    Shot("console-tokens", "demo", "/console/tokens"),
    Shot("console-keys", "demo", "/console/keys", theme="dark"),
    Shot("console-phone", "dora", "/console/requests", PHONE, "dark"),
    Shot("portal-data", "test", "/my/data"),
    Shot("portal-consents-phone", "test", "/my/consents", PHONE),
)


def main() -> int:
    """0 where all pictures were taken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--all", action="store_true", help="each in light and dark, on a desk and on a phone")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    shots = list(in_all_looks()) if options.all else list(SHOTS)
    with tempfile.TemporaryDirectory() as place, demo(Path(place)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        too_large = [name for name, size in take_all(browser, url, shots, options.folder) if size > MOST_BYTES]
        browser.close()
    if too_large and not options.all:
        print(f"larger than {MOST_BYTES:,} bytes: {', '.join(too_large)}", file=sys.stderr)
        return 1
    return 0


def in_all_looks() -> Iterator[Shot]:
    for shot in SHOTS:
        for size, size_name in ((DESK, "desk"), (PHONE, "phone")):
            for theme in ("light", "dark"):
                yield shot._replace(name=f"{shot.name}-{size_name}-{theme}", size=size, theme=theme)


@contextmanager
def demo(place: Path) -> Iterator[str]:
    """`manage.py demo`, answering; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = re.compile(r"DATABUNKER_|BUNKER_|DATABASE_|SECRET_KEY$")
    environment = {name: value for name, value in os.environ.items() if not ours.match(name)}
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--folder", str(place)]
    server = subprocess.Popen(
        command, env=environment | {"BUNKER_PORT": str(port)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(server, url)
        yield url
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)


def wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"manage.py demo ended by itself with {server.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/status", timeout=10):  # noqa: S310 - our own server
                time.sleep(2)  # for the scheduler's first pass
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"/status did not answer within {START_SECONDS} seconds")


def take_all(browser: Browser, url: str, shots: list[Shot], folder: Path) -> Iterator[tuple[str, int]]:
    """Name and size of each, when it is taken."""
    for who in dict.fromkeys(shot.who for shot in shots):
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, url, who)
        for shot in shots:
            if shot.who == who:
                yield shot.name, take(page, url, shot, folder / f"{shot.name}.png")
        context.close()


def sign_in(page: Page, url: str, who: str) -> None:
    if who == "test":
        page.goto(f"{url}/")
        page.locator("input[name=identity]").fill("test@securitybunker.io")
        page.locator("main form button").first.click()
        page.locator("input[name=code]").fill("4444")
        page.locator("main form button").first.click()
        page.wait_for_url("**/my/data")
        return
    page.goto(f"{url}/console/sign-in")
    page.locator("input[name=name]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/console/")


def take(page: Page, url: str, shot: Shot, file: Path) -> int:
    width, height = shot.size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if shot.theme == "dark" else "light")
    page.goto(url + shot.path)
    if shot.login:
        page.locator("select[name=mode]").select_option("login")
        page.locator("input[name=identity]").fill(shot.login)
        page.locator("form:has(input[name=identity]) button").first.click()
        page.wait_for_url("**/people/*")
    if shot.follow:
        page.locator(shot.follow).click()
        page.wait_for_load_state()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.stat().st_size:>8,}  {file}", flush=True)
    return file.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
