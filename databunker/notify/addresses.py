"""Where a call of ours may go. Whoever sets a receiver's URL, or its DNS, must not reach into the operator's network.

A host name is looked up once, every address that it has is judged, and the caller connects to one of the addresses
that were judged, so that a second look-up, which might answer otherwise, never happens (DNS rebinding).

Public addresses are allowed. Others are where OUTGOING_ALLOW_PRIVATE says so: `all`, or host names, addresses and
networks. Link-local addresses and those where clouds hand out credentials must be named by address or network;
multicast, broadcast and unspecified ones are never a receiver.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from .errors import AddressRefused

__all__ = ["Address", "Target", "parse_url", "permissions", "require_allowed", "resolve"]

T = TypeVar("T")
Network = IPv4Network | IPv6Network
Address = tuple[socket.AddressFamily, Any]

_NEVER = [ip_network(text) for text in ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")]
_ONLY_IF_NAMED = [
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "fe80::/10",
        "fd00:ec2::/32",  # AWS
        "fd20:ce::/32",  # Google Cloud
        "168.63.129.16/32",  # Azure, within its public range
        "100.100.100.200/32",  # Alibaba Cloud
        "192.0.0.192/32",  # Oracle Cloud
    )
]
# All that is handed out on the public Internet, and how it reaches IPv4 by way of a translator.
_PUBLIC_IPV6 = (IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96"))
_NAT64 = IPv6Network("64:ff9b::/96")


class Target(NamedTuple):
    """The parts of a receiver's URL; `path` has the query string."""

    scheme: str
    host: str
    port: int
    path: str


def parse_url(url: str) -> Target:
    """
    Raises:
        AddressRefused: no plain http or https URL; the message never quotes it.
    """
    if not all("!" <= char <= "~" and char != "\\" for char in url):
        raise AddressRefused("a URL has only printable ASCII characters; write a host name in other letters as xn--…")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("that is no URL") from None
    if parts.scheme not in _PORTS or not host or "%" in host:
        raise AddressRefused("a URL begins with https:// or http:// and a host name")
    if "@" in parts.netloc:
        raise AddressRefused("a URL must not hold a user name or password")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, path)


_PORTS = {"http": 80, "https": 443}


# --- what is allowed -------------------------------------------------------------------------------------------------


class Permissions(NamedTuple):
    """OUTGOING_ALLOW_PRIVATE, read."""

    everything: bool
    networks: list[Network]
    hosts: set[str]


def permissions() -> Permissions:
    """
    Raises:
        ValueError: an entry is neither `all` nor an address, a network or a host name.
    """
    everything = False
    networks: list[Network] = []
    hosts: set[str] = set()
    for entry in settings.OUTGOING_ALLOW_PRIVATE:
        text = entry.strip().lower()
        if text in ("", "false"):
            continue
        if text in ("all", "true"):
            everything = True
        elif (network := _network(text)) is not None:
            networks.append(network)
        elif set(text) <= _HOST_CHARACTERS:
            hosts.add(text)
        else:
            raise ValueError("OUTGOING_ALLOW_PRIVATE has an entry that is no address, network or host name")
    return Permissions(everything, networks, hosts)


_HOST_CHARACTERS = set("abcdefghijklmnopqrstuvwxyz0123456789.-_")


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def require_allowed(address: str, *, host: str) -> None:
    """`address` in digits is one of those of `host`.

    Raises:
        AddressRefused: nothing of ours may connect to it.
    """
    allow = permissions()
    for one in _meant(ip_address(address.partition("%")[0])):
        if not _allowed(one, host, allow):
            raise AddressRefused("the receiver has an address that OUTGOING_ALLOW_PRIVATE doesn't allow")


def _meant(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and the IPv4 address within it where packets would go on to that one."""
    if isinstance(ip, IPv4Address):
        yield ip
        return
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
        return
    yield ip
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
    if ip in _NAT64:
        yield IPv4Address(int(ip) & 0xFFFFFFFF)


def _allowed(ip: IPv4Address | IPv6Address, host: str, allow: Permissions) -> bool:
    if _within(ip, _NEVER):
        return False
    if _within(ip, allow.networks):
        return True
    if _within(ip, _ONLY_IF_NAMED):
        return False
    return _public(ip) or allow.everything or host in allow.hosts


def _within(ip: IPv4Address | IPv6Address, networks: list[Network]) -> bool:
    return any(ip in network for network in networks)


def _public(ip: IPv4Address | IPv6Address) -> bool:
    return ip.is_global and (isinstance(ip, IPv4Address) or any(ip in network for network in _PUBLIC_IPV6))


# --- looking up ------------------------------------------------------------------------------------------------------


def resolve(target: Target, *, seconds: float) -> list[Address]:
    """Where to connect to, in the resolver's order; looked up once, and all of it allowed.

    Raises:
        AddressRefused: any one of the addresses isn't allowed.
        OSError: the name isn't known, or nobody answered in time.
    """
    found = _in_time(seconds, lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
    addresses: list[Address] = []
    for family, _, _, _, where in found:
        require_allowed(str(where[0]), host=target.host)
        if (family, where) not in addresses:
            addresses.append((family, where))
    return addresses


def _in_time(seconds: float, act: Callable[[], T]) -> T:
    """The resolver takes no timeout, so it is waited for no longer than this; its thread ends when it likes.

    Raises:
        OSError: what `act` raised, or a TimeoutError.
    """
    outcomes: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((act(), None))
        except (OSError, UnicodeError) as error:
            outcomes.put((None, error))

    threading.Thread(target=run, name="resolver", daemon=True).start()
    try:
        result, error = outcomes.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the resolver didn't answer in time") from None
    if error is not None:
        raise error if isinstance(error, OSError) else AddressRefused("that is no host name")
    return result  # type: ignore[return-value]
