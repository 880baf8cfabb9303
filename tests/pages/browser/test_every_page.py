"""Each page as it looks: light and dark, on a desk and on a phone, for eyes, ears and machines that judge.

Which pages there are is told by `visits.py`, and that none is missing there by `tests/pages/test_permission_matrix.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from .conftest import INCIDENT, PHONE, Site, Visit, at_the_console, visiting
from .visits import OF_ADMINISTRATORS, OF_STRANGERS

ALL = list(itertools.chain(*OF_ADMINISTRATORS.values()))


@pytest.fixture
def administrator(windows: Callable[[str, bool], Visit]) -> Iterator[Visit]:
    with at_the_console(windows("admin", True), "admin") as window:
        yield window


@pytest.fixture(scope="session")
def places(site: Site) -> dict[str, str]:
    """What the addresses of `visits.py` leave open."""
    site.seal()
    event = site.script("from audit.models import Event\nprint(Event.objects.order_by('id')[0].pk)").strip()
    incident = site.script(INCIDENT).strip()
    change, request = site.requests
    return {"person": site.person, "request": request, "change": change, "event": event, "incident": incident}


def test_pages_of_strangers_are_clean(visit: Visit) -> None:
    for path in itertools.chain(*OF_STRANGERS.values()):
        visit.go(path).assert_clean()
    visit.go("/console/sign-in").press("Sign in")
    visit.assert_clean()  # with mistakes


@pytest.mark.parametrize("address", ALL)
def test_pages_are_clean_in_both_themes_and_fit_a_phone(
    administrator: Visit, places: dict[str, str], address: str
) -> None:
    administrator.go(address.format(**places)).assert_clean()


def test_forms_of_registers_are_clean_with_mistakes(administrator: Visit) -> None:
    administrator.go("/console/bases/1/revoke").press("Revoke the agreements")
    administrator.assert_clean()
    administrator.go("/console/activities/new").press("Create the activity")
    administrator.assert_clean()


@pytest.mark.parametrize("language", ["Deutsch", "Français", "Español"])
def test_longer_words_fit_a_phone_too(browser: Browser, site: Site, places: dict[str, str], language: str) -> None:
    with visiting(browser, site, viewport=PHONE) as visit:
        visit.sign_in("admin").press(language)
        wide = {
            path: visit.go(path.format(**places)).overflow()
            for path in (*ALL, *itertools.chain(*OF_STRANGERS.values()))
        }
        assert {path: pixels for path, pixels in wide.items() if pixels > 0} == {}


def test_the_chosen_theme_wins_over_the_systems(browser: Browser, site: Site) -> None:
    with visiting(browser, site, color_scheme="light") as visit:
        visit.go("/console/sign-in").press("Dark")
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
        visit.press("As the system")
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
