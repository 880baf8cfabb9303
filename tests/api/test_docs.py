"""The page over the OpenAPI document: all of it from this server, and nothing in it that could run."""

from __future__ import annotations

import gzip
import re

import pytest

from databunker.api import docs
from databunker.api.docs import assets_version
from tests.api.helpers import assert_refused
from tests.conftest import Api

ASSETS = {
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}


def asset(name: str, version: str | None = None) -> str:
    return f"/docs/{version or assets_version()}/{name}"


def test_the_page_names_nothing_but_what_this_server_has(stranger: Api) -> None:
    answer = stranger.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    named = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    assert named == {*map(asset, ASSETS), "/v1/openapi.json"}
    for path in named:
        assert stranger.get(path).status_code == 200
    assert "//" not in re.sub(r'(?:src|href)="[^"]+"', "", page), "no address of another host"


def test_the_page_has_nothing_inline_and_may_run_nothing_of_others(stranger: Api) -> None:
    answer = stranger.get("/docs")
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", page) == []
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("name", "content_type"), ASSETS.items())
def test_an_asset_is_kept_by_browsers_for_ever(stranger: Api, name: str, content_type: str) -> None:
    plain, packed = stranger.get(asset(name)), stranger.get(asset(name), HTTP_ACCEPT_ENCODING="br, gzip")
    for answer in (plain, packed):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == content_type
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content


def test_an_origin_that_may_call_leaves_the_packing_known_to_caches(stranger: Api, settings: object) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example.com"]
    assert stranger.get(asset("start.js")).headers["Vary"] == "Accept-Encoding, Origin"


@pytest.mark.parametrize(
    "path",
    [
        asset("start.js", version="0" * 8),
        asset("index.html"),
        asset("swagger-ui-bundle.js.map"),
        asset("..%2f..%2fmanage.py"),
        asset("%2fetc%2fpasswd"),
        asset("start.js%00"),
        asset("START.JS"),
    ],
)
def test_what_is_no_asset_is_not_there(stranger: Api, path: str) -> None:
    assert_refused(stranger.get(path), 404)


@pytest.mark.parametrize("path", ["/docs/", "/docs/start.js"])
def test_what_is_no_route_is_none(stranger: Api, path: str) -> None:
    assert_refused(stranger.get(path), 404, "endpoint is missing")


def test_a_change_of_an_asset_changes_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "_asset", lambda name: b"as they are" if name != "start.js" else b"changed")
    before, after = assets_version(), assets_version.__wrapped__()
    assert re.fullmatch("[0-9a-f]{8}", after)
    assert after != before
