from datetime import UTC, datetime, timedelta

import pytest

from fabroute.webhooks.rules.signing import new_secret, signed_headers
from fabroute.webhooks.rules.verifying import BadSignature, UnusableSecret, verify

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
BODY = b'{"id":"evt_1"}'


def test_a_message_is_good_under_either_key_for_five_minutes() -> None:
    secret, pair = new_secret("v1"), new_secret("v1a")
    headers = signed_headers([secret, pair], message_id="evt_1", timestamp=int(NOW.timestamp()), body=BODY)

    for key in (secret.text, pair.public_key):
        for seconds in (-300, 0, 300):
            assert verify(key, headers, BODY, now=NOW + timedelta(seconds=seconds)) == "evt_1"
        for seconds in (-301, 301):
            with pytest.raises(BadSignature, match="five minutes"):
                verify(key, headers, BODY, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("kind", ["v1", "v1a"])
def test_another_body_id_time_or_key_is_refused(kind: str) -> None:
    secret = new_secret("v1a") if kind == "v1a" else new_secret("v1")
    other = new_secret("v1a") if kind == "v1a" else new_secret("v1")
    key, other_key = secret.public_key or secret.text, other.public_key or other.text
    headers = signed_headers([secret], message_id="evt_1", timestamp=int(NOW.timestamp()), body=BODY)

    for changed, body in (
        (headers, BODY + b" "),
        (headers | {"webhook-id": "evt_2"}, BODY),
        (headers | {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, BODY),
        (headers | {"webhook-signature": f"{kind},AAAA"}, BODY),
        (headers | {"webhook-signature": f"{kind},not base 64"}, BODY),
    ):
        with pytest.raises(BadSignature, match="no signature fits"):
            verify(key, changed, body, now=NOW)
    with pytest.raises(BadSignature):
        verify(other_key, headers, BODY, now=NOW)
    assert verify(key, headers, BODY, now=NOW) == "evt_1"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_one_of_its_headers_is_refused(missing: str) -> None:
    secret = new_secret("v1")
    headers = signed_headers([secret], message_id="evt_1", timestamp=int(NOW.timestamp()), body=BODY)
    with pytest.raises(BadSignature, match="lacks") as refusal:
        verify(secret.text, headers | {missing: ""}, BODY, now=NOW)
    assert refusal.value.status == 400


@pytest.mark.parametrize("key", ["nonsense", "whsec_x", "whpk_AAAA", "whsk_AAAA"])
def test_a_key_that_is_none_is_named(key: str) -> None:
    pair, secret = new_secret("v1a"), new_secret("v1")
    headers = signed_headers([pair, secret], message_id="evt_1", timestamp=int(NOW.timestamp()), body=BODY)
    with pytest.raises(UnusableSecret) as refusal:
        verify(key, headers, BODY, now=NOW)
    assert refusal.value.code == "unusable_webhook_secret"
