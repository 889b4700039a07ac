"""The address of a client, behind as many proxies as this installation trusts."""

import ipaddress
from collections.abc import Sequence

from starlette.types import Scope

_HEADER = b"x-forwarded-for"
_SITE_BITS = 64
"""What one subscriber of IPv6 gets at least: all of it counts as one address."""
UNKNOWN = "unknown"
"""What calls over a Unix socket, or says nothing that is an address."""


def client_address(scope: Scope, *, trusted_proxies: int) -> str:
    """Return the client's IPv4 address, or the /64 network of its IPv6 address.

    ``X-Forwarded-For`` counts from the right, as many entries as there are trusted proxies: whatever a client writes
    stands further left. With no trusted proxy, or fewer entries than proxies, it is the address that connected.
    """
    entries = _forwarded(scope) if trusted_proxies else ()
    if len(entries) >= trusted_proxies > 0:
        return _normalised(entries[-trusted_proxies])
    peer = scope.get("client")
    return _normalised(str(peer[0])) if peer else UNKNOWN


def _forwarded(scope: Scope) -> Sequence[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    return [entry.strip() for entry in ",".join(values).split(",") if entry.strip()]


def _normalised(entry: str) -> str:
    found = _address(_without_port(entry))
    if found is None:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _SITE_BITS), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _without_port(entry: str) -> str:
    """Some proxies write ``[2001:db8::1]:4711`` and ``192.0.2.1:4711``."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
