#!/usr/bin/env python3
"""Pictures of the pages of a vault that is running, in light and dark, on a desk and on a phone.

    make demo                               in another terminal
    python scripts/screenshots.py FOLDER [--url http://127.0.0.1:3000] [--chromium /usr/bin/chromium]

It signs in as the demonstration's account and person.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]
SIZES = {"desk": (1280, 800), "phone": (360, 740)}
PORTAL = {
    "portal-data": "/my/data",
    "portal-edit": "/my/data/edit",
    "portal-consents": "/my/consents",
    "portal-requests": "/my/requests",
    "portal-accesses": "/my/accesses",
    "portal-sign-ins": "/my/sign-ins",
    "portal-shares": "/my/shares",
    "portal-rights": "/my/rights",
    "portal-delete": "/my/delete",
    "portal-cookies": "/cookies",
}
CONSOLE = {
    "dashboard": "/console/",
    "legal-bases": "/console/bases",
    "legal-basis": "/console/bases/1",
    "activities": "/console/activities",
    "accounts": "/console/accounts",
    "new-account": "/console/accounts/new",
    "own-account": "/console/me",
    "second-factor": "/console/me/second-factor",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:3000")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                take_all(context.new_page(), options.url, options.folder, f"{size}-{theme}")
                context.close()
        browser.close()


def take_all(page: Page, url: str, folder: Path, suffix: str) -> None:
    def take(name: str, path: str = "") -> None:
        if path:
            page.goto(url + path)
        page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=True)

    take("portal", "/")
    page.locator("input[name=identity]").fill("test@securitybunker.io")
    page.locator("main button").click()
    page.locator("input[name=code]").fill("4444")
    take("portal-code")
    page.locator("main button").click()
    page.wait_for_url("**/my/data")
    for name, path in PORTAL.items():
        take(name, path)
    take("sign-in", "/console/sign-in")
    page.locator("input[name=name]").fill("demo")
    page.locator("input[name=password]").fill("a-vault-to-try-out")
    page.locator("main button").click()
    page.wait_for_url("**/console/")
    for name, path in CONSOLE.items():
        take(name, path)


if __name__ == "__main__":
    main()
