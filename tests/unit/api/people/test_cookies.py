from pathlib import Path

import pytest
from fastapi import Request, Response

from fabroute.api.people.cookies import Cookies, Kind
from fabroute.api.people.devices import device_cookie, known_device
from fabroute.integrations.sign_in.secret_key import KeyFileSealer

DAY = 86_400


def a_request(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


@pytest.mark.parametrize(("kind", "seconds"), [("session", 30 * DAY), ("device", 365 * DAY), ("oidc", 600)])
@pytest.mark.parametrize("is_secure", [True, False])
def test_a_cookie_is_for_this_host_and_no_script(kind: Kind, seconds: int, is_secure: bool) -> None:
    cookies, response = Cookies(is_secure=is_secure), Response()
    cookies.give(response, kind, "value")
    prefix, suffix = ("__Host-", "; Secure") if is_secure else ("", "")

    expected = f"{prefix}fabroute_{kind}=value; HttpOnly; Max-Age={seconds}; Path=/; SameSite=lax{suffix}"
    assert response.headers["Set-Cookie"] == expected
    assert cookies.read(a_request(f"{prefix}fabroute_{kind}=value"), kind) == "value"
    assert cookies.read(a_request(f"{prefix}fabroute_{kind}="), kind) is None
    assert cookies.read(a_request("other=value"), kind) is None


def test_a_cookie_that_is_taken_back_has_the_same_name_and_path() -> None:
    response = Response()
    Cookies(is_secure=True).take(response, "session")

    taken = response.headers["Set-Cookie"]
    assert taken.startswith('__Host-fabroute_session=""; ')
    assert {"Max-Age=0", "Path=/", "HttpOnly", "SameSite=lax", "Secure"} <= set(taken.split("; "))


def test_behind_https_a_cookie_that_another_host_could_have_set_is_none() -> None:
    assert Cookies(is_secure=True).read(a_request("fabroute_session=planted"), "session") is None
    assert Cookies(is_secure=False).read(a_request("__Host-fabroute_session=x"), "session") is None


def test_a_device_is_known_to_the_account_that_it_signed_in_as(tmp_path: Path) -> None:
    sealer = KeyFileSealer(tmp_path / "secret-key", create=True)
    cookie = device_cookie("ada@example.com", sealer=sealer)
    nonce, _, tag = cookie.partition(".")

    assert known_device(cookie, "ada@example.com", sealer=sealer) == nonce
    assert known_device(cookie, "eve@example.com", sealer=sealer) is None
    for wrong in (
        None,
        "",
        ".",
        nonce,
        f"{nonce}.",
        f"{nonce}.{tag[:-1]}",
        f"0{nonce}.{tag}",
        f"{nonce}.ä",
        "\udcff.x",
    ):
        assert known_device(wrong, "ada@example.com", sealer=sealer) is None
    other = KeyFileSealer(tmp_path / "another-key", create=True)
    assert known_device(cookie, "ada@example.com", sealer=other) is None
    assert (len(nonce), len(tag)) == (32, 64)
    assert device_cookie("ada@example.com", sealer=sealer) != cookie
