"""How a request is answered that is turned away: 503, at a fiftieth of the price of serving it."""

from __future__ import annotations

import re

from databunker.server.requests import END_OF_HEAD

__all__ = ["ALWAYS_SERVED", "REFUSAL", "is_simple", "refusal"]

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
# Load balancers ask whether the server lives, not whether it has time for them.
ALWAYS_SERVED = (b"GET /livez ", b"GET /readyz ", b"GET /status ")
_BODY = b'{"status":"error","message":"too busy, try again later"}'
_HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\nRetry-After: 1\r\nContent-Length: %d\r\n" % len(_BODY)
)
_CLOSE = b"Connection: close\r\n"
REFUSAL = _HEAD + b"\r\n" + _BODY
# Most requests are: whole, without a body or anything behind it, and not one that is answered without a body. What a
# refusal costs decides how many a busy server can bear, so these are told by one look.
is_simple = re.compile(
    rb"(?!HEAD )[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:(?!content-length|transfer-encoding|expect)[!-~][^\r\n]*\r\n)*\r\n",
    re.IGNORECASE,
).fullmatch


def refusal(request: bytes) -> tuple[bytes, int]:
    """The answer to a request that is turned away, REFUSAL to a simple one, and the length of that request.

    The length is 0 where the connection has to be closed, because the request has not arrived whole, or it isn't plain
    where it ends. Otherwise nobody has to connect anew.
    """
    end = request.find(END_OF_HEAD)
    head = request[: end + 2].lower()
    lengths = _LENGTH.findall(head)
    length = end + len(END_OF_HEAD) + sum(map(int, lengths))
    line, _, _ = head.partition(b"\r\n")
    plain = (
        end > 0
        and length <= len(request)
        and line.endswith(b" http/1.1")
        and head.count(b"content-length") == len(lengths) < 2  # noqa: PLR2004 - one or none
        and b"transfer-encoding" not in head
        and b"expect" not in head
    )
    body = b"" if line.startswith(b"head ") else _BODY
    if not plain:
        return _HEAD + _CLOSE + b"\r\n" + body, 0
    return _HEAD + b"\r\n" + body, length
