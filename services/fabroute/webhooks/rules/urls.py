"""Which URLs an endpoint may have. Where its name leads is looked at again whenever something is sent."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.webhooks.rules.addresses import is_loopback, is_public, literal_address

LONGEST_URL = 500
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".localdomain", ".onion")
_LOWEST_FREE_PORT = 1024
_PLAIN = re.compile(r"[!-~]+")


class UnusableUrl(DomainError):
    """Nothing can be sent to this URL: it is not https, not on the internet, or malformed."""

    code = "unusable_url"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to send: scheme, host and port of a URL, and what is asked for there."""

    scheme: str
    host: str
    """In lower case, without brackets; an international name in its ASCII form."""
    port: int
    target: str
    """Path and query."""

    @property
    def host_header(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"


def place_of(url: str, *, loopback: bool) -> Place:
    """Return where a URL leads; ``UnusableUrl`` says what is wrong with it.

    https on the ports 443, 80 and 1024 upwards; plain http to this machine alone, and only if ``loopback`` is allowed.
    """
    _require(len(url) <= LONGEST_URL, f"takes at most {LONGEST_URL} characters")
    _require(_PLAIN.fullmatch(url) is not None, "takes visible ASCII characters only: write others as %xx or xn--…")
    _require("\\" not in url, "must not hold a backslash")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _unusable("is no URL: check its host and port") from error
    _require(parts.scheme in ("https", "http"), "must begin with https://")
    _require("@" not in parts.netloc, "must not hold a user or a password: sign-in is by the signature of each message")
    _require(not parts.fragment, "must not have a fragment (#…)")
    _require_host(host, loopback=loopback, scheme=parts.scheme)
    port = _port_of(parts.scheme) if port is None else port
    _require(port in (443, 80) or port >= _LOWEST_FREE_PORT, "may have the ports 443, 80, and 1024 upwards")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(scheme=parts.scheme, host=host, port=port, target=target)


def _require_host(host: str, *, loopback: bool, scheme: str) -> None:
    _require(bool(host), "needs a host, as in https://example.com/hooks")
    address = literal_address(host)
    if address is not None:
        _require("%" not in host and ip_address(address) == address and str(address) == _canonical(host), _ODD)
        _require(is_public(address) or (loopback and is_loopback(address)), "must not point into a private network")
    else:
        _require(_NAME.fullmatch(host) is not None and len(host) <= 253, "has a host that can't be a name")
        _require(not host.rstrip(".").rpartition(".")[2].isdigit(), _ODD)
        is_local = host.rstrip(".") == "localhost" or host.rstrip(".").endswith(_LOCAL_NAMES[1:])
        _require(not is_local or (loopback and host == "localhost"), "must not point into a private network")
        _require("." in host.rstrip(".") or (loopback and host == "localhost"), "needs a full name, as in example.com")
    on_this_machine = host == "localhost" or (address is not None and is_loopback(address))
    _require(scheme == "https" or (loopback and on_this_machine), "must begin with https://")


_ODD = "has an address in an odd form: write it plainly, or better a name"


def _canonical(host: str) -> str:
    try:
        return str(ip_address(unicodedata.normalize("NFKC", host)))
    except ValueError:
        return ""


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _unusable(otherwise)


def _unusable(message: str) -> UnusableUrl:
    return UnusableUrl(f"the URL {message}", problems=(FieldProblem(pointer="/url", message=message),))
