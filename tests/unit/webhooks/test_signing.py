import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from fabroute.webhooks.rules.signing import SigningSecret, new_secret, secret_of, signed_headers

PUBLISHED_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLISHED_ID, PUBLISHED_TIME = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330
PUBLISHED_BODY, PUBLISHED_SIGNATURE = b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The vector that Standard Webhooks and its libraries publish."""

# RFC 8032, 7.1, test 3: the private key, its public key, and the signature of the two bytes af82.
RFC_PRIVATE = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
RFC_PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def test_the_published_vector_of_standard_webhooks_comes_out() -> None:
    headers = signed_headers(
        [secret_of(PUBLISHED_SECRET)], message_id=PUBLISHED_ID, timestamp=PUBLISHED_TIME, body=PUBLISHED_BODY
    )

    assert headers == {
        "webhook-id": PUBLISHED_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": PUBLISHED_SIGNATURE,
    }
    signed = Webhook(PUBLISHED_SECRET).sign(
        PUBLISHED_ID, datetime.fromtimestamp(PUBLISHED_TIME, UTC), PUBLISHED_BODY.decode()
    )
    assert signed == PUBLISHED_SIGNATURE


def test_the_library_takes_what_either_of_two_live_secrets_signed_and_nothing_else() -> None:
    secrets, body = [new_secret("v1"), new_secret("v1")], b'{"type":"order.placed","name":"Zo\xc3\xab"}'
    headers = signed_headers(secrets, message_id="evt_1", timestamp=now(), body=body)

    for secret in secrets:
        assert Webhook(secret.text).verify(body, headers) == {"type": "order.placed", "name": "Zoë"}
    assert headers["webhook-signature"].count("v1,") == 2
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(new_secret("v1").text).verify(body, headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secrets[0].text).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secrets[0].text).verify(body, headers | {"webhook-id": "evt_2"})


def test_an_old_message_is_refused_by_the_library() -> None:
    secret = new_secret("v1")
    headers = signed_headers([secret], message_id="evt_1", timestamp=now() - 600, body=b"{}")

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret.text).verify(b"{}", headers)
    assert int(headers["webhook-timestamp"]) <= now() - 600


def test_an_ed25519_signature_is_checked_with_the_public_half_alone() -> None:
    secret, body = new_secret("v1a"), b'{"type":"job.offered"}'
    headers = signed_headers([secret], message_id="evt_1", timestamp=1_781_512_200, body=body)

    kind, _, text = headers["webhook-signature"].partition(",")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(secret.public_key.removeprefix("whpk_")))
    public.verify(base64.b64decode(text), b"evt_1.1781512200." + body)

    assert kind == "v1a"
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(text), b"evt_1.1781512201." + body)
    assert RFC_PRIVATE not in secret.public_key.encode()


def test_the_public_half_is_that_of_rfc_8032() -> None:
    secret = SigningSecret(kind="v1a", key=RFC_PRIVATE)

    assert secret.public_key == "whpk_" + base64.b64encode(RFC_PUBLIC).decode()
    assert secret.text == "whsk_" + base64.b64encode(RFC_PRIVATE).decode()


def test_the_library_looks_past_a_signature_of_a_key_pair() -> None:
    pair, symmetric = new_secret("v1a"), new_secret("v1")
    headers = signed_headers([pair, symmetric], message_id="evt_1", timestamp=now(), body=b"{}")

    assert [it.partition(",")[0] for it in headers["webhook-signature"].split()] == ["v1a", "v1"]
    assert Webhook(symmetric.text).verify(b"{}", headers) == {}


def test_secrets_are_long_random_and_come_back_from_their_text() -> None:
    symmetric, pair = new_secret("v1"), new_secret("v1a")

    assert (len(symmetric.key), len(pair.key)) == (24, 32)  # the specification asks for 24 to 64 bytes
    assert symmetric.text.startswith("whsec_")
    assert secret_of(symmetric.text) == symmetric
    assert secret_of(pair.text) == pair
    assert symmetric.public_key == ""
    assert len({new_secret("v1").key for _ in range(100)}) == 100
