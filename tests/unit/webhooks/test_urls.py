from ipaddress import ip_address

import pytest

from fabroute.webhooks.rules.addresses import is_loopback, is_public, literal_address
from fabroute.webhooks.rules.urls import Place, UnusableUrl, place_of
from tests.hostile.webhook_urls import HOSTILE

BY_NAME_ALONE = {
    "https://internal.example.com/",
    "https://mapped.example.com/",
    "https://nat64.example.com/",
    "https://both.example.com/",
    "https://127.0.0.1.nip.io/",
}
"""Only the resolver knows that these are hostile: they are refused when something is sent."""


def test_hostile_urls_are_refused_when_they_are_handed_in() -> None:
    taken = []
    for url in HOSTILE:
        try:
            place_of(url, loopback=False)
        except UnusableUrl:
            continue
        taken.append(url)

    assert set(taken) == BY_NAME_ALONE
    assert len(HOSTILE) >= 60


def test_a_refusal_says_what_is_wrong_and_never_where_a_name_leads() -> None:
    with pytest.raises(UnusableUrl) as refusal:
        place_of("https://10.0.0.1/", loopback=False)

    assert refusal.value.message == "the URL must not point into a private network"
    assert (refusal.value.status, refusal.value.problems[0].pointer) == (422, "/url")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.com", Place(scheme="https", host="example.com", port=443, target="/")),
        ("https://Example.COM/a?b=c", Place(scheme="https", host="example.com", port=443, target="/a?b=c")),
        ("https://example.com:8443/%20", Place(scheme="https", host="example.com", port=8443, target="/%20")),
        ("https://example.com./x", Place(scheme="https", host="example.com.", port=443, target="/x")),
        ("https://93.184.216.34/", Place(scheme="https", host="93.184.216.34", port=443, target="/")),
        ("https://[2606:4700::1111]/", Place(scheme="https", host="2606:4700::1111", port=443, target="/")),
        ("https://xn--mnchen-3ya.de/", Place(scheme="https", host="xn--mnchen-3ya.de", port=443, target="/")),
        ("https://example.com:80/", Place(scheme="https", host="example.com", port=80, target="/")),
    ],
)
def test_urls_of_the_public_internet_are_taken(url: str, place: Place) -> None:
    assert place_of(url, loopback=False) == place


def test_the_host_header_names_a_port_that_is_not_usual_and_brackets_ipv6() -> None:
    assert place_of("https://example.com/", loopback=False).host_header == "example.com"
    assert place_of("https://example.com:8443/", loopback=False).host_header == "example.com:8443"
    assert place_of("https://[2606:4700::1111]/", loopback=False).host_header == "[2606:4700::1111]"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://[::1]:9000/"])
def test_this_machine_is_taken_only_where_the_settings_allow_it(url: str) -> None:
    assert place_of(url, loopback=True).port == 9000
    with pytest.raises(UnusableUrl):
        place_of(url, loopback=False)


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1:9000/", "https://169.254.169.254/", "http://example.com/", "https://[::ffff:127.0.0.1]/"],
)
def test_allowing_this_machine_allows_nothing_else(url: str) -> None:
    with pytest.raises(UnusableUrl) as refusal:
        place_of(url, loopback=True)
    assert refusal.value.code == "unusable_url"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))
    assert not is_loopback(ip_address(address))


def test_what_ipaddress_calls_global_is_not_enough() -> None:
    for name in ("64:ff9b::7f00:1", "2002:7f00:1::", "168.63.129.16"):
        assert not is_public(ip_address(name))
    assert ip_address("64:ff9b::7f00:1").is_global
    assert not is_loopback(ip_address("::ffff:127.0.0.1"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1"])
def test_an_address_is_seen_in_every_form_that_a_resolver_takes(host: str) -> None:
    assert str(literal_address(host)) == "127.0.0.1"
    assert literal_address(f"{host}.example.com") is None
