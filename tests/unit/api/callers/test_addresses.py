import pytest
from starlette.types import Scope

from fabroute.api.callers.addresses import UNKNOWN, client_address


def a_scope(*forwarded: str, peer: str | None = "203.0.113.9") -> Scope:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "headers": headers, "client": None if peer is None else (peer, 4711)}


def test_without_trusted_proxies_what_a_client_writes_of_itself_is_not_read() -> None:
    assert client_address(a_scope("198.51.100.7"), trusted_proxies=0) == "203.0.113.9"
    assert client_address(a_scope(), trusted_proxies=0) == "203.0.113.9"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, ("198.51.100.7",), "198.51.100.7"),
        (1, ("6.6.6.6, 198.51.100.7",), "198.51.100.7"),
        (1, ("6.6.6.6", "198.51.100.7"), "198.51.100.7"),
        (2, ("6.6.6.6, 198.51.100.7, 192.0.2.1",), "198.51.100.7"),
        (2, ("198.51.100.7",), "203.0.113.9"),
        (1, (), "203.0.113.9"),
        (1, (" , ",), "203.0.113.9"),
    ],
)
def test_the_entry_of_the_outermost_trusted_proxy_counts_from_the_right(
    proxies: int, forwarded: tuple[str, ...], address: str
) -> None:
    assert client_address(a_scope(*forwarded), trusted_proxies=proxies) == address


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unix:", UNKNOWN),
        ("_hidden", UNKNOWN),
        ("999.1.1.1", UNKNOWN),
    ],
)
def test_an_address_is_read_in_every_form_and_a_site_of_ipv6_is_one_address(entry: str, address: str) -> None:
    assert client_address(a_scope(entry), trusted_proxies=1) == address


def test_a_unix_socket_has_no_address() -> None:
    assert client_address(a_scope(peer=None), trusted_proxies=0) == UNKNOWN
    assert client_address(a_scope("198.51.100.7", peer=None), trusted_proxies=1) == "198.51.100.7"
