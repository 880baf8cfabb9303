"""Requests that are small and would like to cost much, each with what it tries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["MEGABYTE", "Hostile", "hostile_forms", "hostile_requests"]

MEGABYTE = 1 << 20  # MAX_BODY_BYTES
_LINE = 8_000  # a request line and a header field have at most 8,190 bytes
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Hostile(NamedTuple):
    """`headers` by their names in WSGI."""

    name: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def _filled(first: bytes, again: bytes, last: bytes, size: int = MEGABYTE) -> bytes:
    return first + again * ((size - len(first) - len(last)) // len(again)) + last


def _json_bodies() -> Iterator[tuple[str, bytes]]:
    yield "brackets that are never closed", b"[" * MEGABYTE
    yield "objects that are never closed", _filled(b"", b'{"a":', b"")
    yield "deep but closed", b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2)
    yield "deep behind a good beginning", b'{"login":"x","a":' + b"[" * 400_000 + b"]" * 400_000 + b"}"
    yield "one number of a million digits", b'{"n":' + b"9" * (MEGABYTE - 10) + b"}"
    yield "one number with a million zeros behind the point", b'{"n":0.' + b"0" * (MEGABYTE - 10) + b"}"
    yield "numbers of a thousand digits", _filled(b'{"login":"x","n":[1', b"," + b"7" * 1_000, b"]}")
    yield "numbers as large as may be", _filled(b'{"login":"x","n":[1', b",1e6144", b"]}")
    yield "numbers that are rounded", _filled(b'{"login":"x","n":[1', b",0.1000000000000000055511", b"]}")
    yield "keys and nothing else", ("{" + ",".join(f'"k{n}":0' for n in range(80_000)) + ',"login":"x"}').encode()
    yield "the same key again and again", _filled(b"{", b'"a":1,', b'"login":"x"}')
    yield "one key of a megabyte", b'{"login":"x","' + b"k" * (MEGABYTE - 40) + b'":1}'
    yield "one text of a megabyte", b'{"login":"x","t":"' + b"a" * (MEGABYTE - 40) + b'"}'
    yield "escapes", _filled(b'{"login":"x","t":"', b"\\u0000", b'"}')
    yield "empty objects", _filled(b'{"login":"x","t":[{}', b",{}", b"]}")
    yield "an identity of a megabyte", b'{"login":"' + b"a" * (MEGABYTE - 40) + b'"}'
    yield "an identity of marks out of order", json.dumps({"login": "a" + "\u0301\u0323\u0327" * 340}).encode()
    yield "an identity that grows when it is composed", json.dumps({"login": "\U0001d160" * 1_024}).encode()
    yield "a telephone number of a thousand signs", json.dumps({"phone": "+" + "1-(.)/ " * 140}).encode()
    yield "a telephone number of pluses", json.dumps({"phone": "+" * 1_024}).encode()
    yield "a telephone number with extensions", json.dumps({"phone": "07700900001" + " ext. 1" * 140}).encode()
    yield "bytes that are no text", b'{"login":"' + b"\xff" * (MEGABYTE - 40) + b'"}'


def _forms(size: int = MEGABYTE) -> Iterator[tuple[str, bytes]]:
    yield "separators and nothing else", b"&" * size
    yield "fields without end", _filled(b"login=x", b"&a=1", b"", size)
    yield "percent signs", b"login=" + b"%" * (size - 10)
    yield "encoded percent signs", _filled(b"login=", b"%25", b"", size)
    yield "encoded bytes that are no text", _filled(b"login=", b"%ff", b"", size)
    yield "pluses", b"login=" + b"+" * (size - 10)


def _patches() -> Iterator[tuple[str, bytes]]:
    def operations(*steps: dict[str, object]) -> bytes:
        return json.dumps(list(steps)).encode()

    add = {"op": "add", "path": "/list/0", "value": 1}
    yield (
        "a thousand insertions at the front of a long list",
        operations({"op": "add", "path": "/list", "value": [0] * 200_000}, *[add] * 999),
    )
    yield (
        "a thousand copies of the whole",
        operations(*[{"op": "copy", "from": "", "path": f"/c{n}"} for n in range(999)]),
    )
    large = {"op": "add", "path": "/large", "value": {f"k{n}": n for n in range(20_000)}}
    yield (
        "a thousand copies of a part",
        operations(large, *[{"op": "copy", "from": "/large", "path": f"/c{n}"} for n in range(999)]),
    )
    yield (
        "a thousand comparisons with a part",
        operations(large, *[{"op": "test", "path": "/large", "value": {f"k{n}": n for n in range(40)}}] * 900),
    )
    yield "pointers of a thousand steps", operations(*[{"op": "add", "path": "/a" * 500, "value": 1}] * 900)
    yield (
        "moves back and forth",
        operations(
            large,
            *[{"op": "move", "from": "/large", "path": "/other"}, {"op": "move", "from": "/other", "path": "/large"}]
            * 499,
        ),
    )
    yield "ever deeper", operations(*[{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 900)])
    yield "more operations than may be", _filled(b"[", b'{"op":"remove","path":"/a"},', b'{"op":"remove","path":"/a"}]')
    yield "a merge as deep as may be", b'{"a":' * 62 + b"1" + b"}" * 62


def _lines() -> Iterator[Hostile]:
    for name, part in {
        "slashes": "/" * _LINE,
        "percent signs": "%25" * (_LINE // 3),
        "line breaks": "%0A" * (_LINE // 3),
        "bytes that are no text": "%ff" * (_LINE // 3),
        "letters": "a" * _LINE,
        "letters and slashes": "a/" * (_LINE // 2),
        "dots": "../" * (_LINE // 3),
    }.items():
        for route in ("user/email", "userapp/login", "prelogin/email", "login/phone", "agreement/news/email", "nosuch"):
            yield Hostile(f"{name} in a path below {route}", "GET", f"/v1/{route}/{part}")
    yield Hostile("separators in a query", "GET", "/v1/audit/admin?" + "&" * _LINE)
    yield Hostile("parameters in a query", "GET", "/v1/audit/admin?" + "a=1&" * (_LINE // 4))
    yield Hostile("digits in a query", "GET", "/v1/audit/admin?limit=" + "9" * (_LINE - 10))
    body = b'{"login":"x"}'
    for name, value in {
        "parameters": "application/json" + "; a=b" * (_LINE // 5),
        "quotes": 'application/json; a="' + '\\"' * (_LINE // 2 - 20),
        "semicolons": "application/json" + ";" * (_LINE - 20),
        "continuations": "application/json" + "".join(f"; charset*{n}*=%41" for n in range(_LINE // 20)),
        "encodings": "application/json; charset*=" + "utf-8'" * (_LINE // 7),
        "equals signs": "application/json; " + "=" * (_LINE - 30),
    }.items():
        yield Hostile(f"{name} in Content-Type", "POST", "/v1/user", body, content_type=value)
    for header in ("HTTP_X_BUNKER_TOKEN", "HTTP_AUTHORIZATION", "HTTP_X_REQUEST_ID", "HTTP_ACCEPT", "HTTP_ORIGIN"):
        for name, value in {"letters": "a" * _LINE, "commas": "," * _LINE, "spaces": " " * (_LINE - 1) + "a"}.items():
            yield Hostile(f"{name} in {header}", "GET", "/v1/audit/admin", headers=((header, value),))
    forwarded = (("HTTP_X_FORWARDED_FOR", "1.2.3.4," * (_LINE // 8)),)
    yield Hostile("hops in X-Forwarded-For", "GET", "/v1/audit/admin", headers=forwarded)


def hostile_requests(token: str, session: str) -> Iterator[Hostile]:
    """`token` is that of a person who is here, `session` a UUID."""
    for name, body in _json_bodies():
        for method, path in (
            ("POST", "/v1/user"),
            ("PUT", f"/v1/user/token/{token}"),
            ("POST", f"/v1/userapp/token/{token}/shop"),
            ("POST", f"/v1/session/{session}"),
            ("POST", "/v1/users/bulk"),
        ):
            yield Hostile(f"{name}: {method} {path.split('/')[2]}", method, path, body)
    for name, body in _forms():
        yield Hostile(f"a form of {name}", "POST", "/v1/user", body, FORM)
        yield Hostile(f"a form of {name}, to log in", "POST", "/v1/prelogin", body, FORM)
    for name, body in _patches():
        yield Hostile(f"a change of {name}", "PUT", f"/v1/user/token/{token}", body)
        yield Hostile(f"a change of {name} in application data", "PUT", f"/v1/userapp/token/{token}/shop", body)
    period = json.dumps({"expiration": "1d " * 340_000}).encode()
    yield Hostile("an expiration of many parts", "POST", f"/v1/sharedrecord/token/{token}", period)
    people = json.dumps({"records": [{"login": f"{n}", "phone": "1" * 200} for n in range(4_000)]}).encode()
    yield Hostile("a bulk of people whom nobody can reach", "POST", "/v1/users/bulk", people)
    yield Hostile("a captcha of letters", "GET", "/v1/captcha/" + "A" * _LINE)
    yield Hostile("a captcha's answer of digits", "GET", f"/v1/prelogin/email/{quote('a@b.c')}/x/{'9' * _LINE}")
    yield from _lines()


def hostile_forms(signed_in: str) -> Iterator[Hostile]:
    """For pages, with all that makes them read what is sent; `signed_in` is the cookie of a session."""
    csrf = f"__Host-csrf={'a' * 32}"
    part, last = b"--x\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\n", b"\r\n--x--\r\n"
    multipart = "multipart/form-data; boundary=x"
    for path in ("/", "/code", "/receipt", "/my/data/edit", "/console/sign-in", "/preferences/theme"):
        for who, size, cookie in (
            ("a stranger's form", 256 * 1024, csrf),
            ("a stranger's large form", 8 * MEGABYTE, csrf),
            ("a form of somebody signed in", MEGABYTE, f"{csrf}; {signed_in}"),
        ):
            headers = (("HTTP_HOST", "localhost"), ("HTTP_ORIGIN", "https://localhost"), ("HTTP_COOKIE", cookie))
            for name, body in _forms(size):
                yield Hostile(f"{who} of {name}: {path}", "POST", path, body, FORM, headers)
            for name, body in ("one file", _filled(part, b"a", last, size)), ("files", _filled(b"", part, last, size)):
                yield Hostile(f"{who} of {name}: {path}", "POST", path, body, multipart, headers)
