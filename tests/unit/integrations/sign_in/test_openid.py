import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from fabroute.identity.ports import AuthorizationRequest, ProviderDown
from fabroute.integrations.sign_in.openid import OpenIdProvider, Registration, challenge_of
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, DISCOVERY, an_openid_provider
from tests.fakes.web_server import Answer, Asked, served_by

REQUEST = AuthorizationRequest(state="s", nonce="n", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    assert challenge_of(REQUEST.verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of("") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def a_provider(issuer: str, *, clock: Callable[[], float] = time.monotonic) -> OpenIdProvider:
    registration = Registration(
        issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uri="http://a/callback"
    )
    return OpenIdProvider(registration, clock=clock)


def test_a_provider_that_did_not_answer_is_asked_again_five_seconds_later() -> None:
    now = [1000.0]
    with an_openid_provider() as there:
        there.answers = {DISCOVERY: Answer(status=503)}
        provider = a_provider(there.issuer, clock=lambda: now[0])
        words = []
        for seconds in (0.0, 4.9, 0.1):
            now[0] += seconds
            with pytest.raises(ProviderDown) as refusal:
                provider.authorization_url(REQUEST)
            words.append(refusal.value.message)
        there.answers = {}
        now[0] += 5
        url = provider.authorization_url(REQUEST)
        provider.close()

    assert ["503" in it for it in words] == [True, False, True]
    assert "try again in a few seconds" in words[1]
    assert there.asked == [DISCOVERY] * 3
    assert url.startswith(f"{there.issuer}/authorize?")


def test_a_slow_provider_is_asked_by_eight_at_once_and_the_ninth_is_sent_away() -> None:
    begun, go_on = Semaphore(0), Event()

    def slow(asked: Asked) -> Answer:
        begun.release()
        go_on.wait(10)
        return Answer(status=503)

    with served_by(slow) as url, ThreadPoolExecutor(8) as pool:
        provider = a_provider(url)
        waiting = [pool.submit(provider.authorization_url, REQUEST) for _ in range(8)]
        for _ in range(8):
            assert begun.acquire(timeout=10)
        with pytest.raises(ProviderDown, match="many people") as refusal:
            provider.authorization_url(REQUEST)
        go_on.set()
        answers = {type(future.exception()) for future in waiting}
        provider.close()

    assert (refusal.value.status, refusal.value.code) == (503, "openid_provider_down")
    assert answers == {ProviderDown}


def test_what_is_known_of_a_provider_is_read_again_after_an_hour() -> None:
    now = [1000.0]
    with an_openid_provider() as there:
        provider = a_provider(there.issuer, clock=lambda: now[0])
        counts = []
        for seconds in (0, 3599, 1, 3600):
            now[0] += seconds
            told = there.sign_in(provider.authorization_url(REQUEST))
            identity = provider.redeem(REQUEST, code=told["code"])
            counts.append((there.asked.count(DISCOVERY), there.asked.count("/keys")))
        provider.close()

    assert counts == [(1, 1), (1, 1), (2, 2), (3, 3)]
    assert (identity.issuer, identity.subject, identity.email) == (there.issuer, "subject-1", "ada@example.com")
