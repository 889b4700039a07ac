from fabroute.identity.ports import AuthorizationRequest
from fabroute.integrations.sign_in.openid import OpenIdProvider, Registration, challenge_of
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, DISCOVERY, an_openid_provider

REQUEST = AuthorizationRequest(state="s", nonce="n", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    assert challenge_of(REQUEST.verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of("") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def test_what_is_known_of_a_provider_is_read_again_after_an_hour() -> None:
    now = [1000.0]
    with an_openid_provider() as there:
        registration = Registration(
            issuer=there.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uri="http://a/callback"
        )
        provider = OpenIdProvider(registration, clock=lambda: now[0])
        counts = []
        for seconds in (0, 3599, 1, 3600):
            now[0] += seconds
            told = there.sign_in(provider.authorization_url(REQUEST))
            identity = provider.redeem(REQUEST, code=told["code"])
            counts.append((there.asked.count(DISCOVERY), there.asked.count("/keys")))
        provider.close()

    assert counts == [(1, 1), (1, 1), (2, 2), (3, 3)]
    assert (identity.issuer, identity.subject, identity.email) == (there.issuer, "subject-1", "ada@example.com")
