"""Nobody who chooses a URL, or what its name resolves to, reaches into the operator's network."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from databunker.notify import addresses
from databunker.notify.addresses import Target, parse_url, require_allowed, resolve
from databunker.notify.errors import AddressRefused

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::101:101"]
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "::1", "fc00::1", "fd12:3456::1", "fec0::1", "2001:db8::1", "100::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1:0:0:f5ff:fffe",
]  # fmt: skip
GUARDED = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%lo", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16",
    "100.100.100.200", "192.0.0.192", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
]  # fmt: skip
NEVER = ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1"]


def refused(address: str, host: str = "hooks.example.com") -> bool:
    try:
        require_allowed(address, host=host)
    except AddressRefused as error:
        assert address not in str(error)
        assert host not in str(error)
        return True
    return False


def test_public_addresses_are_allowed_and_no_others() -> None:
    assert [address for address in PUBLIC if refused(address)] == []
    assert [address for address in (*PRIVATE, *GUARDED, *NEVER) if not refused(address)] == []


@pytest.mark.parametrize("word", ["all", "true", " ALL "])
def test_all_allows_private_addresses_but_none_that_hand_out_credentials(settings: Any, word: str) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = [word]
    assert [address for address in (*PUBLIC, *PRIVATE) if refused(address)] == []
    assert [address for address in (*GUARDED, *NEVER) if not refused(address)] == []


def test_a_host_name_may_have_private_addresses_and_no_other_name(settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["Hooks.Internal"]
    assert not refused("10.0.0.1", "hooks.internal")
    assert refused("10.0.0.1", "hooks.internal.example.com")
    assert refused("10.0.0.1", "other.internal")
    assert refused("169.254.169.254", "hooks.internal")


def test_a_network_is_allowed_whatever_the_name(settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["10.1.0.0/16", "fd12::/16", "127.0.0.1"]
    for address in ("10.1.2.3", "fd12::9", "127.0.0.1", "::ffff:10.1.2.3"):
        assert not refused(address), address
    for address in ("10.2.0.1", "fd13::9", "127.0.0.2"):
        assert refused(address), address


def test_what_hands_out_credentials_must_be_named_itself(settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["169.254.169.254", "224.0.0.0/4"]
    assert not refused("169.254.169.254")
    assert refused("169.254.0.1")
    assert refused("224.0.0.1"), "nothing is received there"


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "http://x", "a b", "*"])
def test_an_entry_that_says_nothing_is_noticed(settings: Any, entry: str) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = [entry]
    with pytest.raises(ValueError, match="OUTGOING_ALLOW_PRIVATE"):
        addresses.permissions()


@pytest.mark.parametrize("entries", [[], [""], ["false"]])
def test_no_entry_allows_nothing(settings: Any, entries: list[str]) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = entries
    assert refused("127.0.0.1", "false")


# --- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", ("https", "example.com", 443, "/")),
        ("HTTPS://Example.COM:8443/a/b?c=d&e", ("https", "example.com", 8443, "/a/b?c=d&e")),
        ("http://10.0.0.1/", ("http", "10.0.0.1", 80, "/")),
        ("http://[::1]:8080?x", ("http", "::1", 8080, "/?x")),
        ("https://example.com/a#b", ("https", "example.com", 443, "/a")),
    ],
)
def test_the_parts_of_a_url(url: str, target: tuple[Any, ...]) -> None:
    assert parse_url(url) == Target(*target)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com/", "ftp://example.com", "file:///etc/passwd", "gopher://x/", "javascript:1",
        "https://", "https:///path", "https://user@example.com", "https://user:pw@example.com/", "https://@example.com/",
        "https://example.com:99999", "https://example.com:x", "https://[::1", "https://[fe80::1%25eth0]/",
        "https://exa mple.com", "https://example.com/\r\nHost: x", "https://example.com/\x00", "https://пример.рф/",
        "https://example.com\\@10.0.0.1/", "https:\\\\example.com", " https://example.com",
    ],
)  # fmt: skip
def test_what_is_no_plain_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(AddressRefused) as error:
        parse_url(url)
    assert len(url) < 9 or url not in str(error.value)


# --- names -----------------------------------------------------------------------------------------------------------


def answers(*found: str) -> list[Any]:
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0))
        if ":" in address
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in found
    ]


TARGET = Target("https", "hooks.example.com", 443, "/")


def test_one_address_that_is_not_allowed_spoils_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in (["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["1.1.1.1", "::1"], ["1.1.1.1", "fe80::1%eth0"]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: answers(*found))
        with pytest.raises(AddressRefused):
            resolve(TARGET, seconds=5)


def test_addresses_are_given_once_each_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers("1.1.1.1", "2606:4700::1111", "1.1.1.1"))
    assert [where[0] for _, where in resolve(TARGET, seconds=5)] == ["1.1.1.1", "2606:4700::1111"]


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_an_address_in_odd_digits_is_judged_as_what_it_means(host: str) -> None:
    with pytest.raises((AddressRefused, OSError)):
        resolve(TARGET._replace(host=host), seconds=5)


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2) or answers("1.1.1.1"))
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        resolve(TARGET, seconds=0.1)
    assert time.monotonic() - started < 1


def test_an_unknown_name_is_a_failure_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        resolve(TARGET, seconds=5)


def test_a_host_name_that_is_none_is_refused() -> None:
    with pytest.raises((AddressRefused, OSError)):
        resolve(TARGET._replace(host=f"{'a' * 64}.example.com"), seconds=5)
